// Checks the ops share. Every failure is a std::invalid_argument that starts with the op's name,
// except a CUDA tensor in a build without CUDA, which is guise::Unavailable.
#pragma once

#include <ATen/core/Tensor.h>

#include <initializer_list>
#include <string>

namespace guise::ops {

// A tensor argument and what its op calls it in messages.
struct NamedTensor {
  const char* name;
  const at::Tensor& tensor;
};

// "Float [3, 4] on cpu", for messages.
std::string describe(const at::Tensor& tensor);

// Dense, of the given dtype, and of the given sizes; -1 stands for any size. `layout` is the shape
// as the message shows it, such as "[H, W, 3]".
void check_tensor(const char* op, NamedTensor argument, at::ScalarType dtype,
                  std::initializer_list<int64_t> sizes, const char* layout);

// All on one device, and that device is one this build computes on.
void check_devices(const char* op, std::initializer_list<NamedTensor> arguments);

}  // namespace guise::ops
