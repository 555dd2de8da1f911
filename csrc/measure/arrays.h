// What measures are computed from: rows of embeddings, and arrays of scores.
//
// A score is a similarity: higher means more alike. Where distances are meant it says so.
#pragma once

#include <cstdint>

#include <xtensor/xtensor.hpp>

namespace guise::measure {

using Numbers = xt::xtensor<double, 1>;
using Integers = xt::xtensor<int64_t, 1>;

// float32 [count, dimension], contiguous, each row of length 1. A view: the caller keeps the
// memory.
struct EmbeddingRows {
  const float* data = nullptr;
  int64_t count = 0;
  int64_t dimension = 0;

  const float* row(int64_t i) const { return data + i * dimension; }
};

// How far the squared length of a row may be from 1.
inline constexpr double kUnitTolerance = 1e-3;

// Throws std::invalid_argument for no dimension, a value that is not finite, or a row of another
// length; the message names the row.
void check_unit_rows(const EmbeddingRows& rows);

// Throws std::invalid_argument unless there is one label, 0 or above, for each of `count` rows.
void check_labels(const Integers& people, int64_t count);

// float64 [P]: cosine of rows first[p] and second[p], summed in float64. Throws
// std::invalid_argument for indices out of range or lists of different lengths.
Numbers pair_cosines(const EmbeddingRows& rows, const Integers& first, const Integers& second);

// float64 [P]: squared Euclidean distance of the same rows, each first brought to length 1 in
// float64, as the LFW protocol takes it (0 to 4).
Numbers pair_distances(const EmbeddingRows& rows, const Integers& first, const Integers& second);

}  // namespace guise::measure
