// Replaces every block of an image by its mean colour.
//
// The mean is exact integer arithmetic, rounded half up. A single sample per block would leak
// original pixels and alias; the mean does neither. Blocks are anchored at (0, 0); those at the
// right and lower edge may be smaller.
//
// Determinism: equal bytes everywhere, CPU and CUDA.
#pragma once

#include <ATen/core/Tensor.h>

namespace guise::ops {

// image     [H, W, 3] uint8
// block_px  side of a block, at least 1; 1 returns a copy, a side beyond the image one mean for all
// returns   [H, W, 3] uint8, contiguous; never an alias of the argument
//
// Throws std::invalid_argument for any other shape, dtype, device or a block below 1.
at::Tensor pixelate(const at::Tensor& image, int64_t block_px);

}  // namespace guise::ops
