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

void SeparableUnitImpl::fold_into(std::vector<FoldedConv>& steps) const {
  steps.emplace_back(conv1, torch::nn::BatchNorm2d(nullptr), /*relu=*/false);
  steps.emplace_back(conv2, bn, /*relu=*/!bn.is_empty());
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

at::Tensor run(const std::vector<FoldedConv>& steps, at::Tensor x) {
  for (const FoldedConv& step : steps) {
    x = step(x);
  }
  return x;
}

// One pointwise and one depthwise convolution that compute several heads side by side.
void fold_heads_into(std::vector<FoldedConv>& steps, const std::vector<SeparableUnit>& heads) {
  std::vector<at::Tensor> weights1, biases1, weights2, biases2;
  for (const SeparableUnit& head : heads) {
    weights1.push_back(head->conv1->weight.detach());
    biases1.push_back(head->conv1->bias.detach());
    weights2.push_back(head->conv2->weight.detach());
    biases2.push_back(head->conv2->bias.detach());
  }
  const at::Tensor joined = at::cat(weights1);
  steps.emplace_back(joined, at::cat(biases1), /*stride=*/1, /*groups=*/1, /*relu=*/false);
  steps.emplace_back(at::cat(weights2), at::cat(biases2), /*stride=*/1, /*groups=*/joined.size(0),
                     /*relu=*/false);
}

}  // namespace

FoldedYuNet::FoldedYuNet(const YuNetImpl& net) {
  stem_.emplace_back(net.stem_->conv1, net.stem_->bn1, /*relu=*/true);
  net.stem_->conv2->fold_into(stem_);
  for (size_t i = 0; i < stages_.size(); ++i) {
    net.stages_[i]->conv1->fold_into(stages_[i]);
    net.stages_[i]->conv2->fold_into(stages_[i]);
  }
  for (size_t i = 0; i < heads_.size(); ++i) {
    net.lateral_[i]->fold_into(lateral_[i]);
    if (!net.share_.empty()) {
      net.share_[i]->fold_into(heads_[i]);
    }
    fold_heads_into(heads_[i], {net.cls_[i], net.bbox_[i], net.obj_[i], net.kps_[i]});
  }
}

YuNetOutput FoldedYuNet::operator()(const at::Tensor& x) const {
  check_input(x);
  at::Tensor y = halve(run(stem_, x.contiguous(at::MemoryFormat::ChannelsLast)));
  y = halve(run(stages_[1], run(stages_[0], y)));
  const at::Tensor fine = run(stages_[2], y);
  const at::Tensor middle = run(stages_[3], halve(fine));
  const at::Tensor coarse = run(stages_[4], halve(middle));
  const auto levels =
      join_levels({fine, middle, coarse},
                  [this](size_t level, const at::Tensor& z) { return run(lateral_[level], z); });
  YuNetOutput output;
  for (size_t i = 0; i < levels.size(); ++i) {
    output[i] = run(heads_[i], levels[i]);
  }
  return output;
}

}  // namespace guise::nets
