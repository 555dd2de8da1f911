// Projection and the neck's bend against their definitions.
#include "render/camera.h"

#include <gtest/gtest.h>

namespace guise::render {
namespace {

constexpr float kTolerance = 1e-4F;

void expect_near(const Vec3& a, const Vec3& b, float tolerance = kTolerance) {
  EXPECT_NEAR(a.x, b.x, tolerance);
  EXPECT_NEAR(a.y, b.y, tolerance);
  EXPECT_NEAR(a.z, b.z, tolerance);
}

TEST(HeadRotation, FollowsItsSigns) {
  const float half = std::sqrt(0.5F);
  expect_near(head_rotation(45, 0, 0) * Vec3{0, 0, 1}, {half, 0, half});  // to the image's right
  expect_near(head_rotation(0, 45, 0) * Vec3{0, 0, 1}, {0, half, half});  // up
  expect_near(head_rotation(0, 0, 45) * Vec3{0, 1, 0}, {half, half, 0});  // clockwise
}

TEST(HeadRotation, GivesItsAnglesBack) {
  for (const float yaw : {-85.0F, -30.0F, 0.0F, 62.0F}) {
    for (const float pitch : {-35.0F, 0.0F, 20.0F}) {
      for (const float roll : {-30.0F, 0.0F, 14.0F}) {
        const auto angles = head_angles_deg(head_rotation(yaw, pitch, roll));
        EXPECT_NEAR(angles[0], yaw, 1e-3);
        EXPECT_NEAR(angles[1], pitch, 1e-3);
        EXPECT_NEAR(angles[2], roll, 1e-3);
      }
    }
  }
}

TEST(NeckPose, TurnsTheHeadWhollyAndTheShouldersLess) {
  const Vec3 joint{0, 7, 0.2F};
  const NeckPose pose(joint, 40, 10, -5);
  const Vec3 nose{0, 7, 1.6F};
  expect_near(pose.turn_point(nose, 1), joint + head_rotation(40, 10, -5) * (nose - joint));
  expect_near(pose.turn_point(joint, 0.3F), joint);
  const Vec3 chest = pose.turn_direction({0, 0, 1}, 0);
  const float chest_yaw = std::atan2(chest.x, chest.z) * 57.29578F;
  EXPECT_GT(chest_yaw, 5);
  EXPECT_LT(chest_yaw, 30);
  EXPECT_NEAR(chest.y, 0, 1e-6);
}

TEST(NeckPose, WeightsAreSmoothFromShoulderToHead) {
  EXPECT_EQ(NeckPose::weight({0, 4.5F, 0}), 0);
  EXPECT_EQ(NeckPose::weight({0, 7.3F, 1.4F}), 1);
  float before = 0;
  for (float y = 5; y < 7.5F; y += 0.01F) {
    const float w = NeckPose::weight({0, y, 0.3F});
    EXPECT_GE(w, before);
    EXPECT_LT(w - before, 0.03F);
    before = w;
  }
}

TEST(Camera, FramesItsCenterAtTheStatedScale) {
  CameraRecipe recipe;
  recipe.frame_height_dm = 3;
  const Vec3 center{0.1F, 7, 0.8F};
  const Camera camera(recipe, center, 201);
  const Projected middle = camera.project(camera.to_camera(center));
  EXPECT_NEAR(middle.x, 100, 1e-3);
  EXPECT_NEAR(middle.y, 100, 1e-3);
  // Half a frame up is half a picture up.
  const Projected top = camera.project(camera.to_camera(center + Vec3{0, 1.5F, 0}));
  EXPECT_NEAR(top.y, 100 - 100.5F, 1e-2);
  EXPECT_NEAR(top.x, 100, 1e-3);
}

TEST(Camera, ShiftMovesTheHeadRightAndDown) {
  CameraRecipe recipe;
  recipe.shift_x = 0.1F;
  recipe.shift_y = 0.2F;
  const Camera camera(recipe, {0, 7, 0}, 100);
  const Projected at = camera.project(camera.to_camera({0, 7, 0}));
  EXPECT_NEAR(at.x, 49.5F + 10, 1e-2);
  EXPECT_NEAR(at.y, 49.5F + 20, 1e-2);
}

TEST(Camera, UnprojectUndoesProject) {
  const Camera camera(CameraRecipe{}, {0, 7, 0.5F}, 224);
  const Vec3 point = camera.to_camera({0.4F, 6.4F, 1.2F});
  const Projected at = camera.project(point);
  expect_near(camera.unproject(at.x, at.y, at.inverse_depth), point, 1e-3F);
}

}  // namespace
}  // namespace guise::render
