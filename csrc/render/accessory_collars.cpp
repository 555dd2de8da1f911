#include "render/accessory_collars.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>

#include "render/keyed_noise.h"

namespace guise::render {
namespace {

constexpr float kPi = std::numbers::pi_v<float>;

// Around the neck from the front over the back to the front again, leaving out `gap` on each side.
float around(float s, float gap) {
  return kPi + s * (kPi - gap);
}

void append_button(const NeckChart& chart, float level, float lift, uint16_t surface, Mesh& mesh) {
  const Vec3 out = chart.normal(0, level);
  const Vec3 right = normalized(cross(Vec3{0, 1, 0}, out));
  append_ellipsoid(mesh, chart.at(0, level, lift), {right, cross(out, right), out},
                   {0.045F, 0.045F, 0.014F}, 5, 10, surface, Part::kCloth);
}

}  // namespace

Sheet lay_on_chart(const NeckChart& chart, int rows, int cols, bool joined,
                   const std::function<CollarPoint(int row, float s)>& place) {
  Sheet sheet(rows, cols, joined);
  for (int r = 0; r < rows; ++r) {
    for (int c = 0; c < cols; ++c) {
      const float s = 2.0F * static_cast<float>(c) / static_cast<float>(cols - 1) - 1.0F;
      const CollarPoint p = place(r, s);
      sheet.at(r, c) = chart.at(p.turn, p.level, p.lift);
    }
  }
  sheet.close();
  sheet.measure_uv();
  return sheet;
}

void append_neck_band(const NeckChart& chart, float low, float high, float lift, float thickness,
                      uint16_t surface, Mesh& mesh) {
  struct Row {
    float up, out, open;
  };
  constexpr std::array<Row, 6> kRows{{{-0.10F, -1.8F, 0.35F},
                                      {0.0F, 0.75F, 0.8F},
                                      {0.3F, 1.0F, 1.0F},
                                      {0.8F, 1.0F, 1.0F},
                                      {1.0F, 0.7F, 0.9F},
                                      {1.0F, -1.2F, 0.4F}}};
  Sheet sheet = lay_on_chart(chart, 6, 65, true, [&](int row, float s) {
    const Row& r = kRows[static_cast<size_t>(row)];
    // A little more below the tip of a V, which the chart rounds off.
    const float front = 0.05F * std::max(0.0F, 1.0F - std::fabs(s + 1.0F) * 14.0F) +
                        0.05F * std::max(0.0F, 1.0F - std::fabs(s - 1.0F) * 14.0F);
    return CollarPoint{kPi * (s + 1.0F), low + (high - low) * r.up - front * (1.0F - clamp01(r.up)),
                       lift + thickness * r.out};
  });
  for (int r = 0; r < 6; ++r) {
    for (int c = 0; c < sheet.cols(); ++c) sheet.open(r, c) = kRows[static_cast<size_t>(r)].open;
  }
  sheet.append_to(mesh, surface, Part::kCloth);
}

void append_shirt_collar(const NeckChart& chart, const ShirtCollar& collar, uint16_t surface,
                         Mesh& mesh) {
  constexpr int kRows = 8;
  Sheet sheet = lay_on_chart(chart, kRows, 49, false, [&](int row, float s) {
    const float front = smoothstep(0.55F, 1.0F, std::fabs(s));
    const float edge = -0.14F - collar.tip * front * front;
    const float top = collar.stand + 0.05F * (1.0F - front);
    const float reach = static_cast<float>(row - 3) / 3.0F;  // 0 at the fold .. 1 at the edge
    if (row == 0) return CollarPoint{around(s, collar.opening), -0.06F, collar.lift - 0.02F};
    if (row == 1) return CollarPoint{around(s, collar.opening), top, collar.lift - 0.015F};
    if (row == 2) return CollarPoint{around(s, collar.opening), top + 0.025F, collar.lift + 0.02F};
    const float open = collar.opening + collar.spread * clamp01(reach) * clamp01(reach);
    if (row == kRows - 1) {
      return CollarPoint{around(s, open), edge + 0.02F, collar.lift - 0.02F};
    }
    const float bulge = 0.045F + 0.03F * std::sin(kPi * clamp01(reach)) + 0.01F * reach;
    return CollarPoint{around(s, open), lerp(top, edge, clamp01(reach)), collar.lift + bulge};
  });
  constexpr std::array<float, kRows> kOpen{0.35F, 0.7F, 1.0F, 1.0F, 0.95F, 0.9F, 0.85F, 0.1F};
  for (int r = 0; r < kRows; ++r) {
    for (int c = 0; c < sheet.cols(); ++c) sheet.open(r, c) = kOpen[static_cast<size_t>(r)];
  }
  sheet.append_to(mesh, surface, Part::kCloth, true);
}

void append_placket(const NeckChart& chart, float top, float bottom, float lift, uint16_t surface,
                    uint16_t button_surface, Mesh& mesh) {
  constexpr int kRows = 12;
  constexpr std::array<float, 6> kAcross{-0.078F, -0.076F, -0.066F, 0.066F, 0.076F, 0.078F};
  constexpr std::array<float, 6> kOut{-0.01F, 0.012F, 0.016F, 0.016F, 0.012F, -0.01F};
  Sheet sheet(kRows, 6);
  for (int r = 0; r < kRows; ++r) {
    const float level = lerp(bottom, top, static_cast<float>(r) / (kRows - 1));
    for (int c = 0; c < 6; ++c) {
      Vec3 p = chart.at(0, level, lift + kOut[static_cast<size_t>(c)]);
      p.x += kAcross[static_cast<size_t>(c)];
      sheet.at(r, c) = p;
    }
  }
  sheet.measure_uv();
  sheet.append_to(mesh, surface, Part::kCloth);
  for (float level = top - 0.12F; level > bottom; level -= 0.55F) {
    append_button(chart, level, lift + 0.02F, button_surface, mesh);
  }
}

void append_turtleneck(const NeckChart& chart, float top, float lift, bool folded, uint32_t key,
                       uint16_t surface, Mesh& mesh) {
  const auto crease = [&](float s, float level) {
    return 0.012F * value_noise(key, 3.0F * (s + 4.0F), 5.0F * level);
  };
  constexpr int kRows = 10;
  Sheet sheet = lay_on_chart(chart, kRows, 65, true, [&](int row, float s) {
    const float turn = kPi * (s + 1.0F);
    // The top is lower in front, under the chin.
    const float rim = top * (1.0F - 0.12F * std::cos(turn));
    const float fold = rim * (folded ? 0.32F : 0.85F);
    const float outer = lift + (folded ? 0.055F : 0.02F);
    const float t = static_cast<float>(row) / (kRows - 4);
    if (row == 0) return CollarPoint{turn, -0.03F, lift - 0.05F};
    if (row == 1) return CollarPoint{turn, 0.0F, lift + 0.02F + crease(s, 0)};
    if (row == 2) return CollarPoint{turn, fold, lift + crease(s, fold)};
    if (row == 3) return CollarPoint{turn, fold + 0.01F, outer + crease(s, fold)};
    if (row == kRows - 1) return CollarPoint{turn, rim - 0.08F, 0.005F};
    if (row == kRows - 2) return CollarPoint{turn, rim, 0.012F};
    if (row == kRows - 3) return CollarPoint{turn, rim + 0.012F, 0.5F * outer};
    const float level = lerp(fold, rim, clamp01((t - 0.5F) / 0.5F));
    return CollarPoint{turn, level, outer + 0.012F + crease(s, level)};
  });
  for (int c = 0; c < sheet.cols(); ++c) {
    sheet.open(0, c) = sheet.open(2, c) = 0.6F;
    sheet.open(kRows - 1, c) = 0.3F;
    sheet.open(kRows - 2, c) = 0.7F;
  }
  sheet.append_to(mesh, surface, Part::kCloth);
}

void append_hood(const NeckChart& chart, float lift, uint32_t key, uint16_t surface,
                 uint16_t cord_surface, Mesh& mesh) {
  constexpr int kRows = 11;
  const float size = keyed_range(key, 0, 0.85F, 1.2F);
  Sheet sheet = lay_on_chart(chart, kRows, 57, false, [&](int row, float s) {
    const float back = 1.0F - smoothstep(0.25F, 1.0F, std::fabs(s));
    const float side = 1.0F - smoothstep(0.75F, 1.0F, std::fabs(s));
    const float fold = 0.03F * value_noise(key, 2.5F * (s + 3.0F), 0.35F * static_cast<float>(row));
    // An arch from the neck up, over and down to the back.
    const float a = kPi * static_cast<float>(row) / (kRows - 1);
    const float height = (0.16F + 0.16F * side + 0.10F * back) * size;
    const float thick = (0.05F + 0.07F * side + 0.20F * back) * size;
    const float level = -0.14F -
                        0.20F * clamp01(static_cast<float>(row - 5) / 5.0F) * (0.3F + back) +
                        height * std::sin(a);
    const float out = lift + thick * (1.0F - std::cos(a)) * 0.5F + fold * std::sin(a);
    return CollarPoint{around(s, 0.10F + 0.25F * (1.0F - std::sin(a))), level, out};
  });
  for (int c = 0; c < sheet.cols(); ++c) {
    for (int r = 0; r < 4; ++r) sheet.open(r, c) = 0.35F + 0.15F * static_cast<float>(r);
  }
  sheet.append_to(mesh, surface, Part::kCloth, true);
  for (const float side : {-1.0F, 1.0F}) {
    std::vector<Vec3> path;
    const float end = keyed_range(key, side > 0 ? 1 : 2, 0.65F, 0.95F);
    for (int i = 0; i < 8; ++i) {
      const float t = static_cast<float>(i) / 7.0F;
      const float sway = 0.02F * value_noise(key, side * 9.0F, 3.0F * t);
      path.push_back(chart.at(side * (0.24F + sway), -0.10F - end * t, lift + 0.05F - 0.02F * t));
    }
    append_tube(mesh, round_stations(path, std::vector<float>(8, 0.022F)), 6, 2.0F, false,
                cord_surface, Part::kCloth);
    append_tube(mesh, round_stations({path[6], path[7]}, {0.028F, 0.028F}), 6, 2.0F, false,
                cord_surface, Part::kCloth);
  }
}

void append_lapels(const NeckChart& chart, float width, float lift, uint16_t surface, Mesh& mesh) {
  constexpr int kRows = 7, kCols = 49;
  constexpr std::array<float, kRows> kOpen{0.3F, 0.8F, 1.0F, 0.95F, 0.9F, 0.85F, 0.1F};
  // Half of the loop each; columns from the back to the lowest point in front.
  for (const float side : {-1.0F, 1.0F}) {
    Sheet sheet = lay_on_chart(chart, kRows, kCols, false, [&](int row, float s) {
      const float t = 0.5F * (s + 1.0F);
      const float turn = side * kPi * (1.0F - t);
      // Collar behind and at the sides, then a notch, then the lapel, narrowing to the button.
      const float collar = 0.26F - 0.06F * smoothstep(0.0F, 0.6F, t);
      const float lapel = width * (1.0F - 0.9F * smoothstep(0.78F, 1.0F, t));
      const float notch = 0.11F * std::max(0.0F, 1.0F - std::fabs(t - 0.755F) * 32.0F);
      const float reach = (t < 0.755F ? collar : lapel) - notch;
      const float out = static_cast<float>(row - 1) / (kRows - 3);
      if (row == 0) return CollarPoint{turn, 0.04F, 0.01F};  // inside, down to the shirt
      if (row == kRows - 1) return CollarPoint{turn, 0.02F - reach, lift - 0.04F};
      return CollarPoint{turn, 0.06F - (reach + 0.06F) * out,
                         lift + 0.035F + 0.035F * std::sin(kPi * clamp01(out)) + 0.008F * out};
    });
    for (int r = 0; r < kRows; ++r) {
      for (int c = 0; c < kCols; ++c) sheet.open(r, c) = kOpen[static_cast<size_t>(r)];
    }
    // Rows run away from the neck; the columns of the half at +x run to the left.
    sheet.append_to(mesh, surface, Part::kCloth, side < 0);
  }
}

void append_tie(const NeckChart& chart, float top, float bottom, float lift, uint16_t surface,
                Mesh& mesh) {
  std::vector<Station> stations;
  constexpr int kRows = 10;
  for (int i = 0; i < kRows; ++i) {
    const float t = static_cast<float>(i) / (kRows - 1);
    const float level = lerp(top, bottom, t);
    const float knot = 1.0F - smoothstep(0.16F, 0.24F, t);
    const float half = lerp(0.10F + 0.22F * t, 0.115F - 0.25F * t, knot);
    const Vec3 out = chart.normal(0, level);
    stations.push_back({chart.at(0, level, lift + 0.02F + 0.035F * knot),
                        {1, 0, 0},
                        normalized(Vec3{0, out.y, out.z}),
                        half,
                        lerp(0.022F, 0.06F, knot)});
  }
  append_tube(mesh, stations, 10, 3.0F, false, surface, Part::kCloth);
}

}  // namespace guise::render
