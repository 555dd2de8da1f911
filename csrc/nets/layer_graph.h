// A network written down: LayerOps that record instead of running, and the folding of what was
// recorded into the steps of an InferenceNet.
//
// Folding is exact but for rounding. A norm behind a convolution or a linear layer goes into its
// weights (computed in double). A norm before a padded convolution does not: the padding is zero
// after the norm, so it stays a scale and a shift. A norm before a flattened linear layer goes into
// its columns. Sums and activations behind a convolution become part of it.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "nets/inference_net.h"
#include "nets/layer_ops.h"

namespace guise::nets {

class LayerGraph : public LayerOps {
 public:
  explicit LayerGraph(CropSize size);

  // The value [N, 3, height_px, width_px] that the net is given.
  Value input() const { return Value({}, 0); }

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

  // The net that computes `outputs`, each [N, D]. The graph is used up.
  InferenceNet folded(const std::vector<Value>& outputs);

 private:
  using Kind = InferenceStep::Kind;
  using Activation = InferenceStep::Activation;

  // A step whose inputs and output are numbers of nodes.
  struct Node {
    InferenceStep step;
    std::array<int64_t, 3> shape;  // C, H, W; once flat: length, 1, 1
    int64_t uses;                  // by other nodes and as an output
  };

  Value record(InferenceStep step, const std::array<int64_t, 3>& shape);
  Value record_norm(const torch::nn::BatchNormOptions& options, const at::Tensor& weight,
                    const at::Tensor& bias, const at::Tensor& mean, const at::Tensor& variance,
                    const Value& x);
  Value record_activation(Activation activation, const Value& x, double slope = 0.0);
  const std::array<int64_t, 3>& shape(const Value& x) const { return nodes_[x.node].shape; }

  // Whether `node` is of `kind` and only one other node uses it.
  bool is_private(int64_t node, Kind kind) const;
  // Each tries to take the node before `index` into it.
  void fold_norm(int64_t index);
  void fold_flattened_norm(int64_t index);
  void fold_activation(int64_t index);
  void fold_sum(int64_t index);
  void count_uses(const std::vector<Value>& outputs);
  void order_columns(int64_t index);
  // Live nodes in order, with values numbered from 0 and the last use of each noted.
  InferenceNet emit(const std::vector<Value>& outputs) const;

  CropSize size_;
  std::vector<Node> nodes_;  // node 0 is the input
};

}  // namespace guise::nets
