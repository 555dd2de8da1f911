// The discriminator that Vec2Face is trained against, the one of Parti's ViT-VQGAN: a judgement for
// each patch of the picture, not one for the whole. Child names are the keys of the checkpoints
// that the authors' training leaves (`model_disc`); 34 tensors, 6,139,393 parameters.
#pragma once

#include <ATen/core/Tensor.h>
#include <torch/nn/module.h>
#include <torch/nn/modules/conv.h>
#include <torch/nn/modules/normalization.h>
#include <torch/nn/pimpl.h>

#include <array>
#include <cstdint>
#include <vector>

namespace guise::nets {

struct Vec2FaceDiscriminatorConfig {
  // At the picture's size, and at a half, a quarter and an eighth of it; multiples of 8.
  std::array<int64_t, 4> channels = {64, 128, 256, 512};
};

class Vec2FaceDiscriminatorImpl : public torch::nn::Module {
 public:
  // Throws ValueError where channels are no multiples of 8.
  explicit Vec2FaceDiscriminatorImpl(const Vec2FaceDiscriminatorConfig& config = {});

  // images: float [N, 3, H, W], H and W multiples of 8 and at least 32, about -1..1 -> float
  // [N, 1, H/8 - 3, W/8 - 3], one judgement a patch: 1 means real, 0 generated, as least squares
  // has it. Throws ValueError for other shapes.
  at::Tensor forward(const at::Tensor& images);

 private:
  struct Stage {
    torch::nn::Conv2d halve{nullptr}, project{nullptr};
    torch::nn::GroupNorm norm{nullptr}, inner_norm{nullptr};
  };

  std::array<torch::nn::Conv2d, 3> scales_ = {nullptr, nullptr, nullptr};  // of the first layer
  std::vector<Stage> stages_;
  torch::nn::Conv2d mix_{nullptr}, judge_{nullptr};
};
TORCH_MODULE(Vec2FaceDiscriminator);

}  // namespace guise::nets
