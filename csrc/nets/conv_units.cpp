#include "nets/conv_units.h"

namespace guise::nets {

namespace {

constexpr int64_t kGateReduction = 16;

}  // namespace

ConvolutionShape three_by_three(int64_t in_channels, int64_t out_channels, int64_t stride,
                                int64_t groups) {
  return {in_channels, out_channels, {3, 3}, stride, groups, /*is_padded=*/true};
}

torch::nn::Conv2d convolution(const ConvolutionShape& shape) {
  const auto [height, width] = shape.size_px;
  torch::nn::Conv2dOptions options(shape.in_channels, shape.out_channels, {height, width});
  options.stride(shape.stride).groups(shape.groups).bias(shape.has_bias);
  if (shape.is_padded) options.padding({height / 2, width / 2});
  return torch::nn::Conv2d(options);
}

torch::nn::PReLU prelu(int64_t channels) {
  return torch::nn::PReLU(torch::nn::PReLUOptions().num_parameters(channels));
}

LayerValue ConvUnit::flow(LayerOps& ops, const LayerValue& x) const {
  const LayerValue y = ops.norm(norm, ops.convolution(conv, x));
  switch (activation) {
    case UnitActivation::kPRelu:
      return ops.prelu(prelu, y);
    case UnitActivation::kRelu:
      return ops.relu(y);
    case UnitActivation::kRelu6:
      return ops.relu6(y);
    case UnitActivation::kNone:
      break;
  }
  return y;
}

UnitPaths UnitPaths::in_words(const std::string& path) {
  return {path + ".conv", path + ".bn", path + ".prelu"};
}

UnitPaths UnitPaths::in_numbers(const std::string& path, int64_t first) {
  const auto numbered = [&](int64_t i) { return path + "." + std::to_string(first + i); };
  return {numbered(0), numbered(1), numbered(2)};
}

ConvUnit add_unit(ModuleTree& tree, const UnitPaths& paths, const ConvolutionShape& shape,
                  UnitActivation activation, double norm_eps) {
  ConvUnit unit;
  unit.activation = activation;
  unit.conv = tree.add(paths.conv, convolution(shape));
  unit.norm = tree.add(
      paths.norm,
      torch::nn::BatchNorm2d(torch::nn::BatchNorm2dOptions(shape.out_channels).eps(norm_eps)));
  if (activation == UnitActivation::kPRelu) {
    unit.prelu = tree.add(paths.prelu, prelu(shape.out_channels));
  }
  return unit;
}

LayerValue ChannelGate::flow(LayerOps& ops, const LayerValue& x) const {
  const LayerValue squeezed = ops.relu(ops.convolution(fc1, ops.mean_over_pixels(x)));
  return ops.scale_channels(x, ops.sigmoid(ops.convolution(fc2, squeezed)));
}

ChannelGate add_gate(ModuleTree& tree, const std::string& path, int64_t channels) {
  const int64_t squeezed = channels / kGateReduction;
  return {tree.add(path + ".fc1", convolution({channels, squeezed})),
          tree.add(path + ".fc2", convolution({squeezed, channels}))};
}

}  // namespace guise::nets
