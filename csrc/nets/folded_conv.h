// A convolution for inference on the CPU: BatchNorm folded into weight and bias, weights packed
// once for channels-last, ReLU fused into the kernel. Not differentiable.
#pragma once

#include <ATen/core/Tensor.h>
#include <torch/nn/modules/batchnorm.h>
#include <torch/nn/modules/conv.h>

namespace guise::nets {

class FoldedConv {
 public:
  // `norm` may be null (nothing to fold). Statistics are taken as they are: eval() semantics.
  FoldedConv(const torch::nn::Conv2d& conv, const torch::nn::BatchNorm2d& norm, bool relu);

  // weight [out, in / groups, k, k] float32, bias [out]; padding keeps the size at stride 1.
  FoldedConv(const at::Tensor& weight, const at::Tensor& bias, int64_t stride, int64_t groups,
             bool relu);

  // [N, C, H, W] float32, best in channels-last -> [N, out, H', W'] in channels-last.
  at::Tensor operator()(const at::Tensor& x) const;

  const at::Tensor& weight() const { return weight_; }
  const at::Tensor& bias() const { return bias_; }

 private:
  void pack();

  at::Tensor weight_, bias_, packed_;
  int64_t stride_, padding_, groups_;
  bool relu_;
};

}  // namespace guise::nets
