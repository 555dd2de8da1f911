// Embeddings whose cosines are known exactly: signs divided by the root of a power of four.
#pragma once

#include <cstdint>
#include <vector>

#include "core/random.h"
#include "measure/arrays.h"

namespace guise::test {

// [count, 64] values of +-1/8: every cosine is a multiple of 1/32, in float32 without rounding.
inline std::vector<float> sign_rows(int64_t count, uint64_t seed) {
  std::vector<float> rows;
  for (int64_t i = 0; i < count; ++i) {
    core::RandomStream random(seed, static_cast<uint64_t>(i), 0);
    for (int k = 0; k < 64; ++k) rows.push_back(random.next_below(2) == 0 ? 0.125F : -0.125F);
  }
  return rows;
}

inline measure::EmbeddingRows rows_of(const std::vector<float>& values, int64_t dimension = 64) {
  return {values.data(), static_cast<int64_t>(values.size()) / dimension, dimension};
}

// Labels 0 0 0 1 1 1 ...
inline measure::Integers labels(int64_t count, int64_t each) {
  measure::Integers labels = measure::Integers::from_shape({static_cast<size_t>(count)});
  for (int64_t i = 0; i < count; ++i) labels(static_cast<size_t>(i)) = i / each;
  return labels;
}

inline float slow_cosine(const measure::EmbeddingRows& rows, int64_t i, int64_t j) {
  float sum = 0;
  for (int64_t k = 0; k < rows.dimension; ++k) sum += rows.row(i)[k] * rows.row(j)[k];
  return sum;
}

}  // namespace guise::test
