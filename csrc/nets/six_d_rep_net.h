// 6DRepNet ("6D Rotation Representation for Unconstrained Head Pose Estimation", Hempel,
// Abdelrahman, Al-Hamadi 2022) in its deploy form: RepVGG-B1g2, every block one convolution. Child
// names are the keys of the authors' converted files. 39.3 M parameters. Files of the training form
// are folded by python/guise/models/repvgg_fold.py.
//
// Input: [N, 3, 224, 224] float32 RGB, ImageNet norm (0..1 minus mean, over deviation), of a face
// box that is enlarged on each side by a fifth of its other dimension.
#pragma once

#include <ATen/core/Tensor.h>
#include <torch/nn/module.h>
#include <torch/nn/modules/conv.h>
#include <torch/nn/modules/linear.h>
#include <torch/nn/pimpl.h>

#include <array>
#include <cstdint>
#include <vector>

namespace guise::nets {

struct SixDRepNetConfig {
  // Of layer0, which is one convolution, and of layer1 to layer4. Each halves the size.
  std::array<int64_t, 5> channels = {64, 128, 256, 512, 2048};
  std::array<int64_t, 4> blocks = {4, 6, 16, 1};  // of layer1 to layer4; every other has two groups
};

class SixDRepNetImpl : public torch::nn::Module {
 public:
  explicit SixDRepNetImpl(const SixDRepNetConfig& config = {});
  // x: float [N, 3, H, W]; the net is trained for 224 px -> rotations [N, 3, 3] (rotations_of_six).
  // Throws ValueError for another shape.
  at::Tensor forward(const at::Tensor& x);

 private:
  std::vector<torch::nn::Conv2d> convolutions_;
  torch::nn::Linear linear_reg_{nullptr};
};
TORCH_MODULE(SixDRepNet);

// float [N, 6], two vectors a and b -> rotations [N, 3, 3] with the columns x = a / |a|,
// y = z cross x, z = x cross b over its length.
at::Tensor rotations_of_six(const at::Tensor& six);

// float [N, 3, 3] -> pitch, yaw, roll in degrees, [N, 3], each in [-180, 180], yaw in [-90, 90].
// The signs are those of the net's training data (300W-LP), not of guise's conventions. Where yaw
// is
// +-90 degrees, roll is 0 and pitch holds both.
at::Tensor euler_degrees(const at::Tensor& rotations);

}  // namespace guise::nets
