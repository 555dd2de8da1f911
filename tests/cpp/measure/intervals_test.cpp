// Wilson's interval against published values; the bootstrap against what must hold for any draw.
#include "measure/intervals.h"

#include <gtest/gtest.h>

#include <cmath>

#include <xtensor/xmath.hpp>

#include "core/random.h"
#include "measure/error_curve.h"

namespace guise::measure {
namespace {

TEST(Probit, InvertsTheNormalDistribution) {
  EXPECT_NEAR(probit(0.975), 1.959963984540054, 1e-13);
  EXPECT_NEAR(probit(0.5), 0, 1e-15);
  for (const double p : {1e-12, 1e-3, 0.2, 0.9, 0.999}) {
    EXPECT_NEAR(std::erfc(-probit(p) / M_SQRT2) / 2 / p, 1, 1e-9) << p;
    EXPECT_NEAR(probit(p), -probit(1 - p), 1e-4 * std::abs(probit(p))) << p;
  }
  EXPECT_THROW(probit(0), std::invalid_argument);
  EXPECT_THROW(probit(1), std::invalid_argument);
}

TEST(Wilson, AgreesWithTables) {
  // Newcombe (Statistics in Medicine 1998), table I, method 3: 81/263, 15/148, 0/20, 1/29.
  const double cases[4][4] = {{81, 263, 0.2553, 0.3662},
                              {15, 148, 0.0624, 0.1605},
                              {0, 20, 0, 0.1611},
                              {1, 29, 0.0061, 0.1718}};
  for (const auto& [successes, trials, low, high] : cases) {
    const Interval found = wilson_interval(successes, trials);
    EXPECT_NEAR(found.low, low, 5e-5);
    EXPECT_NEAR(found.high, high, 5e-5);
  }
  EXPECT_EQ(wilson_interval(20, 20).high, 1);
  EXPECT_THROW(wilson_interval(3, 2), std::invalid_argument);
  EXPECT_THROW(wilson_interval(1, 2, 1.0), std::invalid_argument);
}

// `people` with two photos each: one genuine pair a person, impostor pairs with the next five.
ResampledPairs pairs_of(int64_t people, uint64_t seed) {
  core::RandomStream random(seed, 0, 0);
  std::vector<double> scores;
  std::vector<int64_t> genuine, first, second;
  for (int64_t i = 0; i < people; ++i) {
    const double own = random.next_normal();  // of the person: pairs are not independent
    for (int64_t step = 0; step < 6; ++step) {
      genuine.push_back(step == 0);
      first.push_back(i);
      second.push_back(step == 0 ? -1 : (i + step) % people);
      scores.push_back(own + random.next_normal() + (step == 0 ? 3.0 : 0.0));
    }
  }
  ResampledPairs pairs;
  const auto to = [](const auto& from, auto& into) {
    into = std::decay_t<decltype(into)>::from_shape({from.size()});
    std::copy(from.begin(), from.end(), into.begin());
  };
  to(scores, pairs.scores);
  to(genuine, pairs.genuine);
  to(first, pairs.first_unit);
  to(second, pairs.second_unit);
  pairs.weights = xt::ones<double>({scores.size()});
  pairs.units = people;
  return pairs;
}

EqualError error_of(const ResampledPairs& pairs) {
  const Numbers is_genuine = xt::cast<double>(pairs.genuine);
  return equal_error(error_curve(
      merge_counts(pairs.scores, is_genuine * pairs.weights, (1 - is_genuine) * pairs.weights)));
}

TEST(Bootstrap, EnclosesTheFigureAndNarrowsWithPeople) {
  double last_width = 1;
  for (const int64_t people : {30, 120, 480}) {
    const ResampledPairs pairs = pairs_of(people, 5);
    const BootstrapIntervals found = bootstrap_intervals(pairs, {0.1, 0.01});
    const double rate = error_of(pairs).rate;
    EXPECT_LE(found.equal_error.low, rate);
    EXPECT_GE(found.equal_error.high, rate);
    const double width = found.equal_error.high - found.equal_error.low;
    EXPECT_LT(width, last_width);
    EXPECT_NEAR(found.equal_error_spread, width / 3.92, 0.3 * width / 3.92) << "about normal";
    EXPECT_LE(found.fnmr[0].high, found.fnmr[1].high) << "a stricter FMR refuses more";
    last_width = width;
  }
}

TEST(Bootstrap, DoesNotDependOnThreads) {
  const ResampledPairs pairs = pairs_of(50, 1);
  BootstrapOptions options;
  options.resamples = 100;
  options.threads = 1;
  const BootstrapIntervals one = bootstrap_intervals(pairs, {0.1}, options);
  options.threads = 3;
  const BootstrapIntervals three = bootstrap_intervals(pairs, {0.1}, options);
  EXPECT_EQ(one.equal_error.low, three.equal_error.low);
  EXPECT_EQ(one.fnmr[0].high, three.fnmr[0].high);
  options.seed = 1;
  EXPECT_NE(bootstrap_intervals(pairs, {0.1}, options).equal_error_spread, one.equal_error_spread);
}

TEST(Bootstrap, OfPairsThatAreNeverDrawnHasNoWidth) {
  ResampledPairs pairs = pairs_of(40, 2);
  pairs.first_unit.fill(-1);
  pairs.second_unit.fill(-1);
  const BootstrapIntervals found = bootstrap_intervals(pairs, {0.1});
  const EqualError plain = error_of(pairs);
  EXPECT_NEAR(found.equal_error.low, plain.rate, 1e-12);
  EXPECT_NEAR(found.equal_error.high, plain.rate, 1e-12);
  const ErrorCurve curve = error_curve(merge_counts(pairs.scores, xt::cast<double>(pairs.genuine),
                                                    1 - xt::cast<double>(pairs.genuine)));
  EXPECT_NEAR(found.fnmr[0].low, operating_point(curve, 0.1).fnmr, 1e-12);
}

TEST(Bootstrap, OfPeopleIsWiderThanOfPairs) {
  // 20 people with 100 pairs each that all score alike: there are 20 figures, not 2000.
  ResampledPairs pairs = pairs_of(20, 3), alone = pairs;
  pairs.weights.fill(100);
  const BootstrapIntervals heavy = bootstrap_intervals(pairs, {});
  const BootstrapIntervals light = bootstrap_intervals(alone, {});
  EXPECT_NEAR(heavy.equal_error_spread, light.equal_error_spread, 1e-12);
}

TEST(Bootstrap, RefusesWhatItCannotDraw) {
  ResampledPairs pairs = pairs_of(20, 3);
  EXPECT_THROW(bootstrap_intervals(pairs, {}, {.resamples = 9}), std::invalid_argument);
  pairs.first_unit(0) = 20;
  EXPECT_THROW(bootstrap_intervals(pairs, {}), std::invalid_argument);
  pairs = pairs_of(20, 3);
  pairs.genuine.fill(0);
  EXPECT_THROW(bootstrap_intervals(pairs, {}), std::invalid_argument);
  pairs.weights = xt::ones<double>({3});
  EXPECT_THROW(bootstrap_intervals(pairs, {}), std::invalid_argument);
}

}  // namespace
}  // namespace guise::measure
