#include "nets/layer_ops.h"

#include <ATen/ATen.h>

namespace guise::nets {

using Value = LayerValue;

// torch::nn modules are handles: ptr() gives the module itself, which forward() may change (a norm
// counts its batches).
Value EagerOps::convolution(const torch::nn::Conv2d& layer, const Value& x) {
  return Value(layer.ptr()->forward(x.tensor));
}

Value EagerOps::norm(const torch::nn::BatchNorm2d& layer, const Value& x) {
  return Value(layer.ptr()->forward(x.tensor));
}

Value EagerOps::norm(const torch::nn::BatchNorm1d& layer, const Value& x) {
  return Value(layer.ptr()->forward(x.tensor));
}

Value EagerOps::linear(const torch::nn::Linear& layer, const Value& x) {
  return Value(layer.ptr()->forward(x.tensor));
}

Value EagerOps::prelu(const torch::nn::PReLU& layer, const Value& x) {
  return Value(layer.ptr()->forward(x.tensor));
}

Value EagerOps::leaky_relu(const Value& x, double slope) {
  return Value(at::leaky_relu(x.tensor, slope));
}

Value EagerOps::relu(const Value& x) {
  return Value(at::relu(x.tensor));
}

Value EagerOps::relu6(const Value& x) {
  return Value(at::hardtanh(x.tensor, 0, 6));
}

Value EagerOps::sigmoid(const Value& x) {
  return Value(at::sigmoid(x.tensor));
}

Value EagerOps::scaled_sum(const Value& x, double factor, const Value& y) {
  return Value(factor == 1.0 ? x.tensor + y.tensor : factor * x.tensor + y.tensor);
}

Value EagerOps::scale_channels(const Value& x, const Value& factors) {
  return Value(x.tensor * factors.tensor);
}

Value EagerOps::concatenate(const std::vector<Value>& parts) {
  std::vector<at::Tensor> tensors;
  for (const Value& part : parts) tensors.push_back(part.tensor);
  return Value(at::cat(tensors, 1));
}

Value EagerOps::max_pool(const Value& x, int64_t size_px, int64_t stride) {
  return Value(at::max_pool2d(x.tensor, {size_px, size_px}, {stride, stride}));
}

Value EagerOps::subsample(const Value& x, int64_t stride) {
  return Value(x.tensor.slice(2, 0, std::nullopt, stride).slice(3, 0, std::nullopt, stride));
}

Value EagerOps::mean_over_pixels(const Value& x) {
  return Value(at::adaptive_avg_pool2d(x.tensor, {1, 1}));
}

Value EagerOps::flatten(const Value& x) {
  return Value(x.tensor.flatten(1));
}

}  // namespace guise::nets
