#include "core/image.h"

#include <algorithm>
#include <cmath>

#include "core/check.h"

namespace guise::core {

at::Tensor check_image(const at::Tensor& image, const char* name) {
  GUISE_CHECK_ARG(image.defined(), name, " must be a uint8 tensor [H, W, 3]; got nothing");
  GUISE_CHECK_ARG(image.scalar_type() == at::kByte && image.dim() == 3 && image.size(2) == 3, name,
                  " must be a uint8 tensor [H, W, 3] in RGB; got ",
                  at::toString(image.scalar_type()), " ", image.sizes(),
                  "; convert it with (x * 255).round().to(torch.uint8) and permute it if needed");
  GUISE_CHECK_ARG(image.size(0) > 0 && image.size(1) > 0, name,
                  " must have at least one pixel; got ", image.sizes());
  return image.cpu().contiguous();
}

PixelRect enclosing_rect(const Box& box, int64_t width_px, int64_t height_px) {
  const auto clip = [](double value, int64_t limit) {
    return static_cast<int64_t>(std::clamp(value, 0.0, static_cast<double>(limit)));
  };
  return {clip(std::floor(box.x0), width_px), clip(std::floor(box.y0), height_px),
          clip(std::ceil(box.x1), width_px), clip(std::ceil(box.y1), height_px)};
}

at::Tensor view_rect(const at::Tensor& image, const PixelRect& rect) {
  return image.slice(0, rect.y0, rect.y1).slice(1, rect.x0, rect.x1);
}

}  // namespace guise::core
