#include "render/accessory_shell.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace guise::render {
namespace {

constexpr float kPi = std::numbers::pi_v<float>;
constexpr float kFallbackRadius = 0.9F;

}  // namespace

RadialChart::RadialChart(const std::vector<Vec3>& points, const Vec3& center, const Mat3& axes,
                         float lowest, int ease, const std::function<bool(const Vec3&)>& counts)
    : center_(center), axes_(axes), lowest_(lowest), radius_(kRows * kColumns, 0.0F) {
  const float sine = std::sin(lowest);
  for (const Vec3& point : points) {
    const Vec3 p = axes_ * (point - center_);
    const float r = length(p);
    if (p.y < sine * r || r < 1e-3F || !counts(point)) continue;
    const float elevation = std::asin(std::clamp(p.y / r, -1.0F, 1.0F));
    const float row = (elevation - lowest_) / (kPi / 2 - lowest_) * (kRows - 1);
    const float col = std::atan2(p.x, p.z) / (2 * kPi) * kColumns + 2 * kColumns;
    const int i = std::min(static_cast<int>(row + 0.5F), kRows - 1);
    const int j = static_cast<int>(col + 0.5F) % kColumns;
    float& bin = radius_[static_cast<size_t>(i * kColumns + j)];
    bin = std::max(bin, r);
  }
  fill_gaps();
  for (int pass = 0; pass < ease; ++pass) smooth();
}

void RadialChart::fill_gaps() {
  const auto index = [](int row, int col) {
    return static_cast<size_t>(row * kColumns + (col + kColumns) % kColumns);
  };
  const std::vector<float> seen = radius_;
  float mean = 0;
  int count = 0;
  for (const float r : seen) {
    mean += r;
    count += r > 0 ? 1 : 0;
  }
  mean = count > 0 ? mean / static_cast<float>(count) : kFallbackRadius;
  for (float& r : radius_) r = r > 0 ? r : mean;
  // Empty bins become the mean of their neighbours, seen ones keep most of what was seen.
  for (int pass = 0; pass < 6; ++pass) {
    const std::vector<float> before = radius_;
    for (int row = 0; row < kRows; ++row) {
      for (int col = 0; col < kColumns; ++col) {
        const float around = 0.25F * (before[index(row, col - 1)] + before[index(row, col + 1)] +
                                      before[index(std::max(row - 1, 0), col)] +
                                      before[index(std::min(row + 1, kRows - 1), col)]);
        const float own = seen[index(row, col)];
        radius_[index(row, col)] = own > 0 ? 0.55F * own + 0.45F * around : around;
      }
    }
  }
  // Towards the pole the bins are narrow and hold few points: average more of them.
  for (int row = kRows / 2; row < kRows - 1; ++row) {
    const float elevation = lerp(lowest_, kPi / 2, static_cast<float>(row) / (kRows - 1));
    const int reach = static_cast<int>(0.9F / std::max(0.09F, std::cos(elevation)));
    const std::vector<float> before = radius_;
    for (int col = 0; col < kColumns; ++col) {
      float sum = 0;
      for (int k = -reach; k <= reach; ++k) sum += before[index(row, col + k + kColumns)];
      radius_[index(row, col)] = sum / static_cast<float>(2 * reach + 1);
    }
  }
  float pole = 0;
  for (int col = 0; col < kColumns; ++col) pole += radius_[index(kRows - 2, col)] / kColumns;
  for (int col = 0; col < kColumns; ++col) radius_[index(kRows - 1, col)] = pole;
}

void RadialChart::smooth() {
  const std::vector<float> before = radius_;
  const auto get = [&](int row, int col) {
    return before[static_cast<size_t>(std::clamp(row, 0, kRows - 1) * kColumns +
                                      (col + kColumns) % kColumns)];
  };
  for (int row = 0; row < kRows - 1; ++row) {
    for (int col = 0; col < kColumns; ++col) {
      radius_[static_cast<size_t>(row * kColumns + col)] =
          0.5F * get(row, col) +
          0.125F * (get(row, col - 1) + get(row, col + 1) + get(row - 1, col) + get(row + 1, col));
    }
  }
}

float RadialChart::radius(float azimuth, float elevation) const {
  const float row =
      std::clamp((elevation - lowest_) / (kPi / 2 - lowest_), 0.0F, 1.0F) * (kRows - 1);
  const float turns = azimuth / (2 * kPi);
  const float col = (turns - std::floor(turns)) * kColumns;
  const int i = std::min(static_cast<int>(row), kRows - 2);
  const int j = static_cast<int>(col) % kColumns, k = (j + 1) % kColumns;
  const float u = col - std::floor(col), v = row - static_cast<float>(i);
  const auto get = [&](int r, int c) { return radius_[static_cast<size_t>(r * kColumns + c)]; };
  return lerp(lerp(get(i, j), get(i, k), u), lerp(get(i + 1, j), get(i + 1, k), u), v);
}

Vec3 RadialChart::direction(float azimuth, float elevation) const {
  const float flat = std::cos(elevation);
  return axes_.row0 * (flat * std::sin(azimuth)) + axes_.row1 * std::sin(elevation) +
         axes_.row2 * (flat * std::cos(azimuth));
}

Vec3 RadialChart::at(float azimuth, float elevation, float lift) const {
  return center_ + direction(azimuth, elevation) * (radius(azimuth, elevation) + lift);
}

bool is_ear(const Head& head, const Vec3& p) {
  const Vec3& front = head.landmarks[p.x > 0 ? 16 : 0];
  const float eye_y = head.left_eye.center.y;
  return std::fabs(p.x) > std::fabs(front.x) + 0.055F && p.y < eye_y + 0.35F &&
         p.y > eye_y - 0.75F && p.z < front.z - 0.1F && p.z > front.z - 0.75F;
}

float ear_top(const Head& head) {
  float top = head.left_eye.center.y - 0.2F;
  for (const Vec3& p : head.points) {
    if (p.y > top && is_ear(head, p)) top = p.y;
  }
  return std::min(top, head.left_eye.center.y + 0.25F);
}

}  // namespace guise::render
