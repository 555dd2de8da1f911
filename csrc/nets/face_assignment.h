// Which cells of a detector answer for which faces, in training: SimOTA of YOLOX ("YOLOX: Exceeding
// YOLO Series in 2021", Ge, Liu, Wang, Li, Sun 2021, section 2.1), with the constants of
// libfacedetection.train. Each face takes the cells that predict it at the least cost, as many as
// its best predictions overlap it in sum; a cell answers for one face at most.
#pragma once

#include <cstdint>
#include <vector>

#include "core/geometry.h"

namespace guise::nets {

struct AssignmentOptions {
  // A cell is near a face when its middle is less than this many strides from the face's middle, in
  // x and in y.
  double centre_radius = 2.5;
  int64_t top_candidates = 10;  // predictions whose overlaps sum up to the number of cells
  double overlap_weight = 3.0;  // of -log IoU in the cost, beside -log of the score
};

// What one cell predicts.
struct CellPrediction {
  core::Point middle;  // of the cell itself, px
  double stride;       // px
  core::Box box;       // the predicted face, px
  double score;        // in [0, 1]
};

// A cell that answers for a face.
struct AssignedCell {
  int64_t cell, face;  // positions in the lists
  double overlap;      // IoU of the predicted box and the face
};

// The cells of one picture that answer for `faces`, by rising cell. Candidates are cells in a face
// or near one; a cell that is not both in and near a face is taken by it only when too few are.
// Where two cost the same, the first one wins. A cost that is no number counts as infinite.
std::vector<AssignedCell> assign_faces(const std::vector<CellPrediction>& cells,
                                       const std::vector<core::Box>& faces,
                                       const AssignmentOptions& options);

}  // namespace guise::nets
