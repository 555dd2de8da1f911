// Does a detector see the face that a generator says it made, where it says it is?
//
// One pass of one detector over the picture at the size the detector is quick at: cheap, because it
// is done to every picture of a dataset. Whether a face is the right person is not asked here.
#pragma once

#include <memory>
#include <string>

#include "nets/face_detector.h"
#include "stages/hand_overs.h"

namespace guise::stages {

struct CheckSampleOptions {
  // Largest mean distance of the five landmarks from the detector's, as a share of the square root
  // of the face box's area.
  double landmark_tolerance = 0.15;
  int64_t look_px = 128;  // larger pictures are made smaller for the detector
};

enum class SampleVerdict : uint8_t { kAccepted, kNoFace, kLandmarksDisagree };

// "accepted", "no face", "landmarks".
const char* verdict_name(SampleVerdict verdict);

class CheckSample {
 public:
  // Throws std::invalid_argument for options out of range.
  CheckSample(std::unique_ptr<nets::FaceDetector> detector, const CheckSampleOptions& options = {});

  // Not thread safe: one object a thread.
  SampleVerdict operator()(const GeneratedSample& sample);

  CheckSample clone() const;

 private:
  std::unique_ptr<nets::FaceDetector> detector_;
  CheckSampleOptions options_;
};

}  // namespace guise::stages
