#include "render/five_point_shape.h"

#include <ATen/ATen.h>

#include <cmath>

#include "core/check.h"
#include "render/draw_recipe.h"

namespace guise::render {

namespace {

constexpr uint64_t kSeed = 5;
constexpr int64_t kNumbers = 15;  // three a point
// Twelve directions hold all but a thousandth of the variance.
constexpr int64_t kModes = 12;

// [15] float64: centred, of length 1.
at::Tensor standardised(const std::array<Vec3, 5>& points) {
  at::Tensor shape = at::empty({5, 3}, at::kDouble);
  double* out = shape.data_ptr<double>();
  for (const Vec3& point : points) {
    for (const float value : {point.x, point.y, point.z}) {
      *out++ = static_cast<double>(value);
    }
  }
  shape = shape - shape.mean(0, /*keepdim=*/true);
  return (shape / shape.norm()).flatten();
}

FivePoints as_points(const at::Tensor& numbers) {
  const at::Tensor flat = numbers.contiguous();
  FivePoints points;
  for (size_t i = 0; i < static_cast<size_t>(kNumbers); ++i) {
    points[i / 3][i % 3] = flat.const_data_ptr<double>()[i];
  }
  return points;
}

}  // namespace

FivePointShape five_point_shape(const HeadModel& head, int people) {
  GUISE_CHECK_ARG(people > kNumbers, "people must be more than ", kNumbers, "; got ", people);
  const RecipeOptions options;
  std::vector<at::Tensor> drawn;
  for (uint64_t i = 0; i < static_cast<uint64_t>(people); ++i) {
    const IdentityRecipe person =
        draw_identity(kSeed, i, options, head.mode_count(), head.asymmetry_count(),
                      /*skin_mode_count=*/0, head.mahalanobis_limit());
    const PhotoRecipe photo = draw_photo(kSeed, i, /*sample=*/0, options, person,
                                         /*environment_count=*/1);
    drawn.push_back(
        standardised(head.express(head.neutral(person.sex, person.age_years, person.shape),
                                  photo.expression, photo.gaze_yaw_deg, photo.gaze_pitch_deg)
                         .detector_points));
  }
  const at::Tensor shapes = at::stack(drawn);
  const at::Tensor mean = shapes.mean(0);
  const at::Tensor around = shapes - mean;
  // Eigenvalues in rising order.
  const auto [variances, directions] =
      at::linalg_eigh(at::matmul(around.t(), around) / static_cast<double>(people - 1));
  FivePointShape result{as_points(mean / mean.norm()), {}};
  for (int64_t k = kNumbers - 1; k >= kNumbers - kModes; --k) {
    const double deviation = std::sqrt(std::max(variances[k].item<double>(), 0.0));
    result.modes.push_back(as_points(directions.select(1, k) * deviation));
  }
  return result;
}

}  // namespace guise::render
