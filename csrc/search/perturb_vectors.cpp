#include "search/perturb_vectors.h"

#include <ATen/ATen.h>

#include <cmath>
#include <numeric>

#include "core/check.h"
#include "core/random.h"

namespace guise::search {

namespace {

constexpr uint32_t kStream = 0x70657274;  // "pert"; of core/random: no other use of this number

size_t draw_strength(core::RandomStream& random, const std::vector<double>& shares) {
  const double u = random.next_uniform();
  double sum = 0;
  for (size_t i = 0; i + 1 < shares.size(); ++i) {
    sum += shares[i];
    if (u < sum) return i;
  }
  return shares.size() - 1;
}

// float32 [D] of mean square 1.
at::Tensor draw_noise(core::RandomStream& random, int64_t width,
                      const std::optional<NormalVectors>& variation) {
  at::Tensor z = at::empty({variation ? variation->basis.size(0) : width});
  float* values = z.mutable_data_ptr<float>();
  for (int64_t i = 0; i < z.size(0); ++i) values[i] = random.next_normal();
  if (!variation) return z;
  const double energy = variation->basis.square().sum().item<double>();
  return at::mv(variation->basis.t(), z) * std::sqrt(static_cast<double>(width) / energy);
}

}  // namespace

void PerturbOptions::validate() const {
  GUISE_CHECK_ARG(!strengths.empty() && strengths.size() == shares.size(),
                  "there must be as many shares as strengths of noise, one or more; got ",
                  shares.size(), " and ", strengths.size());
  for (size_t i = 0; i < shares.size(); ++i) {
    GUISE_CHECK_ARG(std::isfinite(strengths[i]) && strengths[i] >= 0 && shares[i] >= 0,
                    "strengths of noise and their shares must be finite and 0 or more; got ",
                    strengths[i], " for ", shares[i]);
  }
  const double sum = std::accumulate(shares.begin(), shares.end(), 0.0);
  GUISE_CHECK_ARG(std::abs(sum - 1) < 1e-6, "the shares of the strengths must sum to 1; got ", sum);
}

PerturbedVectors perturb_vectors(const at::Tensor& vectors, uint64_t seed,
                                 const std::vector<uint64_t>& keys, const PerturbOptions& options,
                                 const std::optional<NormalVectors>& variation) {
  options.validate();
  GUISE_CHECK_ARG(vectors.dim() == 2 && vectors.size(0) == static_cast<int64_t>(keys.size()),
                  "vectors must be [", keys.size(), ", D], a row a key; got ", vectors.sizes());
  GUISE_CHECK_ARG(!variation || variation->basis.size(1) == vectors.size(1),
                  "the variation must be of vectors of width ", vectors.size(1), "; it has ",
                  variation->basis.size(1));
  const c10::InferenceMode no_grad;
  const int64_t width = vectors.size(1);
  PerturbedVectors result{at::empty_like(vectors, at::kFloat), {}};
  for (size_t i = 0; i < keys.size(); ++i) {
    const auto row = static_cast<int64_t>(i);
    core::RandomStream random(seed, keys[i], kStream);
    const double strength = options.strengths[draw_strength(random, options.shares)];
    const at::Tensor vector = vectors[row].to(at::kFloat);
    const auto length = vector.norm().item<double>();
    const at::Tensor moved =
        vector + draw_noise(random, width, variation) * (strength * length / std::sqrt(width));
    const auto moved_length = moved.norm().item<double>();
    result.vectors[row] = moved_length > 0 ? moved * (length / moved_length) : vector;
    result.strengths.push_back(strength);
  }
  return result;
}

}  // namespace guise::search
