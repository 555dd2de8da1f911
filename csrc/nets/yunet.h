// YuNet ("YuNet: A Tiny Millisecond-level Face Detector", Wu, Peng, Yu 2023) in the layouts of
// libfacedetection.train. Child names are the keys of yunet_n.pth["state_dict"].
//   n  75,856 learnable parameters, 208 tensors: yunet_n.pth
//   s  54,608 learnable parameters: the graph that OpenCV Zoo publishes as 2023mar
//
// Input: [N, 3, H, W] float32, BGR, 0..255, no mean; H and W multiples of 32.
#pragma once

#include <ATen/core/Tensor.h>
#include <torch/nn/module.h>
#include <torch/nn/modules/batchnorm.h>
#include <torch/nn/modules/container/modulelist.h>
#include <torch/nn/modules/conv.h>
#include <torch/nn/pimpl.h>

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "nets/row_pipeline.h"

namespace guise::nets {

inline constexpr std::array<int64_t, 3> kYuNetStrides = {8, 16, 32};
inline constexpr int64_t kYuNetInputMultiple = 32;
inline constexpr int64_t kYuNetHeads =
    16;  // channels of an output: class 1, box 4, objectness 1, points 10

// Heads of one level, raw (no sigmoid): [N, 16, H/s, W/s] = class 1, box 4, objectness 1,
// landmarks 10.
using YuNetOutput = std::array<at::Tensor, 3>;

// Pointwise convolution, 3x3 depthwise convolution, and, unless it ends a head, BatchNorm and ReLU.
class SeparableUnitImpl : public torch::nn::Module {
 public:
  SeparableUnitImpl(int64_t in_channels, int64_t out_channels, bool ends_head = false);
  at::Tensor forward(const at::Tensor& x);
  // The unit for inference, BatchNorm folded in.
  SeparableWeights folded() const;

  torch::nn::Conv2d conv1{nullptr}, conv2{nullptr};
  torch::nn::BatchNorm2d bn{nullptr};
};
TORCH_MODULE(SeparableUnit);

struct YuNetConfig {
  int64_t early_channels = 64;   // channels after the second stage (yunet_s: 32)
  bool has_shared_units = true;  // one more unit a level, before the heads (yunet_s: none)

  static YuNetConfig n() { return {}; }
  static YuNetConfig s() { return {/*early_channels=*/32, /*has_shared_units=*/false}; }
  // The layout that a state dict with these keys has.
  static YuNetConfig of(const std::vector<std::pair<std::string, at::Tensor>>& tensors);
};

class YuNetImpl : public torch::nn::Module {
 public:
  explicit YuNetImpl(const YuNetConfig& config = {});
  YuNetOutput forward(const at::Tensor& x);

 private:
  friend class StreamedYuNet;

  struct Stem : torch::nn::Module {
    Stem();
    torch::nn::Conv2d conv1{nullptr};
    torch::nn::BatchNorm2d bn1{nullptr};
    SeparableUnit conv2{nullptr};
  };
  struct Stage : torch::nn::Module {
    Stage(int64_t in_channels, int64_t out_channels);
    at::Tensor forward(const at::Tensor& x);
    SeparableUnit conv1{nullptr}, conv2{nullptr};
  };

  std::shared_ptr<Stem> stem_;
  std::vector<std::shared_ptr<Stage>> stages_;  // model1 .. model5
  std::vector<SeparableUnit> lateral_, share_, cls_, bbox_, obj_, kps_;
};
TORCH_MODULE(YuNet);

// The same function for inference on the CPU, row by row: BatchNorm folded, the four heads of a
// level joined, the image read as it is. Agrees with YuNet in eval() to float rounding. Not changed
// by use: one object serves all threads.
class StreamedYuNet {
 public:
  explicit StreamedYuNet(const YuNetImpl& net);

  // image: [H, W, 3] uint8 RGB, rows may be strided; padded with zeros to multiples of 32. The maps
  // of a level are [rows, columns, 16], channels as in YuNetOutput.
  std::array<Map, 3> operator()(const at::Tensor& image) const;

 private:
  using Units = std::vector<SeparableWeights>;

  StemWeights stem_;
  Units first_;                  // to a quarter of the size
  std::array<Units, 4> stages_;  // model1 and model2; model3; model4; model5
  std::array<Units, 3> lateral_, heads_;
};

}  // namespace guise::nets
