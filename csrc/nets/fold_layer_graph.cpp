// LayerGraph::folded: what was recorded becomes the steps of an InferenceNet.
#include <ATen/ATen.h>

#include <algorithm>
#include <map>

#include "core/check.h"
#include "nets/layer_graph.h"

namespace guise::nets {

namespace {

at::Tensor as_column(const at::Tensor& values, const at::Tensor& weight) {
  std::vector<int64_t> sizes(weight.dim(), 1);
  sizes[0] = -1;
  return values.view(sizes);
}

// weight * x + bias, then scaled and shifted.
void scale_rows(InferenceStep& step, const at::Tensor& scale, const at::Tensor& shift) {
  const at::Tensor weight = step.weight.to(at::kDouble);
  step.weight = (weight * as_column(scale, weight)).to(at::kFloat);
  step.bias = (step.bias.to(at::kDouble) * scale + shift).to(at::kFloat);
}

}  // namespace

void LayerGraph::count_uses(const std::vector<Value>& outputs) {
  for (const Node& node : nodes_) {
    for (const int64_t input : node.step.inputs) ++nodes_[input].uses;
  }
  for (const Value& output : outputs) ++nodes_[output.node].uses;
}

bool LayerGraph::is_private(int64_t node, Kind kind) const {
  return node > 0 && nodes_[node].step.kind == kind && nodes_[node].uses == 1;
}

void LayerGraph::fold_norm(int64_t index) {
  Node& norm = nodes_[index];
  const int64_t before = norm.step.inputs[0];
  const bool is_linear = is_private(before, Kind::kLinear);
  const InferenceStep& producer = nodes_[before].step;
  const bool is_plain_convolution = is_private(before, Kind::kConvolution) &&
                                    producer.inputs.size() == 1 &&
                                    producer.activation == Activation::kNone;
  if (!is_linear && !is_plain_convolution) return;
  InferenceStep step = producer;
  scale_rows(step, norm.step.weight, norm.step.bias);
  step.output = index;
  norm.step = std::move(step);
  nodes_[before].uses = 0;
}

// norm, flatten, linear: the norm goes into the columns of the linear layer.
void LayerGraph::fold_flattened_norm(int64_t index) {
  InferenceStep& linear = nodes_[index].step;
  const int64_t flat = linear.inputs[0];
  if (!is_private(flat, Kind::kFlatten)) return;
  const int64_t before = nodes_[flat].step.inputs[0];
  if (!is_private(before, Kind::kScaleShift)) return;
  const InferenceStep norm = nodes_[before].step;
  const auto& [channels, height, width] = nodes_[before].shape;
  const at::Tensor weight =
      linear.weight.to(at::kDouble).view({linear.weight.size(0), channels, height * width});
  linear.bias = (linear.bias.to(at::kDouble) + at::mv(weight.sum(2), norm.bias)).to(at::kFloat);
  linear.weight = (weight * norm.weight.view({1, -1, 1})).flatten(1).to(at::kFloat);
  nodes_[flat].step.inputs[0] = norm.inputs[0];
  nodes_[before].uses = 0;
}

// The flattening of an InferenceNet goes pixel by pixel, that of a checkpoint plane by plane.
void LayerGraph::order_columns(int64_t index) {
  InferenceStep& linear = nodes_[index].step;
  const InferenceStep& flat = nodes_[linear.inputs[0]].step;
  if (linear.inputs[0] == 0 || flat.kind != Kind::kFlatten) return;
  const auto& [channels, height, width] = nodes_[flat.inputs[0]].shape;
  linear.weight = linear.weight.view({linear.weight.size(0), channels, height * width})
                      .transpose(1, 2)
                      .flatten(1)
                      .contiguous();
}

void LayerGraph::fold_activation(int64_t index) {
  Node& node = nodes_[index];
  const int64_t before = node.step.inputs[0];
  if (!is_private(before, Kind::kConvolution) ||
      nodes_[before].step.activation != Activation::kNone) {
    return;
  }
  InferenceStep step = nodes_[before].step;
  step.activation = node.step.activation;
  step.number = node.step.number;
  step.output = index;
  node.step = std::move(step);
  nodes_[before].uses = 0;
}

// factor * convolution + y, whichever side the convolution is on.
void LayerGraph::fold_sum(int64_t index) {
  Node& node = nodes_[index];
  for (const size_t side : {0, 1}) {
    const int64_t before = node.step.inputs[side], other = node.step.inputs[1 - side];
    const double factor = node.step.number;
    if (before == other || !is_private(before, Kind::kConvolution) ||
        nodes_[before].step.inputs.size() != 1 ||
        nodes_[before].step.activation != Activation::kNone || (side == 1 && factor != 1.0)) {
      continue;
    }
    InferenceStep step = nodes_[before].step;
    const at::Tensor scale = at::full({step.weight.size(0)}, factor, at::kDouble);
    if (factor != 1.0) scale_rows(step, scale, at::zeros_like(scale));
    step.inputs.push_back(other);
    step.output = index;
    node.step = std::move(step);
    nodes_[before].uses = 0;
    return;
  }
}

InferenceNet LayerGraph::folded(const std::vector<Value>& outputs) {
  count_uses(outputs);
  for (int64_t i = 1; i < static_cast<int64_t>(nodes_.size()); ++i) {
    switch (nodes_[i].step.kind) {
      case Kind::kScaleShift:
        fold_norm(i);
        break;
      case Kind::kLinear:
        fold_flattened_norm(i);
        order_columns(i);
        break;
      case Kind::kActivation:
        fold_activation(i);
        break;
      case Kind::kSum:
        fold_sum(i);
        break;
      default:
        break;
    }
  }
  return emit(outputs);
}

InferenceNet LayerGraph::emit(const std::vector<Value>& outputs) const {
  std::map<int64_t, int64_t> numbers = {{0, 0}};  // node -> value
  std::map<int64_t, size_t> last_use;             // value -> step
  std::vector<InferenceStep> steps;
  for (const Node& node : nodes_) {
    if (node.uses == 0 || node.step.kind == Kind::kInput) continue;
    InferenceStep step = node.step;
    if (step.kind == Kind::kFlatten) {
      // Only where pixels and planes come to the same, or a linear layer was told.
      TORCH_INTERNAL_ASSERT(node.uses == 1, "a flattened value must have one user");
    }
    if (step.kind == Kind::kScaleShift) {
      step.weight = step.weight.to(at::kFloat);
      step.bias = step.bias.to(at::kFloat);
    }
    if (step.kind == Kind::kConvolution) {
      step.weight = step.weight.contiguous(at::MemoryFormat::ChannelsLast);
    }
    for (int64_t& input : step.inputs) {
      input = numbers.at(input);
      last_use[input] = steps.size();
    }
    step.output = static_cast<int64_t>(numbers.size());
    numbers[node.step.output] = step.output;
    steps.push_back(std::move(step));
  }
  std::vector<int64_t> results;
  for (const Value& output : outputs) {
    results.push_back(numbers.at(output.node));
    last_use.erase(results.back());
  }
  for (const auto& [value, index] : last_use) {
    InferenceStep& step = steps[index];
    step.dead.push_back(value);
    const int64_t overwritten = step.inputs.back();
    // The input belongs to the caller.
    if (value == overwritten && value != 0) step.may_overwrite = true;
  }
  return {std::move(steps), std::move(results), size_};
}

}  // namespace guise::nets
