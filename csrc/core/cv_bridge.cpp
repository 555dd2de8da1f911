#include "core/cv_bridge.h"

#include <ATen/ATen.h>

#include <opencv2/imgproc.hpp>

#include "core/check.h"

namespace guise::core {

cv::Mat mat_view(const at::Tensor& image) {
  const bool has_channels = image.dim() == 3;
  GUISE_CHECK_ARG(
      image.scalar_type() == at::kByte && (image.dim() == 2 || has_channels) && image.is_cpu(),
      "an image for OpenCV must be uint8 [H, W, 3] or [H, W] on the CPU; got ",
      at::toString(image.scalar_type()), " ", image.sizes());
  GUISE_CHECK_ARG(has_channels ? image.stride(2) == 1 && image.stride(1) == image.size(2)
                               : image.stride(1) == 1,
                  "the pixels of a row must lie together in memory; call contiguous() first");
  const int type = has_channels ? CV_8UC(static_cast<int>(image.size(2))) : CV_8UC1;
  return cv::Mat(static_cast<int>(image.size(0)), static_cast<int>(image.size(1)), type,
                 image.data_ptr<uint8_t>(), static_cast<size_t>(image.stride(0)));
}

at::Tensor resize_image(const at::Tensor& image, int64_t width_px, int64_t height_px) {
  GUISE_CHECK_ARG(width_px >= 1 && height_px >= 1, "an image must keep at least one pixel; got ",
                  width_px, " x ", height_px);
  at::Tensor resized = at::empty({height_px, width_px, 3}, at::kByte);
  cv::Mat target = mat_view(resized);
  const bool shrinks = width_px <= image.size(1) && height_px <= image.size(0);
  cv::resize(mat_view(image), target, target.size(), 0, 0,
             shrinks ? cv::INTER_AREA : cv::INTER_LINEAR);
  return resized;
}

}  // namespace guise::core
