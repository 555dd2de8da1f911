// The search of a picture, with a detector that sees painted squares: where every face is, what a
// closer look says of it, and what the second look has to find are known exactly.
#include "stages/detect_faces.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include "core/image.h"
#include "support/fake_detector.h"

namespace guise::stages {
namespace {

using test::Facing;
using test::FakeDetector;
using test::FakeLog;
using test::FakeOptions;
using test::PaintedFace;
using test::scene;

DetectFaces detect_with(const FakeOptions& options = {}, const DetectOptions& detect = {},
                        const std::shared_ptr<FakeLog>& log = std::make_shared<FakeLog>()) {
  std::vector<std::unique_ptr<nets::FaceDetector>> detectors;
  detectors.push_back(std::make_unique<FakeDetector>(options, log));
  return DetectFaces(std::move(detectors), detect);
}

DetectFaces detect_with_two(const FakeOptions& first, const FakeOptions& second,
                            const DetectOptions& detect = {}) {
  std::vector<std::unique_ptr<nets::FaceDetector>> detectors;
  detectors.push_back(std::make_unique<FakeDetector>(first));
  detectors.push_back(std::make_unique<FakeDetector>(second));
  return DetectFaces(std::move(detectors), detect);
}

void expect_found(const std::vector<DetectedFace>& faces, const PaintedFace& painted,
                  double least_iou = 0.9) {
  const auto matches = std::count_if(faces.begin(), faces.end(), [&](const DetectedFace& face) {
    return core::intersection_over_union(face.box, painted.box()) >= least_iou;
  });
  EXPECT_EQ(matches, 1) << "a square of " << painted.size_px << " px at (" << painted.x0 << ", "
                        << painted.y0 << ") among " << faces.size();
}

// ---- tiles --------------------------------------------------------------------------------------

TEST(TileSpans, CoverEveryLengthWithTheirOverlap) {
  for (const int64_t tile : {64, 128, 704, 1024}) {
    for (const int64_t overlap : {int64_t{0}, int64_t{17}, tile / 4, tile / 2}) {
      for (int64_t length = 1; length < 5 * tile; length += length < 2 * tile + 3 ? 1 : 37) {
        const auto spans = tile_spans(length, tile, overlap);
        ASSERT_EQ(spans.front().first, 0);
        ASSERT_EQ(spans.back().second, length);
        for (size_t i = 0; i < spans.size(); ++i) {
          const auto& [first, last] = spans[i];
          ASSERT_LE(last - first, tile) << length << " " << tile << " " << overlap;
          ASSERT_EQ(last - first, spans[0].second) << "equal lengths";
          if (i > 0) {
            ASSERT_GE(spans[i - 1].second - first, overlap) << length << " " << tile;
            ASSERT_GT(first, spans[i - 1].first);
          }
        }
        if (spans.size() > 1) {
          ASSERT_TRUE(spans[0].second % 32 == 0 || spans[0].second == length);
          // One tile less, of the full length, would not reach.
          const auto fewer = static_cast<int64_t>(spans.size()) - 1;
          ASSERT_LT(fewer * tile - (fewer - 1) * overlap, length);
        }
      }
    }
  }
}

TEST(TileSpans, RefuseWhatCannotBe) {
  EXPECT_THROW(tile_spans(100, 63, 0), std::invalid_argument);
  EXPECT_THROW(tile_spans(100, 64, 33), std::invalid_argument);
  EXPECT_THROW(tile_spans(100, 64, -1), std::invalid_argument);
}

// ---- levels and tiles ---------------------------------------------------------------------------

TEST(DetectFaces, FindsAFaceExactlyWithItsLandmarks) {
  const PaintedFace face{30, 20, 50};
  const FaceSearch found = detect_with()(scene(120, 150, {face}));
  ASSERT_EQ(found.faces.size(), 1U);
  EXPECT_TRUE(found.doubtful.empty());
  EXPECT_EQ(found.faces[0].box.x0, 30);
  EXPECT_EQ(found.faces[0].box.y1, 70);
  EXPECT_EQ(found.faces[0].score, 1.0F);
  EXPECT_EQ(found.faces[0].detector, "fake");
  EXPECT_DOUBLE_EQ(found.faces[0].landmarks[0].x, 30 + 0.3 * 50 - 0.5);
  EXPECT_DOUBLE_EQ(found.faces[0].landmarks[4].y, 20 + 0.8 * 50 - 0.5);
  EXPECT_TRUE(detect_with()(scene(120, 150, {})).faces.empty()) << "the pattern has no face";
}

TEST(DetectFaces, FindsEverySizeFromTwelvePixelsToTheWholeFrame) {
  for (const int64_t size : {12, 20, 45, 90, 130, 200, 400, 640, 900}) {
    const PaintedFace face{35, 28, size};
    expect_found(detect_with()(scene(960, 1000, {face})).faces, face, size < 40 ? 0.8 : 0.9);
  }
  // It is the smaller copies that find large faces: in the smallest this one has 50 px.
  const at::Tensor image = scene(960, 1000, {{35, 28, 400}});
  EXPECT_TRUE(detect_with({.max_px = 45})(image).faces.empty());
  EXPECT_EQ(detect_with({.max_px = 60})(image).faces.size(), 1U);
}

TEST(DetectFaces, FindsFacesThatCrossTileBorders) {
  // Tiles of 256 with an overlap of 96 or more: step through every offset to a border.
  for (int64_t offset = 60; offset <= 400; offset += 17) {
    for (const int64_t size : {30, 70, 95}) {
      const PaintedFace face{offset, 400 - offset / 2, size};
      expect_found(detect_with()(scene(600, 620, {face})).faces, face);
    }
  }
}

TEST(DetectFaces, FindsFacesThatTheFrameCutsOff) {
  const PaintedFace left{-10, 60, 40}, corner{580, 480, 60};
  const FaceSearch found = detect_with()(scene(500, 620, {left, corner}));
  // What is left of them is too narrow or too small for a square; a whole one at the edge is not.
  EXPECT_TRUE(std::none_of(found.faces.begin(), found.faces.end(), [](const DetectedFace& face) {
    return face.box.x0 < 0 || face.box.x1 > 620;
  }));
  const PaintedFace touching{0, 0, 40}, opposite{580, 460, 40};
  const auto faces = detect_with()(scene(500, 620, {touching, opposite})).faces;
  expect_found(faces, touching);
  expect_found(faces, opposite);
}

TEST(DetectFaces, FindsManyFacesOnce) {
  std::vector<PaintedFace> painted;
  for (int64_t y = 10; y < 700; y += 110) {
    for (int64_t x = 10; x < 900; x += 110) painted.push_back({x, y, 30 + (x + y) % 50});
  }
  const auto faces = detect_with()(scene(760, 980, painted)).faces;
  EXPECT_EQ(faces.size(), painted.size());
  for (const PaintedFace& face : painted) expect_found(faces, face, 0.85);
}

TEST(DetectFaces, LeavesOutWhatIsBelowTheSmallestSize) {
  const at::Tensor image = scene(140, 150, {{20, 20, 14}, {80, 80, 30}});
  EXPECT_EQ(detect_with()(image).faces.size(), 2U);
  const auto faces = detect_with({}, {.smallest_face_px = 20})(image).faces;
  ASSERT_EQ(faces.size(), 1U);
  EXPECT_EQ(faces[0].box.x0, 80);
}

TEST(DetectFaces, TakesPicturesOfOnePixelAndThinOnes) {
  for (const auto& [height, width] : {std::pair<int64_t, int64_t>{1, 1}, {1, 3000}, {3000, 2}}) {
    EXPECT_TRUE(detect_with()(scene(height, width, {})).faces.empty());
  }
}

// ---- closer looks and thresholds ----------------------------------------------------------------

// One square of 60 px in a picture of one level; a closer look brings it to 40 px and reads blue.
FaceSearch judged(double score, double look_score, const DetectOptions& options = {}) {
  return detect_with({}, options)(scene(150, 150, {{50, 40, 60, score, look_score}}));
}

TEST(CloserLook, DecidesWhereTheFirstPassIsNotSure) {
  EXPECT_EQ(judged(0.5, 0.7).faces.size(), 1U) << "raised above the accept threshold";
  EXPECT_EQ(judged(0.8, 0.5).faces.size(), 0U);
  EXPECT_EQ(judged(0.8, 0.5).doubtful.size(), 1U) << "lowered into doubt";
  EXPECT_EQ(judged(0.8, 0.2).doubtful.size(), 0U) << "lowered to nothing";
  EXPECT_EQ(judged(0.8, 0.0).doubtful.size(), 0U) << "not seen again at all";
  EXPECT_EQ(judged(0.95, 0.0).faces.size(), 1U) << "sure: no closer look";
  EXPECT_EQ(judged(0.05, 1.0).faces.size(), 0U) << "below the proposal score";
  EXPECT_NEAR(judged(0.5, 0.7).faces[0].score, 0.7, 0.01) << "the score is that of the look";
}

TEST(CloserLook, AsksAPictureOfTheStatedSize) {
  const auto log = std::make_shared<FakeLog>();
  detect_with({}, {}, log)(scene(150, 150, {{50, 40, 20, 0.5, 0.7}}));
  ASSERT_EQ(log->passes.size(), 2U);
  EXPECT_EQ(log->passes[0].height, 150);
  // Four face sizes of the picture, brought to a face of 40 px.
  EXPECT_EQ(log->passes[1].height, 160);
  EXPECT_EQ(log->passes[1].width, 160);
}

TEST(CloserLook, BelongsToItsCandidateOnly) {
  // A sure face beside a candidate must not lend it its score.
  const auto found =
      detect_with()(scene(150, 150, {{20, 40, 30, 0.5, 0.2}, {60, 40, 30, 1.0, 1.0}}));
  ASSERT_EQ(found.faces.size(), 1U);
  EXPECT_EQ(found.faces[0].box.x0, 60);
  EXPECT_TRUE(found.doubtful.empty());
}

TEST(CloserLook, ThresholdsOfTheCallerReplaceTheDetectors) {
  EXPECT_EQ(judged(0.5, 0.7, {.threshold = 0.75}).doubtful.size(), 1U);
  EXPECT_EQ(judged(0.5, 0.7, {.threshold = 0.65}).faces.size(), 1U);
  EXPECT_EQ(judged(0.5, 0.3, {.review_threshold = 0.25}).doubtful.size(), 1U);
  EXPECT_EQ(judged(0.5, 0.3, {.threshold = 0.25}).faces.size(), 1U)
      << "a threshold below the detector's review score moves that too";
  EXPECT_EQ(judged(0.95, 0.5, {.threshold = 0.99}).doubtful.size(), 1U)
      << "a threshold above the sure score asks for a look";
  EXPECT_EQ(judged(0.95, 0.995, {.threshold = 0.99}).faces.size(), 1U);
}

TEST(CloserLook, CandidatesBeyondTheLimitAreDoubtful) {
  std::vector<PaintedFace> painted;
  for (int64_t i = 0; i < 4; ++i) painted.push_back({5 + 38 * i, 60, 25, 0.3 + 0.1 * i, 0.7});
  const at::Tensor image = scene(150, 160, painted);
  EXPECT_EQ(detect_with()(image).faces.size(), 4U);
  for (const int64_t looks : {0, 1, 3}) {
    const auto log = std::make_shared<FakeLog>();
    const FaceSearch found = detect_with({}, {.max_closer_looks = looks}, log)(image);
    EXPECT_EQ(found.faces.size(), static_cast<size_t>(looks));
    EXPECT_EQ(found.doubtful.size(), static_cast<size_t>(4 - looks)) << "never passed over";
    EXPECT_EQ(log->count(), 1 + static_cast<size_t>(looks));
    if (looks > 0) {
      expect_found(found.faces, painted[3]);
      EXPECT_LT(found.doubtful[0].score, 0.6F);
    }
  }
}

// ---- union and suppression ----------------------------------------------------------------------

TEST(Union, TakesWhatAnyDetectorFinds) {
  FakeOptions small{.name = "small", .min_px = 12, .max_px = 50};
  FakeOptions large{.name = "large", .min_px = 40, .max_px = 100};
  small.traits.level_step = large.traits.level_step = 1'000'000;
  const auto faces =
      detect_with_two(small, large)(scene(150, 160, {{5, 5, 20}, {40, 5, 45}, {90, 60, 65}})).faces;
  ASSERT_EQ(faces.size(), 3U);
  const auto detector_at = [&](double x0) {
    const auto found = std::find_if(faces.begin(), faces.end(),
                                    [x0](const DetectedFace& face) { return face.box.x0 == x0; });
    return found == faces.end() ? std::string("none") : found->detector;
  };
  EXPECT_EQ(detector_at(5), "small");
  EXPECT_EQ(detector_at(40), "small+large");
  EXPECT_EQ(detector_at(90), "large");
}

TEST(Union, SuppressesByOverlap) {
  FakeOptions exact{.name = "exact"}, shifted{.name = "shifted", .box_offset_px = 20};
  exact.traits.level_step = shifted.traits.level_step = 1'000'000;
  // 60 px shifted by 20: 40 / 80 of the union.
  const at::Tensor image = scene(150, 160, {{40, 40, 60}});
  EXPECT_EQ(detect_with_two(exact, shifted, {.nms_iou = 0.4})(image).faces.size(), 1U);
  EXPECT_EQ(detect_with_two(exact, shifted, {.nms_iou = 0.6})(image).faces.size(), 2U);
}

TEST(Union, DoubtThatAnAcceptedFaceCoversIsNone) {
  FakeOptions sure{.name = "sure"}, doubting{.name = "doubting"};
  doubting.traits.accept_score = doubting.traits.sure_score = 1.1F;
  const FaceSearch both = detect_with_two(sure, doubting)(scene(150, 150, {{40, 40, 60}}));
  EXPECT_EQ(both.faces.size(), 1U);
  EXPECT_TRUE(both.doubtful.empty());
  const FaceSearch alone = detect_with(doubting)(scene(150, 150, {{40, 40, 60}}));
  EXPECT_EQ(alone.doubtful.size(), 1U);
}

// ---- the second look ----------------------------------------------------------------------------

TEST(SecondLook, IsMirrored) {
  const FakeOptions blind{.blind_to_left = true};
  const at::Tensor image = scene(150, 150, {{30, 30, 50, 1.0, 1.0, Facing::left}});
  EXPECT_TRUE(detect_with(blind)(image).faces.empty());
  const auto uncovered = detect_with(blind).find_uncovered(image, {});
  ASSERT_EQ(uncovered.size(), 1U);
  EXPECT_EQ(uncovered[0].box.x0, 30) << "in the coordinates of the picture as it is";
  EXPECT_EQ(uncovered[0].box.x1, 80);
  EXPECT_DOUBLE_EQ(uncovered[0].landmarks[0].x, 30 + 0.3 * 50 - 0.5) << "left stays left";
  EXPECT_DOUBLE_EQ(uncovered[0].landmarks[1].x, 30 + 0.7 * 50 - 0.5);
  // And the other way round, so that mirroring is shown to matter.
  const at::Tensor right = scene(150, 150, {{30, 30, 50, 1.0, 1.0, Facing::right}});
  EXPECT_EQ(detect_with(blind)(right).faces.size(), 1U);
  EXPECT_TRUE(detect_with(blind).find_uncovered(right, {}).empty());
}

TEST(SecondLook, WorksInTilesAndCloserLooksToo) {
  const PaintedFace far{700, 500, 60, 0.5, 0.8}, doubted{90, 420, 60, 0.5, 0.5};
  const auto uncovered = detect_with().find_uncovered(scene(640, 820, {far, doubted}), {});
  ASSERT_EQ(uncovered.size(), 1U) << "what stays in doubt is not a face";
  expect_found(uncovered, far);
}

TEST(SecondLook, SparesWhatAMaskCovers) {
  const PaintedFace face{50, 50, 40};
  const at::Tensor image = scene(150, 150, {face});
  const auto left_with = [&](const core::Box& mask) {
    return detect_with().find_uncovered(image, {mask}).size();
  };
  EXPECT_EQ(left_with(face.box()), 0U);
  EXPECT_EQ(left_with({50, 50, 71, 90}), 0U) << "more than half of the face";
  EXPECT_EQ(left_with({50, 50, 62, 90}), 1U) << "less than a third of it";
  EXPECT_EQ(left_with({60, 60, 80, 80}), 1U) << "a quarter, inside";
  EXPECT_EQ(left_with({55, 55, 82, 82}), 0U) << "nearly the same box";
  EXPECT_EQ(left_with({100, 100, 140, 140}), 1U) << "elsewhere";
}

// ---- arguments ----------------------------------------------------------------------------------

TEST(DetectFaces, RefusesWrongArguments) {
  EXPECT_THROW(DetectFaces({}), std::invalid_argument);
  EXPECT_THROW(detect_with_two({}, {}), std::invalid_argument) << "two of one name";
  const double nan = std::nan("");
  for (const DetectOptions& wrong :
       {DetectOptions{.threshold = 1.1}, DetectOptions{.threshold = nan},
        DetectOptions{.review_threshold = 1.1}, DetectOptions{.review_threshold = nan},
        DetectOptions{.threshold = 0.5, .review_threshold = 0.6}, DetectOptions{.nms_iou = 0},
        DetectOptions{.nms_iou = 1.1}, DetectOptions{.nms_iou = nan},
        DetectOptions{.smallest_face_px = 0}, DetectOptions{.smallest_face_px = nan},
        DetectOptions{.max_closer_looks = -1}}) {
    EXPECT_THROW(detect_with({}, wrong), std::invalid_argument);
  }
  DetectFaces detect = detect_with();
  EXPECT_THROW(detect(at::zeros({10, 10, 3})), std::invalid_argument);
  EXPECT_THROW(detect.find_uncovered(at::zeros({10, 10}, at::kByte), {}), std::invalid_argument);
}

TEST(DetectFaces, ClonesAnswerAlike) {
  DetectFaces detect = detect_with({}, {.threshold = 0.75}), copy = detect.clone();
  const at::Tensor image = scene(300, 400, {{50, 40, 60, 0.5, 0.7}, {200, 90, 70, 0.5, 0.8}});
  EXPECT_EQ(detect(image).faces.size(), 1U);
  EXPECT_EQ(copy(image).faces.size(), 1U);
  EXPECT_EQ(copy(image).doubtful.size(), 1U) << "options are copied";
  EXPECT_EQ(copy.detector_names(), std::vector<std::string>{"fake"});
}

}  // namespace
}  // namespace guise::stages
