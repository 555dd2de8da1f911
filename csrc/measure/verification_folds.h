// 10-fold verification of face pairs, exactly as insightface and facenet evaluate the LFW protocol.
//
// Distances are squared Euclidean on unit vectors, 0 to 4. Folds are scikit-learn's KFold without
// shuffling: contiguous, the first P % folds of them one pair larger. A pair is taken for one
// person where distance < threshold.
#pragma once

#include <cstdint>

#include "measure/arrays.h"

namespace guise::measure {

struct FoldOptions {
  int64_t folds = 10;
  double target_far = 1e-3;  // of VAL
};

struct FoldResult {
  // Thresholds 0, 0.01, ... 3.99; of each fold the first that is right most often on the others.
  Numbers accuracies;          // [folds] share of right answers on the fold itself
  Numbers thresholds;          // [folds]
  double accuracy = 0;         // mean
  double accuracy_spread = 0;  // population standard deviation
  // VAL@FAR: TAR on a fold at the threshold with FAR = target on the others. FAR is taken at 0,
  // 0.001, ... 3.999 and the threshold interpolated linearly between the last below the target and
  // the first at or above it; 0 where the FAR never gets there. NaN where a fold lacks pairs of one
  // kind.
  double val = 0;
  double val_spread = 0;  // population standard deviation
  double far = 0;         // mean FAR that was met on the folds
};

// distances, same (1 or 0): [P]. Throws std::invalid_argument for lengths that differ, fewer pairs
// than folds, fewer than two folds, or distances that are not finite.
FoldResult verify_in_folds(const Numbers& distances, const Integers& same,
                           const FoldOptions& options = {});

}  // namespace guise::measure
