// Identity vectors to pictures, in parallel: vectors -> vary -> steer -> draw (-> embed).
#pragma once

#include <ATen/core/Tensor.h>

#include <atomic>
#include <cstdint>
#include <memory>
#include <vector>

#include "search/draw_faces.h"
#include "stages/embed_faces.h"

namespace guise::pipelines {

// search::DrawFaces with so many samples at a time (0: one a processor), each on one thread: equal
// bytes. Throws as it does.
search::DrawnFaces draw_in_parallel(const search::DrawFaces& draw, const at::Tensor& vectors,
                                    uint64_t seed, const std::vector<search::FaceKey>& keys,
                                    int64_t threads, const std::atomic<bool>* cancel = nullptr);

// The one face that stands for each identity: its vector drawn as it is.
struct ReferenceFaces {
  at::Tensor units;    // float32 [N, D] of length 1: embeddings of the faces
  at::Tensor cosines;  // float32 [N]: of each face and its vector
  at::Tensor quality;  // float32 [N]; undefined where the recogniser gives none
};

class DrawReferenceFaces {
 public:
  // embedder: the recogniser whose raw embeddings the generator takes. Throws ValueError where it
  // gives vectors of another width.
  DrawReferenceFaces(std::shared_ptr<const nets::FaceGenerator> generator,
                     std::shared_ptr<const nets::FaceEmbedder> embedder);

  // vectors: float [N, D], raw, N >= 1. A row of the result depends on its vector alone. threads: 0
  // for one a processor. Throws as DrawFaces does.
  ReferenceFaces operator()(const at::Tensor& vectors, int64_t threads = 0,
                            const std::atomic<bool>* cancel = nullptr) const;

 private:
  search::DrawFaces draw_;
  stages::EmbedFaces embed_;
};

}  // namespace guise::pipelines
