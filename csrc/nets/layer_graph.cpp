#include "nets/layer_graph.h"

#include <ATen/ATen.h>

#include "core/check.h"

namespace guise::nets {

namespace {

at::Tensor copied(const at::Tensor& tensor) {
  return tensor.detach().to(at::kFloat).contiguous().clone();
}

int64_t size_after(int64_t size, int64_t kernel, int64_t padding, int64_t stride) {
  return (size + 2 * padding - kernel) / stride + 1;
}

}  // namespace

LayerGraph::LayerGraph(CropSize size) : size_(size) {
  record(InferenceStep(Kind::kInput, {}), {3, size.height_px, size.width_px});
}

LayerValue LayerGraph::record(InferenceStep step, const std::array<int64_t, 3>& shape) {
  step.output = static_cast<int64_t>(nodes_.size());
  nodes_.push_back({std::move(step), shape, /*uses=*/0});
  return Value({}, static_cast<int64_t>(nodes_.size()) - 1);
}

LayerValue LayerGraph::convolution(const torch::nn::Conv2d& layer, const Value& x) {
  const auto& options = layer->options;
  InferenceStep step(Kind::kConvolution, {x.node});
  step.weight = copied(layer->weight);
  step.bias = layer->bias.defined() ? copied(layer->bias) : at::zeros({step.weight.size(0)});
  const auto padding = std::get<torch::ExpandingArray<2>>(options.padding());
  step.padding.assign(padding->begin(), padding->end());
  step.strides.assign(options.stride()->begin(), options.stride()->end());
  step.groups = options.groups();
  std::array<int64_t, 3> result = {step.weight.size(0), 0, 0};
  for (size_t i = 0; i < 2; ++i) {
    result[i + 1] = size_after(shape(x)[i + 1], step.weight.size(static_cast<int64_t>(i) + 2),
                               step.padding[i], step.strides[i]);
  }
  return record(std::move(step), result);
}

LayerValue LayerGraph::record_norm(const torch::nn::BatchNormOptions& options,
                                   const at::Tensor& weight, const at::Tensor& bias,
                                   const at::Tensor& mean, const at::Tensor& variance,
                                   const Value& x) {
  at::Tensor scale = at::rsqrt(variance.detach().to(at::kDouble) + options.eps());
  if (options.affine()) scale = scale * weight.detach().to(at::kDouble);
  at::Tensor shift = -mean.detach().to(at::kDouble) * scale;
  if (options.affine()) shift = shift + bias.detach().to(at::kDouble);
  InferenceStep step(Kind::kScaleShift, {x.node});
  // In double until they are folded or emitted.
  step.weight = scale;
  step.bias = shift;
  return record(std::move(step), shape(x));
}

LayerValue LayerGraph::norm(const torch::nn::BatchNorm2d& layer, const Value& x) {
  return record_norm(layer->options, layer->weight, layer->bias, layer->running_mean,
                     layer->running_var, x);
}

LayerValue LayerGraph::norm(const torch::nn::BatchNorm1d& layer, const Value& x) {
  return record_norm(layer->options, layer->weight, layer->bias, layer->running_mean,
                     layer->running_var, x);
}

LayerValue LayerGraph::linear(const torch::nn::Linear& layer, const Value& x) {
  InferenceStep step(Kind::kLinear, {x.node});
  step.weight = copied(layer->weight);
  step.bias = layer->bias.defined() ? copied(layer->bias) : at::zeros({step.weight.size(0)});
  const int64_t outputs = step.weight.size(0);
  return record(std::move(step), {outputs, 1, 1});
}

LayerValue LayerGraph::prelu(const torch::nn::PReLU& layer, const Value& x) {
  InferenceStep step(Kind::kPRelu, {x.node});
  step.weight = copied(layer->weight);
  return record(std::move(step), shape(x));
}

LayerValue LayerGraph::record_activation(Activation activation, const Value& x, double slope) {
  InferenceStep step(Kind::kActivation, {x.node});
  step.activation = activation;
  step.number = slope;
  return record(std::move(step), shape(x));
}

LayerValue LayerGraph::leaky_relu(const Value& x, double slope) {
  return record_activation(Activation::kLeakyRelu, x, slope);
}

LayerValue LayerGraph::relu(const Value& x) {
  return record_activation(Activation::kRelu, x);
}

LayerValue LayerGraph::relu6(const Value& x) {
  return record_activation(Activation::kRelu6, x);
}

LayerValue LayerGraph::sigmoid(const Value& x) {
  return record_activation(Activation::kSigmoid, x);
}

LayerValue LayerGraph::scaled_sum(const Value& x, double factor, const Value& y) {
  InferenceStep step(Kind::kSum, {x.node, y.node});
  step.number = factor;
  return record(std::move(step), shape(x));
}

LayerValue LayerGraph::scale_channels(const Value& x, const Value& factors) {
  return record(InferenceStep(Kind::kScaleChannels, {x.node, factors.node}), shape(x));
}

LayerValue LayerGraph::concatenate(const std::vector<Value>& parts) {
  InferenceStep step(Kind::kConcatenate, {});
  std::array<int64_t, 3> result = shape(parts.front());
  result[0] = 0;
  for (const Value& part : parts) {
    step.inputs.push_back(part.node);
    result[0] += shape(part)[0];
  }
  return record(std::move(step), result);
}

LayerValue LayerGraph::max_pool(const Value& x, int64_t size_px, int64_t stride) {
  InferenceStep step(Kind::kMaxPool, {x.node});
  step.size_px = size_px;
  step.stride = stride;
  const auto& [channels, height, width] = shape(x);
  return record(std::move(step), {channels, size_after(height, size_px, 0, stride),
                                  size_after(width, size_px, 0, stride)});
}

LayerValue LayerGraph::subsample(const Value& x, int64_t stride) {
  if (stride == 1) return x;
  InferenceStep step(Kind::kSubsample, {x.node});
  step.stride = stride;
  const auto& [channels, height, width] = shape(x);
  return record(std::move(step),
                {channels, size_after(height, 1, 0, stride), size_after(width, 1, 0, stride)});
}

LayerValue LayerGraph::mean_over_pixels(const Value& x) {
  return record(InferenceStep(Kind::kMeanOverPixels, {x.node}), {shape(x)[0], 1, 1});
}

LayerValue LayerGraph::flatten(const Value& x) {
  const auto& [channels, height, width] = shape(x);
  return record(InferenceStep(Kind::kFlatten, {x.node}), {channels * height * width, 1, 1});
}

}  // namespace guise::nets
