#include "search/sample_identities.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>
#include <optional>

#include "core/check.h"
#include "search/separated_set.h"

namespace guise::search {

namespace {

// Candidates are looked at in blocks: large where only vectors are compared, small where each
// survivor is drawn, so that few are drawn in vain.
constexpr int64_t kBlock = 8192;
constexpr int64_t kDrawnBlock = 64;
// A space is full when so many candidates in a row do not fit.
constexpr int64_t kFruitless = 50'000;

class Search {
 public:
  Search(const NormalVectors& distribution, uint64_t seed, int64_t wanted,
         const IdentitySearchOptions& options, const DrawIdentities& draw)
      : distribution_(distribution),
        seed_(seed),
        wanted_(wanted),
        options_(options),
        draw_(draw),
        vectors_apart_(distribution.mean.size(0), options.max_cosine) {
    GUISE_CHECK_ARG(wanted >= 1, "identities must be at least 1; got ", wanted);
    GUISE_CHECK_ARG(options.max_tried >= 0, "max_tried must be 0 or more; got ", options.max_tried);
    most_tried_ = options.max_tried > 0 ? options.max_tried : 200'000 + 100 * wanted;
    if (options.gallery.defined()) {
      gallery_.emplace(distribution.mean.size(0), options.max_gallery_cosine);
      gallery_->add(unit_rows(options.gallery, "gallery vectors"));
    }
  }

  bool is_done() const { return kept() == wanted_; }
  int64_t kept() const { return static_cast<int64_t>(found_.numbers.size()); }

  void look_at_next_block() {
    const int64_t block = std::min(draw_ ? kDrawnBlock : kBlock, most_tried_ - found_.tried);
    if (block <= 0 || found_.tried - last_success_ >= kFruitless) refuse();
    const auto first = static_cast<uint64_t>(found_.tried);
    const at::Tensor raw = draw_normal_vectors(distribution_, seed_, first, block);
    at::Tensor units = unit_rows(raw, "candidates");
    at::Tensor numbers = at::arange(found_.tried, found_.tried + block);
    found_.tried += block;
    if (gallery_) drop(numbers, units, gallery_->apart(units), found_.near_gallery);
    drop(numbers, units, vectors_apart_.apart(units), found_.near_another);
    choose(raw, numbers, units, static_cast<int64_t>(first));
  }

  SampledIdentities result() {
    found_.vectors = at::cat(vectors_, 0);
    if (draw_) found_.faces = faces_apart_->units().clone();
    return std::move(found_);
  }

 private:
  static void drop(at::Tensor& numbers, at::Tensor& units, const at::Tensor& stays,
                   int64_t& dropped) {
    dropped += (~stays).sum().item<int64_t>();
    const at::Tensor kept = stays.nonzero().flatten();
    numbers = numbers.index_select(0, kept);
    units = units.index_select(0, kept);
  }

  void choose(const at::Tensor& raw, at::Tensor numbers, at::Tensor units, int64_t first) {
    // Within the block, so that only what is apart already is drawn.
    at::Tensor faces;
    keep(numbers, units, faces,
         greedily_apart(std::vector<at::Tensor>{units}, options_.max_cosine));
    if (draw_ && numbers.size(0) > 0) {
      faces = draw_survivors(raw, numbers, units, first);
      keep(numbers, units, faces,
           greedily_apart(std::vector<at::Tensor>{faces}, options_.max_cosine));
    }
    const int64_t taken = std::min(numbers.size(0), wanted_ - kept());
    if (taken == 0) return;
    numbers = numbers.narrow(0, 0, taken);
    vectors_apart_.add(units.narrow(0, 0, taken));
    if (draw_) faces_apart_->add(faces.narrow(0, 0, taken));
    vectors_.push_back(raw.index_select(0, numbers - first));
    for (int64_t i = 0; i < taken; ++i) {
      found_.numbers.push_back(static_cast<uint64_t>(numbers[i].item<int64_t>()));
    }
    last_success_ = found_.tried;
  }

  void keep(at::Tensor& numbers, at::Tensor& units, at::Tensor& faces,
            const std::vector<int64_t>& chosen) {
    const at::Tensor rows = at::tensor(chosen, at::kLong);
    found_.near_another += numbers.size(0) - rows.size(0);
    numbers = numbers.index_select(0, rows);
    units = units.index_select(0, rows);
    if (faces.defined()) faces = faces.index_select(0, rows);
  }

  // The embeddings of those faces that are good and apart from those kept before; `numbers` and
  // `units` become theirs.
  at::Tensor draw_survivors(const at::Tensor& raw, at::Tensor& numbers, at::Tensor& units,
                            int64_t first) {
    std::vector<uint64_t> asked;
    for (int64_t i = 0; i < numbers.size(0); ++i) {
      asked.push_back(static_cast<uint64_t>(numbers[i].item<int64_t>()));
    }
    const DrawnIdentities drawn = draw_(raw.index_select(0, numbers - first), asked);
    at::Tensor faces = drawn.units;
    if (!faces_apart_) faces_apart_.emplace(faces.size(1), options_.max_cosine);
    const at::Tensor apart = faces_apart_->apart(faces);
    found_.not_drawn += (~drawn.accepted).sum().item<int64_t>();
    found_.near_another += (drawn.accepted & ~apart).sum().item<int64_t>();
    const at::Tensor rows = (drawn.accepted & apart).nonzero().flatten();
    numbers = numbers.index_select(0, rows);
    units = units.index_select(0, rows);
    return faces.index_select(0, rows);
  }

  // The lowest limit at which as many as wanted are found among some thousand candidates.
  double reachable_cosine() const {
    const int64_t count = std::clamp<int64_t>(20 * wanted_, 2000, 20'000);
    const at::Tensor units =
        unit_rows(draw_normal_vectors(distribution_, seed_, 0, count), "candidates");
    double low = options_.max_cosine, high = 1;
    while (high - low > 0.005) {
      const double middle = (low + high) / 2;
      const auto kept = greedily_apart(std::vector<at::Tensor>{units}, middle);
      (static_cast<int64_t>(kept.size()) >= wanted_ ? high : low) = middle;
    }
    return high;
  }

  [[noreturn]] void refuse() const {
    const bool many = wanted_ > 20'000;
    throw std::invalid_argument(core::message(
        "identities must be apart by a cosine of at most ", options_.max_cosine, "; ", kept(),
        " of ", wanted_, " were found among ", found_.tried, " candidates (", found_.near_another,
        " too near to another, ", found_.near_gallery, " to the gallery, ", found_.not_drawn,
        " not drawn as the person that was asked for). Ask for at most ", kept(), " identities",
        many ? std::string(", or allow a higher cosine")
             : core::message(", or allow a cosine of at least ",
                             std::ceil(100 * reachable_cosine()) / 100,
                             ", the largest separation at which the vectors of so many were found"),
        "."));
  }

  const NormalVectors& distribution_;
  const uint64_t seed_;
  const int64_t wanted_;
  const IdentitySearchOptions& options_;
  const DrawIdentities& draw_;
  int64_t most_tried_, last_success_ = 0;
  SeparatedSet vectors_apart_;
  std::optional<SeparatedSet> faces_apart_, gallery_;
  std::vector<at::Tensor> vectors_;
  SampledIdentities found_;
};

}  // namespace

SampledIdentities sample_identities(const NormalVectors& distribution, uint64_t seed,
                                    int64_t wanted, const IdentitySearchOptions& options,
                                    const DrawIdentities& draw, const std::atomic<bool>* cancel,
                                    const std::function<void(int64_t kept)>& on_progress) {
  const c10::InferenceMode no_grad;
  Search search(distribution, seed, wanted, options, draw);
  while (!search.is_done()) {
    if (cancel != nullptr && *cancel) throw Cancelled("the search for identities was stopped");
    search.look_at_next_block();
    if (on_progress) on_progress(search.kept());
  }
  return search.result();
}

}  // namespace guise::search
