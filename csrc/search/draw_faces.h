// Identity vectors to pictures: varied within the identity, steered to a turn of the head, drawn.
#pragma once

#include <ATen/core/Tensor.h>

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "nets/face_generator.h"
#include "nets/face_measures.h"
#include "nets/vec2face_mask.h"
#include "search/perturb_vectors.h"
#include "search/refine_vector.h"

namespace guise::search {

struct DrawFacesOptions {
  PerturbOptions noise;  // a single strength of 0: the vectors as they are
  nets::Vec2FaceMaskOptions mask;
  // Turns of the head, one after the other by the number of the sample; empty: as the vector has
  // it. A generator with a pose condition is given them, others are steered by AttrOP.
  std::vector<double> yaw_targets_deg;
  // Every sample is steered by AttrOP where one of the targets is set; its other fields hold then.
  RefineOptions refine;

  // Throws ValueError that says what must hold.
  void validate() const;
  // JSON object of everything that decides about a picture.
  std::string json() const;
};

struct DrawnFaces {
  at::Tensor images;              // uint8 [N, 112, 112, 3] RGB, aligned by the ArcFace template
  std::vector<double> strengths;  // [N] of the noise
  std::vector<std::optional<RefinedVector>> refined;   // [N] where steered by AttrOP
  std::vector<std::optional<double>> yaw_targets_deg;  // [N]
};

// One picture: `stream` is a number of its own for each identity, `sample` its number within.
struct FaceKey {
  uint64_t identity = 0;
  uint64_t sample = 0;
  uint32_t attempt = 0;
};

class DrawFaces {
 public:
  // measure: needed for targets of yaw without a pose condition, and of quality. Throws ValueError
  // for options out of range or a target that cannot be steered to.
  DrawFaces(std::shared_ptr<const nets::FaceGenerator> generator,
            std::shared_ptr<const nets::MeasureFaces> measure, const DrawFacesOptions& options);

  // vectors: float [N, D], raw, a row a key. A picture depends on (vector, seed, key) alone. Throws
  // ValueError (width, NaN, infinity, zero rows), Cancelled.
  DrawnFaces operator()(const at::Tensor& vectors, uint64_t seed, const std::vector<FaceKey>& keys,
                        const std::atomic<bool>* cancel = nullptr) const;

  const nets::FaceGenerator& generator() const { return *generator_; }
  const DrawFacesOptions& options() const { return options_; }

 private:
  void steer(at::Tensor& vectors, const nets::Vec2FaceMask& mask, DrawnFaces& faces,
             const std::atomic<bool>* cancel) const;
  bool needs_refining() const;

  std::shared_ptr<const nets::FaceGenerator> generator_;
  std::shared_ptr<const nets::MeasureFaces> measure_;
  DrawFacesOptions options_;
  std::optional<NormalVectors> variation_;
};

}  // namespace guise::search
