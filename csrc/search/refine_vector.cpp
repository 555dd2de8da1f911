#include "search/refine_vector.h"

#include <ATen/ATen.h>

#include <cmath>
#include <limits>

#include "core/check.h"

namespace guise::search {

namespace {

constexpr double kBeta1 = 0.9, kBeta2 = 0.999, kEpsilon = 1e-8;  // of Adam

struct Adam {
  at::Tensor momentum, scale;
  int64_t steps = 0;

  at::Tensor move(const at::Tensor& gradient) {
    if (steps == 0) {
      momentum = at::zeros_like(gradient);
      scale = at::zeros_like(gradient);
    }
    ++steps;
    momentum.mul_(kBeta1).add_(gradient, 1 - kBeta1);
    scale.mul_(kBeta2).addcmul_(gradient, gradient, 1 - kBeta2);
    const auto time = static_cast<double>(steps);
    return momentum / (1 - std::pow(kBeta1, time)) /
           ((scale / (1 - std::pow(kBeta2, time))).sqrt() + kEpsilon);
  }
};

struct Look {
  at::Tensor loss;
  double identity_distance = 0, quality = 0, yaw_deg = 0;
  bool fits = true;
};

Look look_at(const nets::FaceMeasures& face, const at::Tensor& identity,
             const RefineOptions& options) {
  Look look;
  const at::Tensor distance = 1 - at::cosine_similarity(face.embeddings, identity, 1).squeeze(0);
  look.identity_distance = distance.item<double>();
  look.fits = look.identity_distance <= options.max_identity_distance;
  look.loss = options.identity_weight * distance;
  if (face.quality.defined()) look.quality = face.quality.item<double>();
  if (options.min_quality) {
    GUISE_CHECK_ARG(face.quality.defined(), "a quality target needs a recogniser with a quality");
    look.loss =
        look.loss + options.quality_weight * at::relu(*options.min_quality - face.quality[0]);
    look.fits = look.fits && look.quality >= *options.min_quality;
  }
  if (face.yaw_deg.defined()) look.yaw_deg = face.yaw_deg.item<double>();
  if (options.yaw_deg) {
    GUISE_CHECK_ARG(face.yaw_deg.defined(), "a target of yaw needs a model that measures pose");
    look.loss = look.loss + options.yaw_weight * (face.yaw_deg[0] - *options.yaw_deg).abs();
    look.fits = look.fits && std::abs(look.yaw_deg - *options.yaw_deg) <= options.yaw_tolerance_deg;
  }
  return look;
}

}  // namespace

void RefineOptions::validate() const {
  GUISE_CHECK_ARG(max_identity_distance >= 0 && max_identity_distance <= 2,
                  "max_identity_distance must lie from 0 to 2; got ", max_identity_distance);
  GUISE_CHECK_ARG(!yaw_deg || std::abs(*yaw_deg) <= 90, "yaw_deg must lie from -90 to 90; got ",
                  yaw_deg.value_or(0));
  GUISE_CHECK_ARG(!min_quality || std::isfinite(*min_quality), "min_quality must be finite; got ",
                  min_quality.value_or(0));
  GUISE_CHECK_ARG(yaw_tolerance_deg > 0 && max_steps >= 0 && max_steps <= 10'000 && rate > 0 &&
                      std::isfinite(rate),
                  "refining needs a yaw_tolerance_deg and a rate above 0 and 0 to 10,000 steps; "
                  "got ",
                  yaw_tolerance_deg, ", ", rate, " and ", max_steps);
  GUISE_CHECK_ARG(identity_weight >= 0 && quality_weight >= 0 && yaw_weight >= 0,
                  "weights must be 0 or more; got ", identity_weight, ", ", quality_weight, " and ",
                  yaw_weight);
}

RefinedVector refine_vector(const at::Tensor& vector, const DrawFace& draw,
                            const nets::MeasureFaces& measure, const RefineOptions& options,
                            const std::atomic<bool>* cancel) {
  options.validate();
  GUISE_CHECK_ARG(vector.dim() == 1, "a vector to refine must be [D]; got ", vector.sizes());
  const at::Tensor identity = vector.detach().to(at::kFloat).unsqueeze(0).clone();
  const auto length = identity.norm().item<double>();
  GUISE_CHECK_ARG(std::isfinite(length) && length > 0,
                  "a vector to refine must be finite and not zero; its length is ", length);
  const double rate = options.rate * length / std::sqrt(static_cast<double>(vector.size(0)));
  const at::AutoGradMode with_gradients(true);
  Adam adam;
  at::Tensor current = identity.clone();
  RefinedVector best;
  double lowest = std::numeric_limits<double>::infinity();
  for (int64_t step = 0;; ++step) {
    if (cancel != nullptr && *cancel) throw Cancelled("refining a vector was stopped");
    current = current.detach().requires_grad_(true);
    const Look look = look_at(measure(draw(current).clamp(-1, 1)), identity, options);
    const auto loss = look.loss.item<double>();
    if (look.fits || loss < lowest) {
      lowest = loss;
      best = {current.detach().squeeze(0).clone(),
              look.fits,
              step,
              look.identity_distance,
              look.quality,
              look.yaw_deg};
    }
    best.steps = step;
    if (best.fits || step == options.max_steps || !std::isfinite(loss)) return best;
    look.loss.backward({}, std::nullopt, false, at::TensorList{current});
    const at::Tensor gradient = current.grad();
    const at::NoGradGuard no_grad;
    current = current.detach() - rate * adam.move(gradient);
  }
}

}  // namespace guise::search
