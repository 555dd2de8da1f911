// Lays a foreground over a background with a soft edge: background + (foreground - background) * w.
//
// Weight 0 returns the background bit-equal and weight 1 the foreground bit-equal; in between the
// float32 mix is rounded half up. Nothing outside the weight's support changes.
//
// Determinism: as in warp_affine.h.
#pragma once

#include <ATen/core/Tensor.h>

namespace guise::ops {

// background, foreground  [H, W, 3] uint8
// weight                  [H, W] float32 in [0, 1]
// returns                 [H, W, 3] uint8, contiguous; never an alias of an argument
//
// Throws std::invalid_argument for any other shape, dtype or device, and for a weight that is NaN
// or outside [0, 1].
at::Tensor feather_blend(const at::Tensor& background, const at::Tensor& foreground,
                         const at::Tensor& weight);

}  // namespace guise::ops
