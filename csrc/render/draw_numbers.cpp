#include "render/draw_numbers.h"

#include <algorithm>
#include <cmath>

namespace guise::render {

namespace {

// Tries before a bounded normal gives way to a uniform: only limits far inside the bell need more.
constexpr int kTries = 12;
// Keeps the keys of photos apart from those of identities.
constexpr uint64_t kPhotoKeySalt = 0x9E3779B97F4A7C15ULL;

}  // namespace

double Draws::bounded_normal(double mean, double sd, double low, double high) {
  for (int i = 0; i < kTries; ++i) {
    const double value = normal(mean, sd);
    if (value >= low && value <= high) {
      return value;
    }
  }
  return uniform(low, high);
}

double Draws::bell(double low, double high) {
  double sum = uniform();
  sum += uniform();
  sum += uniform();
  return low + (high - low) * sum / 3;
}

double Draws::log_uniform(double low, double high) {
  return std::exp(uniform(std::log(low), std::log(high)));
}

size_t Draws::pick(std::span<const double> weights) {
  double total = 0;
  for (const double weight : weights) {
    total += weight;
  }
  double left = uniform() * total;
  size_t last = 0;
  for (size_t i = 0; i < weights.size(); ++i) {
    if (weights[i] <= 0) {
      continue;
    }
    last = i;
    if (left < weights[i]) {
      return i;
    }
    left -= weights[i];
  }
  return last;
}

uint64_t Draws::key() {
  const uint64_t high = stream_.next_uint32();
  return high << 32 | stream_.next_uint32();
}

double Draws::gamma(double shape) {
  if (shape < 1) {
    // One uniform that is never 0.
    const double u = (uniform() * 0x1p24 + 0.5) * 0x1p-24;
    return gamma(shape + 1) * std::pow(u, 1 / shape);
  }
  const double d = shape - 1.0 / 3, c = 1 / std::sqrt(9 * d);
  for (;;) {
    const double x = normal();
    const double v = std::pow(1 + c * x, 3);
    const double u = (uniform() * 0x1p24 + 0.5) * 0x1p-24;
    if (v > 0 && std::log(u) < 0.5 * x * x + d - d * v + d * std::log(v)) {
      return d * v;
    }
  }
}

std::array<double, 3> dirichlet(Draws& draws, const std::array<double, 3>& weights,
                                double concentration) {
  const double total = weights[0] + weights[1] + weights[2];
  std::array<double, 3> parts{};
  double sum = 0;
  for (size_t i = 0; i < 3; ++i) {
    // Below 0.05 a gamma is 0 in all but name, and its power underflows.
    const double shape = std::max(0.05, 3 * concentration * weights[i] / total);
    const double part = draws.gamma(shape);
    parts[i] = weights[i] > 0 ? part : 0;
    sum += parts[i];
  }
  if (sum <= 0) {
    parts = weights;
    sum = total;
  }
  for (double& part : parts) {
    part /= sum;
  }
  return parts;
}

uint64_t photo_key(uint64_t seed, uint64_t identity, uint64_t sample) {
  const uint64_t key = seed ^ kPhotoKeySalt;
  const auto low = [](uint64_t v) { return static_cast<uint32_t>(v); };
  const auto high = [](uint64_t v) { return static_cast<uint32_t>(v >> 32); };
  const core::PhiloxBlock block = core::philox4x32_10(
      {low(identity), high(identity), low(sample), high(sample)}, {low(key), high(key)});
  return static_cast<uint64_t>(block[1]) << 32 | block[0];
}

double normal_length_quantile(int count, double quantile) {
  if (count <= 0) {
    return 0;
  }
  // Quantile of the standard normal (Abramowitz and Stegun 26.2.23, error below 4.5e-4).
  const double tail = std::min(quantile, 1 - quantile);
  const double t = std::sqrt(-2 * std::log(tail));
  const double upper = t - (2.515517 + t * (0.802853 + t * 0.010328)) /
                               (1 + t * (1.432788 + t * (0.189269 + t * 0.001308)));
  const double z = quantile < 0.5 ? -upper : upper;
  const double a = 2.0 / (9.0 * count);
  return std::sqrt(count * std::pow(std::max(0.0, 1 - a + z * std::sqrt(a)), 3));
}

Vec3 srgb(double red, double green, double blue) {
  const auto linear = [](double v) {
    v /= 255;
    return to_float(v <= 0.04045 ? v / 12.92 : std::pow((v + 0.055) / 1.055, 2.4));
  };
  return {linear(red), linear(green), linear(blue)};
}

Vec3 draw_cloth_albedo(Draws& draws) {
  const double kind = draws.uniform();
  const double hue = draws.uniform(0, 6), level = draws.uniform(), muted = draws.uniform();
  // Share of colour: a fifth black, an eighth white, the rest coloured, seldom brightly.
  const double value = kind < 0.2     ? 12 + 30 * level
                       : kind < 0.325 ? 205 + 40 * level
                                      : 35 + 175 * level;
  const double colour = kind < 0.325 ? 0.05 * muted : 0.08 + 0.72 * muted * muted;
  const auto channel = [&](double offset) {
    const double distance = std::abs(std::fmod(hue + offset, 6.0) - 3);
    return value * (1 - colour * (1 - std::clamp(distance - 1, 0.0, 1.0)));
  };
  return srgb(channel(0), channel(4), channel(2));
}

Vec3 light_tint(double kelvin) {
  // Exponential in the reciprocal temperature, fitted to CIE illuminant A and to 10,000 K.
  const double m = 1e6 / std::clamp(kelvin, 2000.0, 12000.0) - 1e6 / 6504.0;
  const Vec3 tint{to_float(std::exp(0.0029 * m)), to_float(std::exp(-0.0008 * m)),
                  to_float(std::exp(-0.0071 * m))};
  return tint * (1.0F / luminance(tint));
}

}  // namespace guise::render
