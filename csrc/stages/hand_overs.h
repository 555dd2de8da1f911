// Every struct that travels between stages, in the order of the photo flow:
//   image -> detect -> align -> obscure -> (second look) -> write
#pragma once

#include <ATen/core/Tensor.h>

#include <string>
#include <vector>

#include "core/geometry.h"

namespace guise::stages {

// A face in image coordinates. The box may reach beyond the image.
struct DetectedFace {
  core::Box box;
  core::Landmarks5 landmarks;
  float score = 0.0F;    // in [0, 1], of the detector that saw it best
  std::string detector;  // its name; "yunet+centerface" where several agree
};

// What one search of a picture found, each list by falling score.
struct FaceSearch {
  std::vector<DetectedFace> faces;     // at or above the accept threshold
  std::vector<DetectedFace> doubtful;  // between the review and the accept threshold
};

// Faces turned upright and cut out.
struct AlignedFaces {
  at::Tensor crops;                               // [N, S, S, 3] uint8 RGB
  std::vector<core::Similarity2D> image_to_crop;  // N
};

// A picture whose faces are gone, and where its pixels changed.
struct ObscuredImage {
  at::Tensor image;              // [H, W, 3] uint8 RGB, a new tensor
  std::vector<core::Box> masks;  // one a face: the box whose inscribed shape is wholly obscured
};

}  // namespace guise::stages
