#include "stages/align_face.h"

#include <ATen/ATen.h>

#include <algorithm>

#include "core/check.h"
#include "core/image.h"
#include "core/image_pyramid.h"
#include "ops/warp_affine.h"

namespace guise::stages {

namespace {

// image_xy of the crop's pixels, as ops::warp_affine takes it.
void write_map(const core::Similarity2D& crop_to_image, double* out) {
  const core::Similarity2D& map = crop_to_image;
  const double values[6] = {map.a, -map.b, map.tx, map.b, map.a, map.ty};
  std::copy(values, values + 6, out);
}

}  // namespace

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
  AlignedFaces aligned;
  aligned.crop_template = options_.crop_template;
  for (const core::Landmarks5& points : landmarks) {
    aligned.image_to_crop.push_back(
        core::fit_similarity({points.begin(), points.end()}, template_));
  }
  if (options_.is_smooth) {
    aligned.crops = smooth_crops(pixels, aligned.image_to_crop);
    return aligned;
  }
  at::Tensor crop_to_image = at::empty({static_cast<int64_t>(landmarks.size()), 2, 3}, at::kDouble);
  double* row = crop_to_image.data_ptr<double>();
  for (const core::Similarity2D& fit : aligned.image_to_crop) {
    write_map(fit.inverse(), row);
    row += 6;
  }
  aligned.crops = ops::warp_affine(pixels, crop_to_image, options_.size_px, options_.size_px);
  return aligned;
}

at::Tensor AlignFace::smooth_crops(const at::Tensor& pixels,
                                   const std::vector<core::Similarity2D>& image_to_crop) const {
  const int64_t size_px = options_.size_px;
  at::Tensor crops =
      at::empty({static_cast<int64_t>(image_to_crop.size()), size_px, size_px, 3}, at::kByte);
  const core::ImagePyramid pyramid(pixels, size_px);
  for (size_t i = 0; i < image_to_crop.size(); ++i) {
    core::Similarity2D map = image_to_crop[i].inverse();
    const size_t level =
        pyramid.level_for(map.scale() * static_cast<double>(size_px), static_cast<double>(size_px));
    // A pixel of the copy is the mean of 2^level pixels each way: its centre lies between theirs.
    const double scale = core::ImagePyramid::scale(level);
    map = {map.a * scale, map.b * scale, (map.tx + 0.5) * scale - 0.5,
           (map.ty + 0.5) * scale - 0.5};
    at::Tensor crop_to_image = at::empty({1, 2, 3}, at::kDouble);
    write_map(map, crop_to_image.data_ptr<double>());
    crops[static_cast<int64_t>(i)].copy_(
        ops::warp_affine(pyramid.levels()[level], crop_to_image, size_px, size_px)[0]);
  }
  return crops;
}

}  // namespace guise::stages
