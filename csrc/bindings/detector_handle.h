// A detector as Python holds it: shared, never used itself, cloned for each search.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "nets/face_detector.h"
#include "stages/detect_faces.h"

namespace guise::bindings {

struct DetectorHandle {
  std::unique_ptr<nets::FaceDetector> net;
  std::string sha256;
};

stages::DetectFaces make_detect_faces(const std::vector<std::shared_ptr<DetectorHandle>>& detectors,
                                      const stages::DetectOptions& options);

}  // namespace guise::bindings
