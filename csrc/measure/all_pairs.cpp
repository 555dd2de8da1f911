// Sums of whole numbers and total orders only, or sums block by block: so that the number of
// threads cannot show.
#include "measure/all_pairs.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "core/check.h"
#include "core/run_tasks.h"
#include "measure/cosine_tiles.h"

namespace guise::measure {
namespace {

constexpr int64_t kMostBins = int64_t{1} << 20;
constexpr int64_t kMostNearest = 1'000'000;

bool is_nearer(const NearPair& a, const NearPair& b) {
  if (a.cosine != b.cosine) return a.cosine > b.cosine;
  return a.first != b.first ? a.first < b.first : a.second < b.second;
}

// The best few, the worst of them on top.
class NearestHeap {
 public:
  explicit NearestHeap(size_t most = 0) : most_(most) {}

  // Whether a pair of this cosine might be among them.
  bool wants(float cosine) const {
    return pairs_.size() < most_ || (most_ > 0 && cosine >= pairs_.front().cosine);
  }

  void offer(const NearPair& pair) {
    if (pairs_.size() == most_) {
      if (most_ == 0 || !is_nearer(pair, pairs_.front())) return;
      std::pop_heap(pairs_.begin(), pairs_.end(), is_nearer);
      pairs_.pop_back();
    }
    pairs_.push_back(pair);
    std::push_heap(pairs_.begin(), pairs_.end(), is_nearer);
  }

  const std::vector<NearPair>& pairs() const { return pairs_; }

  std::vector<NearPair> sorted() const {
    std::vector<NearPair> sorted = pairs_;
    std::sort(sorted.begin(), sorted.end(), is_nearer);
    return sorted;
  }

 private:
  size_t most_;
  std::vector<NearPair> pairs_;
};

void check_options(const AllPairsOptions& options) {
  GUISE_CHECK_ARG(options.bins >= 1 && options.bins <= kMostBins, "bins must lie from 1 to ",
                  kMostBins, "; got ", options.bins);
  GUISE_CHECK_ARG(options.nearest >= 0 && options.nearest <= kMostNearest &&
                      options.nearest_each >= 0 && options.nearest_each <= kMostNearest,
                  "counts of nearest pairs must lie from 0 to ", kMostNearest, "; got ",
                  options.nearest, " and ", options.nearest_each);
  GUISE_CHECK_ARG(std::is_sorted(options.thresholds.begin(), options.thresholds.end()),
                  "thresholds must rise");
}

// [0]: impostor, [1]: genuine.
struct WorkerCounts {
  std::array<std::vector<int64_t>, 2> bins;
  std::array<std::vector<int64_t>, 2> passed;  // [thresholds + 1]: pairs that pass exactly so many
  NearestHeap nearest;
};

class PairCounter {
 public:
  PairCounter(const EmbeddingRows& rows, const Integers& people, const AllPairsOptions& options)
      : rows_(rows), people_(people), options_(options), has_people_(people.size() > 0) {
    const int64_t workers = core::worker_count(options.threads, block_count(rows.count));
    WorkerCounts empty;
    for (auto& bins : empty.bins) bins.assign(static_cast<size_t>(options.bins), 0);
    for (auto& passed : empty.passed) passed.assign(options.thresholds.size() + 1, 0);
    empty.nearest = NearestHeap(static_cast<size_t>(options.nearest));
    workers_.assign(static_cast<size_t>(workers), empty);
    moments_.resize(static_cast<size_t>(block_count(rows.count)));
    if (options.nearest_each > 0) {
      each_.assign(static_cast<size_t>(rows.count),
                   NearestHeap(static_cast<size_t>(options.nearest_each)));
    }
  }

  AllPairs run() {
    TileOptions tiles;
    tiles.part = options_.nearest_each > 0 ? TilePart::kAll : TilePart::kUpper;
    tiles.threads = options_.threads;
    tiles.on_progress = options_.on_progress;
    visit_cosines(
        rows_, rows_, tiles, [this](const CosineTile& tile, int64_t block, int64_t worker) {
          count(tile, workers_[static_cast<size_t>(worker)], moments_[static_cast<size_t>(block)]);
          if (!each_.empty()) find_neighbours(tile);
        });
    AllPairs result;
    result.impostor = total(0);
    result.genuine = total(1);
    NearestHeap nearest(static_cast<size_t>(options_.nearest));
    for (const WorkerCounts& worker : workers_) {
      for (const NearPair& pair : worker.nearest.pairs()) nearest.offer(pair);
    }
    result.nearest = nearest.sorted();
    list_neighbours(result);
    return result;
  }

 private:
  bool same_person(int64_t i, int64_t j) const {
    return has_people_ && people_(static_cast<size_t>(i)) == people_(static_cast<size_t>(j));
  }

  void count(const CosineTile& tile, WorkerCounts& counts, std::array<Moments, 2>& moments) const {
    const float scale = static_cast<float>(options_.bins) / 2;
    const auto last = static_cast<float>(options_.bins - 1);
    const auto& thresholds = options_.thresholds;
    const double lowest = thresholds.empty() ? INFINITY : thresholds.front();
    for (int64_t r = 0; r < tile.rows; ++r) {
      const int64_t i = tile.first_row + r;
      for (int64_t c = std::max(int64_t{0}, i + 1 - tile.first_column); c < tile.columns; ++c) {
        const int64_t j = tile.first_column + c;
        const float cosine = tile.at(r, c);
        const bool genuine = same_person(i, j);
        const float bin = std::clamp((cosine + 1) * scale, 0.0F, last);
        ++counts.bins[genuine][static_cast<size_t>(bin)];
        Moments& sums = moments[genuine];
        sums.count += 1;
        sums.sum += double{cosine};
        sums.squares += double{cosine} * double{cosine};
        if (cosine >= lowest) {
          const auto end = std::upper_bound(thresholds.begin(), thresholds.end(), cosine);
          ++counts.passed[genuine][static_cast<size_t>(end - thresholds.begin())];
        }
        if (!genuine && counts.nearest.wants(cosine)) counts.nearest.offer({i, j, cosine});
      }
    }
  }

  void find_neighbours(const CosineTile& tile) {
    for (int64_t r = 0; r < tile.rows; ++r) {
      const int64_t i = tile.first_row + r;
      NearestHeap& heap = each_[static_cast<size_t>(i)];
      for (int64_t c = 0; c < tile.columns; ++c) {
        const int64_t j = tile.first_column + c;
        const float cosine = tile.at(r, c);
        if (i != j && heap.wants(cosine) && !same_person(i, j)) heap.offer({i, j, cosine});
      }
    }
  }

  PairCounts total(size_t kind) const {
    PairCounts counts;
    counts.bins = xt::zeros<int64_t>({static_cast<size_t>(options_.bins)});
    counts.above = xt::zeros<int64_t>({options_.thresholds.size()});
    for (const WorkerCounts& worker : workers_) {
      for (size_t b = 0; b < counts.bins.size(); ++b) counts.bins(b) += worker.bins[kind][b];
      int64_t above = 0;
      for (size_t t = counts.above.size(); t-- > 0;) {
        above += worker.passed[kind][t + 1];
        counts.above(t) += above;
      }
    }
    for (const auto& block : moments_) {
      counts.moments.count += block[kind].count;
      counts.moments.sum += block[kind].sum;
      counts.moments.squares += block[kind].squares;
    }
    return counts;
  }

  void list_neighbours(AllPairs& result) const {
    const std::array<size_t, 2> shape = {each_.size(), static_cast<size_t>(options_.nearest_each)};
    result.neighbours = -xt::ones<int64_t>(shape);
    result.neighbour_cosines = -2 * xt::ones<float>(shape);
    for (size_t i = 0; i < each_.size(); ++i) {
      size_t k = 0;
      for (const NearPair& pair : each_[i].sorted()) {
        result.neighbours(i, k) = pair.second;
        result.neighbour_cosines(i, k++) = pair.cosine;
      }
    }
  }

  const EmbeddingRows& rows_;
  const Integers& people_;
  const AllPairsOptions& options_;
  bool has_people_;
  std::vector<WorkerCounts> workers_;
  std::vector<std::array<Moments, 2>> moments_;  // of each block of rows
  std::vector<NearestHeap> each_;                // of each row, or none
};

}  // namespace

AllPairs all_pairs(const EmbeddingRows& rows, const Integers& people,
                   const AllPairsOptions& options) {
  check_options(options);
  check_unit_rows(rows);
  if (people.size() > 0) check_labels(people, rows.count);
  return PairCounter(rows, people, options).run();
}

}  // namespace guise::measure
