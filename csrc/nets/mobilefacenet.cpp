#include "nets/mobilefacenet.h"

namespace guise::nets {

namespace {

using Layout = MobileFaceNetConfig::Layout;

constexpr int64_t kLastChannels = 512;
constexpr int64_t kStemGroups = 64;  // also where there are more channels

bool ends_in_convolution(Layout layout) {
  return layout == Layout::kXiaoccer || layout == Layout::kFoamliu;
}

}  // namespace

MobileFaceNetImpl::MobileFaceNetImpl(const MobileFaceNetConfig& config) : config_(config) {
  ModuleTree tree(*this);
  const MobileFaceNetPaths paths = paths_of(config);
  const auto inner =
      config.layout == Layout::kFoamliu ? UnitActivation::kRelu6 : UnitActivation::kPRelu;
  add_stem(tree, paths.stem);
  const auto shapes = bottlenecks_of(config);
  for (size_t i = 0; i < shapes.size(); ++i) {
    const BottleneckShape& shape = shapes[i];
    const int64_t hidden = shape.hidden_channels;
    const auto& [expand, depthwise, project] = paths.bottlenecks[i];
    Bottleneck bottleneck;
    bottleneck.units = {
        add_unit(tree, expand, {shape.in_channels, hidden}, inner),
        add_unit(tree, depthwise, three_by_three(hidden, hidden, shape.stride, hidden), inner),
        add_unit(tree, project, {hidden, shape.out_channels}, UnitActivation::kNone)};
    bottleneck.is_residual = shape.stride == 1;
    bottlenecks_.push_back(bottleneck);
  }
  tail_.push_back(add_unit(tree, paths.last, {shapes.back().out_channels, kLastChannels}, inner));
  add_head(tree, paths, kLastChannels);
}

void MobileFaceNetImpl::add_stem(ModuleTree& tree, const std::vector<UnitPaths>& paths) {
  const bool is_foamliu = config_.layout == Layout::kFoamliu;
  const int64_t channels = 64 * config_.scale;
  stem_.push_back(add_unit(tree, paths[0], three_by_three(3, channels, 2),
                           is_foamliu ? UnitActivation::kRelu6 : UnitActivation::kPRelu));
  if (paths.size() > 1) {
    stem_.push_back(add_unit(tree, paths[1], three_by_three(channels, channels, 1, kStemGroups),
                             is_foamliu ? UnitActivation::kRelu : UnitActivation::kPRelu));
  }
  if (paths.size() > 2) {
    stem_.push_back(add_unit(tree, paths[2], {channels, channels}, UnitActivation::kRelu));
  }
}

void MobileFaceNetImpl::add_head(ModuleTree& tree, const MobileFaceNetPaths& paths,
                                 int64_t channels) {
  const CropSize crop = crop_size();
  ConvolutionShape pool{channels, channels, {crop.height_px / 16, crop.width_px / 16}};
  pool.groups = channels;
  pool.is_padded = false;
  tail_.push_back(add_unit(tree, paths.pool, pool, UnitActivation::kNone));
  if (ends_in_convolution(config_.layout)) {
    ConvolutionShape pointwise{channels, dimension()};
    pointwise.has_bias = config_.layout == Layout::kFoamliu;
    pointwise_ = add_unit(tree, paths.linear, pointwise, UnitActivation::kNone);
  } else {
    linear_ =
        tree.add(paths.linear.conv,
                 torch::nn::Linear(torch::nn::LinearOptions(channels, dimension()).bias(false)));
    norm_ = tree.add(paths.linear.norm, torch::nn::BatchNorm1d(dimension()));
  }
}

int64_t MobileFaceNetImpl::dimension() const {
  return ends_in_convolution(config_.layout) ? 128 : 512;
}

CropSize MobileFaceNetImpl::crop_size() const {
  return {112, config_.layout == Layout::kXiaoccer ? 96 : 112};
}

LayerValue MobileFaceNetImpl::flow(LayerOps& ops, const LayerValue& x) const {
  LayerValue y = x;
  for (const ConvUnit& unit : stem_) y = unit.flow(ops, y);
  for (const Bottleneck& bottleneck : bottlenecks_) {
    LayerValue z = y;
    for (const ConvUnit& unit : bottleneck.units) z = unit.flow(ops, z);
    y = bottleneck.is_residual ? ops.add(z, y) : z;
  }
  for (const ConvUnit& unit : tail_) y = unit.flow(ops, y);
  if (linear_.is_empty()) return ops.flatten(pointwise_.flow(ops, y));
  return ops.norm(norm_, ops.linear(linear_, ops.flatten(y)));
}

}  // namespace guise::nets
