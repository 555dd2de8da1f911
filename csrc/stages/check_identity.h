// Does a generated picture show the identity that it stands for, and no other of the dataset?
//
// Exact over the whole dataset and yet the same for every shard: each identity has one reference
// face, known before the first picture, and every picture is held against all of them.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>

#include "stages/hand_overs.h"

namespace guise::stages {

struct CheckIdentityOptions {
  double max_intra_distance = 0.6;  // 1 - cosine of a picture and the face of its identity
  // The least that the recogniser's learned quality must be; 0: not asked.
  double min_quality = 0;
};

enum class IdentityVerdict : uint8_t { kAccepted, kOtherFace, kNearerToAnother, kLowQuality };

class CheckIdentity {
 public:
  // faces: float32 [I, D] of length 1, embeddings of the reference faces of identities
  // first_identity, first_identity + 1, ... Throws ValueError for options out of range or other
  // faces.
  CheckIdentity(const at::Tensor& faces, uint64_t first_identity,
                const CheckIdentityOptions& options = {});

  // face: one embedding by the recogniser of the reference faces. Thread safe. Throws ValueError
  // for an identity without a reference face, another width, or a quality that is asked for and
  // missing.
  IdentityVerdict operator()(const Embeddings& face, uint64_t identity) const;

  const CheckIdentityOptions& options() const { return options_; }

 private:
  at::Tensor faces_;
  uint64_t first_identity_;
  CheckIdentityOptions options_;
};

}  // namespace guise::stages
