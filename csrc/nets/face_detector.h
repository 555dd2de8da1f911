// One interface for every face detector: one pass over one picture at its own scale. Searching a
// large picture at several scales, in tiles, is the business of stages/detect_faces.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "nets/face_candidate.h"

namespace guise::nets {

// How to use a detector's scores and sizes. Every number is measured: docs/measurements.md.
struct DetectorTraits {
  std::string name;
  float propose_score;  // candidates below are noise
  float sure_score;     // candidates from here on are faces without a closer look
  float accept_score;   // what a closer look must give for a face
  float review_score;   // what it must give to stay doubtful
  int64_t tile_px;      // longest side of one pass that is fast
  int64_t level_step;   // 1: search each halved copy of the picture, 2: each second one
  double look_face_px;  // the size of the face in a closer look
};

class FaceDetector {
 public:
  virtual ~FaceDetector() = default;

  virtual const DetectorTraits& traits() const = 0;

  // image: [H, W, 3] uint8 RGB; rows may be strided. Candidates with a score of at least
  // `min_score`, before non-maximum suppression, in no order that matters. Not thread safe: one
  // object a thread.
  virtual std::vector<FaceCandidate> propose(const at::Tensor& image, float min_score) = 0;

  // The same for pictures of one size; a network that can takes them in one batch. One list a
  // picture.
  virtual std::vector<std::vector<FaceCandidate>> propose_batch(
      const std::vector<at::Tensor>& images, float min_score) {
    std::vector<std::vector<FaceCandidate>> lists;
    for (const at::Tensor& image : images) {
      lists.push_back(propose(image, min_score));
    }
    return lists;
  }

  // Another object with the same weights, for another thread.
  virtual std::unique_ptr<FaceDetector> clone() const = 0;
};

// Opens a detector from a file's bytes.
//   architecture  "yunet" (converted .safetensors, or the 2023mar .onnx), "centerface" (.onnx), or
//                 "retinaface-mnet025-leaky", "retinaface-mnet025-relu", "retinaface-r50"
//                 (converted .safetensors)
// The bytes must have the sha256 that the caller names (guise::CorruptFile otherwise; an empty
// `sha256` accepts any file, for the user's own). Throws guise::Unavailable when the file is
// missing.
std::unique_ptr<FaceDetector> open_face_detector(const std::string& architecture,
                                                 const std::string& path,
                                                 const std::string& sha256);

}  // namespace guise::nets
