#include "nets/retinaface.h"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>

#include "core/check.h"
#include "nets/module_tree.h"

namespace guise::nets {

namespace {

using Unit = RetinaFaceLayers::Unit;

struct UnitShape {
  int64_t in_channels, out_channels, size_px = 1, stride = 1, groups = 1;
};

torch::nn::Conv2d convolution(const UnitShape& shape, bool has_bias = false) {
  return torch::nn::Conv2d(
      torch::nn::Conv2dOptions(shape.in_channels, shape.out_channels, shape.size_px)
          .stride(shape.stride)
          .padding(shape.size_px / 2)
          .groups(shape.groups)
          .bias(has_bias));
}

// Registers layers under the names of the checkpoint.
class Builder {
 public:
  Builder(torch::nn::Module& root, double slope) : tree_(root), slope_(slope) {}

  Unit unit(const std::string& conv, const std::string& norm, const UnitShape& shape,
            std::optional<double> slope) {
    return {tree_.add(conv, convolution(shape)),
            tree_.add(norm, torch::nn::BatchNorm2d(shape.out_channels)), slope};
  }
  // A unit of a Sequential: path.first and path.(first + 1).
  Unit numbered(const std::string& path, const UnitShape& shape, int64_t first = 0) {
    return unit(path + "." + std::to_string(first), path + "." + std::to_string(first + 1), shape,
                slope_);
  }
  Unit numbered_bare(const std::string& path, const UnitShape& shape) {
    return unit(path + ".0", path + ".1", shape, std::nullopt);
  }

  // Depthwise, then pointwise, as two units.
  void add_separable(std::vector<Unit>& units, const std::string& path, int64_t in_channels,
                     int64_t out_channels, int64_t stride) {
    units.push_back(numbered(path, {in_channels, in_channels, 3, stride, in_channels}));
    units.push_back(numbered(path, {in_channels, out_channels}, 3));
  }

  RetinaFaceLayers::Bottleneck bottleneck(const std::string& path, int64_t in_channels,
                                          int64_t channels, int64_t stride) {
    const int64_t outputs = 4 * channels;
    RetinaFaceLayers::Bottleneck block{
        {unit(path + ".conv1", path + ".bn1", {in_channels, channels}, 0.0),
         unit(path + ".conv2", path + ".bn2", {channels, channels, 3, stride}, 0.0),
         unit(path + ".conv3", path + ".bn3", {channels, outputs}, std::nullopt)},
        std::nullopt};
    if (in_channels != outputs || stride != 1) {
      block.shortcut = unit(path + ".downsample.0", path + ".downsample.1",
                            {in_channels, outputs, 1, stride}, std::nullopt);
    }
    return block;
  }

  RetinaFaceLayers::Context context(const std::string& path, int64_t channels) {
    const int64_t half = channels / 2, quarter = channels / 4;
    return {numbered_bare(path + ".conv3X3", {channels, half, 3}),
            numbered(path + ".conv5X5_1", {channels, quarter, 3}),
            numbered_bare(path + ".conv5X5_2", {quarter, quarter, 3}),
            numbered(path + ".conv7X7_2", {quarter, quarter, 3}),
            numbered_bare(path + ".conv7x7_3", {quarter, quarter, 3})};
  }

  torch::nn::Conv2d head(const std::string& path, int64_t channels, int64_t numbers) {
    return tree_.add(path + ".conv1x1",
                     convolution({channels, kRetinaFacePriors * numbers}, /*has_bias=*/true));
  }

 private:
  ModuleTree tree_;
  double slope_;
};

void add_mobilenet(Builder& builder, RetinaFaceLayers& layers) {
  struct Step {
    int64_t channels, stride;
  };
  const std::array<std::vector<Step>, 3> stages = {
      {{{16, 1}, {32, 2}, {32, 1}, {64, 2}, {64, 1}},
       {{128, 2}, {128, 1}, {128, 1}, {128, 1}, {128, 1}, {128, 1}},
       {{256, 2}, {256, 1}}}};
  layers.mobile_stages[0].push_back(builder.numbered("body.stage1.0", {3, 8, 3, 2}));
  int64_t channels = 8;
  for (size_t stage = 0; stage < stages.size(); ++stage) {
    int64_t place = stage == 0 ? 1 : 0;
    for (const auto& [outputs, stride] : stages[stage]) {
      const std::string path =
          "body.stage" + std::to_string(stage + 1) + "." + std::to_string(place++);
      builder.add_separable(layers.mobile_stages[stage], path, channels, outputs, stride);
      channels = outputs;
    }
  }
}

void add_resnet50(Builder& builder, RetinaFaceLayers& layers) {
  constexpr std::array<int64_t, 4> kBlocks = {3, 4, 6, 3};
  layers.stem = builder.unit("body.conv1", "body.bn1", {3, 64, 7, 2}, 0.0);
  int64_t channels = 64;
  for (size_t stage = 0; stage < kBlocks.size(); ++stage) {
    const int64_t inner = int64_t{64} << stage;
    for (int64_t i = 0; i < kBlocks[stage]; ++i) {
      const std::string path = "body.layer" + std::to_string(stage + 1) + "." + std::to_string(i);
      layers.residual_stages[stage].push_back(
          builder.bottleneck(path, channels, inner, stage > 0 && i == 0 ? 2 : 1));
      channels = 4 * inner;
    }
  }
}

at::Tensor resized_to(const at::Tensor& x, const at::Tensor& other) {
  return at::upsample_nearest2d(x, {other.size(2), other.size(3)});
}

// [N, 2 k, H, W] -> [N, 2 H W, k]
at::Tensor by_prior(const at::Tensor& map) {
  return map.permute({0, 2, 3, 1}).reshape({map.size(0), -1, map.size(1) / kRetinaFacePriors});
}

Unit folded_unit(const Unit& unit) {
  const auto& options = unit.conv->options;
  const auto padding = std::get<torch::ExpandingArray<2>>(options.padding());
  Unit result{
      torch::nn::Conv2d(torch::nn::Conv2dOptions(options.in_channels(), options.out_channels(),
                                                 options.kernel_size())
                            .stride(options.stride())
                            .padding(padding)
                            .groups(options.groups())),
      nullptr, unit.slope};
  const c10::NoGradGuard no_grad;
  const auto exact = [](const at::Tensor& tensor) { return tensor.to(at::kDouble); };
  const at::Tensor scale =
      exact(unit.norm->weight) / (exact(unit.norm->running_var) + unit.norm->options.eps()).sqrt();
  const at::Tensor weight = exact(unit.conv->weight) * scale.view({-1, 1, 1, 1});
  result.conv->weight.set_data(weight.to(at::kFloat).contiguous(at::MemoryFormat::ChannelsLast));
  result.conv->bias.copy_(exact(unit.norm->bias) - exact(unit.norm->running_mean) * scale);
  return result;
}

}  // namespace

RetinaFaceConfig RetinaFaceConfig::preset(const std::string& name) {
  GUISE_CHECK_ARG(name == "mnet025-leaky" || name == "mnet025-relu" || name == "r50",
                  "preset must be 'mnet025-leaky', 'mnet025-relu' or 'r50'; got '", name, "'");
  RetinaFaceConfig config;
  config.is_resnet50 = name == "r50";
  config.slope = name == "mnet025-leaky" ? 0.1 : 0.0;
  if (name == "mnet025-relu") {
    config.priors_px = {{{10, 20}, {32, 64}, {128, 256}}};
  }
  return config;
}

at::Tensor RetinaFaceLayers::Unit::operator()(const at::Tensor& x) const {
  at::Tensor y = conv.ptr()->forward(x);
  if (!norm.is_empty()) {
    y = norm.ptr()->forward(y);
  }
  if (!slope.has_value()) {
    return y;
  }
  return *slope == 0.0 ? at::relu(y) : at::leaky_relu(y, *slope);
}

std::array<at::Tensor, 3> RetinaFaceLayers::body(const at::Tensor& x) const {
  std::array<at::Tensor, 3> levels;
  at::Tensor y = x;
  if (mobile_stages[0].empty()) {
    y = at::max_pool2d(stem(y), {3, 3}, {2, 2}, {1, 1});
    for (size_t stage = 0; stage < residual_stages.size(); ++stage) {
      for (const Bottleneck& block : residual_stages[stage]) {
        const at::Tensor shortcut = block.shortcut ? (*block.shortcut)(y) : y;
        y = at::relu(block.units[2](block.units[1](block.units[0](y))) + shortcut);
      }
      if (stage > 0) {
        levels[stage - 1] = y;
      }
    }
    return levels;
  }
  for (size_t stage = 0; stage < mobile_stages.size(); ++stage) {
    for (const Unit& unit : mobile_stages[stage]) {
      y = unit(y);
    }
    levels[stage] = y;
  }
  return levels;
}

std::array<at::Tensor, 3> RetinaFaceLayers::neck(const std::array<at::Tensor, 3>& levels) const {
  const at::Tensor coarse = lateral[2](levels[2]);
  const at::Tensor at_middle = lateral[1](levels[1]);
  const at::Tensor middle = merge[1](at_middle + resized_to(coarse, at_middle));
  const at::Tensor at_fine = lateral[0](levels[0]);
  const at::Tensor fine = merge[0](at_fine + resized_to(middle, at_fine));
  return {fine, middle, coarse};
}

RetinaFaceOutput RetinaFaceLayers::operator()(const at::Tensor& x) const {
  const auto levels = neck(body(x));
  std::vector<at::Tensor> classes, boxes, landmarks;
  for (size_t i = 0; i < levels.size(); ++i) {
    const Context& around = context[i];
    const at::Tensor shared = around.shared(levels[i]);
    const at::Tensor y = at::relu(at::cat(
        {around.small(levels[i]), around.middle(shared), around.large(around.large_first(shared))},
        1));
    const auto apply = [&y](const torch::nn::Conv2d& head) {
      return by_prior(head.ptr()->forward(y));
    };
    classes.push_back(apply(heads[i].classes));
    boxes.push_back(apply(heads[i].boxes));
    landmarks.push_back(apply(heads[i].landmarks));
  }
  return {at::cat(classes, 1), at::cat(boxes, 1), at::cat(landmarks, 1)};
}

RetinaFaceLayers RetinaFaceLayers::folded() const {
  RetinaFaceLayers result = *this;
  const auto fold = [](Unit& unit) { unit = folded_unit(unit); };
  for (auto& stage : result.mobile_stages) {
    for (Unit& unit : stage) fold(unit);
  }
  if (mobile_stages[0].empty()) {
    fold(result.stem);
  }
  for (auto& stage : result.residual_stages) {
    for (Bottleneck& block : stage) {
      for (Unit& unit : block.units) fold(unit);
      if (block.shortcut) fold(*block.shortcut);
    }
  }
  for (Unit& unit : result.lateral) fold(unit);
  for (Unit& unit : result.merge) fold(unit);
  for (Context& around : result.context) {
    for (Unit* unit :
         {&around.small, &around.shared, &around.middle, &around.large_first, &around.large}) {
      fold(*unit);
    }
  }
  return result;
}

RetinaFaceImpl::RetinaFaceImpl(const RetinaFaceConfig& config) : config_(config) {
  Builder builder(*this, config.slope);
  config.is_resnet50 ? add_resnet50(builder, layers_) : add_mobilenet(builder, layers_);
  const std::array<int64_t, 3> channels = config.is_resnet50
                                              ? std::array<int64_t, 3>{512, 1024, 2048}
                                              : std::array<int64_t, 3>{64, 128, 256};
  const int64_t inner = config.is_resnet50 ? 256 : 64;
  for (size_t i = 0; i < 3; ++i) {
    layers_.lateral[i] =
        builder.numbered("fpn.output" + std::to_string(i + 1), {channels[i], inner});
  }
  for (size_t i = 0; i < 2; ++i) {
    layers_.merge[i] = builder.numbered("fpn.merge" + std::to_string(i + 1), {inner, inner, 3});
  }
  for (size_t i = 0; i < 3; ++i) {
    const std::string number = std::to_string(i);
    layers_.context[i] = builder.context("ssh" + std::to_string(i + 1), inner);
    layers_.heads[i] = {builder.head("ClassHead." + number, inner, 2),
                        builder.head("BboxHead." + number, inner, 4),
                        builder.head("LandmarkHead." + number, inner, 10)};
  }
}

RetinaFaceOutput RetinaFaceImpl::forward(const at::Tensor& x) {
  GUISE_CHECK_ARG(x.dim() == 4 && x.size(1) == 3 && x.numel() > 0,
                  "RetinaFace takes [N, 3, H, W]; got ", x.sizes());
  return layers_(x);
}

}  // namespace guise::nets
