#include "measure/arrays.h"

#include <cmath>

#include "core/check.h"

namespace guise::measure {
namespace {

double dot(const float* a, const float* b, int64_t count) {
  double sum = 0;
  for (int64_t i = 0; i < count; ++i) sum += double{a[i]} * double{b[i]};
  return sum;
}

void check_indices(const EmbeddingRows& rows, const Integers& first, const Integers& second) {
  check_unit_rows(rows);
  GUISE_CHECK_ARG(first.size() == second.size(), "pairs must have two rows each; got ",
                  first.size(), " first and ", second.size(), " second ones");
  for (size_t p = 0; p < first.size(); ++p) {
    for (const int64_t row : {first(p), second(p)}) {
      GUISE_CHECK_ARG(row >= 0 && row < rows.count, "pair ", p, " must name rows from 0 to ",
                      rows.count - 1, "; it names ", row);
    }
  }
}

}  // namespace

void check_unit_rows(const EmbeddingRows& rows) {
  GUISE_CHECK_ARG(rows.dimension >= 1, "embeddings must have at least one value each; got ",
                  rows.dimension);
  for (int64_t i = 0; i < rows.count; ++i) {
    const double square = dot(rows.row(i), rows.row(i), rows.dimension);
    // Written so that NaN is refused too.
    GUISE_CHECK_ARG(std::abs(square - 1) <= kUnitTolerance,
                    "embeddings must be finite and of length 1; row ", i, " has length ",
                    std::sqrt(square), "; divide each row by its length");
  }
}

void check_labels(const Integers& people, int64_t count) {
  GUISE_CHECK_ARG(static_cast<int64_t>(people.size()) == count,
                  "there must be one label for each of ", count, " rows; got ", people.size());
  for (size_t i = 0; i < people.size(); ++i) {
    GUISE_CHECK_ARG(people(i) >= 0, "labels must be 0 or above; row ", i, " has ", people(i));
  }
}

Numbers pair_cosines(const EmbeddingRows& rows, const Integers& first, const Integers& second) {
  check_indices(rows, first, second);
  Numbers cosines = Numbers::from_shape({first.size()});
  for (size_t p = 0; p < first.size(); ++p) {
    cosines(p) = dot(rows.row(first(p)), rows.row(second(p)), rows.dimension);
  }
  return cosines;
}

Numbers pair_distances(const EmbeddingRows& rows, const Integers& first, const Integers& second) {
  check_indices(rows, first, second);
  Numbers distances = Numbers::from_shape({first.size()});
  for (size_t p = 0; p < first.size(); ++p) {
    const float *a = rows.row(first(p)), *b = rows.row(second(p));
    const double length_a = std::sqrt(dot(a, a, rows.dimension));
    const double length_b = std::sqrt(dot(b, b, rows.dimension));
    double sum = 0;
    for (int64_t i = 0; i < rows.dimension; ++i) {
      const double difference = a[i] / length_a - b[i] / length_b;
      sum += difference * difference;
    }
    distances(p) = sum;
  }
  return distances;
}

}  // namespace guise::measure
