// A network as a list of steps, for inference on the CPU: norms folded, channels last, weights
// packed as oneDNN wants them for the one size of input that the list is for.
//
// Every input is computed by itself, in a batch as alone, so that its output has the same bytes in
// any batch; several inputs are shared out over the threads. One input costs no more alone than in
// a batch here: the convolutions of a face are large enough.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <utility>
#include <vector>

namespace guise::nets {

struct CropSize {
  int64_t height_px, width_px;
};

// One operation. Values are numbered; value 0 is the input.
struct InferenceStep {
  enum class Kind {
    kInput,        // never among the steps of a net
    kConvolution,  // weight, bias; then `activation`; or plus inputs[1], then `activation`
    kLinear,       // weight, bias
    kScaleShift,   // weight * x + bias, each per channel
    kPRelu,        // slopes in weight
    kActivation,   // `activation` alone
    kSum,          // number * inputs[0] + inputs[1]
    kScaleChannels,
    kConcatenate,
    kMaxPool,    // size_px, stride
    kSubsample,  // stride
    kMeanOverPixels,
    kFlatten,  // pixel by pixel: [N, H * W * C]
  };
  enum class Activation { kNone, kRelu, kRelu6, kLeakyRelu, kSigmoid };

  InferenceStep(Kind kind_of_step, std::vector<int64_t> inputs_of_step)
      : kind(kind_of_step), inputs(std::move(inputs_of_step)) {}

  Kind kind;
  std::vector<int64_t> inputs;
  int64_t output = -1;
  Activation activation = Activation::kNone;
  double number = 0.0;  // slope of kLeakyRelu, factor of kSum
  at::Tensor weight, bias;
  std::vector<int64_t> padding = {0, 0}, strides = {1, 1};  // of a convolution
  int64_t groups = 1, size_px = 1, stride = 1;
  std::vector<int64_t> dead;   // values that nobody needs after this step
  bool may_overwrite = false;  // nobody needs the value that is added (kConvolution, kSum) or acted
                               // on (kScaleShift, kPRelu, kActivation) after this step
};

// What the net gives for N inputs: one tensor [N, D] for each output of the graph.
using InferenceOutputs = std::vector<at::Tensor>;

class InferenceNet {
 public:
  enum class Backend {
    kPacked,  // oneDNN's fused convolutions; where torch lacks them, the same as kPlain
    kPlain,   // ATen's, one operation after the other: slower, for comparison
  };

  // steps: in an order in which they can run. outputs: numbers of [1, D] values.
  InferenceNet(std::vector<InferenceStep> steps, std::vector<int64_t> outputs, CropSize size,
               Backend backend = Backend::kPacked);

  // x: float32 [N, 3, height_px, width_px], N >= 1, quickest where channels are last in memory.
  // Throws ValueError for another shape. Not changed by use: one object serves all threads.
  InferenceOutputs operator()(const at::Tensor& x) const;

  // The same net by ATen's own operations.
  InferenceNet plain() const { return {steps_, outputs_, size_, Backend::kPlain}; }
  CropSize size() const { return size_; }

 private:
  using Values = std::vector<at::Tensor>;

  Values run_one(const at::Tensor& x) const;
  at::Tensor run_step(size_t index, const Values& values) const;
  at::Tensor run_convolution(size_t index, const Values& values) const;
  void pack();

  std::vector<InferenceStep> steps_;
  std::vector<int64_t> outputs_;
  CropSize size_;
  std::vector<at::Tensor> packed_;  // oneDNN's weight of each convolution; empty without oneDNN
};

}  // namespace guise::nets
