#include "ops/argument_checks.h"

#include <ATen/ATen.h>

#include "core/check.h"
#include "ops/cuda_support.h"

namespace guise::ops {

std::string describe(const at::Tensor& tensor) {
  if (!tensor.defined()) return "an undefined tensor";
  return core::message(tensor.scalar_type(), " ", tensor.sizes(), " on ", tensor.device());
}

void check_tensor(const char* op, NamedTensor argument, at::ScalarType dtype,
                  std::initializer_list<int64_t> sizes, const char* layout) {
  const at::Tensor& tensor = argument.tensor;
  bool fits = tensor.defined() && tensor.layout() == at::kStrided &&
              tensor.scalar_type() == dtype && tensor.dim() == static_cast<int64_t>(sizes.size());
  int64_t axis = 0;
  for (const int64_t size : sizes) {
    fits = fits && (size < 0 || tensor.size(axis) == size);
    ++axis;
  }
  GUISE_CHECK_ARG(fits, op, ": ", argument.name, " must be a dense ", dtype, " tensor ", layout,
                  "; got ", describe(tensor), "; convert its dtype and permute its axes first");
}

void check_devices(const char* op, std::initializer_list<NamedTensor> arguments) {
  const NamedTensor& first = *arguments.begin();
  const c10::Device device = first.tensor.device();
  for (const NamedTensor& argument : arguments) {
    GUISE_CHECK_ARG(argument.tensor.device() == device, op, ": ", argument.name,
                    " must be on the device of ", first.name, ", ", device, "; got ",
                    argument.tensor.device(), "; move it with .to(", device, ")");
  }
  GUISE_CHECK_ARG(device.is_cpu() || device.is_cuda(), op, ": ", first.name,
                  " must be on the CPU or a CUDA device; got ", device, "; move it with .cpu()");
  if (device.is_cuda() && !built_with_cuda()) {
    throw Unavailable(core::message(
        op, ": ", first.name, " is on ", device, ", which needs a guise built with CUDA; this ",
        "build has no CUDA kernels; move it to the CPU or install guise built against a CUDA "
        "torch"));
  }
}

}  // namespace guise::ops
