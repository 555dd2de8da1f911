// Heads that were turned by a known angle and projected: the angle must come back.
#include "stages/estimate_pose.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "render/camera.h"

namespace guise::stages {
namespace {

const EstimatePose& estimate() {
  static const EstimatePose stage(
      render::HeadModel::load(GUISE_MODELS_DIR "/house-head/house-head.safetensors"));
  return stage;
}

// The usual five points, turned by the renderer's own rotation, seen from `distance`, in px.
core::Landmarks5 seen(float yaw_deg, float pitch_deg, float roll_deg, double distance = 8.0) {
  static const render::FivePointShape shape = render::five_point_shape(
      render::HeadModel::load(GUISE_MODELS_DIR "/house-head/house-head.safetensors"));
  const render::Mat3 turn = render::head_rotation(yaw_deg, pitch_deg, roll_deg);
  core::Landmarks5 points;
  for (size_t i = 0; i < 5; ++i) {
    const auto& p = shape.mean[i];
    const render::Vec3 q = turn * render::Vec3{static_cast<float>(p[0]), static_cast<float>(p[1]),
                                               static_cast<float>(p[2])};
    const double nearer = 1.0 / (1.0 - static_cast<double>(q.z) / distance);
    points[i] = {200 + 90 * static_cast<double>(q.x) * nearer,
                 150 - 90 * static_cast<double>(q.y) * nearer};
  }
  return points;
}

TEST(EstimatePose, FindsTheTurnOfTheUsualHead) {
  for (const float yaw : {-75.0F, -40.0F, -10.0F, 0.0F, 25.0F, 60.0F}) {
    for (const float pitch : {-25.0F, 0.0F, 20.0F}) {
      for (const float roll : {-30.0F, 0.0F, 100.0F, 175.0F}) {
        const HeadPose pose = estimate()(seen(yaw, pitch, roll));
        // Shrunk a little towards what photos show.
        EXPECT_NEAR(pose.yaw_deg, yaw, 4.0) << yaw << " " << pitch << " " << roll;
        EXPECT_NEAR(pose.pitch_deg, pitch, 6.5) << yaw << " " << pitch << " " << roll;
        EXPECT_LT(std::abs(std::remainder(pose.roll_deg - static_cast<double>(roll), 360.0)), 4.0)
            << yaw << " " << pitch << " " << roll;
        EXPECT_LT(pose.misfit, 0.6);
        EXPECT_FALSE(pose.is_doubtful);
      }
    }
  }
}

TEST(EstimatePose, SignsAreThoseOfTheConventions) {
  EXPECT_GT(estimate()(seen(30, 0, 0)).yaw_deg, 20) << "to the right of the picture";
  EXPECT_GT(estimate()(seen(0, 25, 0)).pitch_deg, 15) << "up";
  const HeadPose rolled = estimate()(seen(0, 0, 30));
  EXPECT_GT(rolled.roll_deg, 25) << "clockwise in the picture";
  // Clockwise in the picture: the eye on the right is the lower one.
  EXPECT_GT(seen(0, 0, 30)[1].y, seen(0, 0, 30)[0].y);
}

TEST(EstimatePose, DoesNotDependOnSizeAndPlace) {
  const core::Landmarks5 face = seen(20, -10, 15);
  core::Landmarks5 other = face;
  for (core::Point& point : other) point = {point.x * 7.5 - 900, point.y * 7.5 + 33};
  const HeadPose a = estimate()(face), b = estimate()(other);
  EXPECT_NEAR(a.yaw_deg, b.yaw_deg, 0.05);
  EXPECT_NEAR(a.pitch_deg, b.pitch_deg, 0.05);
  EXPECT_NEAR(a.roll_deg, b.roll_deg, 0.05);
  EXPECT_NEAR(a.misfit, b.misfit, 0.05);
}

TEST(EstimatePose, MirroredFaceTurnsTheOtherWay) {
  core::Landmarks5 face = seen(35, 10, 5);
  const HeadPose pose = estimate()(face);
  for (core::Point& point : face) point.x = 400 - point.x;
  std::swap(face[0], face[1]);
  std::swap(face[3], face[4]);
  const HeadPose mirrored = estimate()(face);
  // The statistics are of finitely many people, so nearly.
  EXPECT_NEAR(pose.yaw_deg, -mirrored.yaw_deg, 1.5);
  EXPECT_NEAR(pose.pitch_deg, mirrored.pitch_deg, 1.5);
  EXPECT_NEAR(pose.roll_deg, -mirrored.roll_deg, 1.5);
}

TEST(EstimatePose, PointsThatAreNoFaceAreDoubtful) {
  EXPECT_TRUE(
      estimate()(core::Landmarks5{{{0, 0}, {10, 90}, {80, 20}, {90, 95}, {50, 0}}}).is_doubtful);
  core::Landmarks5 shuffled = seen(10, 0, 0);
  std::swap(shuffled[0], shuffled[2]);
  EXPECT_TRUE(estimate()(shuffled).is_doubtful);
}

TEST(EstimatePose, WrongArguments) {
  EXPECT_THROW(estimate()(core::Landmarks5{}), std::invalid_argument) << "without landmarks";
  core::Landmarks5 face = seen(0, 0, 0);
  face[2].x = std::numeric_limits<double>::quiet_NaN();
  EXPECT_THROW(estimate()(face), std::invalid_argument);
  EXPECT_TRUE(estimate()(std::vector<core::Landmarks5>{}).empty());
  const render::HeadModel head =
      render::HeadModel::load(GUISE_MODELS_DIR "/house-head/house-head.safetensors");
  EXPECT_THROW(EstimatePose(head, {.landmark_noise = 0}), std::invalid_argument);
  EXPECT_THROW(EstimatePose(head, {.doubtful_misfit = 0}), std::invalid_argument);
}

}  // namespace
}  // namespace guise::stages
