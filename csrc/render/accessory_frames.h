// Shape of a pair of spectacles and its seat on one head's nose, brows and ears.
#pragma once

#include <array>

#include "render/head_model.h"
#include "render/recipe.h"
#include "render/vec.h"

namespace guise::render {

enum class FrameStyle : uint8_t { kPlain, kAviator, kCatEye, kBrowline };

// Lens coordinates: x towards the temple, y up, origin in the lens's middle; dm.
struct FrameFit {
  FrameStyle style = FrameStyle::kPlain;
  bool wire = false;
  float exponent = 2;  // of the superellipse
  float half_width = 0.25F, half_height = 0.2F;
  float center_x = 0.33F;             // distance of a lens's middle from the plane x = middle_x
  float middle_x = 0, middle_y = 0;   // of the pair, head space
  float front_z = 0;                  // of the frame's plane at the middle
  float tilt = 0.13F;                 // dz / dy: the lower edge is nearer to the cheeks
  float wrap = 0.15F;                 // z falls by wrap * x^2
  float rim = 0.02F, depth = 0.018F;  // half-width of the rim in the plane, half-depth across it
  std::array<Vec3, 2> ear;            // where the temples bend: the subject's right, left

  // Outline of the lens at `angle` (0 towards the temple, pi / 2 up).
  Vec2 outline(float angle) const;
  float plane_z(float x, float y) const;
  // Lens coordinates of one side (-1 the subject's right, +1 left) to head space.
  Vec3 place(float side, Vec2 p, float forward) const;
};

FrameFit fit_frame(const Head& head, const Wearing& wearing);

// z of the nose's ridge at height y.
float nose_ridge_z(const Head& head, float y);

}  // namespace guise::render
