// Five landmarks to the pose of the head, without weights: the head that fits them best.
//
// A head is the mean of the renderer's five-point shapes plus what people and expressions add
// (render/five_point_shape). It is turned, seen by a camera at the distance of a portrait and laid
// over the landmarks; turn, size, place and shape are the most probable ones (Levenberg-Marquardt
// from several starts). Errors by yaw are in docs/measurements.md, from
// tests/benchmarks/pose_error.py. Five points know yaw and roll well; pitch only as far as the nose
// of this person has the usual length.
#pragma once

#include <vector>

#include "core/geometry.h"
#include "render/five_point_shape.h"
#include "stages/hand_overs.h"

namespace guise::stages {

struct PoseOptions {
  // Standard deviation of a detector's landmarks, as a share of the distance of the eyes.
  double landmark_noise = 0.02;
  // A pose whose misfit is larger is doubtful: such points are hardly a face.
  double doubtful_misfit = 2.0;
};

class EstimatePose {
 public:
  // Reads statistics of `head` once. Throws std::invalid_argument for options out of range.
  explicit EstimatePose(const render::HeadModel& head, const PoseOptions& options = {});

  // landmarks: px, left eye as seen first. Throws std::invalid_argument where they coincide or are
  // not finite.
  HeadPose operator()(const core::Landmarks5& landmarks) const;
  std::vector<HeadPose> operator()(const std::vector<core::Landmarks5>& landmarks) const;

 private:
  render::FivePointShape shape_;
  PoseOptions options_;
};

}  // namespace guise::stages
