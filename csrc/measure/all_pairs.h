// Every pair of a set of embeddings, exactly: histograms, counts above thresholds, nearest pairs.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "measure/arrays.h"
#include "measure/error_curve.h"

namespace guise::measure {

struct AllPairsOptions {
  int64_t bins = 4096;                  // of equal width, over the cosines -1 to 1
  std::vector<double> thresholds = {};  // pairs with cosine >= threshold are counted
  int64_t nearest = 0;                  // how many of the nearest pairs of all
  int64_t nearest_each = 0;             // how many of the nearest rows of each row; twice the time
  int64_t threads = 0;                  // 0: one per processor. Results do not depend on it.
  std::function<void(double)> on_progress = {};  // see TileOptions
};

struct NearPair {
  int64_t first = -1;  // first < second
  int64_t second = -1;
  float cosine = 0;
};

// Of the pairs of one kind. Each pair of rows counts once.
struct PairCounts {
  Integers
      bins;  // [bins]: bin b holds cosines from -1 + 2 b / bins on; the ends hold what is beyond
  Integers above;  // [thresholds]
  Moments moments;
};

struct AllPairs {
  PairCounts impostor;
  PairCounts genuine;
  // Highest cosine first, ties by row numbers. With labels, of different people only.
  std::vector<NearPair> nearest;
  // [N, nearest_each], nearest first; -1 (cosine -2) where there are fewer. With labels, of
  // different people only.
  xt::xtensor<int64_t, 2> neighbours;
  xt::xtensor<float, 2> neighbour_cosines;
};

// people: a label of each row, or empty: no two rows are of one person. Memory: twice that of the
// rows, and what is returned. Throws std::invalid_argument as check_unit_rows and check_labels do,
// and for options out of range.
AllPairs all_pairs(const EmbeddingRows& rows, const Integers& people,
                   const AllPairsOptions& options = {});

}  // namespace guise::measure
