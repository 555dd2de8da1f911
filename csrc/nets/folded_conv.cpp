// mkldnn::_convolution_pointwise is the fused convolution that torch's own compiler emits for the
// CPU. It is reached through the dispatcher by name, because ATen has no C++ function for it; where
// a build of torch lacks it, conv2d and relu_ do the same in two passes.
#include "nets/folded_conv.h"

#include <ATen/ATen.h>
#include <ATen/core/dispatch/Dispatcher.h>
#include <c10/core/GradMode.h>

#include "core/check.h"

namespace guise::nets {

namespace {

using FusedConvolution = at::Tensor(const at::Tensor&, const at::Tensor&,
                                    const std::optional<at::Tensor>&, at::IntArrayRef,
                                    at::IntArrayRef, at::IntArrayRef, int64_t, std::string_view,
                                    c10::List<std::optional<at::Scalar>>,
                                    std::optional<std::string_view>);

const std::optional<c10::TypedOperatorHandle<FusedConvolution>>& fused_convolution() {
  static const auto handle = []() -> std::optional<c10::TypedOperatorHandle<FusedConvolution>> {
    const auto found =
        c10::Dispatcher::singleton().findSchema({"mkldnn::_convolution_pointwise", ""});
    if (!found || !at::hasMKLDNN()) {
      return std::nullopt;
    }
    return found->typed<FusedConvolution>();
  }();
  return handle;
}

}  // namespace

FoldedConv::FoldedConv(const torch::nn::Conv2d& conv, const torch::nn::BatchNorm2d& norm, bool relu)
    : stride_(conv->options.stride()->at(0)), groups_(conv->options.groups()), relu_(relu) {
  const c10::NoGradGuard no_grad;
  weight_ = conv->weight.detach().clone();
  bias_ = conv->bias.defined() ? conv->bias.detach().clone() : at::zeros({weight_.size(0)});
  padding_ = weight_.size(2) / 2;
  if (!norm.is_empty()) {
    const at::Tensor scale =
        norm->weight.detach() / at::sqrt(norm->running_var + norm->options.eps());
    weight_ = weight_ * scale.view({-1, 1, 1, 1});
    bias_ = (bias_ - norm->running_mean) * scale + norm->bias.detach();
  }
  pack();
}

FoldedConv::FoldedConv(const at::Tensor& weight, const at::Tensor& bias, int64_t stride,
                       int64_t groups, bool relu)
    : weight_(weight),
      bias_(bias),
      stride_(stride),
      padding_(weight.size(2) / 2),
      groups_(groups),
      relu_(relu) {
  pack();
}

void FoldedConv::pack() {
  packed_ = weight_.contiguous(at::MemoryFormat::ChannelsLast);
  if (fused_convolution()) {
    packed_ =
        at::mkldnn_reorder_conv2d_weight(weight_.contiguous().to_mkldnn(), {padding_, padding_},
                                         {stride_, stride_}, {1, 1}, groups_);
  }
}

at::Tensor FoldedConv::operator()(const at::Tensor& x) const {
  if (const auto& fused = fused_convolution()) {
    return fused->call(x, packed_, bias_, {padding_, padding_}, {stride_, stride_}, {1, 1}, groups_,
                       relu_ ? "relu" : "none", c10::List<std::optional<at::Scalar>>(),
                       std::nullopt);
  }
  at::Tensor y = at::conv2d(x, packed_, bias_, stride_, padding_, /*dilation=*/1, groups_);
  return relu_ ? y.relu_() : y;
}

}  // namespace guise::nets
