// The arithmetic of gaussian_blur: one float of the horizontal pass, one byte of the vertical pass.
#pragma once

#include <cstdint>

#include "ops/host_device.h"
#include "ops/round_to_byte.h"

namespace guise::ops {

// Rows [row_begin, row_end) x columns [col_begin, col_end) bound what the horizontal pass computes;
// rows [mask_row_begin, mask_row_end) x the same columns bound the masked pixels.
struct GaussianBlurArgs {
  const uint8_t* image;       // [height_px, width_px, 3]
  const uint8_t* mask;        // [height_px, width_px], not 0 where the blur is wanted
  const float* taps;          // [radius_px + 1]: centre, then the tap at distance 1, 2, ...
  const uint8_t* row_needed;  // [row_end - row_begin], not 0 where a masked pixel reaches the row
  float* rows;                // [row_end - row_begin, col_end - col_begin, 3]
  uint8_t* out;               // [height_px, width_px, 3], already a copy of image
  int64_t height_px;
  int64_t width_px;
  int64_t radius_px;
  int64_t row_begin;
  int64_t row_end;
  int64_t mask_row_begin;
  int64_t mask_row_end;
  int64_t col_begin;
  int64_t col_end;
};

GUISE_HOST_DEVICE inline int64_t clamp_index(int64_t index, int64_t size) {
  return index < 0 ? 0 : (index < size ? index : size - 1);
}

// Floats in one row of `rows`.
GUISE_HOST_DEVICE inline int64_t blur_row_stride(const GaussianBlurArgs& args) {
  return (args.col_end - args.col_begin) * 3;
}

GUISE_HOST_DEVICE inline int64_t blur_rows_element_count(const GaussianBlurArgs& args) {
  return (args.row_end - args.row_begin) * blur_row_stride(args);
}

GUISE_HOST_DEVICE inline int64_t blur_columns_element_count(const GaussianBlurArgs& args) {
  return (args.mask_row_end - args.mask_row_begin) * blur_row_stride(args);
}

// One float of `rows`. Both sides of a tap are added before the product, centre first, growing
// outwards: the CPU's row loops keep this order, and with it the bytes.
GUISE_HOST_DEVICE inline void blur_rows_element(const GaussianBlurArgs& args, int64_t index) {
  const int64_t row = index / blur_row_stride(args);
  if (!args.row_needed[row]) return;
  const int64_t within = index % blur_row_stride(args);
  const int64_t x = args.col_begin + within / 3;
  const uint8_t* pixels = args.image + (args.row_begin + row) * args.width_px * 3 + within % 3;
  float sum = args.taps[0] * static_cast<float>(pixels[3 * x]);
  for (int64_t k = 1; k <= args.radius_px; ++k) {
    const float left = static_cast<float>(pixels[3 * clamp_index(x - k, args.width_px)]);
    const float right = static_cast<float>(pixels[3 * clamp_index(x + k, args.width_px)]);
    sum += args.taps[k] * (left + right);
  }
  args.rows[index] = sum;
}

// The row of `rows` that holds image row y, which is repeated beyond the border.
GUISE_HOST_DEVICE inline const float* blurred_row(const GaussianBlurArgs& args, int64_t y) {
  return args.rows + (clamp_index(y, args.height_px) - args.row_begin) * blur_row_stride(args);
}

// One byte of `out` inside the bounding box of the mask; writes nothing where the mask is false.
GUISE_HOST_DEVICE inline void blur_columns_element(const GaussianBlurArgs& args, int64_t index) {
  const int64_t y = args.mask_row_begin + index / blur_row_stride(args);
  const int64_t within = index % blur_row_stride(args);
  const int64_t pixel = y * args.width_px + args.col_begin + within / 3;
  if (!args.mask[pixel]) return;
  float sum = args.taps[0] * blurred_row(args, y)[within];
  for (int64_t k = 1; k <= args.radius_px; ++k) {
    sum += args.taps[k] * (blurred_row(args, y - k)[within] + blurred_row(args, y + k)[within]);
  }
  args.out[pixel * 3 + within % 3] = round_to_byte(sum);
}

void blur_rows_cpu(const GaussianBlurArgs& args);
void blur_columns_cpu(const GaussianBlurArgs& args);
void launch_blur_rows_cuda(const GaussianBlurArgs& args, void* stream);
void launch_blur_columns_cuda(const GaussianBlurArgs& args, void* stream);

}  // namespace guise::ops
