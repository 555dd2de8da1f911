#include "nets/sampled_classes.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <limits>
#include <set>
#include <unordered_set>
#include <vector>

#include "core/check.h"
#include "core/random.h"

namespace guise::nets {

namespace {

constexpr uint32_t kStream = 0x50464331;  // of core/random: no other use of this number

// `count` different numbers below `bound`, by Floyd's algorithm ("A sample of brilliance", Bentley,
// Floyd 1987), rising.
std::vector<int64_t> draw_below(int64_t bound, int64_t count, core::RandomStream stream) {
  std::unordered_set<int64_t> drawn;
  drawn.reserve(static_cast<size_t>(count));
  for (int64_t last = bound - count; last < bound; ++last) {
    const int64_t number = stream.next_below(static_cast<uint32_t>(last + 1));
    drawn.insert(drawn.contains(number) ? last : number);
  }
  std::vector<int64_t> numbers(drawn.begin(), drawn.end());
  std::sort(numbers.begin(), numbers.end());
  return numbers;
}

// The number-th of the classes that are not in `taken`, for rising numbers.
std::vector<int64_t> skip_taken(std::vector<int64_t> numbers, const std::set<int64_t>& taken) {
  int64_t passed = 0;
  auto next = taken.begin();
  for (int64_t& number : numbers) {
    while (next != taken.end() && *next <= number + passed) {
      ++next;
      ++passed;
    }
    number += passed;
  }
  return numbers;
}

}  // namespace

SampledClasses sample_classes(const at::Tensor& labels, int64_t class_count, int64_t wanted,
                              uint64_t seed, uint64_t step) {
  GUISE_CHECK_ARG(labels.dim() == 1 && labels.scalar_type() == at::kLong && labels.is_cpu(),
                  "labels must be int64 [N] on the CPU; got ", labels.scalar_type(), " ",
                  labels.sizes());
  GUISE_CHECK_ARG(class_count >= 1 && class_count <= std::numeric_limits<int32_t>::max() &&
                      wanted >= 0 && wanted <= class_count,
                  "of 1 to 2^31 - 1 classes, 0 or more but not more than all can be wanted; got ",
                  wanted, " of ", class_count);
  const at::Tensor flat = labels.contiguous();
  const int64_t* values = flat.const_data_ptr<int64_t>();
  const std::set<int64_t> positives(values, values + flat.numel());
  GUISE_CHECK_ARG(
      positives.empty() || (*positives.begin() >= 0 && *positives.rbegin() < class_count),
      "labels must be in [0, ", class_count, ")");

  const auto count = static_cast<int64_t>(positives.size());
  const int64_t others = std::max<int64_t>(0, wanted - count);
  std::vector<int64_t> classes = skip_taken(
      draw_below(class_count - count, others, core::RandomStream(seed, step, kStream)), positives);
  const auto middle = classes.insert(classes.end(), positives.begin(), positives.end());
  std::inplace_merge(classes.begin(), middle, classes.end());

  at::Tensor places = at::empty_like(flat);
  for (int64_t i = 0; i < flat.numel(); ++i) {
    const auto found = std::lower_bound(classes.begin(), classes.end(), values[i]);
    places.mutable_data_ptr<int64_t>()[i] = found - classes.begin();
  }
  return {at::tensor(classes, at::kLong), places};
}

}  // namespace guise::nets
