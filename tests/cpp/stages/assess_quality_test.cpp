// Lengths become 0 to 1 between the model's two; what a model does not say is not invented.
#include "stages/assess_quality.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include "core/check.h"

namespace guise::stages {
namespace {

Embeddings with_norms(const std::vector<float>& norms) {
  const auto count = static_cast<int64_t>(norms.size());
  return {at::zeros({count, 4}), at::tensor(norms), {}};
}

TEST(AssessQuality, StretchesNorms) {
  const AssessQuality assess({.measure = "norm", .norm_low = 10, .norm_high = 30});
  const at::Tensor found = assess(with_norms({5, 10, 15, 30, 99}));
  EXPECT_TRUE(found.allclose(at::tensor({0.0F, 0.0F, 0.25F, 1.0F, 1.0F})));
  EXPECT_EQ(assess(with_norms({})).numel(), 0);
}

TEST(AssessQuality, GivesWhatTheModelLearned) {
  const AssessQuality assess({.measure = "learned"});
  Embeddings faces = with_norms({5, 10});
  EXPECT_THROW(assess(faces), Unavailable);
  faces.quality = at::tensor({0.25F, 1.5F});
  EXPECT_TRUE(assess(faces).allclose(at::tensor({0.25F, 1.0F})));
}

TEST(AssessQuality, OptionsOutOfRange) {
  EXPECT_THROW(AssessQuality(QualityOptions{}), std::invalid_argument) << "of no model";
  EXPECT_THROW(AssessQuality({.measure = "beauty"}), std::invalid_argument);
  EXPECT_THROW(AssessQuality({.measure = "norm", .norm_low = 3, .norm_high = 3}),
               std::invalid_argument);
  EXPECT_THROW(AssessQuality({.measure = "norm", .norm_low = -1, .norm_high = 3}),
               std::invalid_argument);
}

}  // namespace
}  // namespace guise::stages
