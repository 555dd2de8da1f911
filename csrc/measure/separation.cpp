#include "measure/separation.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <map>
#include <vector>

#include <xtensor/xadapt.hpp>
#include <xtensor/xmath.hpp>
#include <xtensor/xsort.hpp>

#include "core/check.h"
#include "core/run_tasks.h"
#include "measure/cosine_tiles.h"

namespace guise::measure {
namespace {

constexpr double kShortestMean = 1e-6;

// Sums over the rows of one person, in float64.
struct PersonSums {
  std::vector<double> sum;  // [dimension]
  double squares = 0;       // of the lengths of the rows
  double length = 0;        // of `sum`
  std::vector<int64_t> rows;
};

std::map<int64_t, PersonSums> sums_by_person(const EmbeddingRows& rows, const Integers& people) {
  std::map<int64_t, PersonSums> found;
  for (int64_t i = 0; i < rows.count; ++i) {
    PersonSums& person = found[people(static_cast<size_t>(i))];
    person.sum.resize(static_cast<size_t>(rows.dimension), 0.0);
    person.rows.push_back(i);
    for (int64_t k = 0; k < rows.dimension; ++k) {
      const double value = rows.row(i)[k];
      person.sum[static_cast<size_t>(k)] += value;
      person.squares += value * value;
    }
  }
  for (auto& [label, person] : found) {
    double square = 0;
    for (const double value : person.sum) square += value * value;
    person.length = std::sqrt(square);
    GUISE_CHECK_ARG(person.length > kShortestMean * static_cast<double>(person.rows.size()),
                    "the rows of person ", label, " must not cancel out; their mean is 0");
  }
  return found;
}

// Highest cosine of each row with an earlier one, and with any other one.
struct NearestCentres {
  std::vector<float> earlier, any;
};

NearestCentres nearest_centres(const EmbeddingRows& centres, int64_t threads) {
  const std::vector<float> none(static_cast<size_t>(centres.count), -2.0F);
  const int64_t workers = core::worker_count(threads, block_count(centres.count));
  std::vector<NearestCentres> found(static_cast<size_t>(workers), {none, none});
  TileOptions options;
  options.part = TilePart::kUpper;
  options.threads = threads;
  visit_cosines(centres, centres, options, [&](const CosineTile& tile, int64_t, int64_t worker) {
    NearestCentres& nearest = found[static_cast<size_t>(worker)];
    for (int64_t r = 0; r < tile.rows; ++r) {
      const int64_t i = tile.first_row + r;
      for (int64_t c = std::max(int64_t{0}, i + 1 - tile.first_column); c < tile.columns; ++c) {
        const auto j = static_cast<size_t>(tile.first_column + c);
        const float cosine = tile.at(r, c);
        nearest.earlier[j] = std::max(nearest.earlier[j], cosine);
        nearest.any[j] = std::max(nearest.any[j], cosine);
        float& own = nearest.any[static_cast<size_t>(i)];
        own = std::max(own, cosine);
      }
    }
  });
  for (const NearestCentres& worker : found) {
    for (size_t i = 0; i < none.size(); ++i) {
      found[0].earlier[i] = std::max(found[0].earlier[i], worker.earlier[i]);
      found[0].any[i] = std::max(found[0].any[i], worker.any[i]);
    }
  }
  return found[0];
}

// Cosines of one person's rows with its centre: their mean, and the share above a bound.
struct Consistency {
  double mean = 0;
  double share = 0;
};

Consistency consistency_of(const EmbeddingRows& rows, const PersonSums& person, double above) {
  Consistency result;
  for (const int64_t i : person.rows) {
    double product = 0, square = 0;
    for (int64_t k = 0; k < rows.dimension; ++k) {
      const double value = rows.row(i)[k];
      product += value * person.sum[static_cast<size_t>(k)];
      square += value * value;
    }
    const double cosine = product / (person.length * std::sqrt(square));
    result.mean += cosine;
    result.share += cosine > above ? 1 : 0;
  }
  const auto count = static_cast<double>(person.rows.size());
  return {result.mean / count, result.share / count};
}

double share_at_most(const std::vector<float>& values, double bound) {
  const auto found =
      std::count_if(values.begin(), values.end(), [bound](float value) { return value <= bound; });
  return static_cast<double>(found) / static_cast<double>(values.size());
}

}  // namespace

Separation separation(const EmbeddingRows& rows, const Integers& people,
                      const SeparationOptions& options) {
  check_unit_rows(rows);
  check_labels(people, rows.count);
  const auto persons = sums_by_person(rows, people);
  const size_t count = persons.size();
  GUISE_CHECK_ARG(count >= 2, "separation must have at least two people; got ", count);
  xt::xtensor<float, 2> centres =
      xt::xtensor<float, 2>::from_shape({count, static_cast<size_t>(rows.dimension)});
  Separation result;
  result.people = Integers::from_shape({count});
  result.intra_class = Numbers::from_shape({count});
  size_t at = 0;
  for (const auto& [label, person] : persons) {
    for (size_t k = 0; k < person.sum.size(); ++k) {
      centres(at, k) = static_cast<float>(person.sum[k] / person.length);
    }
    const auto photos = static_cast<double>(person.rows.size());
    // All pairs of the sum with itself, without those of a row with itself.
    result.intra_class(at) =
        photos < 2 ? std::numeric_limits<double>::quiet_NaN()
                   : (person.length * person.length - person.squares) / (photos * (photos - 1));
    const Consistency consistency = consistency_of(rows, person, 1 - options.dcface_distance);
    result.to_centre_mean += consistency.mean / static_cast<double>(count);
    result.dcface_consistency += consistency.share / static_cast<double>(count);
    result.people(at++) = label;
  }
  const NearestCentres nearest = nearest_centres(
      {centres.data(), static_cast<int64_t>(count), rows.dimension}, options.threads);
  result.nearest_other = xt::adapt(nearest.any, std::array<size_t, 1>{count});
  result.inter_class_max = xt::amax(result.nearest_other)();
  result.intra_class_mean = xt::nanmean(result.intra_class)();
  result.unique_share = share_at_most(nearest.earlier, options.unique_cosine);
  // Distance > r is cosine < 1 - r: one step of float32 below.
  const float bound = static_cast<float>(1 - options.dcface_distance);
  result.dcface_uniqueness = share_at_most(nearest.earlier, std::nextafter(bound, -2.0F));
  return result;
}

}  // namespace guise::measure
