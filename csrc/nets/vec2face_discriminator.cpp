#include "nets/vec2face_discriminator.h"

#include <ATen/ATen.h>

#include <string>

#include "core/check.h"
#include "nets/module_tree.h"

namespace guise::nets {

namespace {

constexpr double kSlope = 0.1;  // of every LeakyReLU
constexpr int64_t kGroups = 8;
constexpr std::array<int64_t, 3> kScales = {3, 7, 15};  // kernels of the first layer
constexpr int64_t kPatch = 4;                           // of the last layer
constexpr int64_t kStride = 8;                          // of a judgement, in pixels

torch::nn::Conv2d convolution(int64_t in_channels, int64_t channels, int64_t kernel, int64_t stride,
                              int64_t padding) {
  return torch::nn::Conv2d(
      torch::nn::Conv2dOptions(in_channels, channels, kernel).stride(stride).padding(padding));
}

torch::nn::GroupNorm group_norm(int64_t channels) {
  return torch::nn::GroupNorm(torch::nn::GroupNormOptions(kGroups, channels));
}

}  // namespace

Vec2FaceDiscriminatorImpl::Vec2FaceDiscriminatorImpl(const Vec2FaceDiscriminatorConfig& config) {
  for (const int64_t channels : config.channels) {
    GUISE_CHECK_ARG(channels > 0 && channels % kGroups == 0,
                    "channels of a discriminator must be multiples of ", kGroups, "; got ",
                    channels);
  }
  ModuleTree tree(*this);
  // A half of the first channels sees 3 px around, a quarter 7 px, the rest 15 px.
  const int64_t first = config.channels[0];
  const std::array<int64_t, 3> shares = {first / 2, first / 4, first - first / 2 - first / 4};
  for (size_t i = 0; i < kScales.size(); ++i) {
    scales_[i] = tree.add(core::message("layers.0.0.convs.", i),
                          convolution(3, shares[i], kScales[i], 1, kScales[i] / 2));
  }
  for (size_t i = 1; i < config.channels.size(); ++i) {
    const std::string path = "layers." + std::to_string(i) + ".";
    const int64_t channels = config.channels[i];
    Stage stage;
    stage.halve = tree.add(path + "0", convolution(config.channels[i - 1], channels, 4, 2, 1));
    stage.norm = tree.add(path + "2", group_norm(channels));
    stage.inner_norm = tree.add(path + "3.block.groupnorm", group_norm(channels));
    stage.project = tree.add(path + "3.block.project", convolution(channels, channels, 3, 1, 1));
    stages_.push_back(stage);
  }
  const int64_t last = config.channels.back();
  mix_ = tree.add("to_logits.0", convolution(last, last, 1, 1, 0));
  judge_ = tree.add("to_logits.2", convolution(last, 1, kPatch, 1, 0));
}

at::Tensor Vec2FaceDiscriminatorImpl::forward(const at::Tensor& images) {
  const auto fits = [](int64_t side) { return side % kStride == 0 && side >= kPatch * kStride; };
  GUISE_CHECK_ARG(
      images.dim() == 4 && images.size(1) == 3 && fits(images.size(2)) && fits(images.size(3)),
      "images must be [N, 3, H, W], sides multiples of ", kStride, " and at least ",
      kPatch * kStride, "; got ", images.sizes());
  at::Tensor x = at::leaky_relu(
      at::cat({scales_[0](images), scales_[1](images), scales_[2](images)}, 1), kSlope);
  for (Stage& stage : stages_) {
    x = stage.norm(at::leaky_relu(stage.halve(x), kSlope));
    x = x + stage.project(at::leaky_relu(stage.inner_norm(x), kSlope));
  }
  return judge_(at::leaky_relu(mix_(x), kSlope));
}

}  // namespace guise::nets
