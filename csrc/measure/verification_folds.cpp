// Each pair is put where it first becomes "one person"; sums from there on count right answers at
// every threshold at once.
#include "measure/verification_folds.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <vector>

#include <xtensor/xmath.hpp>
#include <xtensor/xsort.hpp>

#include "core/check.h"

namespace guise::measure {
namespace {

constexpr size_t kAccuracySteps = 400, kValSteps = 4000;
constexpr double kAccuracyStep = 0.01, kValStep = 0.001;

struct Fold {
  size_t begin, end;

  bool holds(size_t pair) const { return pair >= begin && pair < end; }
};

std::vector<Fold> folds_of(size_t pairs, size_t count) {
  std::vector<Fold> folds;
  size_t begin = 0;
  for (size_t i = 0; i < count; ++i) {
    const size_t end = begin + pairs / count + (i < pairs % count ? 1 : 0);
    folds.push_back({begin, end});
    begin = end;
  }
  return folds;
}

// Pairs of a fold, or of all others, that lie below each threshold i * step.
struct Accepted {
  Numbers same, different;  // [steps]
  double all_same = 0, all_different = 0;
};

class Verifier {
 public:
  Verifier(const Numbers& distances, const Integers& same) : distances_(distances), same_(same) {}

  Accepted below(const Fold& fold, bool inside, size_t steps, double step) const {
    Accepted accepted{xt::zeros<double>({steps}), xt::zeros<double>({steps})};
    for (size_t p = 0; p < distances_.size(); ++p) {
      if (fold.holds(p) != inside) continue;
      (same_(p) != 0 ? accepted.all_same : accepted.all_different) += 1;
      const size_t first = first_step(distances_(p), steps, step);
      if (first < steps) (same_(p) != 0 ? accepted.same : accepted.different)(first) += 1;
    }
    accepted.same = xt::cumsum(accepted.same);
    accepted.different = xt::cumsum(accepted.different);
    return accepted;
  }

  // (TAR, FAR) of a fold at one threshold.
  std::array<double, 2> rates(const Fold& fold, double threshold) const {
    double accepted[2] = {0, 0}, all[2] = {0, 0};
    for (size_t p = fold.begin; p < fold.end; ++p) {
      const bool same = same_(p) != 0;
      all[same] += 1;
      accepted[same] += distances_(p) < threshold ? 1 : 0;
    }
    return {accepted[1] / all[1], accepted[0] / all[0]};
  }

 private:
  // The first i with distance < i * step.
  static size_t first_step(double distance, size_t steps, double step) {
    auto i = static_cast<size_t>(std::clamp(distance / step, 0.0, static_cast<double>(steps)));
    while (i > 0 && distance < static_cast<double>(i - 1) * step) --i;
    while (i < steps && !(distance < static_cast<double>(i) * step)) ++i;
    return i;
  }

  const Numbers& distances_;
  const Integers& same_;
};

double best_threshold(const Accepted& train) {
  const Numbers right = train.same + train.all_different - train.different;
  return static_cast<double>(xt::argmax(right)()) * kAccuracyStep;
}

double threshold_at_far(const Accepted& train, double target) {
  const Numbers far = train.different / train.all_different;
  const auto found = std::lower_bound(far.begin(), far.end(), target) - far.begin();
  if (found == static_cast<std::ptrdiff_t>(kValSteps)) return 0;
  const auto high = static_cast<size_t>(std::max<std::ptrdiff_t>(found, 1));
  const size_t low = high - 1;
  const double y_low = static_cast<double>(low) * kValStep;
  const double y_high = static_cast<double>(high) * kValStep;
  return (y_high - y_low) / (far(high) - far(low)) * (target - far(low)) + y_low;
}

void check(const Numbers& distances, const Integers& same, const FoldOptions& options) {
  GUISE_CHECK_ARG(distances.size() == same.size(), "there must be one label for each of ",
                  distances.size(), " pairs; got ", same.size());
  GUISE_CHECK_ARG(options.folds >= 2 && distances.size() >= static_cast<size_t>(options.folds),
                  "folds must be at least 2, and pairs at least as many; got ", options.folds,
                  " folds and ", distances.size(), " pairs");
  GUISE_CHECK_ARG(options.target_far > 0 && options.target_far <= 1,
                  "the target FAR must lie above 0 and at most at 1; got ", options.target_far);
  GUISE_CHECK_ARG(xt::all(xt::isfinite(distances)), "distances must be finite numbers");
}

}  // namespace

FoldResult verify_in_folds(const Numbers& distances, const Integers& same,
                           const FoldOptions& options) {
  check(distances, same, options);
  const auto count = static_cast<size_t>(options.folds);
  const Verifier verifier(distances, same);
  FoldResult result;
  result.accuracies = Numbers::from_shape({count});
  result.thresholds = Numbers::from_shape({count});
  Numbers vals = Numbers::from_shape({count}), fars = Numbers::from_shape({count});
  const std::vector<Fold> folds = folds_of(distances.size(), count);
  for (size_t f = 0; f < count; ++f) {
    const Fold& fold = folds[f];
    result.thresholds(f) =
        best_threshold(verifier.below(fold, false, kAccuracySteps, kAccuracyStep));
    double right = 0;
    for (size_t p = fold.begin; p < fold.end; ++p) {
      right += (distances(p) < result.thresholds(f)) == (same(p) != 0) ? 1 : 0;
    }
    result.accuracies(f) = right / static_cast<double>(fold.end - fold.begin);
    const Accepted train = verifier.below(fold, false, kValSteps, kValStep);
    const double threshold = threshold_at_far(train, options.target_far);
    const auto [val, far] = verifier.rates(fold, threshold);
    vals(f) = train.all_different > 0 ? val : std::numeric_limits<double>::quiet_NaN();
    fars(f) = far;
  }
  result.accuracy = xt::mean(result.accuracies)();
  result.accuracy_spread = xt::stddev(result.accuracies)();
  result.val = xt::mean(vals)();
  result.val_spread = xt::stddev(vals)();
  result.far = xt::mean(fars)();
  return result;
}

}  // namespace guise::measure
