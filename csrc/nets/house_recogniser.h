// The recogniser that guise trains itself: a small residual net on 64 x 64 px.
//
// Input: float32 [N, 3, 64, 64] RGB, (value - 127.5) / 127.5, the ArcFace template scaled to 64 px.
// A stem that halves, four stages of residual blocks at 32, 16, 8 and 4 px, a depthwise 4 x 4
// convolution in place of pooling (as MobileFaceNet does), and a linear layer between two norms.
// With quality: one more linear layer judges the raw embedding.
#pragma once

#include <ATen/core/Tensor.h>
#include <torch/nn/modules/batchnorm.h>
#include <torch/nn/modules/linear.h>
#include <torch/nn/pimpl.h>

#include <array>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "nets/conv_units.h"
#include "nets/recogniser_net.h"

namespace guise::nets {

struct HouseRecogniserConfig {
  std::array<int64_t, 4> channels = {24, 48, 96, 192};  // of the stages; the stem has the first
  std::array<int64_t, 4> blocks = {1, 2, 2, 1};         // residual blocks of each stage
  int64_t dimension = 512;                              // of the embedding
  bool has_quality = false;                             // a learned quality beside the embedding

  // The config that a state dict with these shapes has. Throws guise::CorruptFile, naming `source`,
  // where they are not those of a house recogniser.
  static HouseRecogniserConfig of(const std::vector<std::pair<std::string, at::Tensor>>& tensors,
                                  const std::string& source);
};

class HouseRecogniserImpl : public RecogniserNet {
 public:
  // Throws ValueError unless every channel, block count and the dimension is 1 or more.
  explicit HouseRecogniserImpl(const HouseRecogniserConfig& config = {});

  int64_t dimension() const override { return config_.dimension; }
  CropSize crop_size() const override { return {64, 64}; }
  bool has_quality() const override { return config_.has_quality; }
  const HouseRecogniserConfig& config() const { return config_; }

  // What the stem and each stage make of x, float [N, 3, H, W] of any size: 5 tensors
  // [N, channels, H / 2, W / 2] (twice), then at a quarter, an eighth and a sixteenth of the size.
  // What pictures are compared by where pixels are too strict (Johnson et al., ECCV 2016).
  std::vector<at::Tensor> stage_features(const at::Tensor& x);

 private:
  struct Block {
    ConvUnit first, second;
    ConvUnit shortcut;  // empty where channels and size stay

    LayerValue flow(LayerOps& ops, const LayerValue& x) const;
  };

  static Block add_block(ModuleTree& tree, const std::string& path, int64_t in_channels,
                         int64_t channels, int64_t stride);
  LayerValue flow(LayerOps& ops, const LayerValue& x) const override;
  // In (0, 1).
  LayerValue judge(LayerOps& ops, const LayerValue& raw_embeddings) const override;

  HouseRecogniserConfig config_;
  ConvUnit stem_, pool_;
  std::vector<Block> blocks_;
  torch::nn::Linear linear_{nullptr}, quality_{nullptr};
  torch::nn::BatchNorm1d features_{nullptr};
};
TORCH_MODULE(HouseRecogniser);

}  // namespace guise::nets
