// Integer hash noise for hair, keyed by the noise keys of the recipes (which Philox drew).
#pragma once

#include <cstdint>

#include "render/keyed_noise.h"
#include "render/vec.h"

namespace guise::render {

// Values in [0, 1) of a key and up to two indices.
class HairNoise {
 public:
  HairNoise(uint64_t key, uint32_t stream) : key_(noise_stream_key(key, kFirstStream + stream)) {}

  float operator()(uint32_t index, uint32_t channel) const {
    const uint32_t h = mix_bits(key_ ^ mix_bits(index * 0x9E3779B1U + channel * 0x85EBCA77U));
    return static_cast<float>(h >> 8) * 0x1p-24F;
  }
  // In [-1, 1).
  float centred(uint32_t index, uint32_t channel) const {
    return 2.0F * (*this)(index, channel) - 1.0F;
  }
  // In the unit cube around 0: each component in [-1, 1).
  Vec3 vector(uint32_t index, uint32_t channel) const {
    return {centred(index, channel), centred(index, channel + 1), centred(index, channel + 2)};
  }
  // Smooth in space, about [-1, 1], features about 1 / frequency wide.
  float smooth(const Vec3& p, uint32_t channel) const;

 private:
  static constexpr uint32_t kFirstStream = 0x48000000;  // the other noises lie below

  uint32_t key_;
};

inline float HairNoise::smooth(const Vec3& p, uint32_t channel) const {
  const float fx = std::floor(p.x), fy = std::floor(p.y), fz = std::floor(p.z);
  const auto cell = [&](int dx, int dy, int dz) {
    const auto ix = static_cast<uint32_t>(static_cast<int>(fx) + dx);
    const auto iy = static_cast<uint32_t>(static_cast<int>(fy) + dy);
    const auto iz = static_cast<uint32_t>(static_cast<int>(fz) + dz);
    return centred(ix * 73856093U ^ iy * 19349663U ^ iz * 83492791U, channel);
  };
  const auto ease = [](float t) { return t * t * (3.0F - 2.0F * t); };
  const float u = ease(p.x - fx), v = ease(p.y - fy), w = ease(p.z - fz);
  const auto face = [&](int dz) {
    return lerp(lerp(cell(0, 0, dz), cell(1, 0, dz), u), lerp(cell(0, 1, dz), cell(1, 1, dz), u),
                v);
  };
  return lerp(face(0), face(1), w);
}

}  // namespace guise::render
