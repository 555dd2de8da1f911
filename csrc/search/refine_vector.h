// AttrOP (Vec2Face, arXiv 2409.02979, section 3.3): an identity vector moved by gradients until its
// face shows the identity, with the quality and the turn of the head that are asked for.
//
// The published loop tests the means of a batch and repeats until they fit, which may be never;
// here every vector has its own limits and an end.
#pragma once

#include <ATen/core/Tensor.h>

#include <atomic>
#include <cstdint>
#include <functional>
#include <optional>

#include "nets/face_measures.h"

namespace guise::search {

struct RefineOptions {
  double max_identity_distance = 0.3;  // 1 - cosine of the face and the identity vector
  std::optional<double> min_quality;   // in the units of the measure
  std::optional<double> yaw_deg;       // + to the right of the picture
  double yaw_tolerance_deg = 5;
  int64_t max_steps = 30;
  // Of Adam, for vectors of length sqrt(D); scales with their length.
  double rate = 0.1;
  // Weights of identity distance, missing quality and wrong degrees. Published: 100, 1 (MagFace's
  // norms) and 1.
  double identity_weight = 100, quality_weight = 1, yaw_weight = 1;

  // Throws ValueError that says what must hold.
  void validate() const;
};

struct RefinedVector {
  at::Tensor vector;  // float32 [D]: the first that fits, else the one with the lowest loss
  bool fits = false;  // within all limits
  int64_t steps = 0;  // that were made
  double identity_distance = 0, quality = 0, yaw_deg = 0;  // of its face; 0 where not measured
};

// One vector, float [1, D] -> one picture, float [1, 3, 112, 112], with gradients.
using DrawFace = std::function<at::Tensor(const at::Tensor& vector)>;

// vector: float32 [D], raw, where the search starts and whose direction is the identity. Throws
// ValueError (options; a target that `measure` does not measure; a vector that is not finite or
// zero), Cancelled.
RefinedVector refine_vector(const at::Tensor& vector, const DrawFace& draw,
                            const nets::MeasureFaces& measure, const RefineOptions& options = {},
                            const std::atomic<bool>* cancel = nullptr);

}  // namespace guise::search
