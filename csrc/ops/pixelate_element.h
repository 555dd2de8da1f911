// The arithmetic of pixelate: one block.
#pragma once

#include <cstdint>

#include "ops/host_device.h"

namespace guise::ops {

struct PixelateArgs {
  const uint8_t* image;  // [height_px, width_px, 3]
  uint8_t* out;          // [height_px, width_px, 3]
  int64_t height_px;
  int64_t width_px;
  int64_t block_px;  // at most the larger side of the image
};

GUISE_HOST_DEVICE inline int64_t pixelate_blocks_per_row(const PixelateArgs& args) {
  return (args.width_px + args.block_px - 1) / args.block_px;
}

GUISE_HOST_DEVICE inline int64_t pixelate_element_count(const PixelateArgs& args) {
  return pixelate_blocks_per_row(args) * ((args.height_px + args.block_px - 1) / args.block_px);
}

GUISE_HOST_DEVICE inline uint8_t rounded_mean(uint64_t sum, uint64_t count) {
  return static_cast<uint8_t>((2 * sum + count) / (2 * count));
}

// Fills block `index`, counted row by row, with its mean.
GUISE_HOST_DEVICE inline void pixelate_element(const PixelateArgs& args, int64_t index) {
  const int64_t per_row = pixelate_blocks_per_row(args);
  const int64_t y_begin = index / per_row * args.block_px;
  const int64_t x_begin = index % per_row * args.block_px;
  const int64_t y_end =
      y_begin + args.block_px < args.height_px ? y_begin + args.block_px : args.height_px;
  const int64_t x_end =
      x_begin + args.block_px < args.width_px ? x_begin + args.block_px : args.width_px;
  uint64_t red = 0;
  uint64_t green = 0;
  uint64_t blue = 0;
  for (int64_t y = y_begin; y < y_end; ++y) {
    const uint8_t* row = args.image + y * args.width_px * 3;
    for (int64_t x = x_begin; x < x_end; ++x) {
      red += row[3 * x];
      green += row[3 * x + 1];
      blue += row[3 * x + 2];
    }
  }
  const uint64_t count = static_cast<uint64_t>((y_end - y_begin) * (x_end - x_begin));
  const uint8_t mean[3] = {rounded_mean(red, count), rounded_mean(green, count),
                           rounded_mean(blue, count)};
  for (int64_t y = y_begin; y < y_end; ++y) {
    uint8_t* row = args.out + y * args.width_px * 3;
    for (int64_t x = x_begin; x < x_end; ++x) {
      row[3 * x] = mean[0];
      row[3 * x + 1] = mean[1];
      row[3 * x + 2] = mean[2];
    }
  }
}

void pixelate_cpu(const PixelateArgs& args);
void launch_pixelate_cuda(const PixelateArgs& args, void* stream);

}  // namespace guise::ops
