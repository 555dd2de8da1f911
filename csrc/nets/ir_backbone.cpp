#include "nets/ir_backbone.h"

#include <map>

#include "core/check.h"

namespace guise::nets {

namespace {

using Layout = IrBackboneConfig::Layout;

constexpr std::array<int64_t, 4> kChannels = {64, 128, 256, 512};
constexpr int64_t kLastSizePx = 7;  // 112 px, halved four times
constexpr int64_t kDimension = 512;

struct Depth {
  Layout layout;
  std::array<int64_t, 4> units;
};

// By what stands before and after "ir" or "ir-se" in the name.
const std::map<std::string, Depth> kDepths = {{"treb1en-50", {Layout::kTreb1en, {3, 4, 14, 3}}},
                                              {"treb1en-100", {Layout::kTreb1en, {3, 13, 30, 3}}},
                                              {"adaface-18", {Layout::kAdaface, {2, 2, 2, 2}}},
                                              {"adaface-34", {Layout::kAdaface, {3, 4, 6, 3}}},
                                              {"adaface-50", {Layout::kAdaface, {3, 4, 14, 3}}},
                                              {"adaface-101", {Layout::kAdaface, {3, 13, 30, 3}}}};

// "a-ir-se-b" to "a-b" where `words` is "ir-se-"; "" where it is not there.
std::string without(const std::string& name, const std::string& words) {
  const size_t at = name.find("-" + words);
  return at == std::string::npos ? "" : name.substr(0, at + 1) + name.substr(at + 1 + words.size());
}

}  // namespace

IrBackboneConfig IrBackboneConfig::preset(const std::string& name) {
  const bool has_gates = kDepths.contains(without(name, "ir-se-"));
  const auto found = kDepths.find(without(name, has_gates ? "ir-se-" : "ir-"));
  GUISE_CHECK_ARG(found != kDepths.end(),
                  "a preset of ir-backbone must be treb1en-ir-50, treb1en-ir-100, adaface-ir-18, "
                  "adaface-ir-34, adaface-ir-50 or adaface-ir-101, or one of these with ir-se; "
                  "got '",
                  name, "'");
  return {found->second.layout, found->second.units, has_gates};
}

IrBackboneImpl::Unit IrBackboneImpl::add_residual_unit(ModuleTree& tree, const std::string& path,
                                                       int64_t in_channels, int64_t channels,
                                                       int64_t stride) const {
  const bool is_adaface = config_.layout == Layout::kAdaface;
  int64_t number = 0;
  const auto next = [&] { return path + ".res_layer." + std::to_string(number++); };
  Unit unit;
  unit.stride = stride;
  unit.norm = tree.add(next(), torch::nn::BatchNorm2d(in_channels));
  unit.first = tree.add(next(), convolution(three_by_three(in_channels, channels)));
  if (is_adaface) unit.first_norm = tree.add(next(), torch::nn::BatchNorm2d(channels));
  unit.prelu = tree.add(next(), prelu(channels));
  unit.second = add_unit(tree, UnitPaths::in_numbers(path + ".res_layer", number),
                         three_by_three(channels, channels, stride), UnitActivation::kNone);
  if (config_.has_gates) {
    unit.gate =
        add_gate(tree, path + (is_adaface ? ".res_layer.se_block" : ".res_layer.5"), channels);
  }
  if (in_channels != channels) {
    unit.shortcut = add_unit(tree, UnitPaths::in_numbers(path + ".shortcut_layer"),
                             {in_channels, channels, {1, 1}, stride}, UnitActivation::kNone);
  }
  return unit;
}

IrBackboneImpl::IrBackboneImpl(const IrBackboneConfig& config) : config_(config) {
  ModuleTree tree(*this);
  stem_ = add_unit(tree, UnitPaths::in_numbers("input_layer"), three_by_three(3, kChannels[0]),
                   UnitActivation::kPRelu);
  int64_t in_channels = kChannels[0];
  for (size_t stage = 0; stage < kChannels.size(); ++stage) {
    for (int64_t i = 0; i < config.units[stage]; ++i) {
      units_.push_back(add_residual_unit(tree, "body." + std::to_string(units_.size()), in_channels,
                                         kChannels[stage], i == 0 ? 2 : 1));
      in_channels = kChannels[stage];
    }
  }
  norm_ = tree.add("output_layer.0", torch::nn::BatchNorm2d(in_channels));
  fc_ = tree.add("output_layer.3",
                 torch::nn::Linear(in_channels * kLastSizePx * kLastSizePx, kDimension));
  features_ = tree.add(
      "output_layer.4",
      torch::nn::BatchNorm1d(
          torch::nn::BatchNorm1dOptions(kDimension).affine(config.layout == Layout::kTreb1en)));
}

int64_t IrBackboneImpl::dimension() const {
  return kDimension;
}

LayerValue IrBackboneImpl::Unit::flow(LayerOps& ops, const LayerValue& x) const {
  LayerValue y = ops.convolution(first, ops.norm(norm, x));
  if (!first_norm.is_empty()) y = ops.norm(first_norm, y);
  y = second.flow(ops, ops.prelu(prelu, y));
  if (!gate.fc1.is_empty()) y = gate.flow(ops, y);
  return ops.add(y, shortcut.conv.is_empty() ? ops.subsample(x, stride) : shortcut.flow(ops, x));
}

LayerValue IrBackboneImpl::flow(LayerOps& ops, const LayerValue& x) const {
  LayerValue y = stem_.flow(ops, x);
  for (const Unit& unit : units_) {
    y = unit.flow(ops, y);
  }
  return ops.norm(features_, ops.linear(fc_, ops.flatten(ops.norm(norm_, y))));
}

}  // namespace guise::nets
