// A picture of any size to its faces, by one or more detectors.
//
//   levels   the picture and ever smaller copies, each in overlapping tiles, so that a 20 px face
//            in 24 megapixels and one that fills the frame both come to a size the detector knows
//   closer   a candidate that is not sure is cut out with its surroundings, brought to the size the
//   look     detector is best at, and judged again: more small faces and fewer false ones
//            (docs/measurements.md)
//   union    what any of the detectors accepts, after one non-maximum suppression
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "nets/face_detector.h"
#include "stages/hand_overs.h"

namespace guise::stages {

struct DetectOptions {
  double threshold = -1.0;  // score of an accepted face, 0 to 1; negative: each detector's own
  double review_threshold = -1.0;  // score of a doubtful one; negative: each detector's own
  double nms_iou = 0.4;            // boxes that overlap more are one face; 0 to 1
  double smallest_face_px = 8.0;   // smaller boxes are not looked for
  int64_t max_closer_looks = 512;  // a detector and picture; candidates beyond it count as doubtful
};

class DetectFaces {
 public:
  // Throws std::invalid_argument for no detector, two of one name, or options out of range.
  DetectFaces(std::vector<std::unique_ptr<nets::FaceDetector>> detectors,
              const DetectOptions& options = {});

  // image: [H, W, 3] uint8 RGB.
  FaceSearch operator()(const at::Tensor& image);

  // The second look at a finished picture, mirrored so that it is not the same computation again,
  // and at half the size where it has at most a megapixel: faces that none of `masks` covers. A
  // face counts as covered when half of its box lies in one mask, or when its box and a mask are
  // nearly the same.
  std::vector<DetectedFace> find_uncovered(const at::Tensor& image,
                                           const std::vector<core::Box>& masks);

  // The same detectors and options for another thread.
  DetectFaces clone() const;

  std::vector<std::string> detector_names() const;

 private:
  struct View;  // how this search looks at the picture

  std::vector<nets::FaceCandidate> candidates(nets::FaceDetector& detector, const View& view) const;
  void search_level(nets::FaceDetector& detector, const View& view, size_t index,
                    std::vector<nets::FaceCandidate>& found) const;
  void judge(nets::FaceDetector& detector, const View& view,
             const std::vector<nets::FaceCandidate>& proposed, FaceSearch& found) const;
  void look_closer(nets::FaceDetector& detector, const View& view,
                   std::vector<nets::FaceCandidate>& faces) const;
  FaceSearch search(const View& view);
  std::vector<DetectedFace> suppress(const std::vector<DetectedFace>& faces) const;

  std::vector<std::unique_ptr<nets::FaceDetector>> detectors_;
  DetectOptions options_;
};

// The lengths [first, last) of the fewest tiles of at most `tile_px` that cover `length_px` with an
// overlap of at least `overlap_px`; their length is equal and a multiple of 32 where there is more
// than one.
std::vector<std::pair<int64_t, int64_t>> tile_spans(int64_t length_px, int64_t tile_px,
                                                    int64_t overlap_px);

}  // namespace guise::stages
