// The parts that recognisers share: a convolution with its norm and activation, and the channel
// gate of squeeze-and-excitation nets (Hu, Shen, Sun 2018).
#pragma once

#include <torch/nn/modules/activation.h>
#include <torch/nn/modules/batchnorm.h>
#include <torch/nn/modules/conv.h>

#include <array>
#include <cstdint>
#include <string>

#include "nets/layer_ops.h"
#include "nets/module_tree.h"

namespace guise::nets {

struct ConvolutionShape {
  int64_t in_channels, out_channels;
  std::array<int64_t, 2> size_px = {1, 1};  // height, width
  int64_t stride = 1;
  int64_t groups = 1;
  bool is_padded = true;  // by half its size: stride 1 keeps the height and the width
  bool has_bias = false;  // most have none: a norm follows
};

// 3 x 3; each channel by itself where `groups` is the number of channels.
ConvolutionShape three_by_three(int64_t in_channels, int64_t out_channels, int64_t stride = 1,
                                int64_t groups = 1);

torch::nn::Conv2d convolution(const ConvolutionShape& shape);
torch::nn::PReLU prelu(int64_t channels);

enum class UnitActivation { kNone, kPRelu, kRelu, kRelu6 };

// convolution, norm, activation.
struct ConvUnit {
  torch::nn::Conv2d conv{nullptr};
  torch::nn::BatchNorm2d norm{nullptr};
  torch::nn::PReLU prelu{nullptr};  // kPRelu only
  UnitActivation activation = UnitActivation::kNone;

  LayerValue flow(LayerOps& ops, const LayerValue& x) const;
};

// Paths of the three layers of a unit in a checkpoint.
struct UnitPaths {
  std::string conv, norm, prelu;

  // path + ".conv", path + ".bn", path + ".prelu"
  static UnitPaths in_words(const std::string& path);
  // path + ".0", ".1", ".2", counting on from `first`
  static UnitPaths in_numbers(const std::string& path, int64_t first = 0);
};

ConvUnit add_unit(ModuleTree& tree, const UnitPaths& paths, const ConvolutionShape& shape,
                  UnitActivation activation, double norm_eps = 1e-5);

// x * sigmoid(fc2(relu(fc1(mean of each channel)))), 1 x 1 convolutions without bias.
struct ChannelGate {
  torch::nn::Conv2d fc1{nullptr}, fc2{nullptr};

  LayerValue flow(LayerOps& ops, const LayerValue& x) const;
};

// Under path + ".fc1" and path + ".fc2"; a sixteenth of the channels in between.
ChannelGate add_gate(ModuleTree& tree, const std::string& path, int64_t channels);

}  // namespace guise::nets
