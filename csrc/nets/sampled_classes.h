// A part of the classes for one training step, where there are too many for a softmax over all of
// them: every class of the batch and random others ("Partial FC: Training 10 Million Identities on
// a Single Machine", An et al. 2021).
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>

namespace guise::nets {

struct SampledClasses {
  at::Tensor classes;  // int64 [K], rising, each once
  at::Tensor labels;   // int64 [N]: where in `classes` the class of each sample is
};

// labels: int64 [N] on the CPU, each in [0, class_count). K is `wanted` (at most `class_count`), or
// the number of different labels if that is more. All sets of the other classes are equally likely.
// The choice depends on the labels, `seed` and `step` alone. Throws ValueError.
SampledClasses sample_classes(const at::Tensor& labels, int64_t class_count, int64_t wanted,
                              uint64_t seed, uint64_t step);

}  // namespace guise::nets
