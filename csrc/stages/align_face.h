// Faces to upright crops: least-squares similarity from five landmarks to a template, then one
// bilinear warp.
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
};

class AlignFace {
 public:
  explicit AlignFace(const AlignOptions& options = {});

  // image: [H, W, 3] uint8 RGB. Pixels outside the image come out black. No faces: crops [0, S, S,
  // 3].
  AlignedFaces operator()(const at::Tensor& image,
                          const std::vector<core::Landmarks5>& landmarks) const;

 private:
  AlignOptions options_;
  std::vector<core::Point> template_;
};

}  // namespace guise::stages
