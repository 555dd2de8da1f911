// Named tensors to modules, strictly: every parameter and buffer must be there with its shape, and
// nothing may be left over. Child names of our modules are the keys of the published checkpoints.
#pragma once

#include <ATen/core/Tensor.h>
#include <torch/nn/module.h>

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace guise::nets {

// Copies `tensors` into the parameters and buffers of `module`. Throws guise::CorruptFile that
// lists missing, unexpected and misshapen keys (the first ten of each) and names `source`.
void load_state_dict(torch::nn::Module& module,
                     const std::vector<std::pair<std::string, at::Tensor>>& tensors,
                     const std::string& source);

// The tensors of a .safetensors file. Throws guise::Unavailable (no such file), guise::CorruptFile
// (larger than most_bytes, damaged, or another sha256 than the one given; empty: any).
std::vector<std::pair<std::string, at::Tensor>> read_verified_tensors(const std::string& path,
                                                                      const std::string& sha256,
                                                                      const std::string& model,
                                                                      int64_t most_bytes);

// Parameters and buffers by key, in the order of registration.
std::vector<std::pair<std::string, at::Tensor>> state_dict(const torch::nn::Module& module);

}  // namespace guise::nets
