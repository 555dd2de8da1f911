#include "render/accessory_frames.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "render/mesh_builder.h"

namespace guise::render {
namespace {

constexpr float kVertexDistance = 0.11F;  // from the cornea to the lens
constexpr float kClearance = 0.012F;
constexpr float kMostShift = 0.06F;  // outwards, before a frame is pushed forward instead

// The same for every photo in which these spectacles are worn.
FrameStyle style_of(const Wearing& w) {
  const float mix = 7.31F * w.frame_shape + 3.17F * w.frame_size + 5.7F * w.frame_thickness;
  const float u = mix - std::floor(mix);
  if (u < 0.16F && w.frame_shape < 0.65F) return FrameStyle::kAviator;
  if (u > 0.84F && w.frame_metal < 0.5F) return FrameStyle::kCatEye;
  if (u > 0.70F && u < 0.80F && w.frame_thickness > 0.3F) return FrameStyle::kBrowline;
  return FrameStyle::kPlain;
}

Vec3 ear_root(const Head& head, float side) {
  const Vec3 front = head.landmarks[side > 0 ? 16 : 0];
  const float eye_y = side > 0 ? head.left_eye.center.y : head.right_eye.center.y;
  Vec3 top{front.x, eye_y + 0.05F, front.z - 0.35F};
  float highest = -1e9F;
  for (const Vec3& p : head.points) {
    if (side * p.x < side * front.x + 0.06F || std::fabs(p.y - eye_y) > 0.6F ||
        p.z > front.z - 0.1F || p.z < front.z - 0.75F) {
      continue;
    }
    if (p.y > highest) {
      highest = p.y;
      top = p;
    }
  }
  return {front.x + side * 0.05F, top.y + 0.01F, top.z + 0.02F};
}

struct Seat {
  const FrameFit& fit;
  // What the plane would need as front_z so that `p` lies behind it; -inf outside the lenses.
  float need(const Vec3& p, bool nasal) const {
    const float x = std::fabs(p.x - fit.middle_x) - fit.center_x, y = p.y - fit.middle_y;
    if ((x < -0.45F * fit.half_width) != nasal) return -1e9F;
    const float u = std::fabs(x) / (fit.half_width + 1.6F * fit.rim);
    const float v = std::fabs(y) / (fit.half_height + 1.6F * fit.rim);
    if (u > 1 || v > 1 || std::pow(u, fit.exponent) + std::pow(v, fit.exponent) > 1) return -1e9F;
    return p.z + kClearance + fit.depth - (fit.plane_z(p.x, p.y) - fit.front_z);
  }
};

// Moves the pair out and forward until nose, brows and cheeks lie behind it.
void settle(const Head& head, FrameFit& fit) {
  std::vector<Vec3> near;
  const float reach_x = fit.center_x + fit.half_width + 0.15F, reach_y = fit.half_height + 0.1F;
  for (const Vec3& p : head.points) {
    if (p.z > head.left_eye.center.z - 0.2F && std::fabs(p.x - fit.middle_x) < reach_x &&
        std::fabs(p.y - fit.middle_y) < reach_y) {
      near.push_back(p);
    }
  }
  const Seat seat{fit};
  for (const Vec3& p : near) fit.front_z = std::max(fit.front_z, seat.need(p, false));
  float shifted = 0;
  for (int step = 0; step < 16; ++step) {
    float worst = -1e9F;
    for (const Vec3& p : near) worst = std::max(worst, seat.need(p, true));
    if (worst <= fit.front_z) return;
    if (shifted < kMostShift) {
      shifted += 0.012F;
      fit.center_x += 0.009F;
      fit.half_width -= 0.003F;
    } else {
      fit.front_z = std::min(worst, fit.front_z + 0.03F);
    }
  }
}

}  // namespace

float nose_ridge_z(const Head& head, float y) {
  if (y >= head.landmarks[27].y) return head.landmarks[27].z;
  for (size_t i = 27; i < 30; ++i) {
    const Vec3 &a = head.landmarks[i], &b = head.landmarks[i + 1];
    if (y >= b.y) return lerp(b.z, a.z, clamp01((y - b.y) / std::max(1e-4F, a.y - b.y)));
  }
  return head.landmarks[30].z;
}

Vec2 FrameFit::outline(float angle) const {
  const Vec2 e = superellipse(angle, exponent);
  Vec2 p{e.x * half_width, e.y * half_height};
  // The nose needs room below.
  p.x += 0.16F * half_width * std::max(0.0F, -e.y) * std::max(0.0F, -e.x);
  if (style == FrameStyle::kAviator) {
    p.x += 0.13F * half_width * -e.y;
    if (e.y < 0) p.y *= 1.16F;
    p.y -= 0.10F * half_height * std::max(0.0F, e.y) * (1.0F - e.x);
  } else if (style == FrameStyle::kCatEye) {
    const float corner = smoothstep(0.1F, 1.0F, e.x) * smoothstep(-0.5F, 0.7F, e.y);
    p.y += 0.30F * half_height * corner;
    p.x += 0.14F * half_width * corner;
    if (e.y < 0) p.x -= 0.08F * half_width * -e.y * std::max(0.0F, e.x);
  } else if (style == FrameStyle::kBrowline) {
    if (e.y > 0) p.y *= 0.92F;
  }
  return p;
}

float FrameFit::plane_z(float x, float y) const {
  const float off = x - middle_x;
  return front_z + tilt * (y - middle_y) - wrap * off * off;
}

Vec3 FrameFit::place(float side, Vec2 p, float forward) const {
  const float x = middle_x + side * (center_x + p.x), y = middle_y + p.y;
  return {x, y, plane_z(x, y) + forward};
}

FrameFit fit_frame(const Head& head, const Wearing& wearing) {
  FrameFit fit;
  const Vec3 right = head.right_eye.center, left = head.left_eye.center;
  const float apart = 0.5F * (left.x - right.x), scale = apart / 0.308F;
  const bool sun = wearing.glasses == Glasses::kSunglasses;
  const float shape = clamp01(wearing.frame_shape), size = clamp01(wearing.frame_size);
  const float thick = clamp01(wearing.frame_thickness);
  fit.style = style_of(wearing);
  fit.wire = thick < 0.3F;
  fit.exponent = 2.0F + 3.2F * shape * shape;
  float aspect = lerp(0.93F, 0.64F, shape);
  fit.half_width = lerp(0.215F, 0.275F, size) * lerp(0.96F, 1.04F, shape) * scale;
  if (fit.style == FrameStyle::kAviator) {
    fit.exponent = 2.4F;
    fit.half_width = std::max(fit.half_width, 0.25F * scale);
    aspect = 0.82F;
  }
  if (fit.style == FrameStyle::kCatEye) aspect = std::min(aspect, 0.76F);
  if (sun) {
    fit.half_width *= 1.08F;
    aspect *= 1.05F;
    fit.wrap = 0.22F;
  }
  fit.half_height = fit.half_width * aspect;
  fit.rim = fit.wire ? lerp(0.007F, 0.012F, thick / 0.3F) : lerp(0.012F, 0.030F, thick);
  fit.depth = fit.wire ? fit.rim : lerp(0.014F, 0.022F, thick);
  fit.center_x = apart + 0.02F * scale;
  fit.middle_x = 0.5F * (left.x + right.x);
  fit.middle_y = 0.5F * (left.y + right.y) - 0.03F * scale;
  const float cornea = std::max(left.z + head.left_eye.radius, right.z + head.right_eye.radius);
  fit.front_z = cornea + kVertexDistance;
  settle(head, fit);
  fit.ear = {ear_root(head, -1), ear_root(head, 1)};
  return fit;
}

}  // namespace guise::render
