// A detector as Python holds it: shared; cloned for each search, locked for a single pass.
#pragma once

#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "nets/face_detector.h"
#include "stages/detect_faces.h"

namespace guise::bindings {

struct DetectorHandle {
  std::unique_ptr<nets::FaceDetector> net;
  std::string sha256;
  std::unique_ptr<std::mutex> in_use = std::make_unique<std::mutex>();
};

stages::DetectFaces make_detect_faces(const std::vector<std::shared_ptr<DetectorHandle>>& detectors,
                                      const stages::DetectOptions& options);

}  // namespace guise::bindings
