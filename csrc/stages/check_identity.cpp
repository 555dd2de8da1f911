#include "stages/check_identity.h"

#include <ATen/ATen.h>

#include "core/check.h"

namespace guise::stages {

CheckIdentity::CheckIdentity(const at::Tensor& faces, uint64_t first_identity,
                             const CheckIdentityOptions& options)
    : first_identity_(first_identity), options_(options) {
  GUISE_CHECK_ARG(options.max_intra_distance > 0 && options.max_intra_distance <= 2,
                  "max_intra_distance must lie above 0 and be at most 2; got ",
                  options.max_intra_distance);
  GUISE_CHECK_ARG(faces.dim() == 2 && faces.size(0) >= 1 && faces.is_floating_point(),
                  "reference faces must be float [I, D] with I of at least 1; got ", faces.sizes());
  faces_ = faces.to(at::kFloat).contiguous().clone();
}

IdentityVerdict CheckIdentity::operator()(const Embeddings& face, uint64_t identity) const {
  const auto own = static_cast<int64_t>(identity - first_identity_);
  GUISE_CHECK_ARG(identity >= first_identity_ && own < faces_.size(0), "identity ", identity,
                  " has no reference face");
  GUISE_CHECK_ARG(face.vectors.dim() == 2 && face.vectors.size(0) == 1 &&
                      face.vectors.size(1) == faces_.size(1),
                  "one embedding of width ", faces_.size(1), " is checked at a time; got ",
                  face.vectors.sizes());
  if (options_.min_quality > 0) {
    GUISE_CHECK_ARG(face.quality.defined(), "min_quality needs a recogniser that gives a quality");
    if (face.quality[0].item<double>() < options_.min_quality) return IdentityVerdict::kLowQuality;
  }
  at::Tensor cosines = at::mv(faces_, face.vectors[0]);
  const auto own_cosine = cosines[own].item<double>();
  if (1 - own_cosine > options_.max_intra_distance) return IdentityVerdict::kOtherFace;
  cosines[own] = -2.0;
  return cosines.max().item<double>() >= own_cosine ? IdentityVerdict::kNearerToAnother
                                                    : IdentityVerdict::kAccepted;
}

}  // namespace guise::stages
