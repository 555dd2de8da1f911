// Pairs are sorted once; a resample is then one pass over them with the weights of its draw. The
// pass that looks for thresholds ends where the last of them is found, near the top.
#include "measure/intervals.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include <xtensor/xadapt.hpp>
#include <xtensor/xmath.hpp>
#include <xtensor/xsort.hpp>

#include "core/check.h"
#include "core/random.h"
#include "core/run_tasks.h"

namespace guise::measure {
namespace {

constexpr uint32_t kStream = 0x626F6F74;  // "boot"
constexpr int64_t kFewestResamples = 10;
constexpr double kNone = std::numeric_limits<double>::quiet_NaN();

struct SortedPair {
  double score;
  double weight;
  int32_t first, second;  // indices into the draw; the last entry of a draw is always 1
  bool genuine;
};

int32_t place(int64_t unit, int64_t units, size_t pair) {
  GUISE_CHECK_ARG(unit >= -1 && unit < units, "pair ", pair, " must belong to units from 0 to ",
                  units - 1, " or to none (-1); it names ", unit);
  return static_cast<int32_t>(unit < 0 ? units : unit);
}

// Highest score first.
std::vector<SortedPair> sorted_pairs(const ResampledPairs& pairs) {
  const size_t count = pairs.scores.size();
  GUISE_CHECK_ARG(pairs.genuine.size() == count && pairs.first_unit.size() == count &&
                      pairs.second_unit.size() == count && pairs.weights.size() == count,
                  "scores, kinds, units and weights of pairs must have one length");
  GUISE_CHECK_ARG(pairs.units >= 1 && pairs.units < std::numeric_limits<int32_t>::max(),
                  "there must be units to draw; got ", pairs.units);
  std::vector<SortedPair> sorted;
  sorted.reserve(count);
  for (size_t p = 0; p < count; ++p) {
    GUISE_CHECK_ARG(std::isfinite(pairs.scores(p)) && pairs.weights(p) >= 0,
                    "scores must be finite and weights 0 or above; pair ", p, " is not so");
    sorted.push_back({pairs.scores(p), pairs.weights(p), place(pairs.first_unit(p), pairs.units, p),
                      place(pairs.second_unit(p), pairs.units, p), pairs.genuine(p) != 0});
  }
  std::stable_sort(sorted.begin(), sorted.end(),
                   [](const SortedPair& a, const SortedPair& b) { return a.score > b.score; });
  return sorted;
}

struct Rates {
  double equal_error = kNone;
  std::vector<double> fnmr;
};

// What lies at or above a threshold that falls from +infinity.
class FallingThreshold {
 public:
  FallingThreshold(double genuine, double impostor, const std::vector<double>& targets)
      : genuine_(genuine), impostor_(impostor), targets_(targets) {
    rates_.fnmr.assign(targets.size(), 1.0);
  }

  // Returns whether any rate can still change.
  bool lower_to(double genuine_accepted, double impostor_accepted) {
    const double fmr = impostor_accepted / impostor_, fnmr = 1 - genuine_accepted / genuine_;
    if (fmr > fnmr && std::isnan(rates_.equal_error)) {
      const double closed = fnmr_ - fmr_, open = fmr - fnmr;
      rates_.equal_error = fmr + open / (open + closed) * (fmr_ - fmr);
    }
    bool below_a_target = false;
    for (size_t i = 0; i < targets_.size(); ++i) {
      if (fmr > targets_[i]) continue;
      rates_.fnmr[i] = fnmr;
      below_a_target = true;
    }
    fmr_ = fmr;
    fnmr_ = fnmr;
    return below_a_target || std::isnan(rates_.equal_error);
  }

  const Rates& rates() const { return rates_; }

 private:
  double genuine_, impostor_;
  const std::vector<double>& targets_;
  double fmr_ = 0, fnmr_ = 1;
  Rates rates_;
};

double weight_of(const SortedPair& pair, const std::vector<float>& draw) {
  return pair.weight * draw[static_cast<size_t>(pair.first)] *
         draw[static_cast<size_t>(pair.second)];
}

// equal_error is NaN where the draw holds no pairs of one kind.
Rates rates_of(const std::vector<SortedPair>& pairs, const std::vector<float>& draw,
               const std::vector<double>& targets) {
  double totals[2] = {0, 0};
  for (const SortedPair& pair : pairs) totals[pair.genuine] += weight_of(pair, draw);
  if (totals[0] <= 0 || totals[1] <= 0) return {};
  FallingThreshold threshold(totals[1], totals[0], targets);
  double accepted[2] = {0, 0};
  for (size_t i = 0; i < pairs.size();) {
    const double score = pairs[i].score;
    for (; i < pairs.size() && pairs[i].score == score; ++i) {
      accepted[pairs[i].genuine] += weight_of(pairs[i], draw);
    }
    if (!threshold.lower_to(accepted[1], accepted[0])) break;
  }
  return threshold.rates();
}

std::vector<float> drawn(int64_t units, uint64_t seed, int64_t resample) {
  core::RandomStream random(seed, static_cast<uint64_t>(resample), kStream);
  std::vector<float> draw(static_cast<size_t>(units) + 1, 0.0F);
  for (int64_t i = 0; i < units; ++i) draw[random.next_below(static_cast<uint32_t>(units))] += 1;
  draw.back() = 1;
  return draw;
}

// Linear between order statistics.
double quantile(const std::vector<double>& sorted, double share) {
  const double at = share * static_cast<double>(sorted.size() - 1);
  const auto below = static_cast<size_t>(at);
  const size_t above = std::min(below + 1, sorted.size() - 1);
  return sorted[below] + (at - static_cast<double>(below)) * (sorted[above] - sorted[below]);
}

Interval percentile_interval(std::vector<double> values, double confidence) {
  std::sort(values.begin(), values.end());
  return {quantile(values, (1 - confidence) / 2), quantile(values, (1 + confidence) / 2)};
}

}  // namespace

double probit(double p) {
  GUISE_CHECK_ARG(p > 0 && p < 1, "a probability must lie between 0 and 1; got ", p);
  // By symmetry the lower tail, where erfc keeps all its digits.
  if (p > 0.5) return -probit(1 - p);
  double low = -40, high = 0;
  while (true) {
    const double middle = (low + high) / 2;
    if (middle == low || middle == high) return middle;
    (std::erfc(-middle / M_SQRT2) / 2 < p ? low : high) = middle;
  }
}

Interval wilson_interval(double successes, double trials, double confidence) {
  GUISE_CHECK_ARG(trials > 0 && successes >= 0 && successes <= trials,
                  "successes must lie from 0 to the trials, of which there must be some; got ",
                  successes, " of ", trials);
  GUISE_CHECK_ARG(confidence > 0 && confidence < 1, "a confidence must lie between 0 and 1; got ",
                  confidence);
  const double z = probit((1 + confidence) / 2), share = successes / trials;
  const double shrink = 1 + z * z / trials, middle = share + z * z / (2 * trials);
  const double half = z * std::sqrt(share * (1 - share) / trials + z * z / (4 * trials * trials));
  return {successes == 0 ? 0 : (middle - half) / shrink,
          successes == trials ? 1 : (middle + half) / shrink};
}

BootstrapIntervals bootstrap_intervals(const ResampledPairs& pairs,
                                       const std::vector<double>& target_fmrs,
                                       const BootstrapOptions& options) {
  GUISE_CHECK_ARG(options.resamples >= kFewestResamples, "resamples must be at least ",
                  kFewestResamples, "; got ", options.resamples);
  GUISE_CHECK_ARG(options.confidence > 0 && options.confidence < 1,
                  "a confidence must lie between 0 and 1; got ", options.confidence);
  const std::vector<SortedPair> sorted = sorted_pairs(pairs);
  std::vector<Rates> all(static_cast<size_t>(options.resamples));
  core::run_tasks(options.resamples, options.threads, [&](int64_t resample, int64_t) {
    all[static_cast<size_t>(resample)] =
        rates_of(sorted, drawn(pairs.units, options.seed, resample), target_fmrs);
  });
  std::erase_if(all, [](const Rates& rates) { return std::isnan(rates.equal_error); });
  GUISE_CHECK_ARG(all.size() >= kFewestResamples, "resamples must hold pairs of both kinds; ",
                  all.size(), " did; give more people");
  const auto values = [&](const auto& pick) {
    std::vector<double> picked;
    for (const Rates& rates : all) picked.push_back(pick(rates));
    return picked;
  };
  BootstrapIntervals result;
  const auto errors = values([](const Rates& rates) { return rates.equal_error; });
  result.equal_error = percentile_interval(errors, options.confidence);
  result.equal_error_spread = xt::stddev(xt::adapt(errors))();
  for (size_t i = 0; i < target_fmrs.size(); ++i) {
    result.fnmr.push_back(percentile_interval(
        values([i](const Rates& rates) { return rates.fnmr[i]; }), options.confidence));
  }
  result.resamples = static_cast<int64_t>(all.size());
  return result;
}

}  // namespace guise::measure
