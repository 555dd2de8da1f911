#include "nets/inception_resnet.h"

namespace guise::nets {

namespace {

constexpr double kNormEps = 1e-3;
constexpr int64_t kDimension = 512, kLastChannels = 1792;
constexpr size_t kUnitsBeforePool = 3;  // the stem's maximum stands between its third and fourth

using Shapes = std::vector<ConvolutionShape>;

ConvolutionShape pointwise(int64_t in_channels, int64_t out_channels) {
  return {in_channels, out_channels};
}

// 3 x 3 without padding.
ConvolutionShape valid(int64_t in_channels, int64_t out_channels, int64_t stride = 1) {
  ConvolutionShape shape = three_by_three(in_channels, out_channels, stride);
  shape.is_padded = false;
  return shape;
}

std::vector<Shapes> block35() {
  return {{pointwise(256, 32)},
          {pointwise(256, 32), three_by_three(32, 32)},
          {pointwise(256, 32), three_by_three(32, 32), three_by_three(32, 32)}};
}

// 1 x size_px and size_px x 1, one after the other.
std::vector<Shapes> long_block(int64_t channels, int64_t width, int64_t size_px) {
  return {{pointwise(channels, width)},
          {pointwise(channels, width), {width, width, {1, size_px}}, {width, width, {size_px, 1}}}};
}

std::vector<Shapes> mixed_6a() {
  return {{valid(256, 384, 2)},
          {pointwise(256, 192), three_by_three(192, 192), valid(192, 256, 2)}};
}

std::vector<Shapes> mixed_7a() {
  return {{pointwise(896, 256), valid(256, 384, 2)},
          {pointwise(896, 256), valid(256, 256, 2)},
          {pointwise(896, 256), three_by_three(256, 256), valid(256, 256, 2)}};
}

}  // namespace

InceptionResnetImpl::Branch InceptionResnetImpl::add_branch(ModuleTree& tree,
                                                            const std::string& path,
                                                            const Shapes& shapes) {
  Branch branch;
  for (size_t i = 0; i < shapes.size(); ++i) {
    const std::string unit = shapes.size() == 1 ? path : path + "." + std::to_string(i);
    branch.push_back(
        add_unit(tree, UnitPaths::in_words(unit), shapes[i], UnitActivation::kRelu, kNormEps));
  }
  return branch;
}

void InceptionResnetImpl::add_stem(ModuleTree& tree) {
  const auto add = [&](const std::string& path, const ConvolutionShape& shape) {
    stem_.push_back(add_branch(tree, path, {shape}).front());
  };
  add("conv2d_1a", valid(3, 32, 2));
  add("conv2d_2a", valid(32, 32));
  add("conv2d_2b", three_by_three(32, 64));
  add("conv2d_3b", pointwise(64, 80));
  add("conv2d_4a", valid(80, 192));
  add("conv2d_4b", valid(192, 256, 2));
}

void InceptionResnetImpl::add_reduction(ModuleTree& tree, const std::string& path,
                                        const std::vector<Shapes>& branches) {
  Block block;
  for (size_t i = 0; i < branches.size(); ++i) {
    block.branches.push_back(add_branch(tree, path + ".branch" + std::to_string(i), branches[i]));
  }
  blocks_.push_back(block);
}

void InceptionResnetImpl::add_residual(ModuleTree& tree, const std::string& path,
                                       const std::vector<Shapes>& branches, double scale) {
  add_reduction(tree, path, branches);
  int64_t joined = 0;
  for (const Shapes& branch : branches) joined += branch.back().out_channels;
  ConvolutionShape projection{joined, branches.front().front().in_channels};
  projection.has_bias = true;
  blocks_.back().projection = tree.add(path + ".conv2d", convolution(projection));
  blocks_.back().scale = scale;
}

InceptionResnetImpl::InceptionResnetImpl() {
  ModuleTree tree(*this);
  add_stem(tree);
  for (int64_t i = 0; i < 5; ++i) {
    add_residual(tree, "repeat_1." + std::to_string(i), block35(), 0.17);
  }
  add_reduction(tree, "mixed_6a", mixed_6a());
  for (int64_t i = 0; i < 10; ++i) {
    add_residual(tree, "repeat_2." + std::to_string(i), long_block(896, 128, 7), 0.10);
  }
  add_reduction(tree, "mixed_7a", mixed_7a());
  for (int64_t i = 0; i < 5; ++i) {
    add_residual(tree, "repeat_3." + std::to_string(i), long_block(kLastChannels, 192, 3), 0.20);
  }
  add_residual(tree, "block8", long_block(kLastChannels, 192, 3), 1.0);
  blocks_.back().ends_in_relu = false;
  linear_ =
      tree.add("last_linear",
               torch::nn::Linear(torch::nn::LinearOptions(kLastChannels, kDimension).bias(false)));
  norm_ = tree.add("last_bn",
                   torch::nn::BatchNorm1d(torch::nn::BatchNorm1dOptions(kDimension).eps(kNormEps)));
}

int64_t InceptionResnetImpl::dimension() const {
  return kDimension;
}

LayerValue InceptionResnetImpl::Block::flow(LayerOps& ops, const LayerValue& x) const {
  std::vector<LayerValue> parts;
  for (const Branch& branch : branches) {
    LayerValue y = x;
    for (const ConvUnit& unit : branch) y = unit.flow(ops, y);
    parts.push_back(y);
  }
  if (projection.is_empty()) {
    parts.push_back(ops.max_pool(x, 3, 2));
    return ops.concatenate(parts);
  }
  const LayerValue y = ops.convolution(projection, ops.concatenate(parts));
  const LayerValue sum = ops.scaled_sum(y, scale, x);
  return ends_in_relu ? ops.relu(sum) : sum;
}

LayerValue InceptionResnetImpl::flow(LayerOps& ops, const LayerValue& x) const {
  LayerValue y = x;
  for (size_t i = 0; i < stem_.size(); ++i) {
    if (i == kUnitsBeforePool) y = ops.max_pool(y, 3, 2);
    y = stem_[i].flow(ops, y);
  }
  for (const Block& block : blocks_) y = block.flow(ops, y);
  return ops.norm(norm_, ops.linear(linear_, ops.flatten(ops.mean_over_pixels(y))));
}

}  // namespace guise::nets
