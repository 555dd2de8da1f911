// Faces to upright crops: least-squares similarity from five landmarks to a template, then one
// bilinear warp, of the picture or of a copy of half, a quarter, ... its size.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <string>
#include <vector>

#include "stages/hand_overs.h"

namespace guise::stages {

struct AlignOptions {
  int64_t size_px = 112;                  // side of the square crop; at least 16
  std::string crop_template = "arcface";  // "arcface" (recognition) or "ffhq" (restoration)
  // Faces much larger than the crop are averaged down first; without it a bilinear warp picks
  // single pixels, as most tools do.
  bool is_smooth = false;
};

class AlignFace {
 public:
  explicit AlignFace(const AlignOptions& options = {});

  // image: [H, W, 3] uint8 RGB. Pixels outside the image come out black. No faces: crops [0, S, S,
  // 3].
  AlignedFaces operator()(const at::Tensor& image,
                          const std::vector<core::Landmarks5>& landmarks) const;

 private:
  at::Tensor smooth_crops(const at::Tensor& pixels,
                          const std::vector<core::Similarity2D>& image_to_crop) const;

  AlignOptions options_;
  std::vector<core::Point> template_;
};

}  // namespace guise::stages
