#include "measure/identification.h"

#include <algorithm>
#include <limits>
#include <unordered_map>
#include <vector>

#include <xtensor/xmath.hpp>

#include "core/check.h"
#include "core/run_tasks.h"
#include "measure/cosine_tiles.h"

namespace guise::measure {
namespace {

constexpr float kNothing = -std::numeric_limits<float>::infinity();

// Labels as 0 to count - 1, in the order of their first row.
struct People {
  explicit People(const Integers& labels) {
    for (const int64_t label : labels) of_row.push_back(number(label));
    sizes.assign(numbers_.size(), 0);
    for (const size_t person : of_row) ++sizes[person];
  }

  // numbers_.size() for a label that is not known.
  size_t find(int64_t label) const {
    const auto found = numbers_.find(label);
    return found == numbers_.end() ? numbers_.size() : found->second;
  }
  size_t count() const { return numbers_.size(); }

  std::vector<size_t> of_row;
  std::vector<double> sizes;  // photos of each person

 private:
  size_t number(int64_t label) { return numbers_.emplace(label, numbers_.size()).first->second; }

  std::unordered_map<int64_t, size_t> numbers_;
};

void check_ranks(const IdentificationOptions& options) {
  GUISE_CHECK_ARG(options.ranks >= 1 && options.ranks <= 1000,
                  "ranks must lie from 1 to 1000; got ", options.ranks);
}

// [rows of a block, columns] of each worker: a block's cosines, side by side.
class BlockRows {
 public:
  BlockRows(int64_t workers, int64_t columns)
      : columns_(columns),
        values_(static_cast<size_t>(workers),
                std::vector<float>(static_cast<size_t>(kTileRows * columns))) {}

  void keep(const CosineTile& tile, int64_t worker) {
    float* const to = values_[static_cast<size_t>(worker)].data() + tile.first_column;
    for (int64_t r = 0; r < tile.rows; ++r) {
      std::copy_n(tile.values + r * kTileColumns, tile.columns, to + r * columns_);
    }
  }

  const float* row(int64_t r, int64_t worker) const {
    return values_[static_cast<size_t>(worker)].data() + r * columns_;
  }

 private:
  int64_t columns_;
  std::vector<std::vector<float>> values_;
};

// Runs one(row, its cosines with every gallery row) for each probe and adds what it adds to an
// array of its block; returns the sum over blocks, in order.
template <typename One>
Numbers summed_over_rows(const EmbeddingRows& probes, const EmbeddingRows& gallery,
                         const IdentificationOptions& options, const One& one) {
  const int64_t blocks = block_count(probes.count);
  BlockRows rows(core::worker_count(options.threads, blocks), gallery.count);
  std::vector<Numbers> sums(static_cast<size_t>(blocks),
                            xt::zeros<double>({static_cast<size_t>(options.ranks)}));
  TileOptions tiles;
  tiles.threads = options.threads;
  visit_cosines(
      probes, gallery, tiles,
      [&](const CosineTile& tile, int64_t, int64_t worker) { rows.keep(tile, worker); },
      [&](int64_t block, int64_t worker) {
        const int64_t first = block * kTileRows;
        for (int64_t i = first; i < std::min(first + kTileRows, probes.count); ++i) {
          one(static_cast<size_t>(i), rows.row(i - first, worker),
              sums[static_cast<size_t>(block)]);
        }
      });
  Numbers total = xt::zeros<double>({static_cast<size_t>(options.ranks)});
  for (const Numbers& sum : sums) total += sum;
  return total;
}

// Adds `weight` times the probability that at most k of independent events happen, k = 0, 1, ...
void add_chances(const std::vector<double>& events, double weight, Numbers& to) {
  std::vector<double> exactly(to.size(), 0.0);
  exactly[0] = 1;
  for (const double event : events) {
    if (event == 0) continue;
    for (size_t k = exactly.size(); k-- > 0;) {
      exactly[k] = exactly[k] * (1 - event) + (k > 0 ? exactly[k - 1] * event : 0);
    }
  }
  double at_most = 0;
  for (size_t k = 0; k < exactly.size(); ++k) {
    at_most += exactly[k];
    to(k) += weight * at_most;
  }
}

}  // namespace

Numbers gallery_identification(const EmbeddingRows& gallery, const Integers& gallery_people,
                               const EmbeddingRows& probes, const Integers& probe_people,
                               const IdentificationOptions& options) {
  check_ranks(options);
  check_unit_rows(gallery);
  check_unit_rows(probes);
  check_labels(gallery_people, gallery.count);
  check_labels(probe_people, probes.count);
  GUISE_CHECK_ARG(probes.count > 0, "there must be a probe; got none");
  const People people(gallery_people);
  for (size_t p = 0; p < probe_people.size(); ++p) {
    GUISE_CHECK_ARG(people.find(probe_people(p)) < people.count(), "the person of probe ", p,
                    " must be in the gallery; it is not");
  }
  const auto one = [&](size_t probe, const float* cosines, Numbers& to) {
    std::vector<float> best(people.count(), kNothing);
    for (size_t g = 0; g < people.of_row.size(); ++g) {
      float& person = best[people.of_row[g]];
      person = std::max(person, cosines[g]);
    }
    const float own = best[people.find(probe_people(probe))];
    const auto at_or_above =
        std::count_if(best.begin(), best.end(), [own](float score) { return score >= own; });
    for (size_t k = static_cast<size_t>(at_or_above) - 1; k < to.size(); ++k) to(k) += 1;
  };
  return summed_over_rows(probes, gallery, options, one) / static_cast<double>(probes.count);
}

Numbers identification_over_choices(const EmbeddingRows& rows, const Integers& labels,
                                    const IdentificationOptions& options) {
  check_ranks(options);
  check_unit_rows(rows);
  check_labels(labels, rows.count);
  const People people(labels);
  double probes = 0;  // of each choice
  for (const double size : people.sizes) probes += size - 1;
  GUISE_CHECK_ARG(people.count() >= 2 && probes > 0,
                  "identification must have two people, and two photos of one of them; got ",
                  people.count(), " people and ", rows.count, " photos");
  const auto one = [&](size_t probe, const float* cosines, Numbers& to) {
    const size_t own = people.of_row[probe];
    std::vector<double> above(people.count());
    for (size_t g = 0; g < people.of_row.size(); ++g) {
      if (people.of_row[g] != own || g == probe) continue;
      std::fill(above.begin(), above.end(), 0.0);
      for (size_t other = 0; other < people.of_row.size(); ++other) {
        if (cosines[other] >= cosines[g]) above[people.of_row[other]] += 1;
      }
      above[own] = 0;
      for (size_t person = 0; person < above.size(); ++person)
        above[person] /= people.sizes[person];
      // Of all choices, the share in which this photo stands for its person.
      add_chances(above, 1 / people.sizes[own], to);
    }
  };
  return summed_over_rows(rows, rows, options, one) / probes;
}

}  // namespace guise::measure
