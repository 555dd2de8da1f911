// Where identity vectors of people lie: a normal distribution over the raw embeddings of one
// recogniser, as Vec2Face's authors fit it (PCA without reduction on each person's mean embedding,
// then mean and covariance; arXiv 2409.02979 and issue 10 of their repository).
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>

namespace guise::search {

// v = mean + z * basis with z standard normal.
struct NormalVectors {
  at::Tensor mean;   // float32 [D]
  at::Tensor basis;  // float32 [K, D], rows by falling length: axis x standard deviation
};

// vectors: float [N, D], one a person, N >= 2, finite. The K <= min(N - 1, D) axes with a deviation
// above 1e-6 of the largest. Throws ValueError for other input.
NormalVectors fit_normal_vectors(const at::Tensor& vectors);

// How the embeddings of one person vary about their mean. vectors: float [N, D]; people: int64 [N],
// at least one of them with two rows. The mean is 0. Throws ValueError for other input.
NormalVectors fit_variation(const at::Tensor& vectors, const at::Tensor& people);

// float32 [count, D]: rows first, first + 1, ... of an endless list. A row depends on the
// distribution, the seed and its number alone, whatever is asked for beside it.
at::Tensor draw_normal_vectors(const NormalVectors& distribution, uint64_t seed, uint64_t first,
                               int64_t count);

// Rows float32 [N, D] brought to length 1. Throws ValueError, naming the first bad row, unless all
// are finite and none is zero; `what` names them.
at::Tensor unit_rows(const at::Tensor& vectors, const char* what);

}  // namespace guise::search
