#include "core/image_pyramid.h"

#include <algorithm>
#include <cmath>

#include "core/check.h"
#include "core/cv_bridge.h"
#include "core/image.h"

namespace guise::core {

ImagePyramid::ImagePyramid(const at::Tensor& image, int64_t smallest_px) : levels_{image} {
  GUISE_CHECK_ARG(smallest_px >= 1, "the smallest level must be at least 1 px; got ", smallest_px);
  while (std::max(levels_.back().size(0), levels_.back().size(1)) > smallest_px &&
         std::min(levels_.back().size(0), levels_.back().size(1)) >= 2) {
    const at::Tensor& last = levels_.back();
    const int64_t height = last.size(0) / 2, width = last.size(1) / 2;
    levels_.push_back(resize_image(view_rect(last, {0, 0, 2 * width, 2 * height}), width, height));
  }
}

double ImagePyramid::scale(size_t level) {
  return std::ldexp(1.0, -static_cast<int>(level));
}

size_t ImagePyramid::level_for(double size_px, double wanted_px) const {
  size_t level = 0;
  while (level + 1 < levels_.size() && size_px * scale(level + 1) >= wanted_px) {
    ++level;
  }
  return level;
}

}  // namespace guise::core
