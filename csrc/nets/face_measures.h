// What a generator's pictures are steered by: identity, quality and pose, with gradients.
#pragma once

#include <ATen/core/Tensor.h>

#include <memory>

#include "nets/face_embedder.h"
#include "nets/recogniser_net.h"

namespace guise::nets {

struct FaceMeasures {
  at::Tensor embeddings;  // float [N, D], raw
  at::Tensor quality;     // float [N], higher is better; undefined where nothing gives it
  at::Tensor yaw_deg;     // float [N], + to the right of the picture; undefined where nothing does
};

// A linear layer on what the last stage of a house recogniser sees: yaw and pitch in degrees.
struct PoseHead {
  at::Tensor weight;  // float [2, channels * 4 * 4]; undefined: pose is not measured
  at::Tensor bias;    // float [2]
};

// By a recogniser. Thread safe.
class MeasureFaces {
 public:
  // Opens the recogniser for itself: gradients need its layers as they were trained. Throws as
  // open_face_embedder does, and ValueError for a head that does not fit.
  MeasureFaces(const EmbedderFile& file, PoseHead pose);

  // images: float [N, 3, 112, 112] RGB in -1..1, aligned by the ArcFace template. Keeps gradients.
  FaceMeasures operator()(const at::Tensor& images) const;

 private:
  CropContract crop_;
  std::shared_ptr<RecogniserNet> net_;
  PoseHead pose_;
  at::Tensor scale_, shift_;  // of values in -1..1, for the network
};

}  // namespace guise::nets
