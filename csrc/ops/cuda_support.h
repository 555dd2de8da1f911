// What differs between a build with CUDA and one without.
//
// no_cuda.cpp defines these functions and all launch_*_cuda functions for a build without CUDA;
// with_cuda.cpp and the *_cuda.cu files define them for a build with CUDA. Exactly one set is
// linked.
#pragma once

#include <ATen/core/Tensor.h>

namespace guise::ops {

// True when the CUDA kernels are linked into this build. It says nothing about a GPU being there.
bool built_with_cuda();

// The cudaStream_t on which ATen currently works on `device`, as an opaque handle.
// Throws guise::Unavailable in a build without CUDA.
void* current_cuda_stream(c10::Device device);

}  // namespace guise::ops
