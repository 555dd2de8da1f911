// How the image ops turn an interpolated float back into a pixel value.
#pragma once

#include <cstdint>

#include "ops/host_device.h"

namespace guise::ops {

// Rounds half up. `value` must lie in [0, 255.5): weighted sums of pixels exceed 255 by rounding
// errors only, below 0.05 even for the widest blur.
GUISE_HOST_DEVICE inline uint8_t round_to_byte(float value) {
  return static_cast<uint8_t>(static_cast<int32_t>(value + 0.5f));
}

}  // namespace guise::ops
