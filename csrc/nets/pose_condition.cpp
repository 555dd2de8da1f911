#include "nets/pose_condition.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>
#include <string>

#include "core/check.h"

namespace guise::nets {

namespace {

constexpr int64_t kSizePx = 112;
constexpr int64_t kLastPx = 7;
constexpr std::array<int64_t, 5> kChannels = {3, 32, 64, 128, 256};
constexpr double kDotRadiusPx = 3.0;
constexpr std::array<int64_t, 5> kDotChannel = {0, 0, 1, 2, 2};  // red, green, blue

}  // namespace

PoseConditionImpl::PoseConditionImpl(int64_t width) {
  GUISE_CHECK_ARG(width >= 1, "the width of a pose condition must be 1 or more; got ", width);
  for (size_t i = 0; i < convolutions_.size(); ++i) {
    convolutions_[i] = register_module(
        "conv" + std::to_string(i + 1),
        torch::nn::Conv2d(
            torch::nn::Conv2dOptions(kChannels[i], kChannels[i + 1], 3).stride(2).padding(1)));
  }
  linear_ =
      register_module("linear", torch::nn::Linear(kChannels.back() * kLastPx * kLastPx, width));
  // Training starts from a generator that pays no attention to it.
  const c10::NoGradGuard no_grad;
  linear_->weight.zero_();
  linear_->bias.zero_();
}

at::Tensor PoseConditionImpl::forward(const at::Tensor& drawings) {
  GUISE_CHECK_ARG(
      drawings.dim() == 4 && drawings.sizes().slice(1) == at::IntArrayRef({3, kSizePx, kSizePx}),
      "drawings of landmarks must be [N, 3, ", kSizePx, ", ", kSizePx, "]; got ", drawings.sizes());
  at::Tensor x = drawings;
  for (torch::nn::Conv2d& convolution : convolutions_) x = at::relu(convolution(x));
  return linear_(x.flatten(1)).unsqueeze(1);
}

at::Tensor draw_landmarks(const core::Landmarks5& landmarks) {
  at::Tensor drawing = at::full({3, kSizePx, kSizePx}, -1.0F);
  auto pixels = drawing.accessor<float, 3>();
  for (size_t i = 0; i < landmarks.size(); ++i) {
    const core::Point& centre = landmarks[i];
    GUISE_CHECK_ARG(std::isfinite(centre.x) && std::isfinite(centre.y),
                    "landmarks must be finite; landmark ", i, " is ", centre.x, ", ", centre.y);
    const auto first = [](double at) {
      return std::clamp<double>(std::ceil(at - kDotRadiusPx), 0, kSizePx);
    };
    const auto end = [](double at) {
      return std::clamp<double>(std::floor(at + kDotRadiusPx) + 1, 0, kSizePx);
    };
    for (auto y = static_cast<int64_t>(first(centre.y)); y < static_cast<int64_t>(end(centre.y));
         ++y) {
      for (auto x = static_cast<int64_t>(first(centre.x)); x < static_cast<int64_t>(end(centre.x));
           ++x) {
        const double dx = static_cast<double>(x) - centre.x, dy = static_cast<double>(y) - centre.y;
        if (dx * dx + dy * dy > kDotRadiusPx * kDotRadiusPx) continue;
        for (int64_t channel = 0; channel < 3; ++channel) {
          pixels[channel][y][x] = channel == kDotChannel[i] ? 1.0F : -1.0F;
        }
      }
    }
  }
  return drawing;
}

}  // namespace guise::nets
