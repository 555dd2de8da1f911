#include "nets/margin_loss.h"

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>
#include <c10/core/impl/LocalDispatchKeySet.h>

#include <cmath>
#include <numbers>

#include "core/check.h"
#include "core/random.h"
#include "nets/sampled_classes.h"

namespace guise::nets {

namespace {

constexpr double kPi = std::numbers::pi;
constexpr uint32_t kWeightStream = 0x4D4C5731;  // of core/random: no other use of this number
constexpr double kFirstDeviation = 0.01;        // of the class centres' numbers (Partial FC)
constexpr double kLeastNorm = 1e-12;            // shorter embeddings have no direction
// Below, the sine is taken as a constant: its gradient would have no bound.
constexpr double kLeastSquaredSine = 1e-6;
// AdaFace's bounds of an angle, of |x|, and of the deviation it is divided by.
constexpr double kAdaAngle = 1e-3, kAdaLeastNorm = 1e-3, kAdaLargestNorm = 100.0,
                 kAdaDeviation = 1e-3;

at::Tensor sine_of(const at::Tensor& cosine) {
  return (1 - cosine * cosine).clamp_min(kLeastSquaredSine).sqrt();
}

at::Tensor angle_of(const at::Tensor& cosine) {
  return at::atan2(sine_of(cosine), cosine);
}

at::Tensor unit(const at::Tensor& rows) {
  return rows / at::norm(rows, 2, 1, /*keepdim=*/true).clamp_min(kLeastNorm);
}

// cos(theta + margin), and past 180 degrees, where the cosine would rise again, a line below it.
// margin: [N] or a scalar.
at::Tensor widened(const at::Tensor& cosine, const at::Tensor& margin) {
  const at::Tensor wide = cosine * margin.cos() - sine_of(cosine) * margin.sin();
  return at::where(cosine > (kPi - margin).cos(), wide, cosine - margin * (kPi - margin).sin());
}

}  // namespace

MarginLossImpl::MarginLossImpl(int64_t classes, int64_t dimension, uint64_t seed) {
  GUISE_CHECK_ARG(classes >= 1 && dimension >= 1,
                  "a loss needs a class and a dimension or more; got ", classes, " and ",
                  dimension);
  const at::Tensor noise = core::normal_noise(classes * dimension, seed, 0, kWeightStream);
  weight = register_parameter("weight", (noise * kFirstDeviation).view({classes, dimension}));
}

void MarginLossImpl::check_input(const at::Tensor& embeddings, const at::Tensor& labels) const {
  const int64_t classes = weight.size(0), dimension = weight.size(1);
  GUISE_CHECK_ARG(embeddings.dim() == 2 && embeddings.size(1) == dimension &&
                      embeddings.size(0) >= 1 && embeddings.is_floating_point(),
                  "embeddings must be float [N, ", dimension, "] with N >= 1; got ",
                  embeddings.scalar_type(), " ", embeddings.sizes());
  GUISE_CHECK_ARG(labels.scalar_type() == at::kLong && labels.dim() == 1 &&
                      labels.size(0) == embeddings.size(0),
                  "labels must be int64 [", embeddings.size(0), "]; got ", labels.scalar_type(),
                  " ", labels.sizes());
  const auto least = labels.min().item<int64_t>(), largest = labels.max().item<int64_t>();
  GUISE_CHECK_ARG(least >= 0 && largest < classes, "labels must be in [0, ", classes,
                  "); they are from ", least, " to ", largest, ": leave out samples of no class");
  GUISE_CHECK_ARG(at::isfinite(embeddings.detach()).all().item<bool>(),
                  "embeddings must be finite; the training has diverged: lower its rate");
}

at::Tensor MarginLossImpl::forward(const at::Tensor& embeddings, const at::Tensor& labels,
                                   int64_t step) {
  const MarginLossOptions& options = common();
  GUISE_CHECK_ARG(options.scale > 0 && options.class_share > 0 && options.class_share <= 1,
                  "scale must be above 0 and class_share in (0, 1]; got ", options.scale, " and ",
                  options.class_share);
  check_options();
  check_input(embeddings, labels);
  const c10::impl::ExcludeDispatchKeyGuard no_autocast(c10::autocast_dispatch_keyset);

  at::Tensor centres = weight, places = labels;
  if (options.class_share < 1) {
    const int64_t classes = weight.size(0);
    const auto wanted =
        static_cast<int64_t>(std::ceil(options.class_share * static_cast<double>(classes)));
    const SampledClasses chosen =
        sample_classes(labels.cpu(), classes, wanted, options.seed, static_cast<uint64_t>(step));
    centres = at::embedding(weight, chosen.classes.to(weight.device()), /*padding_idx=*/-1,
                            /*scale_grad_by_freq=*/false, options.sparse_gradient);
    places = chosen.labels.to(weight.device());
  }
  const at::Tensor x = embeddings.to(weight.scalar_type());
  const at::Tensor norm = at::norm(x, 2, 1);
  const at::Tensor cosines = at::matmul(unit(x), unit(centres).t());
  const at::Tensor own = places.unsqueeze(1);
  const at::Tensor target = with_margin(cosines.gather(1, own).squeeze(1), norm);
  const at::Tensor logits = filtered(cosines).scatter(1, own, target.unsqueeze(1)) * options.scale;
  const at::Tensor loss = at::cross_entropy_loss(logits, places);
  const at::Tensor more = penalty(norm);
  return more.defined() ? loss + more : loss;
}

void ArcFaceLossImpl::check_options() const {
  GUISE_CHECK_ARG(options.margin_rad >= 0 && options.margin_rad < kPi,
                  "margin_rad must be in [0, pi); got ", options.margin_rad);
}

at::Tensor ArcFaceLossImpl::with_margin(const at::Tensor& cosine, const at::Tensor& /*norm*/) {
  return widened(cosine, at::full({}, options.margin_rad, cosine.options()));
}

void CosFaceLossImpl::check_options() const {
  GUISE_CHECK_ARG(options.margin >= 0 && options.margin < 2, "margin must be in [0, 2); got ",
                  options.margin);
}

at::Tensor CosFaceLossImpl::with_margin(const at::Tensor& cosine, const at::Tensor& /*norm*/) {
  return cosine - options.margin;
}

void CombinedMarginLossImpl::check_options() const {
  GUISE_CHECK_ARG(options.angle_factor > 0 && options.angle_margin_rad >= 0 &&
                      options.cosine_margin >= 0 && options.filter_above > -1,
                  "angle_factor must be above 0, the margins 0 or more and filter_above above -1; "
                  "got ",
                  options.angle_factor, ", ", options.angle_margin_rad, ", ", options.cosine_margin,
                  " and ", options.filter_above);
}

at::Tensor CombinedMarginLossImpl::with_margin(const at::Tensor& cosine,
                                               const at::Tensor& /*norm*/) {
  const at::Tensor angle = options.angle_factor * angle_of(cosine) + options.angle_margin_rad;
  // SphereFace's (Liu et al. 2017, equation 7): past each multiple of pi the cosine goes on
  // falling.
  const at::Tensor turns = at::floor(angle.detach() / kPi);
  const at::Tensor sign = 1 - 2 * at::remainder(turns, 2);
  return sign * angle.cos() - 2 * turns - options.cosine_margin;
}

at::Tensor CombinedMarginLossImpl::filtered(const at::Tensor& cosines) const {
  return options.filter_above < 1 ? cosines.masked_fill(cosines > options.filter_above, 0.0)
                                  : cosines;
}

AdaFaceLossImpl::AdaFaceLossImpl(int64_t classes, int64_t dimension, const AdaFaceOptions& options)
    : MarginLossImpl(classes, dimension, options.seed), options(options) {
  mean_ = register_buffer("batch_mean", at::full({1}, 20.0));
  deviation_ = register_buffer("batch_std", at::full({1}, 100.0));
}

void AdaFaceLossImpl::check_options() const {
  GUISE_CHECK_ARG(options.margin >= 0 && options.concentration > 0 && options.norm_rate >= 0 &&
                      options.norm_rate <= 1,
                  "margin must be 0 or more, concentration above 0 and norm_rate in [0, 1]; got ",
                  options.margin, ", ", options.concentration, " and ", options.norm_rate);
}

at::Tensor AdaFaceLossImpl::with_margin(const at::Tensor& cosine, const at::Tensor& norm) {
  const at::Tensor length = norm.detach().clamp(kAdaLeastNorm, kAdaLargestNorm);
  if (is_training() && length.size(0) >= 2) {
    const at::NoGradGuard no_grad;
    mean_.lerp_(length.mean(), options.norm_rate);
    deviation_.lerp_(length.std(), options.norm_rate);
  }
  const at::Tensor z =
      ((length - mean_) / (deviation_ + kAdaDeviation) * options.concentration).clamp(-1, 1);
  const at::Tensor angle =
      (angle_of(cosine) - options.margin * z).clamp(kAdaAngle, kPi - kAdaAngle);
  return angle.cos() - (options.margin + options.margin * z);
}

void MagFaceLossImpl::check_options() const {
  GUISE_CHECK_ARG(options.least_norm > 0 && options.least_norm < options.largest_norm &&
                      options.least_margin_rad >= 0 &&
                      options.least_margin_rad <= options.largest_margin_rad &&
                      options.largest_margin_rad < kPi && options.norm_weight >= 0,
                  "norms must be above 0 and rise, margins be in [0, pi) and rise, and norm_weight "
                  "be 0 or more; got ",
                  options.least_norm, " to ", options.largest_norm, ", ", options.least_margin_rad,
                  " to ", options.largest_margin_rad, " and ", options.norm_weight);
}

at::Tensor MagFaceLossImpl::with_margin(const at::Tensor& cosine, const at::Tensor& norm) {
  const double slope = (options.largest_margin_rad - options.least_margin_rad) /
                       (options.largest_norm - options.least_norm);
  const at::Tensor length = norm.clamp(options.least_norm, options.largest_norm);
  const at::Tensor margin = slope * (length - options.least_norm) + options.least_margin_rad;
  if (options.is_easy_margin) {
    const at::Tensor wide = cosine * margin.cos() - sine_of(cosine) * margin.sin();
    return at::where(cosine > 0, wide, cosine);
  }
  return widened(cosine, margin);
}

at::Tensor MagFaceLossImpl::penalty(const at::Tensor& norm) const {
  const at::Tensor length = norm.clamp(options.least_norm, options.largest_norm);
  const double square = options.largest_norm * options.largest_norm;
  return options.norm_weight * (length / square + 1 / length).mean();
}

}  // namespace guise::nets
