// YuNet as a FaceDetector, by either of two paths that give the same boxes: the architecture in
// LibTorch (safetensors), or the published 2023mar graph through OpenCV (ONNX).
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "nets/face_detector.h"

namespace guise::nets {

// tensors: yunet_n's state dict, as published.
std::unique_ptr<FaceDetector> make_yunet_detector(
    const std::vector<std::pair<std::string, at::Tensor>>& tensors, const std::string& source);

// The same network with the weights of house-detector, whose scores mean something else.
std::unique_ptr<FaceDetector> make_house_detector(
    const std::vector<std::pair<std::string, at::Tensor>>& tensors, const std::string& source);

// graph: the bytes of face_detection_yunet_2023mar.onnx.
std::unique_ptr<FaceDetector> make_yunet_onnx_detector(
    std::shared_ptr<const std::vector<uint8_t>> graph, const std::string& source);

// Decodes one level and appends its candidates.
//   class_score, objectness   at(cell) in [0, 1]; cell = row * columns + column
//   box(cell, k), landmark(cell, k)   raw regressions: dx, dy, log w, log h; five (x, y)
// A cell (r, c) of stride s stands at (c s, r s): no half offset. score = sqrt(class * objectness).
struct YuNetLevel {
  int64_t stride, rows, columns;
  const float* class_score;
  const float* objectness;
  const float* box;
  const float* landmarks;
  int64_t cell_step, box_step, landmark_step;       // floats from one cell to the next
  int64_t box_channel_step, landmark_channel_step;  // floats from one channel to the next
  bool is_logit;                                    // scores still need the sigmoid
};
void decode_yunet_level(const YuNetLevel& level, float min_score,
                        std::vector<FaceCandidate>& candidates);

}  // namespace guise::nets
