// Smooth noise in space, four independent channels at a time: a lattice of 32^3 values that depends
// on a key alone and repeats. Cheap to make (0.2 ms), so that each person has a lattice of their
// own.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "render/skin_lanes.h"

namespace guise::render {

class ValueNoise {
 public:
  explicit ValueNoise(uint32_t key) : lattice_(kEdge * kEdge * kEdge) {
    for (uint32_t z = 0; z < kEdge; ++z) {
      for (uint32_t y = 0; y < kEdge; ++y) {
        Lanes* row = &lattice_[(z * kEdge + y) * kEdge];
        const uint32_t start = ((z & kMask) * kCells + (y & kMask)) * kCells;
        for (uint32_t x = 0; x < kCells; ++x) row[x] = unpacked(hashed(key, start + x));
        row[kCells] = row[0];
      }
    }
  }

  // Channels in [-1, 1], standard deviation about 0.3, one bump per unit. Coordinates (the first
  // three lanes) must lie in (-4096, 4096).
  Lanes at(Lanes place) const {
    const Lanes positive = place + 4096.0F;
    const LanesInt cell = __builtin_convertvector(positive, LanesInt);
    const Lanes f = positive - __builtin_convertvector(cell, Lanes);
    const Lanes s = f * f * (3.0F - 2.0F * f);
    const LanesInt wrapped = cell & static_cast<int32_t>(kMask);
    const size_t index =
        (static_cast<size_t>(wrapped[2]) * kEdge + static_cast<size_t>(wrapped[1])) * kEdge +
        static_cast<size_t>(wrapped[0]);
    const Lanes *p = &lattice_[index], *q = p + kEdge * kEdge;
    const Lanes sx = all_lanes(s[0]), sy = all_lanes(s[1]), sz = all_lanes(s[2]);
    const Lanes a = p[0] + (p[1] - p[0]) * sx, b = p[kEdge] + (p[kEdge + 1] - p[kEdge]) * sx;
    const Lanes c = q[0] + (q[1] - q[0]) * sx, d = q[kEdge] + (q[kEdge + 1] - q[kEdge]) * sx;
    const Lanes low = a + (b - a) * sy, high = c + (d - c) * sy;
    return low + (high - low) * sz;
  }

  static uint32_t hashed(uint32_t key, uint32_t i) {
    uint32_t v = (i * 0x9e3779b9U) ^ key;
    v ^= v >> 16;
    v *= 0x7feb352dU;
    v ^= v >> 15;
    v *= 0x846ca68bU;
    return v ^ (v >> 16);
  }

 private:
  static constexpr uint32_t kCells = 32, kMask = kCells - 1;
  static constexpr uint32_t kEdge = kCells + 1;  // the first value once more

  static Lanes unpacked(uint32_t h) {
    const LanesInt bytes{static_cast<int32_t>(h & 255U), static_cast<int32_t>((h >> 8) & 255U),
                         static_cast<int32_t>((h >> 16) & 255U), static_cast<int32_t>(h >> 24)};
    return __builtin_convertvector(bytes, Lanes) * (2.0F / 255.0F) - 1.0F;
  }

  std::vector<Lanes> lattice_;
};

}  // namespace guise::render
