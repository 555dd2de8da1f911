// Lets one function be compiled for the processor and, by nvcc, for the GPU as well.
//
// Only the *_element.h headers and the helpers they call include this file. Everything marked with
// it takes raw pointers and plain structs, allocates nothing and throws nothing.
#pragma once

#if defined(__CUDACC__)
#define GUISE_HOST_DEVICE __host__ __device__
#else
#define GUISE_HOST_DEVICE
#endif
