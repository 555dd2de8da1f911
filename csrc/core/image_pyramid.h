// A picture and copies of half, a quarter, ... of its size, each the exact mean of 2 x 2 pixels.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstddef>
#include <cstdint>
#include <vector>

namespace guise::core {

class ImagePyramid {
 public:
  // image: [H, W, 3] uint8 RGB, level 0, not copied. Halved until the longer side is at most
  // `smallest_px`. An odd last row or column is left out of the next level, so that the factor is 2
  // exactly.
  ImagePyramid(const at::Tensor& image, int64_t smallest_px);

  const std::vector<at::Tensor>& levels() const { return levels_; }

  // Size of a level over the size of the picture: 1, 1/2, 1/4, ...
  static double scale(size_t level);

  // The smallest level in which something `size_px` large in the picture is still at least
  // `wanted_px` large; level 0 where none is.
  size_t level_for(double size_px, double wanted_px) const;

 private:
  std::vector<at::Tensor> levels_;
};

}  // namespace guise::core
