// The arithmetic of warp_affine: one pixel of one crop.
#pragma once

#include <cstdint>

#include "ops/host_device.h"
#include "ops/round_to_byte.h"

namespace guise::ops {

struct WarpAffineArgs {
  const uint8_t* image;         // [image_height_px, image_width_px, 3]
  const double* crop_to_image;  // [count, 2, 3]
  uint8_t* crops;               // [count, height_px, width_px, 3]
  int64_t image_height_px;
  int64_t image_width_px;
  int64_t count;
  int64_t height_px;
  int64_t width_px;
};

GUISE_HOST_DEVICE inline int64_t warp_affine_element_count(const WarpAffineArgs& args) {
  return args.count * args.height_px * args.width_px;
}

// A channel of the image, 0 outside of it.
GUISE_HOST_DEVICE inline float pixel_or_zero(const WarpAffineArgs& args, int64_t y, int64_t x,
                                             int channel) {
  const bool inside = y >= 0 && y < args.image_height_px && x >= 0 && x < args.image_width_px;
  return inside ? static_cast<float>(args.image[(y * args.image_width_px + x) * 3 + channel]) : 0.f;
}

GUISE_HOST_DEVICE inline float mix_bilinear(float p00, float p01, float p10, float p11, float fx,
                                            float fy) {
  const float upper = p00 * (1.f - fx) + p01 * fx;
  const float lower = p10 * (1.f - fx) + p11 * fx;
  return upper * (1.f - fy) + lower * fy;
}

// Writes the three channels of pixel (x, y) of crop n.
GUISE_HOST_DEVICE inline void warp_affine_pixel(const WarpAffineArgs& args, int64_t n, int64_t y,
                                                int64_t x) {
  const double* m = args.crop_to_image + n * 6;
  const double source_x = m[0] * static_cast<double>(x) + (m[1] * static_cast<double>(y) + m[2]);
  const double source_y = m[3] * static_cast<double>(x) + (m[4] * static_cast<double>(y) + m[5]);
  uint8_t* out = args.crops + ((n * args.height_px + y) * args.width_px + x) * 3;
  // Written so that NaN and coordinates too large for an integer count as outside.
  const bool touches = source_x > -1.0 && source_x < static_cast<double>(args.image_width_px) &&
                       source_y > -1.0 && source_y < static_cast<double>(args.image_height_px);
  if (!touches) {
    out[0] = out[1] = out[2] = 0;
    return;
  }
  // The floor, without a call into the maths library.
  int64_t x0 = static_cast<int64_t>(source_x);
  int64_t y0 = static_cast<int64_t>(source_y);
  if (static_cast<double>(x0) > source_x) --x0;
  if (static_cast<double>(y0) > source_y) --y0;
  const float fx = static_cast<float>(source_x - static_cast<double>(x0));
  const float fy = static_cast<float>(source_y - static_cast<double>(y0));
  for (int c = 0; c < 3; ++c) {
    out[c] = round_to_byte(mix_bilinear(
        pixel_or_zero(args, y0, x0, c), pixel_or_zero(args, y0, x0 + 1, c),
        pixel_or_zero(args, y0 + 1, x0, c), pixel_or_zero(args, y0 + 1, x0 + 1, c), fx, fy));
  }
}

// Element `index` counts pixels of all crops in memory order.
GUISE_HOST_DEVICE inline void warp_affine_element(const WarpAffineArgs& args, int64_t index) {
  const int64_t row = index / args.width_px;
  warp_affine_pixel(args, row / args.height_px, row % args.height_px, index % args.width_px);
}

void warp_affine_cpu(const WarpAffineArgs& args);
void launch_warp_affine_cuda(const WarpAffineArgs& args, void* stream);

}  // namespace guise::ops
