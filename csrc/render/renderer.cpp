#include "render/renderer.h"

#include <ATen/Functions.h>

#include <algorithm>
#include <exception>
#include <limits>
#include <mutex>
#include <numeric>
#include <optional>
#include <thread>

#include "core/allocator.h"
#include "core/check.h"
#include "render/draw_recipe.h"

namespace guise::render {
namespace {

// Pictures of one person that one thread draws in a row: the skin is painted once for them.
constexpr size_t kMostInARow = 32;

RenderedFaces allocate(int64_t count, int64_t size, bool maps) {
  RenderedFaces faces;
  faces.images = at::empty({count, size, size, 3}, at::kByte);
  faces.landmarks_5 = at::empty({count, 5, 2}, at::kFloat);
  faces.landmarks_68 = at::empty({count, 68, 2}, at::kFloat);
  faces.boxes = at::empty({count, 4}, at::kFloat);
  faces.pose_deg = at::empty({count, 3}, at::kFloat);
  faces.identities = at::empty({count}, at::kLong);
  faces.samples = at::empty({count}, at::kLong);
  if (maps) {
    faces.parts = at::empty({count, size, size}, at::kByte);
    faces.normals = at::empty({count, size, size, 3}, at::kFloat);
    faces.depth = at::empty({count, size, size}, at::kFloat);
  }
  faces.persons.resize(static_cast<size_t>(count));
  faces.photos.resize(static_cast<size_t>(count));
  return faces;
}

void store(const PictureTruth& truth, int64_t i, RenderedFaces& faces) {
  static_assert(sizeof(Vec2) == 2 * sizeof(float));
  std::copy_n(&truth.landmarks_5[0].x, 10, faces.landmarks_5.mutable_data_ptr<float>() + 10 * i);
  std::copy_n(&truth.landmarks_68[0].x, 136,
              faces.landmarks_68.mutable_data_ptr<float>() + 136 * i);
  std::copy_n(truth.box.data(), 4, faces.boxes.mutable_data_ptr<float>() + 4 * i);
  std::copy_n(truth.pose_deg.data(), 3, faces.pose_deg.mutable_data_ptr<float>() + 3 * i);
}

void store(const PixelTruth& pixels, int64_t i, RenderedFaces& faces) {
  static_assert(sizeof(Vec3) == 3 * sizeof(float));
  const auto count = static_cast<int64_t>(pixels.part.size());
  std::copy_n(pixels.part.data(), count, faces.parts.mutable_data_ptr<uint8_t>() + count * i);
  std::copy_n(&pixels.normal[0].x, 3 * count,
              faces.normals.mutable_data_ptr<float>() + 3 * count * i);
  std::copy_n(pixels.depth.data(), count, faces.depth.mutable_data_ptr<float>() + count * i);
}

// Pictures of one person, by their places in the batch.
struct Row {
  uint64_t identity = 0;
  std::vector<int64_t> places;
};

// `threads`: who share them; rows are kept short enough that none stands idle.
std::vector<Row> rows_of(const std::vector<IdentityAndSample>& pictures, int64_t threads) {
  const size_t share =
      (pictures.size() + static_cast<size_t>(threads) - 1) / static_cast<size_t>(threads);
  const size_t most = std::clamp<size_t>(share, 1, kMostInARow);
  std::vector<int64_t> order(pictures.size());
  std::iota(order.begin(), order.end(), int64_t{0});
  std::stable_sort(order.begin(), order.end(), [&](int64_t a, int64_t b) {
    return pictures[static_cast<size_t>(a)].first < pictures[static_cast<size_t>(b)].first;
  });
  std::vector<Row> rows;
  for (const int64_t place : order) {
    const uint64_t identity = pictures[static_cast<size_t>(place)].first;
    if (rows.empty() || rows.back().identity != identity || rows.back().places.size() == most) {
      rows.push_back({identity, {}});
    }
    rows.back().places.push_back(place);
  }
  return rows;
}

// One call of Renderer::render, shared by its threads.
class Batch {
 public:
  Batch(const HouseModels& models, uint64_t seed, const std::vector<IdentityAndSample>& pictures,
        const RenderOptions& options, const std::atomic<bool>* cancel)
      : models_(models),
        seed_(seed),
        pictures_(pictures),
        options_(options),
        cancel_(cancel),
        threads_(options.threads > 0 ? options.threads
                                     : std::max<int64_t>(1, std::thread::hardware_concurrency())),
        rows_(rows_of(pictures, threads_)),
        faces_(allocate(static_cast<int64_t>(pictures.size()), options.size_px, options.maps)) {}

  RenderedFaces run() {
    const int64_t count = std::min(threads_, static_cast<int64_t>(rows_.size()));
    std::vector<std::thread> helpers;
    for (int64_t i = 1; i < count; ++i) helpers.emplace_back([this] { work(); });
    work();
    for (std::thread& helper : helpers) helper.join();
    if (failure_) std::rethrow_exception(failure_);
    return std::move(faces_);
  }

 private:
  void work() {
    try {
      PictureTimes times;
      for (size_t i = next_++; i < rows_.size() && !stopped_; i = next_++) draw(rows_[i], times);
      const std::lock_guard lock(mutex_);
      faces_.times.scene += times.scene;
      faces_.times.background += times.background;
      faces_.times.raster += times.raster;
      faces_.times.shading += times.shading;
      faces_.times.film += times.film;
    } catch (...) {
      const std::lock_guard lock(mutex_);
      if (!failure_) failure_ = std::current_exception();
      stopped_ = true;
    }
  }

  void draw(const Row& row, PictureTimes& times) {
    const int size = static_cast<int>(options_.size_px);
    const IdentityRecipe person =
        draw_identity(seed_, row.identity, options_.recipe, models_.head.mode_count(),
                      models_.head.asymmetry_count(), models_.skin.mode_count(),
                      models_.head.mahalanobis_limit());
    const PersonAssets assets = make_person(models_, person, size);
    PixelTruth pixels;
    for (const int64_t place : row.places) {
      if (cancel_ && *cancel_) throw Cancelled("rendering was cancelled");
      const uint64_t sample = pictures_[static_cast<size_t>(place)].second;
      const PhotoRecipe photo =
          draw_photo(seed_, row.identity, sample, options_.recipe, person, models_.light.count());
      uint8_t* rgb = faces_.images.mutable_data_ptr<uint8_t>() +
                     place * options_.size_px * options_.size_px * 3;
      store(draw_picture(models_, assets, photo, size, rgb, options_.maps ? &pixels : nullptr,
                         &times),
            place, faces_);
      if (options_.maps) store(pixels, place, faces_);
      faces_.identities.mutable_data_ptr<int64_t>()[place] = static_cast<int64_t>(row.identity);
      faces_.samples.mutable_data_ptr<int64_t>()[place] = static_cast<int64_t>(sample);
      faces_.persons[static_cast<size_t>(place)] = person;
      faces_.photos[static_cast<size_t>(place)] = photo;
    }
  }

  const HouseModels& models_;
  const uint64_t seed_;
  const std::vector<IdentityAndSample>& pictures_;
  const RenderOptions& options_;
  const std::atomic<bool>* cancel_;
  const int64_t threads_;
  const std::vector<Row> rows_;
  RenderedFaces faces_;
  std::atomic<size_t> next_ = 0;
  std::atomic<bool> stopped_ = false;
  std::mutex mutex_;
  std::exception_ptr failure_;
};

}  // namespace

void RenderOptions::validate() const {
  GUISE_CHECK_ARG(size_px >= 32 && size_px <= 1024, "size_px must be from 32 to 1024, got ",
                  size_px, "; render larger or smaller pictures by scaling these");
  GUISE_CHECK_ARG(threads >= 0 && threads <= 1024,
                  "threads must be from 0 (one for each core) to 1024, got ", threads);
  recipe.validate();
}

Renderer::Renderer(const std::string& head_path, const std::string& skin_path,
                   const std::string& light_path)
    : models_(std::make_unique<const HouseModels>(head_path, skin_path, light_path)) {}

RenderedFaces Renderer::render(uint64_t seed, const std::vector<IdentityAndSample>& pictures,
                               const RenderOptions& options,
                               const std::atomic<bool>* cancel) const {
  options.validate();
  core::keep_freed_memory();  // each picture takes and frees some megabytes
  constexpr auto kLargest = static_cast<uint64_t>(std::numeric_limits<int64_t>::max());
  for (const auto& [identity, sample] : pictures) {
    GUISE_CHECK_ARG(identity <= kLargest && sample <= kLargest,
                    "identities and samples must be below 2^63, got ", identity, ", ", sample);
  }
  return Batch(*models_, seed, pictures, options, cancel).run();
}

}  // namespace guise::render
