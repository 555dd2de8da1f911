// Curves out of counts. All counts stay whole numbers until the one division, so that "FMR <=
// 0.001" means 3 of 3000 pairs and not 2.
#include "measure/error_curve.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <numeric>
#include <vector>

#include <xtensor/xadapt.hpp>
#include <xtensor/xmath.hpp>
#include <xtensor/xsort.hpp>
#include <xtensor/xvectorize.hpp>
#include <xtensor/xview.hpp>

#include "core/check.h"
#include "measure/intervals.h"

namespace guise::measure {
namespace {

void check_finite(const Numbers& scores) {
  GUISE_CHECK_ARG(xt::all(xt::isfinite(scores)),
                  "scores must be finite numbers; some are not; look at the embeddings");
}

// [T + 1]: 0, then the running sum.
Numbers sums_before(const Numbers& counts) {
  Numbers sums = xt::zeros<double>({counts.size() + 1});
  xt::view(sums, xt::range(1, xt::placeholders::_)) = xt::cumsum(counts);
  return sums;
}

// Whether one of two shares has moved by `least` of itself, or of what it lacks to 1.
bool moved(double from, double to, double least) {
  return std::abs(to - from) > least * std::min(from, 1 - from);
}

}  // namespace

ScoreCounts count_scores(const Numbers& genuine, const Numbers& impostor) {
  const size_t count = genuine.size() + impostor.size();
  Numbers scores = Numbers::from_shape({count});
  Numbers is_genuine = xt::zeros<double>({count});
  xt::view(scores, xt::range(0, genuine.size())) = genuine;
  xt::view(scores, xt::range(genuine.size(), count)) = impostor;
  xt::view(is_genuine, xt::range(0, genuine.size())) = 1;
  return merge_counts(scores, is_genuine, 1 - is_genuine);
}

ScoreCounts merge_counts(const Numbers& scores, const Numbers& genuine, const Numbers& impostor) {
  GUISE_CHECK_ARG(scores.size() == genuine.size() && scores.size() == impostor.size(),
                  "scores and both counts must have one length; got ", scores.size(), ", ",
                  genuine.size(), " and ", impostor.size());
  check_finite(scores);
  GUISE_CHECK_ARG(xt::all(genuine >= 0) && xt::all(impostor >= 0), "counts must be 0 or above");
  GUISE_CHECK_ARG(xt::sum(genuine)() > 0 && xt::sum(impostor)() > 0,
                  "there must be pairs of one person and pairs of two; got ", xt::sum(genuine)(),
                  " genuine and ", xt::sum(impostor)(), " impostor pairs");
  std::vector<size_t> order(scores.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::sort(order.begin(), order.end(), [&](size_t a, size_t b) { return scores(a) < scores(b); });
  std::vector<double> score, genuine_at, impostor_at;
  for (const size_t i : order) {
    if (genuine(i) == 0 && impostor(i) == 0) continue;
    if (score.empty() || score.back() != scores(i)) {
      score.push_back(scores(i));
      genuine_at.push_back(0);
      impostor_at.push_back(0);
    }
    genuine_at.back() += genuine(i);
    impostor_at.back() += impostor(i);
  }
  const std::array<size_t, 1> shape = {score.size()};
  return {xt::adapt(score, shape), xt::adapt(genuine_at, shape), xt::adapt(impostor_at, shape)};
}

ErrorCurve error_curve(const ScoreCounts& counts) {
  ErrorCurve curve;
  curve.genuine = xt::sum(counts.genuine)();
  curve.impostor = xt::sum(counts.impostor)();
  curve.thresholds = Numbers::from_shape({counts.scores.size() + 1});
  xt::view(curve.thresholds, xt::range(0, counts.scores.size())) = counts.scores;
  curve.thresholds(counts.scores.size()) = std::numeric_limits<double>::infinity();
  curve.fnmr = sums_before(counts.genuine) / curve.genuine;
  curve.fmr = (curve.impostor - sums_before(counts.impostor)) / curve.impostor;
  return curve;
}

EqualError equal_error(const ErrorCurve& curve) {
  size_t after = 1;  // at 0 the FMR is 1 and the FNMR is 0
  while (curve.fmr(after) > curve.fnmr(after)) ++after;
  const size_t before = after - 1;
  const double open = curve.fmr(before) - curve.fnmr(before);
  const double closed = curve.fnmr(after) - curve.fmr(after);
  const double share = open / (open + closed);
  const double low = curve.thresholds(before), high = curve.thresholds(after);
  return {curve.fmr(before) + share * (curve.fmr(after) - curve.fmr(before)),
          std::isinf(high) ? low : low + share * (high - low)};
}

OperatingPoint operating_point(const ErrorCurve& curve, double target_fmr) {
  GUISE_CHECK_ARG(target_fmr >= 0 && target_fmr <= 1, "an FMR must lie from 0 to 1; got ",
                  target_fmr);
  const auto found = std::partition_point(curve.fmr.begin(), curve.fmr.end(),
                                          [&](double fmr) { return fmr > target_fmr; });
  const auto at = static_cast<size_t>(found - curve.fmr.begin());
  return {target_fmr, curve.thresholds(at), curve.fmr(at), curve.fnmr(at),
          target_fmr >= 1 / curve.impostor};
}

DetPoints det_points(const ErrorCurve& curve, double least_change) {
  std::vector<double> fmr, fnmr;
  for (size_t i = 0; i < curve.fmr.size(); ++i) {
    const double x = curve.fmr(i), y = curve.fnmr(i);
    if (x <= 0 || x >= 1 || y <= 0 || y >= 1) continue;
    if (!fmr.empty() && !moved(fmr.back(), x, least_change) &&
        !moved(fnmr.back(), y, least_change)) {
      continue;
    }
    fmr.push_back(x);
    fnmr.push_back(y);
  }
  const std::array<size_t, 1> shape = {fmr.size()};
  DetPoints points{xt::adapt(fmr, shape), xt::adapt(fnmr, shape), {}, {}};
  const auto deviates = xt::vectorize(probit);
  points.fmr_deviate = deviates(points.fmr);
  points.fnmr_deviate = deviates(points.fnmr);
  return points;
}

double Moments::variance() const {
  return std::max(0.0, squares / count - mean() * mean());
}

Moments moments(const Numbers& scores) {
  check_finite(scores);
  return {static_cast<double>(scores.size()), xt::sum(scores)(), xt::sum(xt::square(scores))()};
}

double d_prime(const Moments& genuine, const Moments& impostor) {
  GUISE_CHECK_ARG(genuine.count > 0 && impostor.count > 0,
                  "d' must have pairs of one person and pairs of two; got ", genuine.count, " and ",
                  impostor.count);
  const double difference = std::abs(genuine.mean() - impostor.mean());
  const double spread = std::sqrt((genuine.variance() + impostor.variance()) / 2);
  return difference == 0 ? 0 : difference / spread;
}

}  // namespace guise::measure
