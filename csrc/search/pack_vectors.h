// HyperFace (Shahreza and Marcel, "HyperFace: Generating Synthetic Face Recognition Datasets by
// Exploring Face Embedding Hypersphere", ICLR 2025, arXiv 2411.08470): points on the hypersphere of
// embeddings pushed apart, while they stay near the embeddings of faces.
#pragma once

#include <ATen/core/Tensor.h>

#include <atomic>
#include <cstdint>

namespace guise::search {

struct PackOptions {
  int64_t steps = 200;
  double rate = 0.01;           // of Adam
  double gallery_weight = 0.5;  // alpha: of the mean distance to the nearest vector of the gallery
};

struct PackedVectors {
  at::Tensor units;           // float32 [N, D] of length 1
  double highest_cosine = 1;  // of two of them
  double start_cosine = 1;    // the same at the start
};

// start: float [N, D], not zero, N >= 2; gallery: float [G, D], not zero, faces of nobody such as
// what `start` was drawn from. Each point is pushed from its own nearest neighbour at every step,
// where the paper pushes the one closest pair; the best step is kept. A function of its arguments.
// Time N (N + G) D a step, memory N (2048 + D). Throws ValueError for other input, Cancelled.
PackedVectors pack_vectors(const at::Tensor& start, const at::Tensor& gallery,
                           const PackOptions& options = {},
                           const std::atomic<bool>* cancel = nullptr);

}  // namespace guise::search
