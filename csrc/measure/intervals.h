// How sure a rate is: Wilson's interval for independent pairs, the bootstrap over people otherwise.
//
// Pairs that share a person are not independent: an interval that takes them so is too narrow. The
// bootstrap draws whole people with replacement (Bolle, Ratha and Pankanti, "Error analysis of
// pattern recognition systems", CVIU 2004).
#pragma once

#include <cstdint>
#include <vector>

#include "measure/arrays.h"

namespace guise::measure {

struct Interval {
  double low = 0;
  double high = 0;
};

// The value that a standard normal variable stays below with probability p, 0 < p < 1.
double probit(double p);

// Wilson's score interval (JASA 1927) of a share. Throws std::invalid_argument unless
// 0 <= successes <= trials, trials > 0 and 0 < confidence < 1.
Interval wilson_interval(double successes, double trials, double confidence = 0.95);

// Pairs, and the people (or whatever else is drawn) that they belong to. All arrays are [P].
struct ResampledPairs {
  Numbers scores;
  Integers genuine;      // 1 or 0
  Integers first_unit;   // 0 to units - 1, or -1: the pair counts in every resample
  Integers second_unit;  // another unit, or -1: the pair depends on the first alone
  Numbers weights;       // how many pairs each stands for
  int64_t units = 0;
};

struct BootstrapOptions {
  int64_t resamples = 1000;
  uint64_t seed = 0;         // of Philox: resample r is sample r of one stream
  double confidence = 0.95;  // percentile intervals
  int64_t threads = 0;       // 0: one per processor. Results do not depend on it.
};

struct BootstrapIntervals {
  Interval equal_error;
  double equal_error_spread = 0;  // standard deviation over the resamples
  std::vector<Interval> fnmr;     // at each target FMR
  int64_t resamples = 0;          // of these: ones that had pairs of both kinds
};

// Each resample draws `units` units with replacement; a pair counts its weight times how often its
// first and its second unit were drawn. Rates follow error_curve.h's conventions. Throws
// std::invalid_argument for arrays of different lengths, units out of range, fewer than 10
// resamples or no usable resample.
BootstrapIntervals bootstrap_intervals(const ResampledPairs& pairs,
                                       const std::vector<double>& target_fmrs,
                                       const BootstrapOptions& options = {});

}  // namespace guise::measure
