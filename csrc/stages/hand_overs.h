// Every struct that travels between stages, in the order of the flows:
//   image -> detect -> align -> obscure -> (second look) -> write
//   photo -> detect -> (estimate pose) -> align -> embed -> (assess) -> compare
//   plan -> render or generate -> check -> (align) -> shard
#pragma once

#include <ATen/core/Tensor.h>

#include <atomic>
#include <cstdint>
#include <string>
#include <vector>

#include "core/geometry.h"

namespace guise::stages {

// A face in image coordinates. The box may reach beyond the image.
struct DetectedFace {
  core::Box box;
  core::Landmarks5 landmarks;
  float score = 0.0F;    // in [0, 1], of the detector that saw it best
  std::string detector;  // its name; "yunet+centerface" where several agree
};

// What one search of a picture found, each list by falling score.
struct FaceSearch {
  std::vector<DetectedFace> faces;     // at or above the accept threshold
  std::vector<DetectedFace> doubtful;  // between the review and the accept threshold
};

// Faces turned upright and cut out.
struct AlignedFaces {
  at::Tensor crops;                                    // [N, S, S, 3] uint8 RGB
  std::vector<core::Similarity2D> image_to_crop = {};  // N; empty: the picture is not known
  std::string crop_template = "arcface";               // where the landmarks lie in a crop
};

// What a recogniser says about N faces.
struct Embeddings {
  at::Tensor vectors;  // float32 [N, D], of length 1; raw where EmbedOptions say so
  at::Tensor norms;    // float32 [N], length of the raw embedding
  at::Tensor quality;  // float32 [N], higher is better; undefined where the model gives none
};

// Where a head is turned: yaw + to the right of the picture, pitch + up, roll + clockwise in the
// picture; the face looks along (sin yaw cos pitch, sin pitch, cos yaw cos pitch), +z to the
// viewer.
struct HeadPose {
  double yaw_deg = 0.0, pitch_deg = 0.0, roll_deg = 0.0;
  // How unusual a face the landmarks would need, in standard deviations of the points of faces:
  // below 1 for most, large for points that are none.
  double misfit = 0.0;
  bool is_doubtful = false;  // the misfit is above PoseOptions::doubtful_misfit
};

// A picture whose faces are gone, and where its pixels changed.
struct ObscuredImage {
  at::Tensor image;              // [H, W, 3] uint8 RGB, a new tensor
  std::vector<core::Box> masks;  // one a face: the box whose inscribed shape is wholly obscured
};

// A picture of nobody and what is true about it.
struct GeneratedSample {
  at::Tensor image;             // [S, S, 3] uint8 RGB
  core::Landmarks5 landmarks;   // px, as detectors place them
  core::Box box;                // px
  std::string attributes_json;  // one flat JSON object: numbers, booleans, strings
};

// attempt: how often the picture was drawn before and turned down.
struct SampleKey {
  uint64_t identity = 0;
  uint64_t sample = 0;
  uint32_t attempt = 0;
};

// What every source of faces of nobody gives the dataset flow: pictures by number. A picture
// depends on (seed, identity, sample, attempt) and the generator's own facts alone, so workers,
// order and restarts cannot matter.
class SampleGenerator {
 public:
  virtual ~SampleGenerator() = default;

  // One JSON object with "name" and everything that decides about the pictures: options by name,
  // sha256 of the models. Becomes part of the plan.
  virtual std::string facts_json() const = 0;

  // Pictures of one identity in the order of `keys`, made on the calling thread. Thread safe.
  // Throws Cancelled when `cancel` becomes true.
  virtual std::vector<GeneratedSample> generate(uint64_t seed, const std::vector<SampleKey>& keys,
                                                const std::atomic<bool>* cancel) const = 0;
};

}  // namespace guise::stages
