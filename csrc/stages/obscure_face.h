// Faces out of a picture by blur, pixelation or a solid colour. Strength is relative to the size of
// the face, so a face of 400 px is as gone as one of 40 px. Pixels outside masks and their feather
// stay bit-equal.
//
//   mask     the detection box, width and height multiplied by mask_scale about its centre, or the
//            ellipse inscribed in that: obscured to the last pixel
//   feather  outside the mask, the obscured picture fades into the original over
//            feather * face size
//
// Blur and pixelation are near-linear and can be attacked by someone who obscures his own gallery
// in the same way: docs/measurements.md has the figures of that attack for every method.
#pragma once

#include <ATen/core/Tensor.h>

#include <string>
#include <vector>

#include "stages/hand_overs.h"

namespace guise::stages {

// Where strength is 1: the longer side of the mask is this many blocks, and the Gaussian's sigma is
// this share of the longer side of the detection box.
inline constexpr double kPixelateBlocks = 10.0;
inline constexpr double kBlurSigmaShare = 0.15;

struct ObscureOptions {
  std::string method = "pixelate";  // "blur", "pixelate" or "solid" (black)
  std::string shape = "ellipse";    // "ellipse" or "box"
  double mask_scale = 1.3;          // of the detection box's width and height; 1 to 4
  double strength = 1.0;            // 2 = half as many blocks, twice the sigma; 0.1 to 10
  double feather = 0.05;  // width of the fade as a share of the face's longer side; 0 = none
};

class ObscureFace {
 public:
  explicit ObscureFace(const ObscureOptions& options = {});

  // image: [H, W, 3] uint8 RGB; left as it is. Faces wholly outside the picture change nothing.
  ObscuredImage operator()(const at::Tensor& image, const std::vector<DetectedFace>& faces) const;

  // The mask's box for a detection box.
  core::Box mask_box(const core::Box& face) const;

 private:
  void obscure(at::Tensor& image, const core::Box& face) const;
  // The region [h, w, 3] with everything in it obscured.
  at::Tensor obscured_region(const at::Tensor& region, double face_px) const;

  ObscureOptions options_;
};

}  // namespace guise::stages
