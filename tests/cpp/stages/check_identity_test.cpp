// Verdicts on whose face a picture shows.
#include "stages/check_identity.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

namespace guise::stages {
namespace {

// Reference faces of identities 10, 11 and 12: the axes.
CheckIdentity check(const CheckIdentityOptions& options = {}) {
  return {at::eye(3), 10, options};
}

Embeddings face(std::vector<float> values, float quality = 0.5F) {
  const at::Tensor vector = at::tensor(values);
  return {(vector / vector.norm()).unsqueeze(0), at::ones({1}), at::full({1}, quality)};
}

TEST(CheckIdentity, TakesAFaceThatIsNearItsOwn) {
  EXPECT_EQ(check()(face({0.9F, 0.3F, 0.0F}), 10), IdentityVerdict::kAccepted);
  EXPECT_EQ(check()(face({0.0F, 0.3F, 0.9F}), 12), IdentityVerdict::kAccepted);
}

TEST(CheckIdentity, TurnsDownAFaceThatIsFarFromItsOwn) {
  EXPECT_EQ(check()(face({0.3F, 0.3F, 0.9F}), 11), IdentityVerdict::kOtherFace);
  EXPECT_EQ(check({.max_intra_distance = 0.05})(face({0.9F, 0.3F, 0.0F}), 10),
            IdentityVerdict::kOtherFace);
}

TEST(CheckIdentity, TurnsDownAFaceThatIsNearerToAnother) {
  const Embeddings between = face({0.6F, 0.7F, 0.0F});
  EXPECT_EQ(check()(between, 10), IdentityVerdict::kNearerToAnother);
  EXPECT_EQ(check()(between, 11), IdentityVerdict::kAccepted);
}

TEST(CheckIdentity, TurnsDownLowQuality) {
  const CheckIdentity strict = check({.min_quality = 0.6});
  EXPECT_EQ(strict(face({1, 0, 0}, 0.59F), 10), IdentityVerdict::kLowQuality);
  EXPECT_EQ(strict(face({1, 0, 0}, 0.61F), 10), IdentityVerdict::kAccepted);
}

TEST(CheckIdentity, RefusesWhatItCannotJudge) {
  EXPECT_THROW(check()(face({1, 0, 0}), 9), std::invalid_argument);
  EXPECT_THROW(check()(face({1, 0, 0}), 13), std::invalid_argument);
  EXPECT_THROW(check()(face({1, 0}), 10), std::invalid_argument);
  EXPECT_THROW(check({.max_intra_distance = 0}), std::invalid_argument);
  Embeddings without = face({1, 0, 0});
  without.quality = at::Tensor();
  EXPECT_THROW(check({.min_quality = 0.5})(without, 10), std::invalid_argument);
  EXPECT_THROW(CheckIdentity(at::ones({0, 3}), 0), std::invalid_argument);
}

}  // namespace
}  // namespace guise::stages
