// The LFW protocol against a literal transcription of its loops.
#include "measure/verification_folds.h"

#include <gtest/gtest.h>

#include <cmath>

#include "core/random.h"

namespace guise::measure {
namespace {

struct Pairs {
  Numbers distances;
  Integers same;
};

Pairs drawn_pairs(size_t count, uint64_t seed) {
  core::RandomStream random(seed, 0, 0);
  Pairs pairs{Numbers::from_shape({count}), Integers::from_shape({count})};
  for (size_t p = 0; p < count; ++p) {
    pairs.same(p) = static_cast<int64_t>(random.next_below(2));
    const double middle = pairs.same(p) != 0 ? 1.0 : 1.6;
    // Some distances lie on thresholds: "<" and "<=" differ there.
    const double distance = std::clamp(middle + 0.3 * random.next_normal(), 0.0, 4.0);
    pairs.distances(p) = p % 3 == 0 ? std::round(distance * 100) * 0.01 : distance;
  }
  return pairs;
}

struct Slow {
  std::vector<double> accuracies, thresholds, vals;
};

double share_right(const Pairs& pairs, const std::vector<size_t>& chosen, double threshold) {
  double right = 0;
  for (const size_t p : chosen) {
    right += (pairs.distances(p) < threshold) == (pairs.same(p) != 0) ? 1 : 0;
  }
  return right / static_cast<double>(chosen.size());
}

double share_accepted(const Pairs& pairs, const std::vector<size_t>& chosen, bool same,
                      double threshold) {
  double accepted = 0, all = 0;
  for (const size_t p : chosen) {
    if ((pairs.same(p) != 0) != same) continue;
    all += 1;
    accepted += pairs.distances(p) < threshold ? 1 : 0;
  }
  return accepted / all;
}

Slow slowly(const Pairs& pairs, size_t folds, double target) {
  Slow slow;
  const size_t count = pairs.distances.size();
  size_t begin = 0;
  for (size_t f = 0; f < folds; ++f) {
    const size_t end = begin + count / folds + (f < count % folds ? 1 : 0);
    std::vector<size_t> train, test;
    for (size_t p = 0; p < count; ++p) (p >= begin && p < end ? test : train).push_back(p);
    begin = end;
    double best = -1, threshold = 0;
    for (int i = 0; i < 400; ++i) {
      const double accuracy = share_right(pairs, train, i * 0.01);
      if (accuracy > best) {
        best = accuracy;
        threshold = i * 0.01;
      }
    }
    slow.thresholds.push_back(threshold);
    slow.accuracies.push_back(share_right(pairs, test, threshold));
    double at_far = 0, last = share_accepted(pairs, train, false, 0);
    for (int i = 1; i < 4000; ++i) {
      const double far = share_accepted(pairs, train, false, i * 0.001);
      if (far >= target) {
        at_far = (i - 1) * 0.001 + 0.001 * (target - last) / (far - last);
        break;
      }
      last = far;
    }
    slow.vals.push_back(share_accepted(pairs, test, true, at_far));
  }
  return slow;
}

TEST(VerifyInFolds, IsTheProtocol) {
  const Pairs pairs = drawn_pairs(607, 1);
  const FoldResult found = verify_in_folds(pairs.distances, pairs.same, {.target_far = 0.02});
  const Slow slow = slowly(pairs, 10, 0.02);
  double mean = 0, val = 0, spread = 0;
  for (size_t f = 0; f < 10; ++f) {
    EXPECT_EQ(found.thresholds(f), slow.thresholds[f]) << f;
    EXPECT_EQ(found.accuracies(f), slow.accuracies[f]) << f;
    mean += slow.accuracies[f] / 10;
    val += slow.vals[f] / 10;
  }
  for (const double accuracy : slow.accuracies) spread += std::pow(accuracy - mean, 2) / 10;
  EXPECT_NEAR(found.accuracy, mean, 1e-12);
  EXPECT_NEAR(found.accuracy_spread, std::sqrt(spread), 1e-12);
  EXPECT_NEAR(found.val, val, 1e-12);
  EXPECT_GT(found.far, 0);
  EXPECT_LT(found.accuracy, 1);
}

TEST(VerifyInFolds, IsStrictAtTheThreshold) {
  // Each fold: one pair of each kind; the pairs of two people stand exactly on 0.5.
  Pairs pairs{Numbers::from_shape({20}), Integers::from_shape({20})};
  for (size_t p = 0; p < 20; ++p) {
    pairs.same(p) = p % 2 == 0;
    pairs.distances(p) = p % 2 == 0 ? 0.495 : 0.5;
  }
  const FoldResult found = verify_in_folds(pairs.distances, pairs.same);
  EXPECT_EQ(found.accuracy, 1);
  EXPECT_EQ(found.thresholds(0), 0.5) << "the first that separates them";
}

TEST(VerifyInFolds, HasNoValWhereAFoldLacksAKind) {
  Pairs pairs = drawn_pairs(40, 2);
  for (size_t p = 0; p < 40; ++p) pairs.same(p) = p < 20;
  const FoldResult found = verify_in_folds(pairs.distances, pairs.same);
  EXPECT_TRUE(std::isnan(found.val));
  EXPECT_GE(found.accuracy, 0);
}

TEST(VerifyInFolds, RefusesWhatCannotBeFolded) {
  const Pairs pairs = drawn_pairs(9, 2);
  EXPECT_THROW(verify_in_folds(pairs.distances, pairs.same), std::invalid_argument);
  EXPECT_THROW(verify_in_folds(pairs.distances, {1, 0}), std::invalid_argument);
  EXPECT_THROW(verify_in_folds({NAN, 1}, {1, 0}, {.folds = 2}), std::invalid_argument);
  EXPECT_THROW(verify_in_folds({0, 1}, {1, 0}, {.folds = 1}), std::invalid_argument);
}

}  // namespace
}  // namespace guise::measure
