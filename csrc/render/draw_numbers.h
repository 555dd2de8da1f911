// The distributions that recipes are drawn from, over one stream of Philox numbers.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "core/random.h"
#include "render/draw_recipe.h"
#include "render/vec.h"

namespace guise::render {

class Draws {
 public:
  // `key`, `index`: seed and identity, or what photo_key made of them.
  Draws(uint64_t key, uint64_t index, Topic topic)
      : stream_(key, index, static_cast<uint32_t>(topic)) {}

  double uniform(double low = 0, double high = 1) {
    return low + (high - low) * static_cast<double>(stream_.next_uniform());
  }
  double normal(double mean = 0, double sd = 1) {
    return mean + sd * static_cast<double>(stream_.next_normal());
  }
  // Normal between the limits: drawn again outside them, uniform where that keeps failing.
  double bounded_normal(double mean, double sd, double low, double high);
  // Symmetric bell between the limits (mean of three uniforms, sd a sixth of the width).
  double bell(double low, double high);
  // Its logarithm is uniform; low > 0.
  double log_uniform(double low, double high);
  bool chance(double probability) { return uniform() < probability; }
  int below(int count) {
    return static_cast<int>(stream_.next_below(static_cast<uint32_t>(count)));
  }
  // An index, weighted; weights >= 0 with a sum > 0.
  size_t pick(std::span<const double> weights);
  uint64_t key();
  // Shape > 0, scale 1 (Marsaglia and Tsang 2000).
  double gamma(double shape);

 private:
  core::RandomStream stream_;
};

// Sums to 1; entries whose weight is 0 stay 0. concentration > 0 is the sum of the parameters / 3.
std::array<double, 3> dirichlet(Draws& draws, const std::array<double, 3>& weights,
                                double concentration);

// The key of the streams of one photo.
uint64_t photo_key(uint64_t seed, uint64_t identity, uint64_t sample);

inline float to_float(double v) {
  return static_cast<float>(v);
}

// Linear RGB of an sRGB triple, 0..255.
Vec3 srgb(double red, double green, double blue);
// A cloth-like colour: any hue, mostly muted, some black and white.
Vec3 draw_cloth_albedo(Draws& draws);
// Factors on RGB of a light of this colour temperature in kelvin (2000..12000), luminance 1.
Vec3 light_tint(double kelvin);

}  // namespace guise::render
