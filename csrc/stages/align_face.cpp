#include "stages/align_face.h"

#include <ATen/ATen.h>

#include "core/check.h"
#include "core/image.h"
#include "ops/warp_affine.h"

namespace guise::stages {

AlignFace::AlignFace(const AlignOptions& options) : options_(options) {
  GUISE_CHECK_ARG(options.crop_template == "arcface" || options.crop_template == "ffhq",
                  "the crop template must be 'arcface' or 'ffhq'; got '", options.crop_template,
                  "'");
  const core::Landmarks5 points = options.crop_template == "arcface"
                                      ? core::arcface_template(options.size_px)
                                      : core::ffhq_template(options.size_px);
  template_.assign(points.begin(), points.end());
}

AlignedFaces AlignFace::operator()(const at::Tensor& image,
                                   const std::vector<core::Landmarks5>& landmarks) const {
  const at::Tensor pixels = core::check_image(image);
  const auto count = static_cast<int64_t>(landmarks.size());
  at::Tensor crop_to_image = at::empty({count, 2, 3}, at::kDouble);
  AlignedFaces aligned;
  double* row = crop_to_image.data_ptr<double>();
  for (const core::Landmarks5& points : landmarks) {
    const core::Similarity2D fit = core::fit_similarity({points.begin(), points.end()}, template_);
    const core::Similarity2D back = fit.inverse();
    const double values[6] = {back.a, -back.b, back.tx, back.b, back.a, back.ty};
    row = std::copy(values, values + 6, row);
    aligned.image_to_crop.push_back(fit);
  }
  aligned.crops = ops::warp_affine(pixels, crop_to_image, options_.size_px, options_.size_px);
  return aligned;
}

}  // namespace guise::stages
