#include "core/device.h"

#include <ATen/Context.h>
#include <ATen/Parallel.h>
#include <ATen/detail/CUDAHooksInterface.h>
#include <c10/util/Exception.h>

#include "core/check.h"

namespace guise::core {

namespace {

int cuda_device_count() {
  return at::hasCUDA() ? at::detail::getCUDAHooks().deviceCount() : 0;
}

}  // namespace

bool cuda_is_available() {
  return cuda_device_count() > 0;
}

c10::Device resolve_device(const std::string& name) {
  if (name == "auto") {
    return cuda_is_available() ? c10::Device(c10::kCUDA) : c10::Device(c10::kCPU);
  }
  if (name == "cpu") {
    return c10::Device(c10::kCPU);
  }
  const bool is_cuda =
      name == "cuda" || (name.rfind("cuda:", 0) == 0 && name.size() > 5 &&
                         name.find_first_not_of("0123456789", 5) == name.npos && name.size() <= 8);
  GUISE_CHECK_ARG(is_cuda, "a device must be 'cpu', 'cuda', 'cuda:N' or 'auto'; got '", name, "'");
  if (!cuda_is_available()) {
    throw Unavailable(message("the device '", name,
                              "' was asked for, but this torch sees no CUDA device; use 'cpu', or "
                              "install a CUDA build of torch and rebuild guise"));
  }
  const int index = name == "cuda" ? 0 : std::stoi(name.substr(5));
  GUISE_CHECK_ARG(index < cuda_device_count(), "the device '", name, "' must exist; ",
                  cuda_device_count(), " CUDA device(s) are seen");
  return c10::Device(c10::kCUDA, static_cast<c10::DeviceIndex>(index));
}

SingleThreadScope::SingleThreadScope() : threads_before_(at::get_num_threads()) {
  at::set_num_threads(1);
}

SingleThreadScope::~SingleThreadScope() {
  at::set_num_threads(threads_before_);
}

}  // namespace guise::core
