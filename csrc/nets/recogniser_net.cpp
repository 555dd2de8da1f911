#include "nets/recogniser_net.h"

#include <ATen/ATen.h>

#include "core/check.h"
#include "nets/layer_graph.h"

namespace guise::nets {

at::Tensor RecogniserNet::forward(const at::Tensor& x) {
  const CropSize size = crop_size();
  GUISE_CHECK_ARG(x.dim() == 4 && x.size(0) > 0 && x.size(1) == 3 && x.size(2) == size.height_px &&
                      x.size(3) == size.width_px && x.is_floating_point(),
                  "this recogniser takes float crops [N, 3, ", size.height_px, ", ", size.width_px,
                  "] with N >= 1; got ", x.sizes(), " ", c10::toString(x.scalar_type()),
                  "; cut them out with stages/align_face");
  EagerOps ops;
  return flow(ops, LayerValue(x)).tensor;
}

at::Tensor RecogniserNet::estimate_quality(const at::Tensor& raw_embeddings) {
  GUISE_CHECK_ARG(has_quality(), "quality needs a net with a quality layer; this one has none");
  GUISE_CHECK_ARG(raw_embeddings.dim() == 2 && raw_embeddings.size(1) == dimension(),
                  "raw embeddings must be [N, ", dimension(), "]; got ", raw_embeddings.sizes());
  EagerOps ops;
  return judge(ops, LayerValue(raw_embeddings)).tensor.squeeze(1);
}

LayerValue RecogniserNet::judge(LayerOps&, const LayerValue&) const {
  TORCH_INTERNAL_ASSERT(false, "a net with has_quality must say how it judges");
}

InferenceNet RecogniserNet::folded() const {
  const c10::NoGradGuard no_grad;
  LayerGraph graph(crop_size());
  const LayerValue embedding = flow(graph, graph.input());
  std::vector<LayerValue> outputs = {embedding};
  if (has_quality()) outputs.push_back(judge(graph, embedding));
  return graph.folded(outputs);
}

}  // namespace guise::nets
