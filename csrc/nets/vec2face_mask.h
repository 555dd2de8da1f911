// The random part of Vec2Face: which tokens of a picture's grid are masked and dropped.
//
// Drawn for each sample from (seed, sample) alone, so that a picture does not depend on its batch;
// the authors' code draws one rate a batch. Equal numbers everywhere: Philox, and comparisons.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <vector>

#include "nets/vec2face.h"

namespace guise::nets {

// Shares of the 49 tokens. The defaults are those that the authors generate with; they trained with
// 0.5, 1, 0.75, 0.25 and generate posed faces (Vec2Face+) with 0.8, 0.9, 0.85, 0.05.
struct Vec2FaceMaskOptions {
  double low = 0.1;               // least masked; as many tokens, rounded up, are dropped
  double high = 1.0;              // most masked
  double mean = 0.15, sd = 0.25;  // of the normal distribution that is cut off at low and high

  // Throws ValueError unless 0 <= low <= high <= 1 and some of the distribution lies between.
  void validate() const;
};

// keys: one number a sample, at most 2^62. Throws ValueError for options that are out of range.
Vec2FaceMask draw_masks(uint64_t seed, const std::vector<uint64_t>& keys,
                        const Vec2FaceMaskOptions& options = {});

}  // namespace guise::nets
