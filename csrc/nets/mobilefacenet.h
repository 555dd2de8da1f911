// MobileFaceNet (Chen, Liu, Gao, Han 2018): inverted residuals, and a depthwise convolution over
// the whole map in place of pooling. Four sets of names are in use, for nearly the same net:
//   "mbf", "mbf-large"  insightface arcface_torch; 333 tensors, 2.06 M parameters; 606, 6.31 M
//   "treb1en"           TreB1eN/InsightFace_Pytorch; 333 tensors, 1.20 M
//   "xiaoccer"          Xiaoccer/MobileFaceNet_Pytorch; crops of 112 x 96 px
//   "foamliu"           foamliu/MobileFaceNet; 1,019,699 elements; ReLU6 instead of PReLU
//
// Input: RGB, 112 x 112 px but for xiaoccer. (value - 127.5) / 127.5 for the first three presets,
// (value - 127.5) / 128 for xiaoccer, ImageNet's mean and deviation for foamliu. Output: 512
// numbers (mbf, treb1en) or 128, raw.
#pragma once

#include <torch/nn/modules/batchnorm.h>
#include <torch/nn/modules/conv.h>
#include <torch/nn/modules/linear.h>
#include <torch/nn/pimpl.h>

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "nets/conv_units.h"
#include "nets/recogniser_net.h"

namespace guise::nets {

struct MobileFaceNetConfig {
  enum class Layout { kInsightface, kTreb1en, kXiaoccer, kFoamliu };

  Layout layout = Layout::kInsightface;
  int64_t scale = 2;                             // times 64 and 128 channels; kInsightface only
  std::array<int64_t, 4> blocks = {1, 4, 6, 2};  // residual ones at 56, 28, 14, 7 px; where the
                                                 // first is 1, a convolution takes its place

  // The presets above. Throws ValueError for another word.
  static MobileFaceNetConfig preset(const std::string& name);
};

// An inverted residual: 1 x 1 to `hidden` channels, 3 x 3 in each channel, 1 x 1; plus its input
// where the stride is 1.
struct BottleneckShape {
  int64_t in_channels, out_channels, hidden_channels, stride;
};

// Where a layout keeps its layers.
struct MobileFaceNetPaths {
  std::vector<UnitPaths> stem;
  std::vector<std::array<UnitPaths, 3>> bottlenecks;
  UnitPaths last, pool;
  UnitPaths linear;  // conv: the linear layer; norm: the one behind it
};

// The bottlenecks in their order, and the paths of all layers.
std::vector<BottleneckShape> bottlenecks_of(const MobileFaceNetConfig& config);
MobileFaceNetPaths paths_of(const MobileFaceNetConfig& config);

class MobileFaceNetImpl : public RecogniserNet {
 public:
  explicit MobileFaceNetImpl(const MobileFaceNetConfig& config = {});

  int64_t dimension() const override;
  CropSize crop_size() const override;

 protected:
  LayerValue flow(LayerOps& ops, const LayerValue& x) const override;

 private:
  struct Bottleneck {
    std::array<ConvUnit, 3> units;
    bool is_residual;
  };

  void add_stem(ModuleTree& tree, const std::vector<UnitPaths>& paths);
  void add_head(ModuleTree& tree, const MobileFaceNetPaths& paths, int64_t channels);

  MobileFaceNetConfig config_;
  std::vector<ConvUnit> stem_, tail_;
  std::vector<Bottleneck> bottlenecks_;
  // One of the two: a linear layer behind the flattening, or a 1 x 1 convolution before it.
  torch::nn::Linear linear_{nullptr};
  torch::nn::BatchNorm1d norm_{nullptr};
  ConvUnit pointwise_;
};
TORCH_MODULE(MobileFaceNet);

}  // namespace guise::nets
