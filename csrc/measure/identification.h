// Rank-k identification: is the right person among the k nearest of a gallery?
//
// A person's rank for a probe is 1 + the number of other people whose score is as high or higher:
// ties count against the recogniser.
#pragma once

#include <cstdint>

#include "measure/arrays.h"

namespace guise::measure {

struct IdentificationOptions {
  int64_t ranks = 10;   // rates at rank 1 to this
  int64_t threads = 0;  // 0: one per processor
};

// float64 [ranks]: share of probes whose person has rank <= k in a gallery, a person's score being
// that of its best gallery photo (the cumulative match characteristic). Throws
// std::invalid_argument for a probe whose person is not in the gallery, no probe, labels that do
// not match, or no ranks.
Numbers gallery_identification(const EmbeddingRows& gallery, const Integers& gallery_people,
                               const EmbeddingRows& probes, const Integers& probe_people,
                               const IdentificationOptions& options = {});

// float64 [ranks]: the same with a gallery of one photo of each person, all other photos being
// probes: the exact mean over every choice of gallery photos. (The choices of different people are
// independent, so nothing is drawn: for each probe and photo of its own person the number of other
// people at or above is a sum of independent events.) People with one photo are gallery only.
// Time: N^2 times the photos of a person. Memory: 128 N floats for each thread. Throws
// std::invalid_argument where no person has two photos, or there is one person only.
Numbers identification_over_choices(const EmbeddingRows& rows, const Integers& people,
                                    const IdentificationOptions& options = {});

}  // namespace guise::measure
