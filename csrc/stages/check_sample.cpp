#include "stages/check_sample.h"

#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

#include "core/check.h"
#include "core/image_pyramid.h"

namespace guise::stages {

namespace {

double mean_distance(const core::Landmarks5& one, const core::Landmarks5& other) {
  double sum = 0;
  for (size_t i = 0; i < one.size(); ++i) {
    sum += std::hypot(one[i].x - other[i].x, one[i].y - other[i].y);
  }
  return sum / static_cast<double>(one.size());
}

}  // namespace

const char* verdict_name(SampleVerdict verdict) {
  switch (verdict) {
    case SampleVerdict::kAccepted:
      return "accepted";
    case SampleVerdict::kNoFace:
      return "no face";
    case SampleVerdict::kLandmarksDisagree:
      return "landmarks";
  }
  return "";
}

CheckSample::CheckSample(std::unique_ptr<nets::FaceDetector> detector,
                         const CheckSampleOptions& options)
    : detector_(std::move(detector)), options_(options) {
  GUISE_CHECK_ARG(detector_ != nullptr, "checking samples needs a detector; got none");
  GUISE_CHECK_ARG(options.landmark_tolerance > 0 && options.landmark_tolerance <= 10,
                  "landmark_tolerance must lie above 0 and be at most 10; got ",
                  options.landmark_tolerance);
  GUISE_CHECK_ARG(options.look_px >= 32, "look_px must be at least 32; got ", options.look_px);
}

SampleVerdict CheckSample::operator()(const GeneratedSample& sample) {
  const core::ImagePyramid pyramid(sample.image, options_.look_px);
  const double scale = core::ImagePyramid::scale(pyramid.levels().size() - 1);
  const std::vector<nets::FaceCandidate> found =
      detector_->propose(pyramid.levels().back(), detector_->traits().accept_score);
  const double size = std::sqrt(std::max(sample.box.area(), 1.0));
  bool seen = false;
  for (const nets::FaceCandidate& candidate : found) {
    const nets::FaceCandidate face = nets::placed(candidate, 0, 0, scale);
    const core::Point centre = face.box.centre();
    const bool here = centre.x >= sample.box.x0 && centre.x < sample.box.x1 &&
                      centre.y >= sample.box.y0 && centre.y < sample.box.y1;
    seen = seen || here;
    if (here &&
        mean_distance(face.landmarks, sample.landmarks) <= options_.landmark_tolerance * size) {
      return SampleVerdict::kAccepted;
    }
  }
  return seen ? SampleVerdict::kLandmarksDisagree : SampleVerdict::kNoFace;
}

CheckSample CheckSample::clone() const {
  return {detector_->clone(), options_};
}

}  // namespace guise::stages
