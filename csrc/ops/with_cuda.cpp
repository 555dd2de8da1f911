// The counterpart of no_cuda.cpp in a build against a CUDA torch. It needs c10/core only, no CUDA
// header: c10 hands the current stream out as an opaque handle.
#include <c10/core/impl/VirtualGuardImpl.h>

#include "ops/cuda_support.h"

namespace guise::ops {

bool built_with_cuda() {
  return true;
}

void* current_cuda_stream(c10::Device device) {
  return c10::impl::VirtualGuardImpl(device.type()).getStream(device).native_handle();
}

}  // namespace guise::ops
