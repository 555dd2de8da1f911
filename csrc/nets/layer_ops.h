// The words in which a recogniser says what it computes, once for both of its forms: with EagerOps
// it runs and trains, with a LayerGraph (nets/layer_graph.h) it is written down for inference.
#pragma once

#include <ATen/core/Tensor.h>
#include <torch/nn/modules/activation.h>
#include <torch/nn/modules/batchnorm.h>
#include <torch/nn/modules/conv.h>
#include <torch/nn/modules/linear.h>

#include <cstdint>
#include <utility>
#include <vector>

namespace guise::nets {

// [N, C, H, W], or [N, C] once flat: a tensor (EagerOps) or the number of a node (LayerGraph).
struct LayerValue {
  explicit LayerValue(at::Tensor value = {}, int64_t number = -1)
      : tensor(std::move(value)), node(number) {}

  at::Tensor tensor;
  int64_t node;
};

class LayerOps {
 public:
  using Value = LayerValue;
  virtual ~LayerOps() = default;

  virtual Value convolution(const torch::nn::Conv2d& layer, const Value& x) = 0;
  virtual Value norm(const torch::nn::BatchNorm2d& layer, const Value& x) = 0;
  virtual Value norm(const torch::nn::BatchNorm1d& layer, const Value& x) = 0;
  virtual Value linear(const torch::nn::Linear& layer, const Value& x) = 0;
  virtual Value prelu(const torch::nn::PReLU& layer, const Value& x) = 0;
  virtual Value leaky_relu(const Value& x, double slope) = 0;
  virtual Value relu(const Value& x) = 0;
  virtual Value relu6(const Value& x) = 0;
  virtual Value sigmoid(const Value& x) = 0;
  // factor * x + y
  virtual Value scaled_sum(const Value& x, double factor, const Value& y) = 0;
  // x with each channel multiplied by its factor; factors: [N, C, 1, 1].
  virtual Value scale_channels(const Value& x, const Value& factors) = 0;
  virtual Value concatenate(const std::vector<Value>& parts) = 0;
  virtual Value max_pool(const Value& x, int64_t size_px, int64_t stride) = 0;
  // Every stride-th pixel of every stride-th row.
  virtual Value subsample(const Value& x, int64_t stride) = 0;
  // [N, C, 1, 1]
  virtual Value mean_over_pixels(const Value& x) = 0;
  // [N, C * H * W], in this order
  virtual Value flatten(const Value& x) = 0;

  Value add(const Value& x, const Value& y) { return scaled_sum(x, 1.0, y); }
};

// Runs each operation at once; autograd, autocast and train() work as in any module.
class EagerOps : public LayerOps {
 public:
  Value convolution(const torch::nn::Conv2d& layer, const Value& x) override;
  Value norm(const torch::nn::BatchNorm2d& layer, const Value& x) override;
  Value norm(const torch::nn::BatchNorm1d& layer, const Value& x) override;
  Value linear(const torch::nn::Linear& layer, const Value& x) override;
  Value prelu(const torch::nn::PReLU& layer, const Value& x) override;
  Value leaky_relu(const Value& x, double slope) override;
  Value relu(const Value& x) override;
  Value relu6(const Value& x) override;
  Value sigmoid(const Value& x) override;
  Value scaled_sum(const Value& x, double factor, const Value& y) override;
  Value scale_channels(const Value& x, const Value& factors) override;
  Value concatenate(const std::vector<Value>& parts) override;
  Value max_pool(const Value& x, int64_t size_px, int64_t stride) override;
  Value subsample(const Value& x, int64_t stride) override;
  Value mean_over_pixels(const Value& x) override;
  Value flatten(const Value& x) override;
};

}  // namespace guise::nets
