// What all recognisers have in common as modules: aligned crops in the network's own range go in,
// raw embeddings come out. Child names are the keys of the published checkpoints. Published dropout
// layers have no weights and are left out.
#pragma once

#include <ATen/core/Tensor.h>
#include <torch/nn/module.h>

#include <cstdint>

#include "nets/inference_net.h"
#include "nets/layer_ops.h"

namespace guise::nets {

class RecogniserNet : public torch::nn::Module {
 public:
  // x: float [N, 3, height_px, width_px] in the range of the net's crop contract -> [N, dimension],
  // not normalised. Throws ValueError for another shape.
  at::Tensor forward(const at::Tensor& x);

  // Raw embeddings [N, dimension] -> [N], higher is better. Throws ValueError unless has_quality.
  at::Tensor estimate_quality(const at::Tensor& raw_embeddings);

  // The same function for inference on the CPU: norms folded into convolutions, weights packed.
  // Agrees with this module in eval() to float rounding; later changes of the module do not reach
  // it.
  InferenceNet folded() const;

  virtual int64_t dimension() const = 0;
  virtual CropSize crop_size() const = 0;
  virtual bool has_quality() const { return false; }

 protected:
  // What the net computes, in the words of LayerOps.
  virtual LayerValue flow(LayerOps& ops, const LayerValue& x) const = 0;
  // The same for the quality [N, 1] of raw embeddings; called where has_quality.
  virtual LayerValue judge(LayerOps& ops, const LayerValue& raw_embeddings) const;
};

}  // namespace guise::nets
