#include "render/camera.h"

#include <numbers>

namespace guise::render {
namespace {

constexpr float kRadians = std::numbers::pi_v<float> / 180.0F;

Mat3 blend(const Mat3& a, const Mat3& b, float t) {
  return {lerp(a.row0, b.row0, t), lerp(a.row1, b.row1, t), lerp(a.row2, b.row2, t)};
}

// A body stays facing the camera while the head turns a little and comes along when it turns far.
float body_yaw_deg(float yaw_deg) {
  return yaw_deg * (0.30F + 0.45F * std::min(1.0F, std::abs(yaw_deg) / 90.0F));
}

}  // namespace

Mat3 head_rotation(float yaw_deg, float pitch_deg, float roll_deg) {
  const float cy = std::cos(yaw_deg * kRadians), sy = std::sin(yaw_deg * kRadians);
  const float cp = std::cos(pitch_deg * kRadians), sp = std::sin(pitch_deg * kRadians);
  const float cr = std::cos(roll_deg * kRadians), sr = std::sin(roll_deg * kRadians);
  const Mat3 yaw{{cy, 0, sy}, {0, 1, 0}, {-sy, 0, cy}};
  const Mat3 pitch{{1, 0, 0}, {0, cp, sp}, {0, -sp, cp}};
  const Mat3 roll{{cr, sr, 0}, {-sr, cr, 0}, {0, 0, 1}};
  return yaw * (pitch * roll);
}

std::array<float, 3> head_angles_deg(const Mat3& rotation) {
  // Third column = where the face axis went; row 1 = (-sr cp, cr cp, sp).
  const Vec3 axis{rotation.row0.z, rotation.row1.z, rotation.row2.z};
  return {std::atan2(axis.x, axis.z) / kRadians,
          std::asin(std::clamp(axis.y, -1.0F, 1.0F)) / kRadians,
          std::atan2(-rotation.row1.x, rotation.row1.y) / kRadians};
}

NeckPose::NeckPose(const Vec3& joint, float yaw_deg, float pitch_deg, float roll_deg)
    : joint_(joint), table_() {
  const float body = body_yaw_deg(yaw_deg);
  for (int i = 0; i <= kSteps; ++i) {
    const float w = static_cast<float>(i) / kSteps;
    table_[static_cast<size_t>(i)] =
        head_rotation(lerp(body, yaw_deg, w), pitch_deg * w, roll_deg * w);
  }
}

float NeckPose::weight(const Vec3& p) {
  return smoothstep(5.6F, 6.75F, p.y + 0.55F * p.z);
}

Mat3 NeckPose::rotation(float weight) const {
  const float at = clamp01(weight) * kSteps;
  const int i = std::min(static_cast<int>(at), kSteps - 1);
  const auto low = static_cast<size_t>(i);
  return blend(table_[low], table_[low + 1], at - static_cast<float>(i));
}

Camera::Camera(const CameraRecipe& recipe, const Vec3& center, int size_px)
    : size_px_(size_px),
      middle_(static_cast<float>(size_px - 1) / 2),
      focal_px_(static_cast<float>(size_px) / 2 /
                std::tan(recipe.field_of_view_deg * kRadians / 2)),
      distance_(focal_px_ * recipe.frame_height_dm / static_cast<float>(size_px)),
      origin_{center.x - recipe.shift_x * recipe.frame_height_dm,
              center.y + recipe.shift_y * recipe.frame_height_dm, center.z + distance_} {}

}  // namespace guise::render
