// Verdicts of the gate: a face where it was said to be, elsewhere, with other landmarks, or none.
#include "stages/check_sample.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include "support/fake_detector.h"

namespace guise::stages {
namespace {

using test::FakeDetector;
using test::FakeLog;
using test::FakeOptions;
using test::PaintedFace;
using test::scene;

// What FakeDetector says of a square, moved by (dx, dy).
GeneratedSample sample_of(const at::Tensor& image, const PaintedFace& face, double dx = 0,
                          double dy = 0) {
  GeneratedSample sample{image, {}, face.box(), "{}"};
  const double places[5][2] = {{0.3, 0.4}, {0.7, 0.4}, {0.5, 0.6}, {0.35, 0.8}, {0.65, 0.8}};
  for (size_t i = 0; i < 5; ++i) {
    sample.landmarks[i] = {sample.box.x0 + places[i][0] * sample.box.width() - 0.5 + dx,
                           sample.box.y0 + places[i][1] * sample.box.height() - 0.5 + dy};
  }
  return sample;
}

CheckSample gate(const CheckSampleOptions& options = {}, const FakeOptions& fake = {},
                 const std::shared_ptr<FakeLog>& log = std::make_shared<FakeLog>()) {
  return {std::make_unique<FakeDetector>(fake, log), options};
}

const PaintedFace kFace{30, 20, 50};

TEST(CheckSample, TakesAFaceWhereItIsSaidToBe) {
  const at::Tensor image = scene(112, 112, {kFace});
  EXPECT_EQ(gate()(sample_of(image, kFace)), SampleVerdict::kAccepted);
}

TEST(CheckSample, NoFaceIsNoFace) {
  const at::Tensor empty = scene(112, 112, {});
  EXPECT_EQ(gate()(sample_of(empty, kFace)), SampleVerdict::kNoFace);
  const PaintedFace faint{30, 20, 50, 0.5};  // below the score of acceptance, above a proposal's
  EXPECT_EQ(gate()(sample_of(scene(112, 112, {faint}), faint)), SampleVerdict::kNoFace);
}

TEST(CheckSample, AFaceElsewhereIsNoFace) {
  const PaintedFace said{2, 2, 40};
  const at::Tensor image = scene(112, 112, {{60, 60, 40}});
  EXPECT_EQ(gate()(sample_of(image, said)), SampleVerdict::kNoFace);
}

TEST(CheckSample, LandmarksMayBeOffByAShareOfTheFace) {
  const at::Tensor image = scene(112, 112, {kFace});
  const CheckSampleOptions strict{0.1, 128};  // 5 px of 50
  EXPECT_EQ(gate(strict)(sample_of(image, kFace, 4.8)), SampleVerdict::kAccepted);
  EXPECT_EQ(gate(strict)(sample_of(image, kFace, 5.2)), SampleVerdict::kLandmarksDisagree);
  EXPECT_EQ(gate(strict)(sample_of(image, kFace, 3.6, -3.6)), SampleVerdict::kLandmarksDisagree);
  EXPECT_EQ(gate({0.11, 128})(sample_of(image, kFace, 5.2)), SampleVerdict::kAccepted);
}

TEST(CheckSample, TheMeanOfTheFiveCounts) {
  const at::Tensor image = scene(112, 112, {kFace});
  GeneratedSample sample = sample_of(image, kFace);
  sample.landmarks[2].y += 24;  // 4.8 px on average
  EXPECT_EQ(gate({0.1, 128})(sample), SampleVerdict::kAccepted);
  sample.landmarks[2].y += 2;
  EXPECT_EQ(gate({0.1, 128})(sample), SampleVerdict::kLandmarksDisagree);
}

TEST(CheckSample, AnyOfSeveralFacesMayAgree) {
  const at::Tensor image = scene(112, 112, {{2, 2, 30}, {60, 60, 40}});
  EXPECT_EQ(gate()(sample_of(image, {60, 60, 40})), SampleVerdict::kAccepted);
  EXPECT_EQ(gate()(sample_of(image, {2, 2, 30})), SampleVerdict::kAccepted);
}

TEST(CheckSample, LargePicturesAreLookedAtSmaller) {
  const PaintedFace large{160, 80, 320};
  const at::Tensor image = scene(512, 512, {large});
  const auto log = std::make_shared<FakeLog>();
  EXPECT_EQ(gate({0.05, 128}, {}, log)(sample_of(image, large)), SampleVerdict::kAccepted);
  ASSERT_EQ(log->count(), 1U);
  EXPECT_EQ(log->passes[0].height, 128);
  EXPECT_EQ(log->passes[0].width, 128);
  EXPECT_EQ(gate({0.05, 128})(sample_of(image, large, 24)), SampleVerdict::kLandmarksDisagree)
      << "the tolerance is a share of the face, however small it was looked at";
  EXPECT_EQ(gate({0.1, 128})(sample_of(image, large, 24)), SampleVerdict::kAccepted);
  EXPECT_EQ(gate({0.15, 256})(sample_of(image, large)), SampleVerdict::kNoFace)
      << "160 px there, more than this detector knows";
}

TEST(CheckSample, SmallPicturesAreLookedAtAsTheyAre) {
  const auto log = std::make_shared<FakeLog>();
  gate({}, {}, log)(sample_of(scene(128, 128, {kFace}), kFace));
  ASSERT_EQ(log->count(), 1U);
  EXPECT_EQ(log->passes[0].height, 128);
}

TEST(CheckSample, ClonesJudgeAlike) {
  const at::Tensor image = scene(112, 112, {kFace});
  const CheckSample first = gate({0.1, 128});
  CheckSample clone = first.clone();
  EXPECT_EQ(clone(sample_of(image, kFace, 5.2)), SampleVerdict::kLandmarksDisagree);
  EXPECT_EQ(clone(sample_of(image, kFace, 4.8)), SampleVerdict::kAccepted);
}

TEST(CheckSample, RefusesWhatCannotBe) {
  for (const double tolerance : {0.0, -1.0, 10.5, std::nan("")}) {
    EXPECT_THROW(gate({tolerance, 128}), std::invalid_argument) << tolerance;
  }
  EXPECT_THROW(gate({0.1, 31}), std::invalid_argument);
  EXPECT_THROW(CheckSample(nullptr), std::invalid_argument);
}

TEST(CheckSample, VerdictsHaveTheNamesOfTheManifest) {
  EXPECT_STREQ(verdict_name(SampleVerdict::kAccepted), "accepted");
  EXPECT_STREQ(verdict_name(SampleVerdict::kNoFace), "no face");
  EXPECT_STREQ(verdict_name(SampleVerdict::kLandmarksDisagree), "landmarks");
}

}  // namespace
}  // namespace guise::stages
