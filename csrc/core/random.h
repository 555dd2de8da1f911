// Philox4x32-10, the counter-based generator of Salmon, Moraes, Dror and Shaw, "Parallel Random
// Numbers: As Easy as 1, 2, 3" (SC 2011). A value depends on (seed, sample, stream, index) alone,
// so it is the same in any batch, thread, shard order and after any restart.
//
// Noise is made on the CPU. Uniforms are exact in integers. Normals use log, sin and cos of the C
// library in float64 and are rounded to float32.
#pragma once

#include <ATen/core/Tensor.h>

#include <array>
#include <cstdint>

namespace guise::core {

using PhiloxBlock = std::array<uint32_t, 4>;

// Ten rounds. `counter` and `key` as in the paper's known-answer tests (word 0 first).
PhiloxBlock philox4x32_10(const PhiloxBlock& counter, const std::array<uint32_t, 2>& key);

// A sequence of 2^34 numbers of its own for each (seed, sample, stream). Copyable; not thread safe.
// key = seed (low word first); counter = (block index, stream, sample low word, sample high word).
class RandomStream {
 public:
  RandomStream(uint64_t seed, uint64_t sample, uint32_t stream);

  uint32_t next_uint32();
  // In [0, 1), with 24 random bits.
  float next_uniform();
  // Standard normal, by Box and Muller; uses two numbers a call.
  float next_normal();
  // In [0, bound) without bias (Lemire's rejection); bound >= 1.
  uint32_t next_below(uint32_t bound);

 private:
  std::array<uint32_t, 2> key_;
  PhiloxBlock counter_;
  PhiloxBlock block_{};
  uint32_t used_ = 4;
};

// [count] float32 standard normals or uniforms of one stream.
at::Tensor normal_noise(int64_t count, uint64_t seed, uint64_t sample, uint32_t stream);
at::Tensor uniform_noise(int64_t count, uint64_t seed, uint64_t sample, uint32_t stream);

}  // namespace guise::core
