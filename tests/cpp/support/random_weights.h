// Weights and statistics that a trained net could have: no layer is the identity, and values
// neither vanish nor explode on their way.
#pragma once

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>

#include <cmath>
#include <string>

#include "nets/weights.h"
#include "support/naive_ops.h"

namespace guise::testing {

// Convolutions and linear layers keep the size of what they are given; 1-D tensors are those of
// norms and of PReLU, whose slopes are weights too.
inline void randomize_weights(torch::nn::Module& net, uint32_t seed) {
  const c10::NoGradGuard no_grad;
  for (auto& [key, tensor] : nets::state_dict(net)) {
    if (tensor.scalar_type() != at::kFloat) continue;
    ++seed;
    if (tensor.dim() > 1) {
      const auto bound =
          static_cast<float>(std::sqrt(3.0 / static_cast<double>(tensor[0].numel())));
      tensor.copy_(random_floats(tensor.sizes(), -bound, bound, seed));
    } else if (key.ends_with("weight") || key.ends_with("running_var")) {
      tensor.copy_(random_floats(tensor.sizes(), 0.5F, 1.2F, seed));
    } else {
      tensor.copy_(random_floats(tensor.sizes(), -0.3F, 0.3F, seed));
    }
  }
}

}  // namespace guise::testing
