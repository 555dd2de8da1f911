// A face detector that sees painted squares, so that a test knows exactly what has to be found.
//
// A face is a square whose red channel is bright. Green is the score of a first pass, blue the
// score of a closer look, both over 255. A square may face left or right, and a detector may be
// blind to the left: that is how the mirrored second look is told from the first.
#pragma once

#include <ATen/ATen.h>

#include <atomic>
#include <cmath>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "core/geometry.h"
#include "nets/face_detector.h"

namespace guise::test {

enum class Facing { ahead, left, right };

struct PaintedFace {
  int64_t x0, y0, size_px;
  double score = 1.0;       // of a first pass
  double look_score = 1.0;  // of a closer look
  Facing facing = Facing::ahead;

  core::Box box() const {
    return {static_cast<double>(x0), static_cast<double>(y0), static_cast<double>(x0 + size_px),
            static_cast<double>(y0 + size_px)};
  }
};

// Parts outside the picture are cut off.
inline void paint(at::Tensor& image, const PaintedFace& face) {
  const auto byte = [](double score) { return static_cast<int>(std::lround(score * 255)); };
  auto pixels = image.accessor<uint8_t, 3>();
  for (int64_t y = std::max<int64_t>(0, face.y0);
       y < std::min(face.y0 + face.size_px, image.size(0)); ++y) {
    for (int64_t x = std::max<int64_t>(0, face.x0);
         x < std::min(face.x0 + face.size_px, image.size(1)); ++x) {
      const bool left_half = 2 * (x - face.x0) < face.size_px;
      const bool dimmed = (face.facing == Facing::right && left_half) ||
                          (face.facing == Facing::left && !left_half);
      pixels[y][x][0] = dimmed ? 190 : 255;
      pixels[y][x][1] = static_cast<uint8_t>(byte(face.score));
      pixels[y][x][2] = static_cast<uint8_t>(byte(face.look_score));
    }
  }
}

// [height, width, 3] of a dim pattern without faces, with faces painted on it.
inline at::Tensor scene(int64_t height, int64_t width, const std::vector<PaintedFace>& faces) {
  at::Tensor image = at::empty({height, width, 3}, at::kByte);
  auto pixels = image.accessor<uint8_t, 3>();
  for (int64_t y = 0; y < height; ++y) {
    for (int64_t x = 0; x < width; ++x) {
      pixels[y][x][0] = static_cast<uint8_t>(10 + (x * 7 + y * 3) % 40);
      pixels[y][x][1] = static_cast<uint8_t>((x + 2 * y) % 60);
      pixels[y][x][2] = static_cast<uint8_t>((3 * x + y) % 50);
    }
  }
  for (const PaintedFace& face : faces) paint(image, face);
  return image;
}

// What every clone of one detector has been through.
struct FakeLog {
  struct Pass {
    int64_t height, width;
  };
  std::mutex mutex;
  std::vector<Pass> passes;
  std::atomic<int> at_once = 0, most_at_once = 0;

  size_t count() {
    const std::lock_guard lock(mutex);
    return passes.size();
  }
};

struct FakeOptions {
  std::string name = "fake";
  int64_t min_px = 12, max_px = 130;  // sizes of squares that are seen
  bool blind_to_left = false;         // does not see squares that face left
  double box_offset_px = 0;           // boxes are this much too far to the right
  nets::DetectorTraits traits{"fake",
                              /*propose_score=*/0.1F,
                              /*sure_score=*/0.9F,
                              /*accept_score=*/0.6F,
                              /*review_score=*/0.4F,
                              /*tile_px=*/256,
                              /*level_step=*/2,
                              /*look_face_px=*/40.0};
  std::function<void()> on_pass = {};  // called at each pass, on the thread of the search
};

class FakeDetector : public nets::FaceDetector {
 public:
  explicit FakeDetector(FakeOptions options = {},
                        std::shared_ptr<FakeLog> log = std::make_shared<FakeLog>())
      : options_(std::move(options)), log_(std::move(log)) {
    options_.traits.name = options_.name;
  }

  const nets::DetectorTraits& traits() const override { return options_.traits; }

  std::unique_ptr<nets::FaceDetector> clone() const override {
    return std::make_unique<FakeDetector>(options_, log_);
  }

  std::vector<nets::FaceCandidate> propose(const at::Tensor& image, float min_score) override {
    {
      const std::lock_guard lock(log_->mutex);
      log_->passes.push_back({image.size(0), image.size(1)});
      log_->most_at_once = std::max(log_->most_at_once.load(), ++log_->at_once);
    }
    if (options_.on_pass) options_.on_pass();
    const at::Tensor packed = image.contiguous();
    const auto pixels = packed.accessor<uint8_t, 3>();
    std::vector<nets::FaceCandidate> faces;
    for (const core::Box& box : bright_regions(packed)) {
      const auto middle = [&](double share, int channel) {
        return pixels[static_cast<int64_t>((box.y0 + box.y1) / 2)]
                     [static_cast<int64_t>(box.x0 + share * box.width())][channel];
      };
      const double longer = std::max(box.width(), box.height());
      const bool is_square = std::min(box.width(), box.height()) > 0.7 * longer;
      const bool faces_left = middle(0.25, 0) > middle(0.75, 0) + 30;
      const bool is_look = std::abs(longer - options_.traits.look_face_px) <= 3;
      const float score = static_cast<float>(middle(0.5, is_look ? 2 : 1)) / 255.0F;
      if (is_square && longer >= static_cast<double>(options_.min_px) &&
          longer <= static_cast<double>(options_.max_px) && score >= min_score &&
          !(options_.blind_to_left && faces_left)) {
        faces.push_back(candidate(box, score));
      }
    }
    --log_->at_once;
    return faces;
  }

 private:
  nets::FaceCandidate candidate(core::Box box, float score) const {
    box.x0 += options_.box_offset_px;
    box.x1 += options_.box_offset_px;
    nets::FaceCandidate face{box, {}, score};
    const double places[5][2] = {{0.3, 0.4}, {0.7, 0.4}, {0.5, 0.6}, {0.35, 0.8}, {0.65, 0.8}};
    for (size_t i = 0; i < 5; ++i) {
      // Half a pixel: boxes count edges, landmarks pixel centres.
      face.landmarks[i] = {box.x0 + places[i][0] * box.width() - 0.5,
                           box.y0 + places[i][1] * box.height() - 0.5};
    }
    return face;
  }

  // Bounding boxes of the connected regions of bright red.
  static std::vector<core::Box> bright_regions(const at::Tensor& image) {
    const auto pixels = image.accessor<uint8_t, 3>();
    const int64_t height = image.size(0), width = image.size(1);
    std::vector<bool> visited(static_cast<size_t>(height * width), false);
    std::vector<core::Box> boxes;
    std::vector<std::pair<int64_t, int64_t>> open;
    const auto enter = [&](int64_t y, int64_t x) {
      if (y < 0 || x < 0 || y >= height || x >= width || pixels[y][x][0] < 128) return;
      const auto at = static_cast<size_t>(y * width + x);
      if (!visited[at]) open.emplace_back(y, x);
      visited[at] = true;
    };
    for (int64_t i = 0; i < height * width; ++i) {
      enter(i / width, i % width);
      if (open.empty()) continue;
      core::Box box{1e9, 1e9, -1e9, -1e9};
      while (!open.empty()) {
        const auto [y, x] = open.back();
        open.pop_back();
        box = {std::min(box.x0, static_cast<double>(x)), std::min(box.y0, static_cast<double>(y)),
               std::max(box.x1, static_cast<double>(x + 1)),
               std::max(box.y1, static_cast<double>(y + 1))};
        for (const int step : {-1, 1}) {
          enter(y + step, x);
          enter(y, x + step);
        }
      }
      boxes.push_back(box);
    }
    return boxes;
  }

  FakeOptions options_;
  std::shared_ptr<FakeLog> log_;
};

}  // namespace guise::test
