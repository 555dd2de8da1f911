#include "nets/iresnet.h"

#include <map>

#include "core/check.h"

namespace guise::nets {

namespace {

constexpr std::array<int64_t, 4> kChannels = {64, 128, 256, 512};
constexpr int64_t kLastSizePx = 7;  // 112 px, halved four times
constexpr int64_t kDimension = 512;

const std::map<std::string, std::array<int64_t, 4>> kDepths = {{"r18", {2, 2, 2, 2}},
                                                               {"r34", {3, 4, 6, 3}},
                                                               {"r50", {3, 4, 14, 3}},
                                                               {"r100", {3, 13, 30, 3}},
                                                               {"r200", {6, 26, 60, 6}}};

bool take_suffix(std::string& name, const std::string& suffix) {
  if (!name.ends_with(suffix)) return false;
  name.resize(name.size() - suffix.size());
  return true;
}

}  // namespace

IResNetConfig IResNetConfig::preset(const std::string& name) {
  IResNetConfig config;
  std::string depth = name;
  config.has_quality = take_suffix(depth, "-fiqa");
  config.has_gates = take_suffix(depth, "-se");
  const auto found = kDepths.find(depth);
  GUISE_CHECK_ARG(found != kDepths.end(),
                  "a preset of iresnet must be r18, r34, r50, r100 or r200, then '-se' for channel "
                  "gates, then '-fiqa' for CR-FIQA's quality layer; got '",
                  name, "'");
  config.blocks = found->second;
  return config;
}

IResNetImpl::Block IResNetImpl::add_block(ModuleTree& tree, const std::string& path,
                                          int64_t in_channels, int64_t channels,
                                          int64_t stride) const {
  Block block;
  block.norm = tree.add(path + ".bn1", torch::nn::BatchNorm2d(in_channels));
  block.first = add_unit(tree, {path + ".conv1", path + ".bn2", path + ".prelu"},
                         three_by_three(in_channels, channels), UnitActivation::kPRelu);
  block.second = add_unit(tree, {path + ".conv2", path + ".bn3", ""},
                          three_by_three(channels, channels, stride), UnitActivation::kNone);
  if (stride != 1) {
    block.shortcut = add_unit(tree, UnitPaths::in_numbers(path + ".downsample"),
                              {in_channels, channels, {1, 1}, stride}, UnitActivation::kNone);
  }
  if (config_.has_gates) block.gate = add_gate(tree, path + ".se_block", channels);
  return block;
}

IResNetImpl::IResNetImpl(const IResNetConfig& config) : config_(config) {
  ModuleTree tree(*this);
  stem_ = add_unit(tree, {"conv1", "bn1", "prelu"}, three_by_three(3, kChannels[0]),
                   UnitActivation::kPRelu);
  int64_t in_channels = kChannels[0];
  for (size_t stage = 0; stage < kChannels.size(); ++stage) {
    const std::string layer = "layer" + std::to_string(stage + 1) + ".";
    for (int64_t i = 0; i < config.blocks[stage]; ++i) {
      blocks_.push_back(add_block(tree, layer + std::to_string(i), in_channels, kChannels[stage],
                                  i == 0 ? 2 : 1));
      in_channels = kChannels[stage];
    }
  }
  norm_ = tree.add("bn2", torch::nn::BatchNorm2d(in_channels));
  fc_ = tree.add("fc", torch::nn::Linear(in_channels * kLastSizePx * kLastSizePx, kDimension));
  features_ = tree.add("features", torch::nn::BatchNorm1d(kDimension));
  features_->weight.set_requires_grad(false);  // ArcFace keeps it at 1
  if (config.has_quality) quality_ = tree.add("qs", torch::nn::Linear(kDimension, 1));
}

int64_t IResNetImpl::dimension() const {
  return kDimension;
}

LayerValue IResNetImpl::flow(LayerOps& ops, const LayerValue& x) const {
  LayerValue y = stem_.flow(ops, x);
  for (const Block& block : blocks_) {
    LayerValue z = block.second.flow(ops, block.first.flow(ops, ops.norm(block.norm, y)));
    if (config_.has_gates) z = block.gate.flow(ops, z);
    y = ops.add(z, block.shortcut.conv.is_empty() ? y : block.shortcut.flow(ops, y));
  }
  return ops.norm(features_, ops.linear(fc_, ops.flatten(ops.norm(norm_, y))));
}

LayerValue IResNetImpl::judge(LayerOps& ops, const LayerValue& raw_embeddings) const {
  return ops.linear(quality_, raw_embeddings);
}

}  // namespace guise::nets
