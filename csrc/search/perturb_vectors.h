// Vec2Face's variation within an identity: noise on its vector, the vector's length kept.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <optional>
#include <vector>

#include "search/identity_distribution.h"

namespace guise::search {

// Strengths and how often each is drawn; published: 0.3, 0.5, 0.7 in 40, 40, 20 % of the pictures.
// A strength is the deviation of each of D components of a vector of length sqrt(D), which is about
// that of the published recogniser's; for vectors of another length it scales with them.
struct PerturbOptions {
  std::vector<double> strengths = {0.3, 0.5, 0.7};
  std::vector<double> shares = {0.4, 0.4, 0.2};

  // Throws ValueError unless there are as many shares as strengths, none negative, and the shares
  // sum to 1.
  void validate() const;
};

struct PerturbedVectors {
  at::Tensor vectors;             // float32 [N, D], each as long as it was
  std::vector<double> strengths;  // [N] that were drawn
};

// vectors: float32 [N, D]; keys: one a row; a row's noise depends on (seed, key) alone.
// variation: how embeddings of one person vary; noise then has its shape, brought to the energy of
// noise that is alike in all directions.
PerturbedVectors perturb_vectors(const at::Tensor& vectors, uint64_t seed,
                                 const std::vector<uint64_t>& keys,
                                 const PerturbOptions& options = {},
                                 const std::optional<NormalVectors>& variation = {});

}  // namespace guise::search
