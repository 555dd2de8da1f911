// Vectors that are all apart from each other: an exact greedy filter, block by block.
//
// Products of blocks find what is clearly near and clearly apart; a pair that lies within rounding
// of the limit is decided by a sum in float64 in its own order. So what is kept depends neither on
// the block nor on the number of threads.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <vector>

namespace guise::search {

class SeparatedSet {
 public:
  // max_cosine: in [-1, 1], of any two kept. Throws ValueError for another.
  SeparatedSet(int64_t dimension, double max_cosine);

  // units: float32 [N, D] of length 1 -> bool [N]: not nearer than max_cosine to any kept one.
  at::Tensor apart(const at::Tensor& units) const;
  // Keeps all rows; they must be apart.
  void add(const at::Tensor& units);

  at::Tensor units() const;  // float32 [size, D], in the order in which they were added
  int64_t size() const { return size_; }
  double max_cosine() const { return max_cosine_; }

 private:
  double max_cosine_;
  at::Tensor rows_;  // [capacity, D]
  int64_t size_ = 0;
};

// Rows 0 to N - 1 in turn: each is kept whose cosine to every row kept before is at most
// max_cosine, in each of the views (float32 [N, D_i] of length 1, the same N). Places of the kept.
std::vector<int64_t> greedily_apart(const std::vector<at::Tensor>& views, double max_cosine);

// The same of one view, float [N, D] of any length, N of any size: block rows at a time, so that
// little beside the rows kept is held in memory. Throws ValueError for rows that are not finite or
// zero, a limit out of range or a block below 1.
at::Tensor greedily_apart(const at::Tensor& vectors, double max_cosine, int64_t block = 4096);

// The highest cosine of two rows of units, float32 [N, D], N >= 2.
double highest_cosine(const at::Tensor& units);

}  // namespace guise::search
