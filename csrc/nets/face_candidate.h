// What a detector proposes, and how it moves between a picture and a view of it.
#pragma once

#include "core/geometry.h"

namespace guise::nets {

// A box that a detector proposes, in the coordinates of the picture it was given.
struct FaceCandidate {
  core::Box box;
  core::Landmarks5 landmarks;
  float score = 0.0F;  // in [0, 1]; only comparable within one detector
};

// A candidate seen in a view whose corner is at (x0, y0) of the picture and which is `scale` times
// its size, in the picture's coordinates.
FaceCandidate placed(FaceCandidate face, double x0, double y0, double scale);

// Undoes a mirroring at the vertical axis of a picture `width` wide. Left and right change places.
FaceCandidate mirrored(FaceCandidate face, double width);

}  // namespace guise::nets
