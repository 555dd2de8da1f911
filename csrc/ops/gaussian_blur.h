// Blurs the masked part of an image with a separable Gaussian and leaves every other byte alone.
//
// Taps are normalised and cut off at ceil(3 sigma); beyond the image the border pixel repeats.
// Sums are float32, rounded half up once, after the vertical pass. The horizontal pass runs only on
// rows a masked pixel reaches, the vertical pass only on masked pixels. Memory: 12 bytes per pixel
// of the mask's bounding box, grown above and below by 3 sigma.
//
// A blur is not anonymisation by itself: a small sigma can be undone. The caller chooses it.
//
// Determinism: as in warp_affine.h.
#pragma once

#include <ATen/core/Tensor.h>

namespace guise::ops {

// image     [H, W, 3] uint8
// mask      [H, W] bool; true where the blurred image is wanted
// sigma_px  above 0, at most 1000
// returns   [H, W, 3] uint8, contiguous; bit-equal to image where mask is false; never an alias
//
// The blur reads unmasked pixels near the mask. Throws std::invalid_argument for any other shape,
// dtype, device or sigma.
at::Tensor gaussian_blur(const at::Tensor& image, const at::Tensor& mask, double sigma_px);

}  // namespace guise::ops
