#include "nets/yunet.h"

#include <ATen/ATen.h>

#include "core/check.h"

namespace guise::nets {

namespace {

torch::nn::Conv2dOptions pointwise(int64_t in_channels, int64_t out_channels) {
  return torch::nn::Conv2dOptions(in_channels, out_channels, 1);
}

torch::nn::Conv2dOptions depthwise(int64_t channels) {
  return torch::nn::Conv2dOptions(channels, channels, 3).padding(1).groups(channels);
}

at::Tensor halve(const at::Tensor& x) {
  return at::max_pool2d(x, {2, 2});
}

at::Tensor double_nearest(const at::Tensor& x) {
  return at::upsample_nearest2d(x, {2 * x.size(2), 2 * x.size(3)});
}

void check_input(const at::Tensor& x) {
  GUISE_CHECK_ARG(x.dim() == 4 && x.size(1) == 3 && x.size(2) % kYuNetInputMultiple == 0 &&
                      x.size(3) % kYuNetInputMultiple == 0 && x.numel() > 0,
                  "YuNet takes [N, 3, H, W] with H and W multiples of 32; got ", x.sizes());
}

std::vector<float> values(const at::Tensor& tensor) {
  const at::Tensor flat = tensor.to(at::kFloat).contiguous();
  return {flat.const_data_ptr<float>(), flat.const_data_ptr<float>() + flat.numel()};
}

// Weight and bias with BatchNorm's statistics folded in; `norm` may be empty.
std::pair<at::Tensor, at::Tensor> folded_convolution(const torch::nn::Conv2d& conv,
                                                     const torch::nn::BatchNorm2d& norm) {
  at::Tensor weight = conv->weight.detach(), bias = conv->bias.detach();
  if (!norm.is_empty()) {
    const at::Tensor scale =
        norm->weight.detach() / at::sqrt(norm->running_var + norm->options.eps());
    weight = weight * scale.view({-1, 1, 1, 1});
    bias = (bias - norm->running_mean) * scale + norm->bias.detach();
  }
  return {weight, bias};
}

// The neck: from coarse to fine, each level's lateral unit, then its doubled output added to the
// next.
template <typename Lateral>
std::array<at::Tensor, 3> join_levels(std::array<at::Tensor, 3> levels, const Lateral& lateral) {
  levels[2] = lateral(2, levels[2]);
  levels[1] = lateral(1, levels[1] + double_nearest(levels[2]));
  levels[0] = lateral(0, levels[0] + double_nearest(levels[1]));
  return levels;
}

}  // namespace

SeparableUnitImpl::SeparableUnitImpl(int64_t in_channels, int64_t out_channels, bool ends_head) {
  conv1 = register_module("conv1", torch::nn::Conv2d(pointwise(in_channels, out_channels)));
  conv2 = register_module("conv2", torch::nn::Conv2d(depthwise(out_channels)));
  if (!ends_head) {
    bn = register_module("bn", torch::nn::BatchNorm2d(out_channels));
  }
}

at::Tensor SeparableUnitImpl::forward(const at::Tensor& x) {
  const at::Tensor y = conv2(conv1(x));
  return bn.is_empty() ? y : at::relu(bn(y));
}

SeparableWeights SeparableUnitImpl::folded() const {
  const auto [weight, bias] = folded_convolution(conv2, bn);
  return {conv1->options.in_channels(),
          conv1->options.out_channels(),
          values(conv1->weight.detach().flatten(1).t()),
          values(conv1->bias.detach()),
          values(weight.flatten(1).t()),
          values(bias),
          /*relu=*/!bn.is_empty()};
}

YuNetImpl::Stem::Stem() {
  conv1 = register_module(
      "conv1", torch::nn::Conv2d(torch::nn::Conv2dOptions(3, 16, 3).stride(2).padding(1)));
  bn1 = register_module("bn1", torch::nn::BatchNorm2d(16));
  conv2 = register_module("conv2", SeparableUnit(16, 16));
}

YuNetImpl::Stage::Stage(int64_t in_channels, int64_t out_channels) {
  conv1 = register_module("conv1", SeparableUnit(in_channels, in_channels));
  conv2 = register_module("conv2", SeparableUnit(in_channels, out_channels));
}

at::Tensor YuNetImpl::Stage::forward(const at::Tensor& x) {
  return conv2(conv1(x));
}

YuNetConfig YuNetConfig::of(const std::vector<std::pair<std::string, at::Tensor>>& tensors) {
  for (const auto& [key, tensor] : tensors) {
    if (key.find("multi_level_share_convs") != std::string::npos) {
      return n();
    }
  }
  return s();
}

YuNetImpl::YuNetImpl(const YuNetConfig& config) {
  const auto group = [](torch::nn::Module& parent, const std::string& name) {
    return parent.register_module(name, std::make_shared<torch::nn::Module>());
  };
  const auto backbone = group(*this, "backbone");
  stem_ = backbone->register_module("model0", std::make_shared<Stem>());
  const std::array<int64_t, 6> channels = {16, config.early_channels, 64, 64, 64, 64};
  for (size_t i = 0; i + 1 < channels.size(); ++i) {
    stages_.push_back(backbone->register_module(
        "model" + std::to_string(i + 1), std::make_shared<Stage>(channels[i], channels[i + 1])));
  }
  const auto lateral = group(*group(*this, "neck"), "lateral_convs");
  const auto head = group(*this, "bbox_head");
  const auto share = config.has_shared_units ? group(*head, "multi_level_share_convs") : nullptr;
  const auto cls = group(*head, "multi_level_cls");
  const auto bbox = group(*head, "multi_level_bbox");
  const auto obj = group(*head, "multi_level_obj");
  const auto kps = group(*head, "multi_level_kps");
  for (size_t level = 0; level < kYuNetStrides.size(); ++level) {
    const std::string name = std::to_string(level);
    lateral_.push_back(lateral->register_module(name, SeparableUnit(64, 64)));
    if (share) {
      share_.push_back(group(*share, name)->register_module("0", SeparableUnit(64, 64)));
    }
    const auto end = [&name](torch::nn::Module& parent, int64_t outputs) {
      return parent.register_module(name, SeparableUnit(64, outputs, /*ends_head=*/true));
    };
    cls_.push_back(end(*cls, 1));
    bbox_.push_back(end(*bbox, 4));
    obj_.push_back(end(*obj, 1));
    kps_.push_back(end(*kps, 10));
  }
}

YuNetOutput YuNetImpl::forward(const at::Tensor& x) {
  check_input(x);
  at::Tensor y = halve(stem_->conv2(at::relu(stem_->bn1(stem_->conv1(x)))));
  y = halve(stages_[1]->forward(stages_[0]->forward(y)));
  const at::Tensor fine = stages_[2]->forward(y);
  const at::Tensor middle = stages_[3]->forward(halve(fine));
  const at::Tensor coarse = stages_[4]->forward(halve(middle));
  const auto levels = join_levels(
      {fine, middle, coarse},
      [this](size_t level, const at::Tensor& z) { return lateral_[level]->forward(z); });
  YuNetOutput output;
  for (size_t i = 0; i < levels.size(); ++i) {
    const at::Tensor shared = share_.empty() ? levels[i] : share_[i](levels[i]);
    output[i] = at::cat({cls_[i](shared), bbox_[i](shared), obj_[i](shared), kps_[i](shared)}, 1);
  }
  return output;
}

namespace {

// One unit that computes several heads side by side.
SeparableWeights joined(const std::vector<SeparableUnit>& heads) {
  std::vector<at::Tensor> weights1, biases1, weights2, biases2;
  for (const SeparableUnit& head : heads) {
    weights1.push_back(head->conv1->weight.detach().flatten(1));
    biases1.push_back(head->conv1->bias.detach());
    weights2.push_back(head->conv2->weight.detach().flatten(1));
    biases2.push_back(head->conv2->bias.detach());
  }
  const at::Tensor pointwise = at::cat(weights1);
  return {pointwise.size(1),
          pointwise.size(0),
          values(pointwise.t()),
          values(at::cat(biases1)),
          values(at::cat(weights2).t()),
          values(at::cat(biases2)),
          /*relu=*/false};
}

// The rows of `source` after some units, which live as long as this object.
class UnitChain {
 public:
  UnitChain(RowSource& source, const std::vector<SeparableWeights>& units) : last_(&source) {
    for (const SeparableWeights& unit : units) {
      rows_.push_back(std::make_unique<SeparableRows>(*last_, unit));
      last_ = rows_.back().get();
    }
  }
  RowSource& rows() { return *last_; }

 private:
  std::vector<std::unique_ptr<SeparableRows>> rows_;
  RowSource* last_;
};

Map run(RowSource& source, const std::vector<SeparableWeights>& units) {
  UnitChain chain(source, units);
  return whole_map(chain.rows());
}

Map run_on_half(const Map& map, const std::vector<SeparableWeights>& units) {
  MapRows rows(map);
  MaxPoolRows half(rows);
  return run(half, units);
}

int64_t padded(int64_t size) {
  return (size + kYuNetInputMultiple - 1) / kYuNetInputMultiple * kYuNetInputMultiple;
}

}  // namespace

StreamedYuNet::StreamedYuNet(const YuNetImpl& net) {
  const auto [weight, bias] = folded_convolution(net.stem_->conv1, net.stem_->bn1);
  // [out, channel, row, column] -> [row, column, channel, out]
  stem_ = {weight.size(0), values(weight.permute({2, 3, 1, 0})), values(bias)};
  first_ = {net.stem_->conv2->folded()};
  for (size_t i = 0; i < net.stages_.size(); ++i) {
    Units& units = stages_[i < 2 ? 0 : i - 1];
    units.push_back(net.stages_[i]->conv1->folded());
    units.push_back(net.stages_[i]->conv2->folded());
  }
  for (size_t i = 0; i < heads_.size(); ++i) {
    lateral_[i] = {net.lateral_[i]->folded()};
    if (!net.share_.empty()) {
      heads_[i].push_back(net.share_[i]->folded());
    }
    heads_[i].push_back(joined({net.cls_[i], net.bbox_[i], net.obj_[i], net.kps_[i]}));
  }
}

std::array<Map, 3> StreamedYuNet::operator()(const at::Tensor& image) const {
  StemRows stem(image, padded(image.size(0)), padded(image.size(1)), stem_);
  UnitChain first(stem, first_);
  MaxPoolRows quarter(first.rows());
  UnitChain early(quarter, stages_[0]);
  MaxPoolRows eighth(early.rows());

  const Map fine = run(eighth, stages_[1]);
  const Map middle = run_on_half(fine, stages_[2]);
  const Map coarse = run_on_half(middle, stages_[3]);

  MapRows coarse_rows(coarse);
  const Map level2 = run(coarse_rows, lateral_[2]);
  AddDoubledRows middle_rows(middle, level2);
  const Map level1 = run(middle_rows, lateral_[1]);
  AddDoubledRows fine_rows(fine, level1);
  const Map level0 = run(fine_rows, lateral_[0]);

  MapRows rows0(level0), rows1(level1), rows2(level2);
  return {run(rows0, heads_[0]), run(rows1, heads_[1]), run(rows2, heads_[2])};
}

}  // namespace guise::nets
