#include "stages/obscure_face.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>

#include "core/check.h"
#include "core/cv_bridge.h"
#include "core/image.h"
#include "ops/feather_blend.h"
#include "ops/gaussian_blur.h"
#include "ops/pixelate.h"

namespace guise::stages {

namespace {

// A wider Gaussian is applied to a smaller copy of the region: the result is the same to the eye
// and the cost no longer grows with the square of the face.
constexpr double kLargestSigmaPx = 8.0;
// Wider than any picture: a block of this size is one colour, and its size still fits an integer.
constexpr double kLargestBlockPx = 1e6;

void check(const ObscureOptions& options) {
  GUISE_CHECK_ARG(
      options.method == "blur" || options.method == "pixelate" || options.method == "solid",
      "the method must be 'blur', 'pixelate' or 'solid'; got '", options.method, "'");
  GUISE_CHECK_ARG(options.shape == "ellipse" || options.shape == "box",
                  "the shape must be 'ellipse' or 'box'; got '", options.shape, "'");
  GUISE_CHECK_ARG(options.mask_scale >= 1.0 && options.mask_scale <= 4.0,
                  "mask_scale must be 1 to 4; got ", options.mask_scale);
  GUISE_CHECK_ARG(options.strength >= 0.1 && options.strength <= 10.0,
                  "strength must be 0.1 to 10; got ", options.strength);
  GUISE_CHECK_ARG(options.feather >= 0.0 && options.feather <= 1.0, "feather must be 0 to 1; got ",
                  options.feather);
}

double longer_side(const core::Box& box) {
  return std::max(box.width(), box.height());
}

at::Tensor blurred(const at::Tensor& region, double sigma_px) {
  const double shrink = std::max(1.0, sigma_px / kLargestSigmaPx);
  const auto shrunk = [shrink](int64_t size) {
    return std::max<int64_t>(1, std::llround(static_cast<double>(size) / shrink));
  };
  const int64_t height = region.size(0), width = region.size(1);
  const at::Tensor small =
      shrink > 1.0 ? core::resize_image(region, shrunk(width), shrunk(height)) : region;
  const at::Tensor everywhere = at::ones({small.size(0), small.size(1)}, at::kBool);
  const at::Tensor soft = ops::gaussian_blur(small.contiguous(), everywhere, sigma_px / shrink);
  return shrink > 1.0 ? core::resize_image(soft, width, height) : soft;
}

// How far a point lies outside the mask, px; 0 inside. dx, dy: distance from the mask's centre
// along each axis.
double outside_px(double dx, double dy, double half_width, double half_height, bool ellipse) {
  if (!ellipse) {
    return std::max({dx - half_width, dy - half_height, 0.0});
  }
  const double u = dx / half_width, v = dy / half_height, squared_radius = u * u + v * v;
  // Distance along the ray from the centre: never less than the distance to the ellipse.
  return squared_radius <= 1.0
             ? 0.0
             : std::sqrt(dx * dx + dy * dy) * (1.0 - 1.0 / std::sqrt(squared_radius));
}

// [h, w] float32: 1 inside the mask, falling smoothly to 0 over `feather_px` outside it.
at::Tensor mask_weight(const core::PixelRect& rect, const core::Box& mask, bool ellipse,
                       double feather_px) {
  at::Tensor weight = at::empty({rect.height(), rect.width()}, at::kFloat);
  float* out = weight.data_ptr<float>();
  const core::Point centre = mask.centre();
  for (int64_t y = rect.y0; y < rect.y1; ++y) {
    const double dy = std::abs(static_cast<double>(y) + 0.5 - centre.y);
    for (int64_t x = rect.x0; x < rect.x1; ++x) {
      const double dx = std::abs(static_cast<double>(x) + 0.5 - centre.x);
      const double distance = outside_px(dx, dy, mask.width() / 2, mask.height() / 2, ellipse);
      const double t = distance <= 0.0  ? 1.0
                       : feather_px > 0 ? std::max(1.0 - distance / feather_px, 0.0)
                                        : 0.0;
      *out++ = static_cast<float>(t * t * (3.0 - 2.0 * t));
    }
  }
  return weight;
}

}  // namespace

ObscureFace::ObscureFace(const ObscureOptions& options) : options_(options) {
  check(options);
}

core::Box ObscureFace::mask_box(const core::Box& face) const {
  return core::scale_about_centre(face, options_.mask_scale);
}

ObscuredImage ObscureFace::operator()(const at::Tensor& image,
                                      const std::vector<DetectedFace>& faces) const {
  ObscuredImage result{core::check_image(image).clone(), {}};
  for (const DetectedFace& face : faces) {
    GUISE_CHECK_ARG(std::isfinite(face.box.area()) && face.box.area() > 0,
                    "a face's box must be finite with x1 > x0 and y1 > y0; got (", face.box.x0,
                    ", ", face.box.y0, ", ", face.box.x1, ", ", face.box.y1, ")");
    obscure(result.image, face.box);
    result.masks.push_back(mask_box(face.box));
  }
  return result;
}

void ObscureFace::obscure(at::Tensor& image, const core::Box& face) const {
  const double face_px = longer_side(face);
  const double feather_px = options_.feather * face_px;
  const core::Box mask = mask_box(face);
  // A blur also takes in what surrounds the mask, or its edge would be a smear of the edge's own
  // pixels.
  const double margin_px =
      feather_px +
      (options_.method == "blur" ? 2 * options_.strength * kBlurSigmaShare * face_px : 0.0);
  const core::Box reach{mask.x0 - margin_px, mask.y0 - margin_px, mask.x1 + margin_px,
                        mask.y1 + margin_px};
  const core::PixelRect rect = core::enclosing_rect(reach, image.size(1), image.size(0));
  if (rect.empty()) {
    return;
  }
  at::Tensor region = core::view_rect(image, rect);
  const at::Tensor original = region.contiguous();
  const at::Tensor weight = mask_weight(rect, mask, options_.shape == "ellipse", feather_px);
  region.copy_(ops::feather_blend(original, obscured_region(original, face_px), weight));
}

at::Tensor ObscureFace::obscured_region(const at::Tensor& region, double face_px) const {
  if (options_.method == "solid") {
    return at::zeros_like(region);
  }
  if (options_.method == "blur") {
    return blurred(region, options_.strength * kBlurSigmaShare * face_px);
  }
  const double mask_px = face_px * options_.mask_scale;
  const double block_px = std::ceil(mask_px * options_.strength / kPixelateBlocks);
  return ops::pixelate(region, static_cast<int64_t>(std::clamp(block_px, 2.0, kLargestBlockPx)));
}

}  // namespace guise::stages
