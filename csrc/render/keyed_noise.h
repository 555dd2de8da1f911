// Numbers and smooth noise that depend on a key alone: folds of cloth, scenes behind the head.
// A key is one Philox draw; what is made of it is integer hashing, so any point can be asked for
// in any order.
#pragma once

#include <cstdint>

#include "render/vec.h"

namespace guise::render {

// One key for each (noise_key, stream).
uint32_t noise_stream_key(uint64_t noise_key, uint32_t stream);

inline uint32_t mix_bits(uint32_t v) {
  v ^= v >> 16;
  v *= 0x7feb352dU;
  v ^= v >> 15;
  v *= 0x846ca68bU;
  return v ^ (v >> 16);
}

// In [0, 1), the i-th number of a key.
inline float keyed_unit(uint32_t key, uint32_t i) {
  return static_cast<float>(mix_bits(mix_bits(key ^ (i * 0x9e3779b9U)) + i) >> 8) * 0x1p-24F;
}
inline float keyed_range(uint32_t key, uint32_t i, float low, float high) {
  return low + (high - low) * keyed_unit(key, i);
}

// Smooth noise in [-1, 1] with one bump per unit of `x`, `y` (and `z`).
float value_noise(uint32_t key, float x, float y);
float value_noise(uint32_t key, const Vec3& p);

}  // namespace guise::render
