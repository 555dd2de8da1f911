// What counts as an image: uint8 [H, W, 3], RGB, contiguous, on the CPU unless a function says
// otherwise.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>

#include "core/geometry.h"

namespace guise::core {

// Throws std::invalid_argument unless `image` is uint8 [H, W, 3] with H, W >= 1; `name` is used in
// the message. Returns it contiguous on the CPU.
at::Tensor check_image(const at::Tensor& image, const char* name = "image");

// Whole pixels, x1 and y1 exclusive.
struct PixelRect {
  int64_t x0 = 0;
  int64_t y0 = 0;
  int64_t x1 = 0;
  int64_t y1 = 0;

  int64_t width() const { return x1 - x0; }
  int64_t height() const { return y1 - y0; }
  bool empty() const { return x1 <= x0 || y1 <= y0; }
};

// The smallest whole-pixel rectangle that contains `box`, clipped to a width x height image.
PixelRect enclosing_rect(const Box& box, int64_t width_px, int64_t height_px);

// A view of the rectangle's pixels, [h, w, 3]; writing to it writes to the image.
at::Tensor view_rect(const at::Tensor& image, const PixelRect& rect);

}  // namespace guise::core
