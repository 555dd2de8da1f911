// Identity vectors of people who do not exist: drawn from the normal distribution of a recogniser's
// embeddings and kept where they are apart from all kept before (Vec2Face's helper; its authors
// answer issues 10 and 11 with it), from a gallery, and, where asked, apart as drawn faces too:
// vectors that are apart may be drawn as faces that are not (GapGen measures 78 % of a million).
#pragma once

#include <ATen/core/Tensor.h>

#include <atomic>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "search/identity_distribution.h"

namespace guise::search {

struct IdentitySearchOptions {
  double max_cosine = 0.4;  // of any two identities
  // Of an identity and any row of the gallery.
  double max_gallery_cosine = 0.4;
  at::Tensor gallery;  // float [G, D], not zero; undefined: none
  // Candidates that are looked at before the search gives up; 0: 200,000 and 100 a wanted identity.
  int64_t max_tried = 0;
};

// What the face that is drawn from a candidate shows.
struct DrawnIdentities {
  at::Tensor units;     // float32 [N, D'] of length 1: embeddings of the faces
  at::Tensor accepted;  // bool [N]: shows the identity that was asked for, well enough
};

// Raw vectors float32 [N, D] and the numbers of these candidates -> their faces.
using DrawIdentities =
    std::function<DrawnIdentities(const at::Tensor& vectors, const std::vector<uint64_t>& numbers)>;

struct SampledIdentities {
  at::Tensor vectors;             // float32 [wanted, D], raw, in the order in which they were drawn
  at::Tensor faces;               // float32 [wanted, D'], units; undefined without drawing
  std::vector<uint64_t> numbers;  // of the candidates, rising
  int64_t tried = 0;              // candidates looked at
  int64_t near_gallery = 0, near_another = 0, not_drawn = 0;  // why the others were left out
};

// The first `wanted` candidates of (distribution, seed) that fit: more wanted identities begin with
// the same ones. Throws ValueError where the space is full, naming how many fit and what separation
// the candidates would have room for; Cancelled.
SampledIdentities sample_identities(const NormalVectors& distribution, uint64_t seed,
                                    int64_t wanted, const IdentitySearchOptions& options,
                                    const DrawIdentities& draw = {},
                                    const std::atomic<bool>* cancel = nullptr,
                                    const std::function<void(int64_t kept)>& on_progress = {});

}  // namespace guise::search
