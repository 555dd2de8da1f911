// All pairs in tiles against two plain loops, bit for bit; threads must not show.
#include "measure/all_pairs.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>

#include "measure/cosine_tiles.h"
#include "measure/toy_embeddings.h"

namespace guise::measure {
namespace {

using test::rows_of;
using test::sign_rows;

// More than a tile each way, and no multiple of it.
constexpr int64_t kRows = 301, kEach = 4;

AllPairs measured(const std::vector<float>& values, const AllPairsOptions& options) {
  return all_pairs(rows_of(values), test::labels(kRows, kEach), options);
}

TEST(AllPairs, CountsEveryPairOnce) {
  const auto values = sign_rows(kRows, 1);
  const EmbeddingRows rows = rows_of(values);
  AllPairsOptions options;
  options.bins = 64;
  options.thresholds = {0.25, 0.3, 0.5};
  const AllPairs found = measured(values, options);
  std::map<int64_t, int64_t> bins[2];
  double above[2] = {0, 0}, sum[2] = {0, 0};
  for (int64_t i = 0; i < kRows; ++i) {
    for (int64_t j = i + 1; j < kRows; ++j) {
      const float cosine = test::slow_cosine(rows, i, j);
      const bool genuine = i / kEach == j / kEach;
      ++bins[genuine][static_cast<int64_t>(std::floor((cosine + 1) * 32))];
      above[genuine] += cosine >= 0.25F ? 1 : 0;
      sum[genuine] += cosine;
    }
  }
  for (int64_t b = 0; b < 64; ++b) {
    EXPECT_EQ(found.impostor.bins(static_cast<size_t>(b)), bins[0][b]) << b;
    EXPECT_EQ(found.genuine.bins(static_cast<size_t>(b)), bins[1][b]) << b;
  }
  EXPECT_EQ(found.impostor.above(0), above[0]);
  EXPECT_EQ(found.genuine.above(0), above[1]);
  EXPECT_GE(found.impostor.above(0), found.impostor.above(1));
  EXPECT_EQ(found.impostor.moments.count + found.genuine.moments.count, kRows * (kRows - 1) / 2);
  EXPECT_EQ(found.impostor.moments.sum, sum[0]) << "multiples of 1/32 add up exactly";
}

TEST(AllPairs, FindsTheNearest) {
  const auto values = sign_rows(kRows, 2);
  const EmbeddingRows rows = rows_of(values);
  std::vector<NearPair> slow;
  for (int64_t i = 0; i < kRows; ++i) {
    for (int64_t j = i + 1; j < kRows; ++j) {
      if (i / kEach != j / kEach) slow.push_back({i, j, test::slow_cosine(rows, i, j)});
    }
  }
  std::stable_sort(slow.begin(), slow.end(),
                   [](const NearPair& a, const NearPair& b) { return a.cosine > b.cosine; });
  AllPairsOptions options;
  options.nearest = 50;
  options.nearest_each = 3;
  const AllPairs found = measured(values, options);
  ASSERT_EQ(found.nearest.size(), 50U);
  for (size_t k = 0; k < 50; ++k) {
    EXPECT_EQ(found.nearest[k].first, slow[k].first) << k;
    EXPECT_EQ(found.nearest[k].second, slow[k].second) << k;
    EXPECT_EQ(found.nearest[k].cosine, slow[k].cosine) << k;
  }
  for (size_t i = 0; i < static_cast<size_t>(kRows); ++i) {
    std::vector<std::pair<float, int64_t>> others;
    for (int64_t j = 0; j < kRows; ++j) {
      if (static_cast<int64_t>(i) / kEach == j / kEach) continue;
      others.emplace_back(-test::slow_cosine(rows, static_cast<int64_t>(i), j), j);
    }
    std::sort(others.begin(), others.end());
    for (size_t k = 0; k < 3; ++k) EXPECT_EQ(found.neighbours(i, k), others[k].second) << i;
  }
}

TEST(AllPairs, DoNotDependOnThreadsOrOnWhatElseIsAsked) {
  const auto values = sign_rows(kRows, 3);
  AllPairsOptions options;
  options.nearest = 7;
  options.threads = 1;
  const AllPairs one = measured(values, options);
  options.threads = 3;
  options.nearest_each = 2;
  const AllPairs three = measured(values, options);
  EXPECT_EQ(one.impostor.bins, three.impostor.bins);
  EXPECT_EQ(one.impostor.moments.sum, three.impostor.moments.sum);
  for (size_t k = 0; k < 7; ++k) EXPECT_EQ(one.nearest[k].second, three.nearest[k].second);
}

TEST(AllPairs, CosineDependsOnTheTwoRowsAlone) {
  std::vector<float> values;
  core::RandomStream random(1, 2, 3);
  for (int i = 0; i < 70; ++i) {
    double square = 0;
    std::vector<float> row(37);
    for (float& value : row) square += std::pow(value = random.next_normal(), 2);
    for (const float value : row) values.push_back(value / static_cast<float>(std::sqrt(square)));
  }
  std::vector<float> reversed;
  for (int64_t i = 70; i-- > 0;) {
    reversed.insert(reversed.end(), values.begin() + 37 * i, values.begin() + 37 * (i + 1));
  }
  const auto list = listed_cosines(rows_of(values, 37)),
             other = listed_cosines(rows_of(reversed, 37));
  std::vector<float> a(list.begin(), list.end()), b(other.rbegin(), other.rend());
  // Pair (i, j) is pair (69 - j, 69 - i) of the other: the same list backwards, rows swapped.
  size_t at = 0;
  for (int64_t i = 0; i < 70; ++i) {
    for (int64_t j = i + 1; j < 70; ++j, ++at) {
      const int64_t p = 69 - j, q = 69 - i;
      EXPECT_EQ(list(at), other(static_cast<size_t>(p * (2 * 70 - p - 1) / 2 + q - p - 1)));
      EXPECT_NEAR(list(at), test::slow_cosine(rows_of(values, 37), i, j), 1e-6);
    }
  }
}

TEST(AllPairs, ClampsAndLeavesOut) {
  const std::vector<float> twins = {1, 0, 1, 0, -1, 0};
  AllPairsOptions options;
  options.bins = 4;
  options.nearest = 10;
  options.nearest_each = 5;
  const AllPairs found = all_pairs(rows_of(twins, 2), {}, options);
  EXPECT_EQ(found.impostor.bins, (Integers{2, 0, 0, 1})) << "cosine 1 lies in the last bin";
  EXPECT_EQ(found.nearest.size(), 3U) << "fewer pairs than asked for";
  EXPECT_EQ(found.neighbours(0, 0), 1);
  EXPECT_EQ(found.neighbours(0, 2), -1);
  EXPECT_EQ(found.neighbour_cosines(0, 2), -2);
  EXPECT_EQ(all_pairs(rows_of(twins, 2), {7, 7, 7}, options).nearest.size(), 0U);
}

TEST(AllPairs, TellsItsProgressAndStops) {
  const auto values = sign_rows(kRows, 1);
  AllPairsOptions options;
  double last = 0;
  options.threads = 1;
  options.on_progress = [&last](double share) {
    EXPECT_GT(share, last);
    last = share;
  };
  measured(values, options);
  EXPECT_EQ(last, 1);
  options.on_progress = [](double) { throw std::runtime_error("stop"); };
  EXPECT_THROW(measured(values, options), std::runtime_error);
}

TEST(AllPairs, RefusesWhatIsNoSetOfEmbeddings) {
  std::vector<float> values = sign_rows(4, 1);
  const EmbeddingRows rows = rows_of(values);
  EXPECT_THROW(all_pairs(rows, {0, 1}, {}), std::invalid_argument);
  EXPECT_THROW(all_pairs(rows, {0, 1, -1, 2}, {}), std::invalid_argument);
  AllPairsOptions options;
  options.thresholds = {0.5, 0.4};
  EXPECT_THROW(all_pairs(rows, {}, options), std::invalid_argument);
  options = {};
  options.bins = 0;
  EXPECT_THROW(all_pairs(rows, {}, options), std::invalid_argument);
  values[70] = NAN;
  EXPECT_THROW(all_pairs(rows, {}, {}), std::invalid_argument);
  values[70] = 5;
  EXPECT_THROW(all_pairs(rows, {}, {}), std::invalid_argument) << "not of length 1";
}

}  // namespace
}  // namespace guise::measure
