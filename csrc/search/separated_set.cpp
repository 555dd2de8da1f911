#include "search/separated_set.h"

#include <ATen/ATen.h>

#include <algorithm>

#include "core/check.h"
#include "search/identity_distribution.h"

namespace guise::search {

namespace {

constexpr int64_t kColumns = 8192;  // of kept vectors in one product
// Float32 sums of up to some thousand products of units are within this of the true cosine.
constexpr double kDoubt = 1e-5;

double exact_cosine(const float* a, const float* b, int64_t width) {
  double sum = 0;
  for (int64_t i = 0; i < width; ++i) sum += static_cast<double>(a[i]) * static_cast<double>(b[i]);
  return sum;
}

// Whether a row is nearer than max_cosine to one of `others`, given its products with them, of
// which none is clearly above.
bool is_near(const float* row, const at::Tensor& others, const float* products, int64_t count,
             double max_cosine) {
  const auto possible = static_cast<float>(max_cosine - kDoubt);
  const int64_t width = others.size(1);
  const float* other = others.const_data_ptr<float>();
  for (int64_t i = 0; i < count; ++i) {
    if (products[i] > possible && exact_cosine(row, other + i * width, width) > max_cosine) {
      return true;
    }
  }
  return false;
}

}  // namespace

SeparatedSet::SeparatedSet(int64_t dimension, double max_cosine) : max_cosine_(max_cosine) {
  GUISE_CHECK_ARG(max_cosine >= -1 && max_cosine <= 1,
                  "the highest cosine of two identities must lie from -1 to 1; got ", max_cosine);
  rows_ = at::empty({0, dimension});
}

at::Tensor SeparatedSet::units() const {
  return rows_.narrow(0, 0, size_);
}

at::Tensor SeparatedSet::apart(const at::Tensor& units) const {
  GUISE_CHECK_ARG(units.dim() == 2 && units.size(1) == rows_.size(1), "vectors must be [N, ",
                  rows_.size(1), "]; got ", units.sizes());
  at::Tensor result = at::ones({units.size(0)}, at::kBool);
  at::Tensor left = at::arange(units.size(0));
  at::Tensor rows = units.contiguous();
  for (int64_t first = 0; first < size_ && left.size(0) > 0; first += kColumns) {
    const int64_t count = std::min(kColumns, size_ - first);
    const at::Tensor others = rows_.narrow(0, first, count);
    const at::Tensor products = at::mm(rows, others.t());
    // Most rows are clearly one or the other; only those in doubt are looked at one by one.
    const at::Tensor highest = products.amax(1);
    at::Tensor stays = highest.le(max_cosine_ - kDoubt);
    const at::Tensor doubtful = (~stays & highest.le(max_cosine_ + kDoubt)).nonzero().flatten();
    for (int64_t i = 0; i < doubtful.size(0); ++i) {
      const auto row = doubtful[i].item<int64_t>();
      stays[row] = !is_near(rows[row].const_data_ptr<float>(), others,
                            products[row].const_data_ptr<float>(), count, max_cosine_);
    }
    result.index_put_({left.masked_select(~stays)}, at::zeros({}, at::kBool));
    left = left.masked_select(stays);
    rows = rows.index_select(0, stays.nonzero().flatten());
  }
  return result;
}

void SeparatedSet::add(const at::Tensor& units) {
  const int64_t wanted = size_ + units.size(0);
  if (wanted > rows_.size(0)) {
    at::Tensor larger = at::empty({std::max(wanted, 2 * rows_.size(0)), rows_.size(1)});
    larger.narrow(0, 0, size_).copy_(rows_.narrow(0, 0, size_));
    rows_ = larger;
  }
  rows_.narrow(0, size_, units.size(0)).copy_(units);
  size_ = wanted;
}

std::vector<int64_t> greedily_apart(const std::vector<at::Tensor>& views, double max_cosine) {
  TORCH_INTERNAL_ASSERT(!views.empty());
  std::vector<at::Tensor> rows, products;
  for (const at::Tensor& view : views) {
    rows.push_back(view.contiguous());
    products.push_back(at::mm(rows.back(), rows.back().t()));
  }
  std::vector<int64_t> kept;
  for (int64_t i = 0; i < rows.front().size(0); ++i) {
    bool near = false;
    for (size_t v = 0; v < rows.size() && !near; ++v) {
      const int64_t width = rows[v].size(1);
      const float* units = rows[v].const_data_ptr<float>();
      const float* row = products[v].const_data_ptr<float>() + i * rows[v].size(0);
      for (size_t k = 0; k < kept.size() && !near; ++k) {
        const float product = row[kept[k]];
        near = product > max_cosine + kDoubt ||
               (product > max_cosine - kDoubt &&
                exact_cosine(units + i * width, units + kept[k] * width, width) > max_cosine);
      }
    }
    if (!near) kept.push_back(i);
  }
  return kept;
}

at::Tensor greedily_apart(const at::Tensor& vectors, double max_cosine, int64_t block) {
  GUISE_CHECK_ARG(vectors.dim() == 2, "vectors must be [N, D]; got ", vectors.sizes());
  GUISE_CHECK_ARG(block >= 1, "block must be 1 or more; got ", block);
  SeparatedSet kept(vectors.size(1), max_cosine);
  std::vector<int64_t> places;
  for (int64_t first = 0; first < vectors.size(0); first += block) {
    const at::Tensor part =
        unit_rows(vectors.narrow(0, first, std::min(block, vectors.size(0) - first)), "vectors");
    const at::Tensor left = kept.apart(part).nonzero().flatten();
    const at::Tensor rows = part.index_select(0, left);
    const std::vector<int64_t> chosen = greedily_apart(std::vector<at::Tensor>{rows}, max_cosine);
    kept.add(rows.index_select(0, at::tensor(chosen, at::kLong)));
    for (const int64_t place : chosen) places.push_back(first + left[place].item<int64_t>());
  }
  return at::tensor(places, at::kLong);
}

double highest_cosine(const at::Tensor& units) {
  GUISE_CHECK_ARG(units.dim() == 2 && units.size(0) >= 2,
                  "a highest cosine needs two rows or more; got ", units.sizes());
  double highest = -1;
  const int64_t count = units.size(0);
  constexpr int64_t kRows = 2048;
  for (int64_t first = 0; first < count; first += kRows) {
    const int64_t rows = std::min(kRows, count - first);
    for (int64_t column = first; column < count; column += kColumns) {
      const int64_t columns = std::min(kColumns, count - column);
      at::Tensor products =
          at::mm(units.narrow(0, first, rows), units.narrow(0, column, columns).t());
      const at::Tensor row_numbers = at::arange(first, first + rows).unsqueeze(1);
      products.masked_fill_(at::arange(column, column + columns).unsqueeze(0).le(row_numbers),
                            -2.0);
      highest = std::max(highest, products.max().item<double>());
    }
  }
  return highest;
}

}  // namespace guise::search
