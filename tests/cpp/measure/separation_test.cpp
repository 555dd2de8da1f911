// Separation and consistency against plain loops over the definitions.
#include "measure/separation.h"

#include <gtest/gtest.h>

#include <cmath>

#include "measure/toy_embeddings.h"

namespace guise::measure {
namespace {

using test::rows_of;
using test::sign_rows;

double slow_cosine(const std::vector<double>& a, const std::vector<double>& b) {
  double ab = 0, aa = 0, bb = 0;
  for (size_t k = 0; k < a.size(); ++k) {
    ab += a[k] * b[k];
    aa += a[k] * a[k];
    bb += b[k] * b[k];
  }
  return ab / std::sqrt(aa * bb);
}

TEST(Separation, FollowsItsDefinitions) {
  constexpr int64_t kPeople = 150, kEach = 3;
  const auto values = sign_rows(kPeople * kEach, 6);
  const EmbeddingRows rows = rows_of(values);
  SeparationOptions options;
  options.unique_cosine = 0.3;
  options.dcface_distance = 0.42;
  const Separation found = separation(rows, test::labels(rows.count, kEach), options);
  std::vector<std::vector<double>> centres;
  double intra = 0, near_centre = 0, unique = 0, apart = 0, highest = -1;
  for (int64_t p = 0; p < kPeople; ++p) {
    std::vector<double> centre(64, 0.0);
    for (int64_t i = p * kEach; i < (p + 1) * kEach; ++i) {
      for (size_t k = 0; k < 64; ++k) centre[k] += rows.row(i)[k];
      for (int64_t j = i + 1; j < (p + 1) * kEach; ++j) intra += test::slow_cosine(rows, i, j) / 3;
    }
    for (int64_t i = p * kEach; i < (p + 1) * kEach; ++i) {
      const std::vector<double> row(rows.row(i), rows.row(i) + 64);
      near_centre += 1 - slow_cosine(row, centre) < 0.42 ? 1.0 / kEach : 0.0;
    }
    double nearest = -1;
    for (const auto& earlier : centres) nearest = std::max(nearest, slow_cosine(earlier, centre));
    unique += nearest <= 0.3 ? 1 : 0;
    apart += 1 - nearest > 0.42 ? 1 : 0;
    highest = std::max(highest, nearest);
    centres.push_back(centre);
  }
  EXPECT_NEAR(found.intra_class_mean, intra / kPeople, 1e-9);
  EXPECT_NEAR(found.dcface_consistency, near_centre / kPeople, 1e-9);
  EXPECT_NEAR(found.inter_class_max, highest, 1e-6);
  EXPECT_EQ(found.unique_share, unique / kPeople);
  EXPECT_EQ(found.dcface_uniqueness, apart / kPeople);
  EXPECT_GT(unique, 0);
  EXPECT_LT(unique, kPeople);
  EXPECT_GT(near_centre, 0);
}

TEST(Separation, KnowsPeopleWithOnePhoto) {
  const std::vector<float> values = {1, 0, 0.6F, 0.8F, 0, 1};
  const Separation found = separation(rows_of(values, 2), {5, 9, 5});
  EXPECT_EQ(found.people, (Integers{5, 9}));
  EXPECT_NEAR(found.intra_class_mean, 0, 1e-7);
  EXPECT_TRUE(std::isnan(found.intra_class(1)));
  EXPECT_NEAR(found.inter_class_max, 1.4 / std::sqrt(2), 1e-6);
  EXPECT_EQ(found.unique_share, 0.5) << "the first is always unique";
  EXPECT_TRUE(std::isnan(separation(rows_of(values, 2), {0, 1, 2}).intra_class_mean));
}

TEST(Separation, RefusesWhatHasNone) {
  const std::vector<float> values = {1, 0, -1, 0, 0, 1};
  EXPECT_THROW(separation(rows_of(values, 2), {1, 1, 1}), std::invalid_argument);
  EXPECT_THROW(separation(rows_of(values, 2), {0, 0, 1}), std::invalid_argument) << "cancels out";
  EXPECT_THROW(separation(rows_of(values, 2), {0, 1}), std::invalid_argument);
}

}  // namespace
}  // namespace guise::measure
