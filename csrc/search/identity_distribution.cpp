#include "search/identity_distribution.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>

#include <algorithm>
#include <tuple>

#include "core/check.h"
#include "core/random.h"
#include "core/run_tasks.h"

namespace guise::search {

namespace {

constexpr uint32_t kStream = 0x69647631;  // "idv1"; of core/random: no other use of this number
// Products are made for whole blocks of so many rows, at fixed places of the list.
constexpr int64_t kBlock = 1024;
constexpr int64_t kRowsATask = 128;
constexpr double kLeastDeviation = 1e-6;  // of the largest

at::Tensor checked(const at::Tensor& vectors, int64_t least) {
  GUISE_CHECK_ARG(vectors.dim() == 2 && vectors.size(0) >= least && vectors.size(1) >= 1 &&
                      vectors.is_floating_point(),
                  "vectors must be float [N, D] with N of at least ", least, "; got ",
                  vectors.sizes(), " ", c10::toString(vectors.scalar_type()));
  GUISE_CHECK_ARG(vectors.isfinite().all().item<bool>(), "vectors must be finite; some are not");
  return vectors.to(at::kDouble);
}

NormalVectors distribution_of(const at::Tensor& mean, const at::Tensor& centred, int64_t freedom) {
  const auto [values, axes] =
      at::linalg_eigh(at::matmul(centred.t(), centred) / static_cast<double>(freedom));
  const at::Tensor deviations = values.clamp_min(0).sqrt().flip(0);
  const double largest = deviations[0].item<double>();
  GUISE_CHECK_ARG(largest > 0, "vectors must differ; all are the same");
  const int64_t kept =
      std::min(deviations.gt(kLeastDeviation * largest).sum().item<int64_t>(), freedom);
  const at::Tensor basis = (axes.t().flip(0) * deviations.unsqueeze(1)).narrow(0, 0, kept);
  // The sign of an axis means nothing: the largest component is made positive, so that it is the
  // same everywhere.
  const at::Tensor largest_at = basis.abs().argmax(1, /*keepdim=*/true);
  const at::Tensor sign = basis.gather(1, largest_at).sign();
  return {mean.to(at::kFloat).contiguous(), (basis * sign).to(at::kFloat).contiguous()};
}

at::Tensor normals_of_block(uint64_t seed, uint64_t block, int64_t components) {
  at::Tensor z = at::empty({kBlock, components});
  float* values = z.mutable_data_ptr<float>();
  core::run_tasks(kBlock / kRowsATask, at::get_num_threads(), [&](int64_t task, int64_t) {
    for (int64_t row = task * kRowsATask; row < (task + 1) * kRowsATask; ++row) {
      core::RandomStream random(seed, block * kBlock + static_cast<uint64_t>(row), kStream);
      for (int64_t k = 0; k < components; ++k) values[row * components + k] = random.next_normal();
    }
  });
  return z;
}

}  // namespace

NormalVectors fit_normal_vectors(const at::Tensor& vectors) {
  const at::Tensor rows = checked(vectors, 2);
  const at::Tensor mean = rows.mean(0);
  return distribution_of(mean, rows - mean, rows.size(0) - 1);
}

NormalVectors fit_variation(const at::Tensor& vectors, const at::Tensor& people) {
  const at::Tensor rows = checked(vectors, 2);
  GUISE_CHECK_ARG(
      people.dim() == 1 && people.size(0) == rows.size(0) && people.scalar_type() == at::kLong,
      "people must be int64 [", rows.size(0), "]; got ", people.sizes(), " ",
      c10::toString(people.scalar_type()));
  const auto [labels, place, counts] = at::_unique2(people, true, /*return_inverse=*/true,
                                                    /*return_counts=*/true);
  const int64_t freedom = rows.size(0) - labels.size(0);
  GUISE_CHECK_ARG(freedom >= 1, "some person must have two vectors; every one has only one");
  const at::Tensor sums = at::zeros({labels.size(0), rows.size(1)}, at::kDouble);
  sums.index_add_(0, place, rows);
  const at::Tensor means = sums / counts.unsqueeze(1);
  return distribution_of(at::zeros({rows.size(1)}, at::kDouble),
                         rows - means.index_select(0, place), freedom);
}

at::Tensor draw_normal_vectors(const NormalVectors& distribution, uint64_t seed, uint64_t first,
                               int64_t count) {
  GUISE_CHECK_ARG(count >= 0, "count must be 0 or more; got ", count);
  const c10::InferenceMode no_grad;
  const int64_t components = distribution.basis.size(0), width = distribution.basis.size(1);
  at::Tensor rows = at::empty({count, width});
  for (int64_t done = 0; done < count;) {
    const uint64_t number = first + static_cast<uint64_t>(done);
    const auto inside = static_cast<int64_t>(number % kBlock);
    const int64_t taken = std::min(kBlock - inside, count - done);
    const at::Tensor z = normals_of_block(seed, number / kBlock, components);
    const at::Tensor made = at::addmm(distribution.mean, z, distribution.basis);
    rows.narrow(0, done, taken).copy_(made.narrow(0, inside, taken));
    done += taken;
  }
  return rows;
}

at::Tensor unit_rows(const at::Tensor& vectors, const char* what) {
  GUISE_CHECK_ARG(vectors.dim() == 2 && vectors.is_floating_point(), what,
                  " must be float [N, D]; got ", vectors.sizes(), " ",
                  c10::toString(vectors.scalar_type()));
  const at::Tensor lengths = vectors.to(at::kDouble).norm(2, 1);
  const at::Tensor bad = ~(lengths.isfinite() & lengths.gt(0));
  if (bad.any().item<bool>()) {
    const auto row = bad.nonzero()[0].item<int64_t>();
    const auto length = lengths[row].item<double>();
    throw std::invalid_argument(core::message(what, " must be finite and not zero; row ", row,
                                              length == 0 ? " is zero" : " has NaN or infinity"));
  }
  return (vectors.to(at::kDouble) / lengths.unsqueeze(1)).to(at::kFloat);
}

}  // namespace guise::search
