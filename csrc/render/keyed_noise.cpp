#include "render/keyed_noise.h"

#include <cmath>

#include "core/random.h"

namespace guise::render {
namespace {

float lattice(uint32_t key, int x, int y, int z) {
  const uint32_t h =
      mix_bits(key ^ (static_cast<uint32_t>(x) * 0x8da6b343U) ^
               (static_cast<uint32_t>(y) * 0xd8163841U) ^ (static_cast<uint32_t>(z) * 0xcb1ab31fU));
  return static_cast<float>(h >> 8) * 0x1p-23F - 1.0F;
}

float fade(float t) {
  return t * t * (3.0F - 2.0F * t);
}

float plane_noise(uint32_t key, float x, float y, int z) {
  const float fx = std::floor(x), fy = std::floor(y);
  const int ix = static_cast<int>(fx), iy = static_cast<int>(fy);
  const float u = fade(x - fx), v = fade(y - fy);
  const float low = lerp(lattice(key, ix, iy, z), lattice(key, ix + 1, iy, z), u);
  const float high = lerp(lattice(key, ix, iy + 1, z), lattice(key, ix + 1, iy + 1, z), u);
  return lerp(low, high, v);
}

}  // namespace

uint32_t noise_stream_key(uint64_t noise_key, uint32_t stream) {
  return core::RandomStream(noise_key, 0, stream).next_uint32();
}

float value_noise(uint32_t key, float x, float y) {
  return plane_noise(key, x, y, 0);
}

float value_noise(uint32_t key, const Vec3& p) {
  const float fz = std::floor(p.z);
  const int iz = static_cast<int>(fz);
  return lerp(plane_noise(key, p.x, p.y, iz), plane_noise(key, p.x, p.y, iz + 1), fade(p.z - fz));
}

}  // namespace guise::render
