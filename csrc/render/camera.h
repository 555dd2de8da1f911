// Where the camera stands, how the neck turns the head, and what lands on which pixel.
//
// Camera space: dm, +x right, +y up, +z towards the viewer, the camera at the origin. Pixel (0, 0)
// has its centre at (0, 0).
#pragma once

#include <array>

#include "render/head_model.h"
#include "render/recipe.h"
#include "render/vec.h"

namespace guise::render {

// A projected point. `inverse_depth` is linear over the screen, as z-buffers need it.
struct Projected {
  float x = 0, y = 0, inverse_depth = 0;
};

// Rotation of the head; angles as in PhotoRecipe. The face axis (0, 0, 1) goes to
// (sin yaw cos pitch, sin pitch, cos yaw cos pitch): roll about it first, then pitch, then yaw.
Mat3 head_rotation(float yaw_deg, float pitch_deg, float roll_deg);
// The angles back, for checks: {yaw, pitch, roll}.
std::array<float, 3> head_angles_deg(const Mat3& rotation);

// Turns the head about its joint, the shoulders less: a point with weight w turns by the blend of
// the body's and the head's rotation. The body follows part of the yaw, more of it as it grows.
class NeckPose {
 public:
  NeckPose(const Vec3& joint, float yaw_deg, float pitch_deg, float roll_deg);

  // Share of the head's rotation at a place of head space (rendering of the neck's bend).
  static float weight(const Vec3& head_space);

  Vec3 turn_point(const Vec3& p, float weight) const {
    return joint_ + rotation(weight) * (p - joint_);
  }
  Vec3 turn_direction(const Vec3& d, float weight) const { return rotation(weight) * d; }

 private:
  static constexpr int kSteps = 32;

  Mat3 rotation(float weight) const;

  Vec3 joint_;
  std::array<Mat3, kSteps + 1> table_;
};

class Camera {
 public:
  // `center`: the point of (posed) head space that the picture is framed around.
  Camera(const CameraRecipe& recipe, const Vec3& center, int size_px);

  int size_px() const { return size_px_; }
  // Pixels per unit of (size / depth).
  float focal_px() const { return focal_px_; }
  // Posed head space -> camera space.
  Vec3 to_camera(const Vec3& p) const { return p - origin_; }
  Projected project(const Vec3& camera_space) const {
    const float inverse = -1.0F / camera_space.z;
    return {middle_ + focal_px_ * camera_space.x * inverse,
            middle_ - focal_px_ * camera_space.y * inverse, inverse};
  }
  // Camera space of a pixel at a depth.
  Vec3 unproject(float x, float y, float inverse_depth) const {
    const float depth = 1.0F / inverse_depth;
    return {(x - middle_) / focal_px_ * depth, (middle_ - y) / focal_px_ * depth, -depth};
  }

 private:
  int size_px_;
  float middle_, focal_px_, distance_;
  Vec3 origin_;
};

}  // namespace guise::render
