#include "nets/house_recogniser.h"

#include <ATen/ATen.h>

#include <map>

#include "core/check.h"

namespace guise::nets {

namespace {

constexpr double kSlope = 0.1;      // of every LeakyReLU
constexpr int64_t kLastSizePx = 4;  // 64 px, halved by the stem and three stages

void check_config(const HouseRecogniserConfig& config) {
  for (size_t stage = 0; stage < config.channels.size(); ++stage) {
    GUISE_CHECK_ARG(config.channels[stage] >= 1 && config.blocks[stage] >= 1,
                    "every stage of a house recogniser must have a channel and a block; stage ",
                    stage, " has ", config.channels[stage], " and ", config.blocks[stage]);
  }
  GUISE_CHECK_ARG(config.dimension >= 1, "the dimension must be 1 or more; got ", config.dimension);
}

}  // namespace

HouseRecogniserImpl::Block HouseRecogniserImpl::add_block(ModuleTree& tree, const std::string& path,
                                                          int64_t in_channels, int64_t channels,
                                                          int64_t stride) {
  const auto unit = [&](const UnitPaths& paths, const ConvolutionShape& shape) {
    return add_unit(tree, paths, shape, UnitActivation::kNone);
  };
  Block block;
  block.first =
      unit({path + "conv1", path + "bn1", ""}, three_by_three(in_channels, channels, stride));
  block.second = unit({path + "conv2", path + "bn2", ""}, three_by_three(channels, channels));
  if (in_channels != channels || stride != 1) {
    block.shortcut = unit({path + "shortcut_conv", path + "shortcut_bn", ""},
                          {in_channels, channels, {1, 1}, stride});
  }
  return block;
}

HouseRecogniserImpl::HouseRecogniserImpl(const HouseRecogniserConfig& config) : config_(config) {
  check_config(config);
  ModuleTree tree(*this);
  stem_ = add_unit(tree, UnitPaths::in_numbers("stem"), three_by_three(3, config.channels[0], 2),
                   UnitActivation::kNone);
  int64_t in_channels = config.channels[0];
  for (size_t s = 0; s < config.channels.size(); ++s) {
    for (int64_t i = 0; i < config.blocks[s]; ++i) {
      const std::string path = "stages." + std::to_string(s) + "." + std::to_string(i) + ".";
      blocks_.push_back(
          add_block(tree, path, in_channels, config.channels[s], s > 0 && i == 0 ? 2 : 1));
      in_channels = config.channels[s];
    }
  }
  ConvolutionShape pool{in_channels, in_channels, {kLastSizePx, kLastSizePx}};
  pool.groups = in_channels;
  pool.is_padded = false;
  pool_ = add_unit(tree, {"head_conv", "head_bn", ""}, pool, UnitActivation::kNone);
  linear_ = tree.add(
      "linear",
      torch::nn::Linear(torch::nn::LinearOptions(in_channels, config.dimension).bias(false)));
  features_ = tree.add("features", torch::nn::BatchNorm1d(config.dimension));
  if (config.has_quality) {
    quality_ = tree.add("quality", torch::nn::Linear(config.dimension, 1));
  }
}

LayerValue HouseRecogniserImpl::Block::flow(LayerOps& ops, const LayerValue& x) const {
  const LayerValue y = second.flow(ops, ops.leaky_relu(first.flow(ops, x), kSlope));
  const LayerValue sum = ops.add(y, shortcut.conv.is_empty() ? x : shortcut.flow(ops, x));
  return ops.leaky_relu(sum, kSlope);
}

LayerValue HouseRecogniserImpl::flow(LayerOps& ops, const LayerValue& x) const {
  LayerValue y = ops.leaky_relu(stem_.flow(ops, x), kSlope);
  for (const Block& block : blocks_) y = block.flow(ops, y);
  return ops.norm(features_, ops.linear(linear_, ops.flatten(pool_.flow(ops, y))));
}

std::vector<at::Tensor> HouseRecogniserImpl::stage_features(const at::Tensor& x) {
  GUISE_CHECK_ARG(x.dim() == 4 && x.size(1) == 3 && x.is_floating_point(),
                  "features are of float [N, 3, H, W]; got ", x.sizes(), " ",
                  c10::toString(x.scalar_type()));
  EagerOps ops;
  LayerValue y = ops.leaky_relu(stem_.flow(ops, LayerValue(x)), kSlope);
  std::vector<at::Tensor> found = {y.tensor};
  auto block = blocks_.cbegin();
  for (const int64_t blocks : config_.blocks) {
    for (int64_t i = 0; i < blocks; ++i) y = (block++)->flow(ops, y);
    found.push_back(y.tensor);
  }
  return found;
}

LayerValue HouseRecogniserImpl::judge(LayerOps& ops, const LayerValue& raw_embeddings) const {
  return ops.sigmoid(ops.linear(quality_, raw_embeddings));
}

namespace {

using Tensors = std::map<std::string, at::Tensor>;

[[noreturn]] void refuse(const std::string& source, const std::string& key) {
  throw CorruptFile(source + " must hold the tensors of a house recogniser; " + key +
                    " is missing or of another shape; is it a file of another architecture?");
}

// The first size of a tensor whose other sizes are `inner`. Sizes become memory, so each is one
// that the file itself has paid for.
int64_t rows(const Tensors& tensors, const std::string& key, const std::vector<int64_t>& inner,
             const std::string& source) {
  const auto found = tensors.find(key);
  if (found == tensors.end() || found->second.numel() == 0 ||
      found->second.dim() != static_cast<int64_t>(inner.size()) + 1 ||
      found->second.sizes().slice(1) != at::IntArrayRef(inner)) {
    refuse(source, key);
  }
  return found->second.size(0);
}

// Counts the blocks of a stage, of which the first turns in_channels into the stage's channels.
int64_t count_blocks(const Tensors& tensors, const std::string& stage, int64_t in_channels,
                     int64_t channels, const std::string& source) {
  int64_t blocks = 0;
  for (;; ++blocks) {
    const std::string block = stage + std::to_string(blocks);
    if (blocks > 0 && !tensors.contains(block + ".conv1.weight")) return blocks;
    const std::vector<int64_t> inner = {blocks == 0 ? in_channels : channels, 3, 3};
    if (rows(tensors, block + ".conv1.weight", inner, source) != channels) {
      refuse(source, block + ".conv1.weight");
    }
    if (rows(tensors, block + ".conv2.weight", {channels, 3, 3}, source) != channels) {
      refuse(source, block + ".conv2.weight");
    }
  }
}

}  // namespace

HouseRecogniserConfig HouseRecogniserConfig::of(
    const std::vector<std::pair<std::string, at::Tensor>>& tensors, const std::string& source) {
  const Tensors by_key(tensors.begin(), tensors.end());
  HouseRecogniserConfig config;
  int64_t in_channels = rows(by_key, "stem.0.weight", {3, 3, 3}, source);
  for (size_t s = 0; s < config.channels.size(); ++s) {
    const std::string stage = "stages." + std::to_string(s) + ".";
    config.channels[s] = rows(by_key, stage + "0.conv1.weight", {in_channels, 3, 3}, source);
    config.blocks[s] = count_blocks(by_key, stage, in_channels, config.channels[s], source);
    in_channels = config.channels[s];
  }
  config.dimension = rows(by_key, "linear.weight", {in_channels}, source);
  config.has_quality = by_key.contains("quality.weight");
  return config;
}

}  // namespace guise::nets
