// Curves and the figures read off them, on scores whose answer can be worked out by hand.
#include "measure/error_curve.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include <xtensor/xmath.hpp>

#include "measure/intervals.h"

namespace guise::measure {
namespace {

ErrorCurve curve_of(const Numbers& genuine, const Numbers& impostor) {
  return error_curve(count_scores(genuine, impostor));
}

TEST(ErrorCurve, HoldsEveryThreshold) {
  const ErrorCurve curve = curve_of({0.9, 0.5, 0.5}, {0.1, 0.5, 0.6, 0.1});
  EXPECT_EQ(curve.thresholds,
            (Numbers{0.1, 0.5, 0.6, 0.9, std::numeric_limits<double>::infinity()}));
  EXPECT_EQ(curve.fmr, (Numbers{1, 0.5, 0.25, 0, 0}));
  EXPECT_TRUE(xt::allclose(curve.fnmr, Numbers{0, 0, 2.0 / 3, 2.0 / 3, 1}));
}

TEST(ErrorCurve, IsTheSameFromCounts) {
  const ScoreCounts merged =
      merge_counts({0.5, 0.1, 0.9, 0.5, 0.6, 0.7}, {2, 0, 1, 0, 0, 0}, {0, 2, 0, 1, 1, 0});
  const ScoreCounts listed = count_scores({0.9, 0.5, 0.5}, {0.1, 0.5, 0.6, 0.1});
  EXPECT_EQ(merged.scores, listed.scores) << "0.7 has no pairs";
  EXPECT_EQ(merged.genuine, listed.genuine);
  EXPECT_EQ(merged.impostor, listed.impostor);
}

TEST(EqualError, CrossesOnStraightLines) {
  // Between 0.4 (FMR 1/2, FNMR 0) and 0.6 (FMR 1/4, FNMR 1/2): two thirds of the way.
  const EqualError found = equal_error(curve_of({0.4, 0.9}, {0.1, 0.2, 0.4, 0.6}));
  EXPECT_NEAR(found.rate, 1.0 / 3, 1e-12);
  EXPECT_NEAR(found.threshold, 0.4 + 0.2 * 2 / 3, 1e-12);
}

TEST(EqualError, HasEnds) {
  EXPECT_EQ(equal_error(curve_of({0.8, 0.9}, {0.1, 0.2})).rate, 0);
  EXPECT_EQ(equal_error(curve_of({0.1, 0.2}, {0.8, 0.9})).rate, 1);
  const EqualError equal = equal_error(curve_of({0.5}, {0.5}));
  EXPECT_EQ(equal.rate, 0.5);
  EXPECT_EQ(equal.threshold, 0.5);
}

TEST(OperatingPoint, TakesTheLoosestThresholdThatHolds) {
  const ErrorCurve curve = curve_of({0.15, 0.45, 0.7, 0.9}, {0.1, 0.2, 0.3, 0.6});
  const OperatingPoint quarter = operating_point(curve, 0.25);
  EXPECT_EQ(quarter.threshold, 0.45) << "0.6 would hold too, and accept fewer of one person";
  EXPECT_EQ(quarter.fmr, 0.25);
  EXPECT_EQ(quarter.fnmr, 0.25);
  EXPECT_TRUE(quarter.carried);
  const OperatingPoint none = operating_point(curve, 0.2);
  EXPECT_EQ(none.fmr, 0);
  EXPECT_EQ(none.fnmr, 0.5);
  EXPECT_FALSE(none.carried) << "a fifth of four pairs is less than one";
  EXPECT_EQ(operating_point(curve_of({0.1}, {0.9}), 0.5).threshold,
            std::numeric_limits<double>::infinity());
  EXPECT_THROW(operating_point(curve, 1.5), std::invalid_argument);
}

TEST(OperatingPoint, CountsWholePairs) {
  Numbers impostor = xt::arange<double>(3000);
  const ErrorCurve curve = curve_of({2995.5, 2996.5}, impostor);
  // 3 of 3000 is 0.001 and not a little more.
  EXPECT_EQ(operating_point(curve, 0.001).threshold, 2996.5);
  EXPECT_EQ(operating_point(curve, 0.001).fnmr, 0.5);
}

TEST(DetPoints, AreNormalDeviates) {
  const DetPoints points = det_points(curve_of({0.4, 0.9}, {0.1, 0.2, 0.4, 0.6}), 0);
  EXPECT_EQ(points.fmr, (Numbers{0.25}));
  EXPECT_EQ(points.fnmr, (Numbers{0.5}));
  EXPECT_NEAR(points.fmr_deviate(0), -0.6744897501960817, 1e-12);
  EXPECT_NEAR(points.fnmr_deviate(0), 0, 1e-12);
}

TEST(DetPoints, AreThinned) {
  const Numbers scores = xt::arange<double>(100'000);
  const ErrorCurve curve = curve_of(scores + 20'000, scores);
  const DetPoints all = det_points(curve, 0), few = det_points(curve, 0.01);
  EXPECT_GT(all.fmr.size(), 50'000U);
  EXPECT_LT(few.fmr.size(), 2'000U);
  EXPECT_EQ(few.fmr(0), all.fmr(0));
}

TEST(DPrime, IsTheDistanceInSpreads) {
  const Moments genuine = moments({1, 3}), impostor = moments({-1, 1});
  EXPECT_EQ(genuine.variance(), 1);
  EXPECT_EQ(d_prime(genuine, impostor), 2);
  EXPECT_EQ(d_prime(genuine, genuine), 0);
  EXPECT_THROW(d_prime(genuine, {}), std::invalid_argument);
}

TEST(ErrorCurve, RefusesWhatIsNoSetOfPairs) {
  EXPECT_THROW(count_scores({}, {0.1}), std::invalid_argument);
  EXPECT_THROW(count_scores({0.1}, {}), std::invalid_argument);
  EXPECT_THROW(count_scores({NAN}, {0.1}), std::invalid_argument);
  EXPECT_THROW(merge_counts({0.1}, {-1}, {2}), std::invalid_argument);
  EXPECT_THROW(merge_counts({0.1, 0.2}, {1}, {2}), std::invalid_argument);
}

}  // namespace
}  // namespace guise::measure
