// Cuts aligned crops out of an image: each crop has its own affine map back into the image.
//
// Bilinear interpolation in float32 of coordinates computed in float64, rounded half up. Pixel
// (0, 0) has its centre at (0, 0), as in OpenCV. Outside the image lies black (constant border 0),
// and it takes part in the interpolation at the edge.
//
// Determinism: equal bytes on one build, for any batch size, order and number of threads. Between
// builds, and between CPU and CUDA, bytes are equal when neither contracts a*b+c into one
// instruction (-ffp-contract=off, --fmad=false); otherwise single pixels may differ by 1.
#pragma once

#include <ATen/core/Tensor.h>

namespace guise::ops {

// image          [H, W, 3] uint8
// crop_to_image  [N, 2, 3] float64, finite, on the device of image: image_xy = M * (x, y, 1) for
//                the crop's pixel (x, y)
// height_px, width_px  size of the crops, 1 to 65535
// returns        [N, height_px, width_px, 3] uint8, contiguous, on the device of image
//
// An empty image gives black crops; N = 0 gives an empty result.
// Throws std::invalid_argument for any other shape, dtype, device, size or a map that is not
// finite.
at::Tensor warp_affine(const at::Tensor& image, const at::Tensor& crop_to_image, int64_t height_px,
                       int64_t width_px);

}  // namespace guise::ops
