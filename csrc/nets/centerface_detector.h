// CenterFace ("CenterFace: Joint Face Detection and Alignment Using Face as Point", Xu, Yan, Yang,
// Jiang 2019) as a FaceDetector: the published ONNX graph through OpenCV.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "nets/face_detector.h"

namespace guise::nets {

std::unique_ptr<FaceDetector> make_centerface_detector(
    std::shared_ptr<const std::vector<uint8_t>> graph, const std::string& source);

}  // namespace guise::nets
