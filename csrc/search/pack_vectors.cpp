#include "search/pack_vectors.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>

#include "core/check.h"
#include "search/identity_distribution.h"

namespace guise::search {

namespace {

constexpr double kBeta1 = 0.9, kBeta2 = 0.999, kEpsilon = 1e-8;  // of Adam
constexpr int64_t kRows = 2048;                                  // of one product

struct Nearest {
  at::Tensor cosine;  // [N]
  at::Tensor place;   // [N]
};

// Of each row of `units` in `others`; where both are the same set, without the row itself.
Nearest nearest_in(const at::Tensor& units, const at::Tensor& others, bool is_same) {
  std::vector<at::Tensor> cosines, places;
  for (int64_t first = 0; first < units.size(0); first += kRows) {
    const int64_t rows = std::min(kRows, units.size(0) - first);
    at::Tensor products = at::mm(units.narrow(0, first, rows), others.t());
    if (is_same) products.diagonal(first).fill_(-2.0);
    const auto [cosine, place] = products.max(1);
    cosines.push_back(cosine);
    places.push_back(place);
  }
  return {at::cat(cosines), at::cat(places)};
}

// What moving a unit row along `direction` does to its cosine: the part of it across the row.
at::Tensor across(const at::Tensor& direction, const at::Tensor& units) {
  return direction - (direction * units).sum(1, /*keepdim=*/true) * units;
}

}  // namespace

PackedVectors pack_vectors(const at::Tensor& start, const at::Tensor& gallery,
                           const PackOptions& options, const std::atomic<bool>* cancel) {
  GUISE_CHECK_ARG(options.steps >= 0 && options.rate > 0 && std::isfinite(options.rate) &&
                      options.gallery_weight >= 0 && std::isfinite(options.gallery_weight),
                  "packing needs steps and a gallery_weight of 0 or more and a rate above 0; got ",
                  options.steps, ", ", options.gallery_weight, " and ", options.rate);
  const c10::InferenceMode no_grad;
  at::Tensor units = unit_rows(start, "vectors to pack");
  GUISE_CHECK_ARG(units.size(0) >= 2, "packing needs two vectors or more; got ", units.size(0));
  const at::Tensor faces = unit_rows(gallery, "gallery vectors");
  GUISE_CHECK_ARG(faces.size(0) >= 1 && faces.size(1) == units.size(1), "the gallery must be [G, ",
                  units.size(1), "] with G of at least 1; got ", faces.sizes());
  at::Tensor momentum = at::zeros_like(units), scale = at::zeros_like(units);
  PackedVectors best;
  for (int64_t step = 0; step <= options.steps; ++step) {
    if (cancel != nullptr && *cancel) throw Cancelled("packing was stopped");
    const Nearest other = nearest_in(units, units, /*is_same=*/true);
    const auto highest = other.cosine.max().item<double>();
    if (step == 0) best.start_cosine = highest;
    if (step == 0 || highest < best.highest_cosine) {
      best.highest_cosine = highest;
      best.units = units.clone();
    }
    if (step == options.steps) break;
    const Nearest face = nearest_in(units, faces, /*is_same=*/false);
    const at::Tensor gradient =
        across(units.index_select(0, other.place) -
                   options.gallery_weight * faces.index_select(0, face.place),
               units);
    momentum.mul_(kBeta1).add_(gradient, 1 - kBeta1);
    scale.mul_(kBeta2).addcmul_(gradient, gradient, 1 - kBeta2);
    const double time = static_cast<double>(step) + 1;
    const at::Tensor move = momentum / (1 - std::pow(kBeta1, time)) /
                            ((scale / (1 - std::pow(kBeta2, time))).sqrt() + kEpsilon);
    units = unit_rows(units - options.rate * move, "packed vectors");
  }
  return best;
}

}  // namespace guise::search
