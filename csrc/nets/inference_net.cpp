#include "nets/inference_net.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <ATen/core/dispatch/Dispatcher.h>
#include <c10/core/InferenceMode.h>

#include <algorithm>

#include "core/check.h"

namespace guise::nets {

namespace {

using Activation = InferenceStep::Activation;
using Kind = InferenceStep::Kind;
using Scalars = c10::List<std::optional<c10::Scalar>>;

// torch's fused convolutions, which its compiler uses too; they are found by name.
constexpr const char* kFusedName = "mkldnn::_convolution_pointwise";
constexpr const char* kFusedAddName = "mkldnn::_convolution_pointwise_";
constexpr const char* kPackName = "mkldnn::_reorder_convolution_weight";

using Fused = at::Tensor(const at::Tensor&, const at::Tensor&, const std::optional<at::Tensor>&,
                         at::IntArrayRef, at::IntArrayRef, at::IntArrayRef, int64_t,
                         std::string_view, Scalars, std::optional<std::string_view>);
using FusedAdd = at::Tensor&(at::Tensor&, const at::Tensor&, const at::Tensor&,
                             const std::optional<at::Tensor>&, at::IntArrayRef, at::IntArrayRef,
                             at::IntArrayRef, int64_t, std::string_view, std::optional<c10::Scalar>,
                             std::optional<std::string_view>, Scalars,
                             std::optional<std::string_view>);

const c10::TypedOperatorHandle<Fused>& fused_convolution() {
  static const auto handle =
      c10::Dispatcher::singleton().findSchemaOrThrow(kFusedName, "").typed<Fused>();
  return handle;
}

const c10::TypedOperatorHandle<FusedAdd>& fused_convolution_and_sum() {
  static const auto handle =
      c10::Dispatcher::singleton().findSchemaOrThrow(kFusedAddName, "binary").typed<FusedAdd>();
  return handle;
}

using Pack = at::Tensor(const at::Tensor&, at::IntArrayRef, at::IntArrayRef, at::IntArrayRef,
                        int64_t, at::OptionalIntArrayRef);

const c10::TypedOperatorHandle<Pack>& pack_weight() {
  static const auto handle =
      c10::Dispatcher::singleton().findSchemaOrThrow(kPackName, "").typed<Pack>();
  return handle;
}

bool has_fused_convolutions() {
  auto& dispatcher = c10::Dispatcher::singleton();
  return at::globalContext().userEnabledMkldnn() && at::globalContext().hasMKLDNN() &&
         dispatcher.findSchema({kFusedName, ""}).has_value() &&
         dispatcher.findSchema({kFusedAddName, "binary"}).has_value() &&
         dispatcher.findSchema({kPackName, ""}).has_value();
}

at::Tensor activated(const InferenceStep& step, at::Tensor x, bool in_place) {
  switch (step.activation) {
    case Activation::kNone:
      return x;
    case Activation::kRelu:
      return in_place ? at::relu_(x) : at::relu(x);
    case Activation::kRelu6:
      return in_place ? at::hardtanh_(x, 0, 6) : at::hardtanh(x, 0, 6);
    case Activation::kLeakyRelu:
      return in_place ? at::leaky_relu_(x, step.number) : at::leaky_relu(x, step.number);
    case Activation::kSigmoid:
      return at::sigmoid(x);
  }
  TORCH_INTERNAL_ASSERT(false);
}

// oneDNN's word for an activation, with its numbers; "" where it has none here.
std::pair<std::string_view, Scalars> fused_activation(const InferenceStep& step) {
  Scalars numbers;
  switch (step.activation) {
    case Activation::kNone:
      return {"none", numbers};
    case Activation::kRelu:
      return {"relu", numbers};
    case Activation::kRelu6:
      numbers.push_back(c10::Scalar(0.0));
      numbers.push_back(c10::Scalar(6.0));
      return {"hardtanh", numbers};
    case Activation::kLeakyRelu:
      numbers.push_back(c10::Scalar(step.number));
      return {"leaky_relu", numbers};
    default:
      return {"", numbers};
  }
}

at::Tensor per_channel(const at::Tensor& values, const at::Tensor& x) {
  return x.dim() == 4 ? values.view({1, -1, 1, 1}) : values;
}

at::Tensor scale_and_shift(const InferenceStep& step, const at::Tensor& x) {
  return at::addcmul(per_channel(step.bias, x), x, per_channel(step.weight, x));
}

at::Tensor sum(const InferenceStep& step, const at::Tensor& x, const at::Tensor& y) {
  return at::add(y, x, step.number);
}

at::Tensor concatenated(const InferenceStep& step, const std::vector<at::Tensor>& values) {
  std::vector<at::Tensor> parts;
  for (const int64_t input : step.inputs) parts.push_back(values[input]);
  return at::cat(parts, 1);
}

at::Tensor subsampled(const InferenceStep& step, const at::Tensor& x) {
  return x.slice(2, 0, std::nullopt, step.stride)
      .slice(3, 0, std::nullopt, step.stride)
      .contiguous(at::MemoryFormat::ChannelsLast);
}

}  // namespace

InferenceNet::InferenceNet(std::vector<InferenceStep> steps, std::vector<int64_t> outputs,
                           CropSize size, Backend backend)
    : steps_(std::move(steps)), outputs_(std::move(outputs)), size_(size) {
  if (backend == Backend::kPacked && has_fused_convolutions()) {
    pack();
  }
}

// Runs the net once, to know the size of every convolution's input.
void InferenceNet::pack() {
  const c10::InferenceMode no_autograd;
  std::vector<at::Tensor> packed(steps_.size());
  Values values(steps_.size() + 1);
  values[0] = at::zeros({1, 3, size_.height_px, size_.width_px},
                        at::TensorOptions().memory_format(at::MemoryFormat::ChannelsLast));
  for (size_t i = 0; i < steps_.size(); ++i) {
    const InferenceStep& step = steps_[i];
    if (step.kind == Kind::kConvolution) {
      const std::array<int64_t, 2> no_dilation = {1, 1};
      packed[i] = pack_weight().call(step.weight, step.padding, step.strides, no_dilation,
                                     step.groups, values[step.inputs[0]].sizes());
    }
    at::Tensor result = run_step(i, values);
    for (const int64_t value : step.dead) values[value].reset();
    values[step.output] = result;
  }
  packed_ = std::move(packed);
}

at::Tensor InferenceNet::run_convolution(size_t index, const Values& values) const {
  const InferenceStep& step = steps_[index];
  const at::Tensor& x = values[step.inputs[0]];
  const bool has_sum = step.inputs.size() == 2;
  const std::array<int64_t, 2> no_dilation = {1, 1};
  if (packed_.empty()) {
    at::Tensor y =
        at::conv2d(x, step.weight, step.bias, step.strides, step.padding, no_dilation, step.groups);
    if (has_sum) y = y.add_(values[step.inputs[1]]);
    return activated(step, y, /*in_place=*/true);
  }
  const auto [word, numbers] = fused_activation(step);
  if (!has_sum) {
    const bool is_fused = !word.empty();
    const at::Tensor y = fused_convolution().call(
        x, packed_[index], step.bias, step.padding, step.strides, no_dilation, step.groups,
        is_fused ? word : std::string_view("none"), numbers, std::string_view());
    return is_fused ? y : activated(step, y, /*in_place=*/true);
  }
  at::Tensor y = values[step.inputs[1]];
  if (!step.may_overwrite) y = y.clone();
  const bool is_relu = step.activation == Activation::kRelu;
  fused_convolution_and_sum().call(y, x, packed_[index], step.bias, step.padding, step.strides,
                                   no_dilation, step.groups, "add", c10::Scalar(1.0),
                                   is_relu ? std::optional<std::string_view>("relu") : std::nullopt,
                                   Scalars(), std::nullopt);
  return is_relu ? y : activated(step, y, /*in_place=*/true);
}

at::Tensor InferenceNet::run_step(size_t index, const Values& values) const {
  const InferenceStep& step = steps_[index];
  const at::Tensor& x = values[step.inputs[0]];
  switch (step.kind) {
    case Kind::kInput:
      break;
    case Kind::kConvolution:
      return run_convolution(index, values);
    case Kind::kLinear:
      return at::linear(x, step.weight, step.bias);
    case Kind::kScaleShift:
      return scale_and_shift(step, x);
    case Kind::kPRelu:
      return at::prelu(x, step.weight);
    case Kind::kActivation:
      return activated(step, x, step.may_overwrite);
    case Kind::kSum:
      return sum(step, x, values[step.inputs[1]]);
    case Kind::kScaleChannels:
      return at::mul(x, values[step.inputs[1]]);
    case Kind::kConcatenate:
      return concatenated(step, values);
    case Kind::kMaxPool:
      return at::max_pool2d(x, {step.size_px, step.size_px}, {step.stride, step.stride});
    case Kind::kSubsample:
      return subsampled(step, x);
    case Kind::kMeanOverPixels:
      return at::mean(x, {2, 3}, /*keepdim=*/true);
    case Kind::kFlatten:
      return x.permute({0, 2, 3, 1}).reshape({x.size(0), -1});
  }
  TORCH_INTERNAL_ASSERT(false);
}

InferenceNet::Values InferenceNet::run_one(const at::Tensor& x) const {
  Values values(steps_.size() + 1);
  values[0] = x;
  for (size_t i = 0; i < steps_.size(); ++i) {
    at::Tensor result = run_step(i, values);
    for (const int64_t value : steps_[i].dead) values[value].reset();
    values[steps_[i].output] = std::move(result);
  }
  Values results;
  for (const int64_t output : outputs_) results.push_back(values[output]);
  return results;
}

InferenceOutputs InferenceNet::operator()(const at::Tensor& x) const {
  GUISE_CHECK_ARG(x.dim() == 4 && x.size(0) > 0 && x.size(1) == 3 && x.size(2) == size_.height_px &&
                      x.size(3) == size_.width_px && x.scalar_type() == at::kFloat &&
                      x.device().is_cpu(),
                  "this net takes float32 crops [N, 3, ", size_.height_px, ", ", size_.width_px,
                  "] with N >= 1 on the CPU; got ", x.sizes(), " ", c10::toString(x.scalar_type()),
                  " on ", x.device().str());
  std::vector<Values> results(x.size(0));
  at::parallel_for(0, x.size(0), 1, [&](int64_t begin, int64_t end) {
    const c10::InferenceMode no_autograd;
    for (int64_t i = begin; i < end; ++i) {
      results[i] = run_one(x.narrow(0, i, 1).contiguous(at::MemoryFormat::ChannelsLast));
    }
  });
  // Made outside of the inference mode: whoever gets them may compute gradients.
  const c10::NoGradGuard no_grad;
  InferenceOutputs outputs;
  for (size_t k = 0; k < outputs_.size(); ++k) {
    std::vector<at::Tensor> rows;
    for (const Values& result : results) rows.push_back(result[k]);
    outputs.push_back(at::cat(rows));
  }
  return outputs;
}

}  // namespace guise::nets
