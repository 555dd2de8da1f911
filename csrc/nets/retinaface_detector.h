// RetinaFace as a FaceDetector.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "nets/face_detector.h"
#include "nets/retinaface.h"

namespace guise::nets {

// preset: as RetinaFaceConfig::preset; it cannot be told from the tensors. The detector's name is
// "retinaface-" and the preset. Throws guise::CorruptFile for other tensors.
std::unique_ptr<FaceDetector> make_retinaface_detector(
    const std::string& preset, const std::vector<std::pair<std::string, at::Tensor>>& tensors,
    const std::string& source);

// The faces of the first picture of a batch of `height` x `width` px whose probability is at least
// `min_score`. A prior of a cell (r, c) of stride s is a square around ((c + 0.5) s, (r + 0.5) s);
// offsets are in tenths of its side, log sizes in fifths.
std::vector<FaceCandidate> decode_retinaface(const RetinaFaceOutput& output,
                                             const RetinaFaceConfig& config, int64_t height,
                                             int64_t width, float min_score);

}  // namespace guise::nets
