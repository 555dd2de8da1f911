// What the *_cuda.cu files share: one thread per output element, and a launch that is checked.
#pragma once

#include <cuda_runtime.h>

#include <cstdint>

#include "core/check.h"

namespace guise::ops {

constexpr int kThreadsPerBlock = 256;

__device__ inline int64_t element_index() {
  return static_cast<int64_t>(blockIdx.x) * kThreadsPerBlock + threadIdx.x;
}

inline dim3 blocks_for(int64_t element_count) {
  return dim3(static_cast<unsigned>((element_count + kThreadsPerBlock - 1) / kThreadsPerBlock));
}

// Reports a launch that did not happen, and any earlier error CUDA still holds for this thread.
inline void check_launch(const char* kernel) {
  const cudaError_t status = cudaGetLastError();
  if (status != cudaSuccess) {
    throw Unavailable(core::message("the CUDA kernel ", kernel,
                                    " must launch; CUDA said: ", cudaGetErrorString(status),
                                    "; check the driver and that this build covers the GPU"));
  }
}

}  // namespace guise::ops
