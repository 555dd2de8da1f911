// IR and IR-SE backbones: the nets of iresnet.h with other names, in two layouts.
//   TreB1eN/InsightFace_Pytorch (model_ir_se50.pth: 397 tensors, 43.80 M parameters, which many
//     generators use as their identity loss); no norm between the convolutions of a block
//   mk-minchul/AdaFace (Kim, Jain, Liu 2022; IR-50: 467 tensors, 43.59 M; IR-101: 65.15 M)
//
// Input: [N, 3, 112, 112], (value - 127.5) / 127.5; RGB for TreB1eN, BGR for AdaFace. Output: 512
// numbers, raw. Their length is AdaFace's measure of quality; TreB1eN's own code drops it.
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

struct IrBackboneConfig {
  enum class Layout { kTreb1en, kAdaface };

  Layout layout = Layout::kTreb1en;
  std::array<int64_t, 4> units = {3, 4, 14, 3};  // at 64, 128, 256 and 512 channels
  bool has_gates = false;                        // IR-SE: a channel gate in every unit

  // "treb1en-ir-50", "treb1en-ir-100", "adaface-ir-18", "adaface-ir-34", "adaface-ir-50",
  // "adaface-ir-101", each also with "ir-se". Throws ValueError for another word.
  static IrBackboneConfig preset(const std::string& name);
};

class IrBackboneImpl : public RecogniserNet {
 public:
  explicit IrBackboneImpl(const IrBackboneConfig& config = {});

  int64_t dimension() const override;
  CropSize crop_size() const override { return {112, 112}; }

 protected:
  LayerValue flow(LayerOps& ops, const LayerValue& x) const override;

 private:
  struct Unit {
    torch::nn::BatchNorm2d norm{nullptr};
    torch::nn::Conv2d first{nullptr};
    torch::nn::BatchNorm2d first_norm{nullptr};  // AdaFace
    torch::nn::PReLU prelu{nullptr};
    ConvUnit second;
    ConvUnit shortcut;  // empty where the channels stay: then every stride-th pixel
    ChannelGate gate;   // empty unless has_gates
    int64_t stride = 1;

    LayerValue flow(LayerOps& ops, const LayerValue& x) const;
  };

  Unit add_residual_unit(ModuleTree& tree, const std::string& path, int64_t in_channels,
                         int64_t channels, int64_t stride) const;

  IrBackboneConfig config_;
  ConvUnit stem_;
  std::vector<Unit> units_;
  torch::nn::BatchNorm2d norm_{nullptr};
  torch::nn::Linear fc_{nullptr};
  torch::nn::BatchNorm1d features_{nullptr};
};
TORCH_MODULE(IrBackbone);

}  // namespace guise::nets
