// The arithmetic of feather_blend: one pixel.
#pragma once

#include <cstdint>

#include "ops/host_device.h"
#include "ops/round_to_byte.h"

namespace guise::ops {

struct FeatherBlendArgs {
  const uint8_t* background;  // [pixel_count, 3]
  const uint8_t* foreground;  // [pixel_count, 3]
  const float* weight;        // [pixel_count]
  uint8_t* blended;           // [pixel_count, 3]
  int64_t pixel_count;
};

// Differences of bytes are exact in float32, so weights 0 and 1 give back either input exactly.
GUISE_HOST_DEVICE inline uint8_t feather_blend_byte(uint8_t background, uint8_t foreground,
                                                    float weight) {
  const float below = static_cast<float>(background);
  return round_to_byte(below + (static_cast<float>(foreground) - below) * weight);
}

// Writes the three channels of one pixel.
GUISE_HOST_DEVICE inline void feather_blend_element(const FeatherBlendArgs& args, int64_t index) {
  const float weight = args.weight[index];
  for (int64_t i = index * 3; i < index * 3 + 3; ++i) {
    args.blended[i] = feather_blend_byte(args.background[i], args.foreground[i], weight);
  }
}

void feather_blend_cpu(const FeatherBlendArgs& args);
void launch_feather_blend_cuda(const FeatherBlendArgs& args, void* stream);

}  // namespace guise::ops
