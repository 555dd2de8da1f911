#include "render/accessory_headscarf.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>
#include <vector>

#include "render/accessory_face_wrap.h"
#include "render/accessory_neck.h"
#include "render/accessory_shell.h"
#include "render/keyed_noise.h"
#include "render/mesh_builder.h"

namespace guise::render {
namespace {

constexpr float kPi = std::numbers::pi_v<float>;

// Elevation (towards the back of the head) at which the cloth starts, by azimuth about the axis of
// the gaze: 0 above the forehead, pi / 2 at the subject's left, pi below the chin.
class FaceOval {
 public:
  FaceOval(const Head& head, const Vec3& center, uint32_t key) {
    const float forehead = keyed_range(key, 1, 0.30F, 0.46F);
    const Vec3 brow = (head.landmarks[21] + head.landmarks[22]) * 0.5F;
    top_ = elevation_of(Vec3{center.x, brow.y + forehead, brow.z - 0.16F} - center);
    std::vector<Vec3> rim;
    for (size_t i = 0; i <= 16; ++i) {
      Vec3 p = head.landmarks[i];
      const float under = 1.0F - std::fabs(static_cast<float>(i) - 8.0F) / 8.0F;
      p.y -= 0.03F * under;
      p.z += 0.08F * (1.0F - under) - 0.04F * under;
      rim.push_back(p);
    }
    for (const Vec3& p : rim) {
      const Vec3 d = p - center;
      marks_.push_back({std::atan2(d.x, d.y), elevation_of(d)});
    }
    std::sort(marks_.begin(), marks_.end(), [](const Vec2& a, const Vec2& b) { return a.x < b.x; });
  }

  float elevation(float azimuth) const {
    float a = std::remainder(azimuth, 2 * kPi);
    // Above the temples an arch from side to side.
    const float side = std::min(1.3F, std::fabs(a));
    const float arch = smoothstep(1.0F, 0.0F, side / 1.3F);
    a = std::copysign(std::max(std::fabs(a), 1.3F), a);
    const auto after = std::upper_bound(marks_.begin(), marks_.end(), a,
                                        [](float v, const Vec2& m) { return v < m.x; });
    Vec2 low = after == marks_.begin() ? marks_.back() : *(after - 1);
    Vec2 high = after == marks_.end() ? marks_.front() : *after;
    if (low.x > a) low.x -= 2 * kPi;
    if (high.x <= low.x) high.x += 2 * kPi;
    const float at = clamp01((a - low.x) / std::max(1e-3F, high.x - low.x));
    return lerp(lerp(low.y, high.y, at), top_, arch);
  }

 private:
  static float elevation_of(const Vec3& d) {
    return std::atan2(-d.z, std::sqrt(d.x * d.x + d.y * d.y));
  }

  std::vector<Vec2> marks_;  // azimuth, elevation; sorted
  float top_ = 0;            // elevation above the forehead
};

void append_veil(const Head& head, uint32_t key, uint16_t surface, Mesh& mesh) {
  constexpr int kRows = 14, kCols = 57;
  const Vec3 eyes = (head.left_eye.center + head.right_eye.center) * 0.5F;
  const Vec3 center{eyes.x, eyes.y - 0.05F, lerp(head.head_joint.z, eyes.z, 0.35F)};
  const float floor_y = head.landmarks[8].y - 0.25F;
  const RadialChart chart(head.points, center, {{1, 0, 0}, {0, 0, -1}, {0, 1, 0}}, -1.2F, 5,
                          [&](const Vec3& p) { return p.y > floor_y; });
  const FaceOval oval(head, center, key);
  Sheet sheet(kRows, kCols, true);
  for (int c = 0; c < kCols; ++c) {
    const float azimuth = 2 * kPi * static_cast<float>(c % (kCols - 1)) / (kCols - 1);
    float start = 0;  // smoothed, so that the oval has no corners
    for (const float off : {-0.2F, -0.1F, 0.0F, 0.1F, 0.2F}) {
      start += 0.2F * oval.elevation(azimuth + off);
    }
    for (int r = 0; r < kRows; ++r) {
      const float t = static_cast<float>(std::max(0, r - 2)) / (kRows - 3);
      const float elevation = lerp(start, kPi / 2, t * t * 0.35F + t * 0.65F);
      const float loose = 0.055F + 0.05F * smoothstep(0.0F, 0.5F, t);
      const float wave = value_noise(key, 2.6F * std::sin(azimuth) + 2.2F * t,
                                     2.6F * std::cos(azimuth) - 1.2F * t);
      const float fold =
          0.055F * smoothstep(0.05F, 0.4F, t) * (1.0F - t) * (0.7F - 1.7F * std::fabs(wave));
      float lift = loose + fold;
      if (r == 0) lift = -0.10F;
      if (r == 1) lift = 0.035F;
      sheet.at(r, c) = chart.at(azimuth, elevation + (r == 1 ? -0.02F : 0.0F), lift);
      sheet.open(r, c) = r == 0 ? 0.3F : 1.0F;
    }
  }
  sheet.close();
  sheet.measure_uv();
  sheet.append_to(mesh, surface, Part::kHat);
}

// The cloth from cheeks and chin down over neck and shoulders, in long folds.
void append_drape(const HeadTopology& topology, const Head& head, uint32_t key, uint16_t surface,
                  Mesh& mesh) {
  const auto& mark = head.landmarks;
  const float ear_y = 0.5F * (mark[1].y + mark[15].y);
  const FaceWrap wrap(head, mark[8].y - 0.3F, ear_y + 0.3F);
  std::vector<float> level;
  level.reserve(head.points.size());
  for (const Vec3& p : head.points) level.push_back(neck_level(head, p));
  const NeckChart chart(topology, head, level, {-0.7F, -0.5F, -0.3F, -0.15F, 0.0F});
  constexpr int kRows = 15, kCols = 73;
  const float lean = keyed_range(key, 5, -0.6F, 0.6F), wide = keyed_range(key, 6, 0.0F, 1.0F);
  Sheet sheet(kRows, kCols, true);
  for (int c = 0; c < kCols; ++c) {
    const float turn = 2 * kPi * static_cast<float>(c % (kCols - 1)) / (kCols - 1) - kPi;
    const float s = std::sin(turn), k = std::cos(turn), away = std::fabs(turn);
    // Below the chin in front, along the jaw to the ears, high behind.
    const float jaw = lerp(mark[8].y - 0.02F, 0.5F * (mark[4].y + mark[12].y) - 0.06F,
                           smoothstep(0.15F, 0.9F, away));
    const float top_y = lerp(jaw, ear_y, smoothstep(0.8F, 1.7F, away));
    const float slack = lerp(0.05F, 0.15F, smoothstep(0.3F, 1.2F, away));
    const Vec3 top = wrap.at(turn, top_y, slack);
    const float hem = -0.30F - 0.16F * k - 0.1F * wide + 0.22F * s * s;
    const Vec3 bottom = chart.at(turn, hem, 0.19F);
    for (int r = 0; r < kRows; ++r) {
      const float t = clamp01(1.0F - static_cast<float>(r - 1) / (kRows - 3));  // 0 top .. 1 hem
      // Folds fall from one cheek across to the other shoulder.
      const float across = 2.6F * s + (lean + 0.4F) * t;
      const float wave = value_noise(key + 3, Vec3{across, 2.6F * k + 0.8F * lean * t, 1.1F * t});
      const float fine = value_noise(key + 4, Vec3{2.1F * across, 5.2F * k, 1.7F * t + 3.0F});
      const float crease = (0.6F - 1.6F * std::fabs(wave)) + 0.4F * fine;
      const float depth = 0.085F * smoothstep(0.0F, 0.25F, t) * (1.0F - 0.45F * t);
      const Vec3 out = normalized(Vec3{s, 0.25F * t, k});
      Vec3 p = lerp(top, bottom, t) + out * (depth * crease + 0.05F * std::sin(kPi * t));
      if (r == 0) p = chart.at(turn, hem + 0.02F, 0.02F);
      if (r == kRows - 1) p = wrap.at(turn, top_y + 0.01F, -0.08F);
      sheet.at(r, c) = p;
      sheet.open(r, c) = r == 0 || r == kRows - 1 ? 0.3F : clamp01(0.85F + 0.35F * crease);
    }
  }
  sheet.close();
  sheet.measure_uv();
  sheet.append_to(mesh, surface, Part::kHat);
}

}  // namespace

void append_headscarf(const HeadTopology& topology, const Head& head, uint32_t key,
                      uint16_t surface, Mesh& mesh) {
  append_veil(head, key, surface, mesh);
  append_drape(topology, head, key, surface, mesh);
}

}  // namespace guise::render
