#include <torch/version.h>
#include <opencv2/core/version.hpp>

#include "bindings/common.h"
#include "core/allocator.h"
#include "core/check.h"
#include "core/device.h"
#include "core/random.h"
#include "ops/cuda_support.h"

namespace guise::bindings {

namespace {

std::map<std::string, std::string> build_info() {
  return {{"guise", GUISE_VERSION},
          {"torch", GUISE_TORCH_VERSION},
          {"opencv", CV_VERSION},
          {"compiler", core::message("gcc ", __VERSION__)},
          {"cxx_standard", std::to_string(__cplusplus)},
          {"cuda", ops::built_with_cuda() ? "built" : "not built"},
          {"build_type", GUISE_BUILD_TYPE}};
}

}  // namespace

void bind_core(py::module_& m) {
  m.def("build_info", &build_info, "What this module was compiled with.");
  m.def("built_with_cuda", &ops::built_with_cuda, "Whether the CUDA kernels are in this build.");
  m.def("keep_freed_memory", &core::keep_freed_memory,
        "Keeps freed memory with this process instead of giving it back to the system: about a "
        "tenth faster on large pictures. Folder jobs call it themselves.");
  m.def("cuda_is_available", &core::cuda_is_available,
        "Whether this process can use a CUDA device.");
  m.def(
      "resolve_device", [](const std::string& name) { return core::resolve_device(name).str(); },
      py::arg("name"),
      "'cpu', 'cuda', 'cuda:N' or 'auto' to a device that is there. Raises Unavailable; there is "
      "no "
      "fallback.");
  m.def("normal_noise", &core::normal_noise, py::arg("count"), py::kw_only(), py::arg("seed"),
        py::arg("sample") = 0, py::arg("stream") = 0,
        "[count] float32 standard normals of Philox4x32-10, the same on every machine and in any "
        "batch.");
  m.def("uniform_noise", &core::uniform_noise, py::arg("count"), py::kw_only(), py::arg("seed"),
        py::arg("sample") = 0, py::arg("stream") = 0,
        "[count] float32 uniforms in [0, 1) of Philox4x32-10.");
}

}  // namespace guise::bindings
