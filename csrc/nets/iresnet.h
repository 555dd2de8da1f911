// IResNet, the backbone of ArcFace (Deng et al. 2019), in the layout of insightface arcface_torch
// (backbone.pth, model.pt). Tensors and learnable parameters:
//   r18  187, 24.03 M    r34  331, 34.14 M    r50  475, 43.59 M    r100  925, 65.16 M
//
// Input: [N, 3, 112, 112] RGB, (value - 127.5) / 127.5. Output: 512 numbers, raw; for nets trained
// with AdaFace or MagFace their norm says how good the crop is.
#pragma once

#include <torch/nn/modules/activation.h>
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

struct IResNetConfig {
  std::array<int64_t, 4> blocks = {3, 4, 14, 3};  // at 64, 128, 256 and 512 channels
  bool has_gates = false;                         // a channel gate in every block, as se_block
  bool has_quality = false;                       // qs, the quality layer of CR-FIQA

  // "r18", "r34", "r50", "r100", "r200"; with "-se" for has_gates, with "-fiqa" for has_quality, as
  // in "r100-fiqa". Throws ValueError for another word.
  static IResNetConfig preset(const std::string& name);
};

class IResNetImpl : public RecogniserNet {
 public:
  explicit IResNetImpl(const IResNetConfig& config = {});

  int64_t dimension() const override;
  CropSize crop_size() const override { return {112, 112}; }
  bool has_quality() const override { return config_.has_quality; }

 protected:
  LayerValue flow(LayerOps& ops, const LayerValue& x) const override;
  // Any number; CR-FIQA's own files give about 0 to 2.
  LayerValue judge(LayerOps& ops, const LayerValue& raw_embeddings) const override;

 private:
  struct Block {
    torch::nn::BatchNorm2d norm{nullptr};
    ConvUnit first, second;
    ConvUnit shortcut;  // empty unless the block halves the size
    ChannelGate gate;   // empty unless has_gates
  };

  Block add_block(ModuleTree& tree, const std::string& path, int64_t in_channels, int64_t channels,
                  int64_t stride) const;

  IResNetConfig config_;
  ConvUnit stem_;
  std::vector<Block> blocks_;
  torch::nn::BatchNorm2d norm_{nullptr};
  torch::nn::Linear fc_{nullptr}, quality_{nullptr};
  torch::nn::BatchNorm1d features_{nullptr};
};
TORCH_MODULE(IResNet);

}  // namespace guise::nets
