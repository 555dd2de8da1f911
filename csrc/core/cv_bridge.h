// The only conversion between tensors and cv::Mat, and the only place where BGR exists. Included by
// .cpp files only.
#pragma once

#include <ATen/core/Tensor.h>

#include <opencv2/core.hpp>

namespace guise::core {

// A view of [H, W, 3] or [H, W] uint8 memory (rows may be strided); the tensor must outlive the
// Mat.
cv::Mat mat_view(const at::Tensor& image);

// RGB [H, W, 3] uint8, resized to width x height: area averaging when it shrinks, bilinear when it
// grows.
at::Tensor resize_image(const at::Tensor& image, int64_t width_px, int64_t height_px);

}  // namespace guise::core
