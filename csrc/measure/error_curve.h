// Scores of genuine and impostor pairs -> how often each threshold errs (ISO/IEC 19795-1).
//
// A pair is accepted where score >= threshold. FMR (FAR): share of impostor pairs accepted; FNMR
// (FRR): share of genuine pairs refused; TAR = 1 - FNMR. Shares are 0 to 1.
#pragma once

#include "measure/arrays.h"

namespace guise::measure {

// How many pairs have each score. Counts are float64, exact up to 2^53.
struct ScoreCounts {
  Numbers scores;    // [T], ascending, all different
  Numbers genuine;   // [T]
  Numbers impostor;  // [T]
};

// Throws std::invalid_argument unless both have at least one pair and every score is finite.
ScoreCounts count_scores(const Numbers& genuine, const Numbers& impostor);

// The same where impostors, or both, are known as a histogram: `scores` in any order, each with its
// counts. Throws also for a count below 0.
ScoreCounts merge_counts(const Numbers& scores, const Numbers& genuine, const Numbers& impostor);

// Every threshold at which something changes: all different scores, then +infinity, which accepts
// nothing. Arrays are [T + 1]: thresholds ascending, fmr falling from 1 to 0, fnmr rising from 0 to
// 1. This is the ROC curve (fmr, 1 - fnmr).
struct ErrorCurve {
  Numbers thresholds;
  Numbers fmr;
  Numbers fnmr;
  double genuine = 0;   // pairs
  double impostor = 0;  // pairs
};

ErrorCurve error_curve(const ScoreCounts& counts);

struct EqualError {
  double rate = 0;
  double threshold = 0;
};

// Where FMR and FNMR cross. Convention: both are joined by straight lines between the two
// neighbouring thresholds that enclose the crossing; rate and threshold are those of the crossing
// of the lines. Next to +infinity the threshold is the highest score. (PyEER's midpoint of the
// enclosing interval differs by less than one step of the curve.)
EqualError equal_error(const ErrorCurve& curve);

struct OperatingPoint {
  double target_fmr = 0;
  double threshold = 0;  // +infinity where every score would accept too many
  double fmr = 0;        // at the threshold; at or below the target
  double fnmr = 0;
  // The target is at least one impostor pair: below that the figure is FNMR at FMR 0.
  bool carried = true;
};

// FNMR@FMR; TAR@FAR is 1 - fnmr. Convention: no interpolation; of all thresholds with FMR <= target
// the one that accepts most genuine pairs, that is the smallest similarity (the largest distance).
// Throws std::invalid_argument for a target outside 0 to 1.
OperatingPoint operating_point(const ErrorCurve& curve, double target_fmr);

// Points of the DET curve: both rates as normal deviates, for axes on which two normal
// distributions give a straight line. Rates of 0 and 1 have none and are left out. Of points that
// differ by less than `least_change` of the smaller share on both axes only the first is kept.
struct DetPoints {
  Numbers fmr;
  Numbers fnmr;
  Numbers fmr_deviate;
  Numbers fnmr_deviate;
};

DetPoints det_points(const ErrorCurve& curve, double least_change = 0.01);

// Count, sum and sum of squares of scores: enough for mean and spread.
struct Moments {
  double count = 0;
  double sum = 0;
  double squares = 0;

  double mean() const { return sum / count; }
  double variance() const;  // of the population
};

Moments moments(const Numbers& scores);

// d' = |mean difference| / sqrt((variance + variance) / 2), population variances. +infinity where
// both variances are 0 and the means differ, 0 where they do not.
double d_prime(const Moments& genuine, const Moments& impostor);

}  // namespace guise::measure
