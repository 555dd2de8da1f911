#include "core/random.h"

#include <ATen/ATen.h>

#include <cmath>

#include "core/check.h"

namespace guise::core {

PhiloxBlock philox4x32_10(const PhiloxBlock& counter, const std::array<uint32_t, 2>& key) {
  // Multipliers and Weyl increments: table 2 and section 3 of the paper.
  constexpr uint64_t kMultiplier0 = 0xD2511F53;
  constexpr uint64_t kMultiplier1 = 0xCD9E8D57;
  constexpr uint32_t kWeyl0 = 0x9E3779B9;
  constexpr uint32_t kWeyl1 = 0xBB67AE85;
  PhiloxBlock state = counter;
  uint32_t key0 = key[0], key1 = key[1];
  for (int round = 0; round < 10; ++round) {
    const uint64_t product0 = kMultiplier0 * state[0];
    const uint64_t product1 = kMultiplier1 * state[2];
    state = {
        static_cast<uint32_t>(product1 >> 32) ^ state[1] ^ key0, static_cast<uint32_t>(product1),
        static_cast<uint32_t>(product0 >> 32) ^ state[3] ^ key1, static_cast<uint32_t>(product0)};
    key0 += kWeyl0;
    key1 += kWeyl1;
  }
  return state;
}

RandomStream::RandomStream(uint64_t seed, uint64_t sample, uint32_t stream)
    : key_{static_cast<uint32_t>(seed), static_cast<uint32_t>(seed >> 32)},
      counter_{0, stream, static_cast<uint32_t>(sample), static_cast<uint32_t>(sample >> 32)} {}

uint32_t RandomStream::next_uint32() {
  if (used_ == 4) {
    block_ = philox4x32_10(counter_, key_);
    ++counter_[0];
    used_ = 0;
  }
  return block_[used_++];
}

float RandomStream::next_uniform() {
  return static_cast<float>(next_uint32() >> 8) * (1.0F / 16777216.0F);
}

float RandomStream::next_normal() {
  // Half a step keeps the argument of the logarithm above 0.
  const double u = (static_cast<double>(next_uint32()) + 0.5) / 4294967296.0;
  const double angle = 2.0 * M_PI * (static_cast<double>(next_uint32()) / 4294967296.0);
  return static_cast<float>(std::sqrt(-2.0 * std::log(u)) * std::cos(angle));
}

uint32_t RandomStream::next_below(uint32_t bound) {
  GUISE_CHECK_ARG(bound >= 1, "the bound must be at least 1; got 0");
  const uint32_t rejected_below = (0U - bound) % bound;
  while (true) {
    const uint64_t product = static_cast<uint64_t>(next_uint32()) * bound;
    if (static_cast<uint32_t>(product) >= rejected_below) {
      return static_cast<uint32_t>(product >> 32);
    }
  }
}

namespace {

template <typename Draw>
at::Tensor fill(int64_t count, RandomStream stream, Draw draw) {
  GUISE_CHECK_ARG(count >= 0, "the count must not be negative; got ", count);
  at::Tensor noise = at::empty({count}, at::kFloat);
  float* values = noise.data_ptr<float>();
  for (int64_t i = 0; i < count; ++i) {
    values[i] = draw(stream);
  }
  return noise;
}

}  // namespace

at::Tensor normal_noise(int64_t count, uint64_t seed, uint64_t sample, uint32_t stream) {
  return fill(count, RandomStream(seed, sample, stream),
              [](RandomStream& source) { return source.next_normal(); });
}

at::Tensor uniform_noise(int64_t count, uint64_t seed, uint64_t sample, uint32_t stream) {
  return fill(count, RandomStream(seed, sample, stream),
              [](RandomStream& source) { return source.next_uniform(); });
}

}  // namespace guise::core
