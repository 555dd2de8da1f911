// The training loss of YuNet, as libfacedetection.train has it: cells are assigned to faces
// (nets/face_assignment.h); those that answer for a face learn its box, its landmarks and how well
// they overlap it; every cell learns whether it answers for one.
//
//   box        Extended-IoU ("A Systematic IoU-Related Method: Beyond Simplified Regression for
//              Better Localization", Peng, Yu 2021), which also draws apart boxes together
//   class      binary cross-entropy of the assigned cells; the target is the overlap
//   objectness binary cross-entropy of all cells
//   landmarks  smooth L1 over the ten numbers, in strides
//
// The sums are divided by the number of assigned cells of the whole batch; that of the landmarks by
// the number of those whose face has landmarks.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>

#include "nets/face_assignment.h"
#include "nets/yunet.h"

namespace guise::nets {

struct YuNetLossOptions {
  double centre_radius = 2.5;        // see AssignmentOptions
  int64_t top_candidates = 10;       // see AssignmentOptions
  double overlap_cost = 3.0;         // see AssignmentOptions
  double box_weight = 5.0;           // of the box loss
  double box_smooth_point = 0.1;     // below this 1 - IoU the box loss is quadratic; 0: nowhere
  double class_weight = 1.0;         // of the class loss
  double objectness_weight = 1.0;    // of the objectness loss
  double landmark_weight = 0.1;      // of the landmark loss
  double landmark_beta = 1.0 / 9.0;  // strides; below it the landmark loss is quadratic
};

// The faces of a batch, side by side, on the CPU or where the outputs are.
struct YuNetTargets {
  at::Tensor boxes;          // float [M, 4]: x0, y0, x1, y1 in px
  at::Tensor landmarks;      // float [M, 5, 2] px
  at::Tensor pictures;       // int64 [M]: the picture of the batch that the face is in
  at::Tensor has_landmarks;  // bool [M]; undefined: all have. Landmarks of others are not read.
  // bool [M]; undefined: none. No cell answers for such a face, and cells that its box touches
  // learn nothing from not answering.
  at::Tensor ignored;
};

// outputs: what YuNet gave for the batch, float32 or float64 (a shorter type is widened). A scalar
// of that type, with gradients. Throws ValueError for wrong shapes, boxes without an area, pictures
// outside of the batch, and numbers that are not finite.
at::Tensor yunet_loss(const YuNetOutput& outputs, const YuNetTargets& targets,
                      const YuNetLossOptions& options = {});

}  // namespace guise::nets
