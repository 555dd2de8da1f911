// Vec2Face+'s pose branch (Wu et al. 2025, `PoseCondModel`): a drawing of five landmarks as a token
// that takes the place of Vec2Face's mask token. Child names are the keys of the published file;
// 10 tensors, 10,022,976 parameters at width 768.
#pragma once

#include <ATen/core/Tensor.h>
#include <torch/nn/module.h>
#include <torch/nn/modules/conv.h>
#include <torch/nn/modules/linear.h>
#include <torch/nn/pimpl.h>

#include <array>
#include <cstdint>

#include "core/geometry.h"

namespace guise::nets {

class PoseConditionImpl : public torch::nn::Module {
 public:
  // width: of the tokens of the Vec2Face that it conditions. Throws ValueError unless it is
  // positive.
  explicit PoseConditionImpl(int64_t width = 768);

  // drawings: float [N, 3, 112, 112] RGB in -1..1, as `draw_landmarks` gives them -> [N, 1, width].
  // Throws ValueError for another shape.
  at::Tensor forward(const at::Tensor& drawings);

 private:
  std::array<torch::nn::Conv2d, 4> convolutions_ = {nullptr, nullptr, nullptr, nullptr};
  torch::nn::Linear linear_{nullptr};
};
TORCH_MODULE(PoseCondition);

// The drawing: float32 [3, 112, 112] RGB in -1..1, black, with a filled dot of radius 3 px at each
// landmark: eyes red, nose green, corners of the mouth blue; later dots over earlier ones.
at::Tensor draw_landmarks(const core::Landmarks5& landmarks);

}  // namespace guise::nets
