#include "render/accessory_face_wrap.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "render/accessory_shell.h"

namespace guise::render {
namespace {

constexpr float kTurn = 2 * std::numbers::pi_v<float>;
constexpr float kNeckRadius = 0.55F;
// Points below the chin and farther out than this are shoulders.
constexpr float kWidestNeck = 0.85F;

}  // namespace

FaceWrap::FaceWrap(const Head& head, float low, float high)
    : axis_x_(0.5F * (head.landmarks[0].x + head.landmarks[16].x)),
      axis_z_(0.5F * (head.landmarks[0].z + head.landmarks[16].z) - 0.5F),
      low_(low),
      high_(high),
      radius_(kRows * kColumns, 0.0F) {
  const float chin = head.landmarks[8].y;
  for (const Vec3& p : head.points) {
    const float row = (p.y - low_) / (high_ - low_) * (kRows - 1);
    if (row < -0.5F || row > kRows - 0.5F || is_ear(head, p)) continue;
    const float x = p.x - axis_x_, z = p.z - axis_z_;
    const float r = std::sqrt(x * x + z * z);
    if (p.y < chin - 0.05F && r > kWidestNeck) continue;
    const int i = std::clamp(static_cast<int>(row + 0.5F), 0, kRows - 1);
    const int j =
        static_cast<int>(std::atan2(x, z) / kTurn * kColumns + 2 * kColumns + 0.5F) % kColumns;
    float& bin = radius_[static_cast<size_t>(i * kColumns + j)];
    bin = std::max(bin, r);
  }
  tighten();
}

void FaceWrap::tighten() {
  const auto index = [](int row, int col) {
    return static_cast<size_t>(row * kColumns + (col + kColumns) % kColumns);
  };
  const float half_chord = std::cos(kTurn / kColumns);
  std::vector<float> seen = radius_;
  for (float& r : radius_) r = r > 0 ? r : kNeckRadius;
  for (int pass = 0; pass < 10; ++pass) {
    const std::vector<float> before = radius_;
    for (int row = 0; row < kRows; ++row) {
      for (int col = 0; col < kColumns; ++col) {
        const float a = before[index(row, col - 1)], b = before[index(row, col + 1)];
        const float below = before[index(std::max(row - 1, 0), col)];
        const float above = before[index(std::min(row + 1, kRows - 1), col)];
        const float chord = 2 * a * b * half_chord / (a + b);
        float& r = radius_[index(row, col)];
        if (seen[index(row, col)] > 0) {
          r = std::max({r, chord, 0.5F * (above + below)});
        } else {
          r = 0.25F * (a + b + above + below);
        }
      }
    }
  }
}

float FaceWrap::turn_of(const Vec3& p) const {
  return std::atan2(p.x - axis_x_, p.z - axis_z_);
}

float FaceWrap::radius(float turn, float y) const {
  const float row = std::clamp((y - low_) / (high_ - low_), 0.0F, 1.0F) * (kRows - 1);
  const float turns = turn / kTurn;
  const float col = (turns - std::floor(turns)) * kColumns;
  const int i = std::min(static_cast<int>(row), kRows - 2);
  const int j = static_cast<int>(col) % kColumns, k = (j + 1) % kColumns;
  const float u = col - std::floor(col), v = row - static_cast<float>(i);
  const auto get = [&](int r, int c) { return radius_[static_cast<size_t>(r * kColumns + c)]; };
  return lerp(lerp(get(i, j), get(i, k), u), lerp(get(i + 1, j), get(i + 1, k), u), v);
}

Vec3 FaceWrap::at(float turn, float y, float lift) const {
  const float r = radius(turn, y) + lift;
  return {axis_x_ + r * std::sin(turn), y, axis_z_ + r * std::cos(turn)};
}

}  // namespace guise::render
