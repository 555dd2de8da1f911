#include "nets/six_d_rep_net.h"

#include <ATen/ATen.h>

#include <numbers>
#include <string>

#include "core/check.h"
#include "nets/module_tree.h"

namespace guise::nets {

namespace {

constexpr double kLeastLength = 1e-8;  // of a vector that still has a direction
// Cosine of the yaw below which pitch and roll turn about the same axis.
constexpr double kDegenerate = 1e-6;

at::Tensor unit(const at::Tensor& vectors) {
  return vectors / at::norm(vectors, 2, 1, /*keepdim=*/true).clamp_min(kLeastLength);
}

torch::nn::Conv2d block(int64_t in_channels, int64_t out_channels, int64_t stride, int64_t groups) {
  return torch::nn::Conv2d(torch::nn::Conv2dOptions(in_channels, out_channels, 3)
                               .stride(stride)
                               .padding(1)
                               .groups(groups));
}

}  // namespace

SixDRepNetImpl::SixDRepNetImpl(const SixDRepNetConfig& config) {
  ModuleTree tree(*this);
  int64_t channels = config.channels[0];
  convolutions_.push_back(tree.add("layer0.rbr_reparam", block(3, channels, 2, 1)));
  int64_t number = 1;
  for (size_t layer = 0; layer < config.blocks.size(); ++layer) {
    const int64_t outputs = config.channels[layer + 1];
    for (int64_t i = 0; i < config.blocks[layer]; ++i, ++number) {
      const std::string path = "layer" + std::to_string(layer + 1) + "." + std::to_string(i);
      convolutions_.push_back(
          tree.add(path + ".rbr_reparam",
                   block(channels, outputs, i == 0 ? 2 : 1, number % 2 == 0 ? 2 : 1)));
      channels = outputs;
    }
  }
  linear_reg_ = tree.add("linear_reg", torch::nn::Linear(channels, 6));
}

at::Tensor SixDRepNetImpl::forward(const at::Tensor& x) {
  GUISE_CHECK_ARG(x.dim() == 4 && x.size(1) == 3 && x.numel() > 0,
                  "6DRepNet takes [N, 3, H, W]; got ", x.sizes());
  at::Tensor y = x;
  for (const torch::nn::Conv2d& convolution : convolutions_) {
    y = at::relu(convolution.ptr()->forward(y));
  }
  return rotations_of_six(linear_reg_(y.mean({2, 3})));
}

at::Tensor rotations_of_six(const at::Tensor& six) {
  GUISE_CHECK_ARG(six.dim() == 2 && six.size(1) == 6, "six numbers must be [N, 6]; got ",
                  six.sizes());
  const at::Tensor x = unit(six.slice(1, 0, 3));
  const at::Tensor z = unit(at::linalg_cross(x, six.slice(1, 3, 6), 1));
  return at::stack({x, at::linalg_cross(z, x, 1), z}, 2);
}

at::Tensor euler_degrees(const at::Tensor& rotations) {
  GUISE_CHECK_ARG(rotations.dim() == 3 && rotations.size(1) == 3 && rotations.size(2) == 3,
                  "rotations must be [N, 3, 3]; got ", rotations.sizes());
  const auto at = [&rotations](int64_t row, int64_t column) {
    return rotations.select(1, row).select(1, column);
  };
  const at::Tensor cosine = at::hypot(at(0, 0), at(1, 0));
  const at::Tensor is_degenerate = cosine < kDegenerate;
  const at::Tensor pitch =
      at::where(is_degenerate, at::atan2(-at(1, 2), at(1, 1)), at::atan2(at(2, 1), at(2, 2)));
  const at::Tensor yaw = at::atan2(-at(2, 0), cosine);
  const at::Tensor roll = at::atan2(at(1, 0), at(0, 0)).masked_fill(is_degenerate, 0.0);
  return at::stack({pitch, yaw, roll}, 1) * (180.0 / std::numbers::pi);
}

}  // namespace guise::nets
