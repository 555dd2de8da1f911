#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>

#include "render/accessories.h"
#include "render/accessory_frames.h"
#include "render/mesh_builder.h"

namespace guise::render {
namespace {

constexpr float kTurn = 2 * std::numbers::pi_v<float>;
constexpr int kRimPoints = 36;

Vec3 frame_normal(const FrameFit& fit, float x) {
  return normalized(Vec3{2 * fit.wrap * (x - fit.middle_x), -fit.tilt, 1});
}

float rim_share(const FrameFit& fit, float angle) {
  const float up = smoothstep(-0.25F, 0.45F, std::sin(angle));
  if (fit.style == FrameStyle::kBrowline) return lerp(0.35F, 1.45F, up);
  if (fit.style == FrameStyle::kCatEye) {
    return lerp(0.85F, 1.5F, up * smoothstep(0.0F, 0.9F, std::cos(angle)));
  }
  return lerp(0.9F, 1.1F, up);
}

void append_rim(const FrameFit& fit, float side, uint16_t surface, Mesh& mesh) {
  std::vector<Station> stations;
  for (int i = 0; i <= kRimPoints; ++i) {
    const float angle = kTurn * static_cast<float>(i % kRimPoints) / kRimPoints;
    const Vec2 before = fit.outline(angle - 0.05F), after = fit.outline(angle + 0.05F);
    Station s;
    s.center = fit.place(side, fit.outline(angle), 0);
    s.up = frame_normal(fit, s.center.x);
    const Vec3 along = normalized(fit.place(side, after, 0) - fit.place(side, before, 0));
    s.side = normalized(cross(along, s.up)) * side;
    s.half_side = fit.wire ? fit.rim : fit.rim * rim_share(fit, angle);
    s.half_up = fit.style == FrameStyle::kBrowline
                    ? lerp(0.5F, 1.0F, rim_share(fit, angle) / 1.45F) * fit.depth
                    : fit.depth;
    // The inner edge stays on the outline.
    s.center += s.side * s.half_side;
    stations.push_back(s);
  }
  append_tube(mesh, stations, fit.wire ? 5 : 8, fit.wire ? 2.0F : 4.5F, true, surface,
              Part::kGlasses);
}

void append_lens(const FrameFit& fit, float side, uint16_t surface, Mesh& mesh) {
  constexpr std::array<float, 4> kRings{0.0F, 0.45F, 0.8F, 1.03F};
  constexpr float kBaseCurve = 0.95F;  // radius of the front, dm
  Sheet sheet(4, kRimPoints + 1, true);
  for (int r = 0; r < 4; ++r) {
    const float ring = kRings[static_cast<size_t>(3 - r)];
    for (int c = 0; c <= kRimPoints; ++c) {
      const Vec2 edge = fit.outline(kTurn * static_cast<float>(c % kRimPoints) / kRimPoints);
      const float rise = fit.half_width * fit.half_width * (1 - ring * ring) / (2 * kBaseCurve);
      sheet.at(r, c) = fit.place(side, edge * ring, rise);
      sheet.uv(r, c) = edge * ring;
    }
  }
  // Rows run inwards: columns counter-clockwise on the subject's left, clockwise on the right.
  sheet.append_to(mesh, surface, Part::kGlasses, side < 0);
}

void append_arch(const FrameFit& fit, const Head& head, float angle, float rise, float half,
                 float half_depth, uint16_t surface, Mesh& mesh) {
  constexpr int kStations = 9;
  const Vec3 a = fit.place(-1, fit.outline(angle), 0), b = fit.place(1, fit.outline(angle), 0);
  std::vector<Station> stations;
  for (int i = 0; i < kStations; ++i) {
    const float t = static_cast<float>(i) / (kStations - 1);
    const float arch = 4 * t * (1 - t);
    Station s;
    s.center = lerp(a, b, t);
    s.center.y += rise * arch;
    const float ridge = nose_ridge_z(head, s.center.y) + half_depth + 0.008F;
    s.center.z = lerp(s.center.z, std::max(s.center.z + 0.015F, ridge), arch);
    const Vec3 along = normalized(Vec3{b.x - a.x, 4 * (1 - 2 * t) * rise, 0});
    s.side = {-along.y, along.x, 0};
    s.up = {0, 0, 1};
    s.half_side = half * lerp(1.4F, 1.0F, arch);
    s.half_up = half_depth;
    stations.push_back(s);
  }
  append_tube(mesh, stations, fit.wire ? 5 : 8, fit.wire ? 2.0F : 3.5F, false, surface,
              Part::kGlasses);
}

void append_pads(const FrameFit& fit, const Head& head, uint16_t metal, uint16_t clear,
                 Mesh& mesh) {
  for (const float side : {-1.0F, 1.0F}) {
    const Vec3 root = fit.place(side, fit.outline(0.53F * kTurn), 0);
    const float y = root.y - 0.05F;
    const float ridge = nose_ridge_z(head, y);
    const Vec3 pad{lerp(fit.middle_x, root.x, 0.72F), y, std::min(ridge - 0.06F, root.z - 0.05F)};
    const Vec3 out = normalized(Vec3{side * 0.8F, 0, 0.6F});
    append_ellipsoid(mesh, pad, {normalized(cross(Vec3{0, 1, 0}, out)), {0, 1, 0}, out},
                     {0.018F, 0.035F, 0.008F}, 5, 8, clear, Part::kGlasses);
    append_tube(mesh,
                round_stations({root, {root.x, root.y - 0.01F, root.z - 0.05F}, pad},
                               {0.005F, 0.005F, 0.005F}),
                4, 2.0F, false, metal, Part::kGlasses);
  }
}

// Where the side of the head is at this height and depth.
float head_side(const std::vector<Vec3>& near, float side, float y, float z, float fallback) {
  float widest = fallback;
  for (const Vec3& p : near) {
    if (std::fabs(p.y - y) < 0.07F && std::fabs(p.z - z) < 0.09F) {
      widest = std::max(widest, side * p.x);
    }
  }
  return widest;
}

void append_temple(const FrameFit& fit, const Head& head, float side, uint16_t surface,
                   Mesh& mesh) {
  const float hinge_angle = fit.style == FrameStyle::kPlain && !fit.wire ? 0.42F : 0.5F;
  const Vec2 edge = fit.outline(hinge_angle);
  const Vec3 start = fit.place(side, {edge.x + fit.rim, edge.y}, -0.3F * fit.depth);
  const Vec3 ear = fit.ear[side > 0 ? 1 : 0];
  std::vector<Vec3> near;
  for (const Vec3& p : head.points) {
    if (side * p.x > 0.3F && p.z > ear.z + 0.12F && p.z < start.z &&
        std::fabs(p.y - ear.y) < 0.35F) {
      near.push_back(p);
    }
  }
  const float half = fit.wire ? 0.011F : lerp(0.016F, 0.034F, clamp01(fit.rim / 0.03F));
  const float half_out = fit.wire ? 0.007F : 0.012F;
  const Vec3 corner{start.x + side * 0.035F, start.y, start.z - 0.03F};
  std::vector<Vec3> path{start, corner};
  for (const float t : {0.12F, 0.35F, 0.6F, 0.82F}) {
    Vec3 p = lerp(corner, ear, t);
    const float head_x = head_side(near, side, p.y, p.z, 0) + half_out + 0.008F;
    p.x = side * std::max(side * p.x, head_x);
    path.push_back(p);
  }
  path.push_back(ear);
  path.push_back(ear + Vec3{side * 0.01F, -0.05F, -0.10F});
  path.push_back(ear + Vec3{side * -0.01F, -0.22F, -0.20F});
  std::vector<Station> stations;
  for (size_t i = 0; i < path.size(); ++i) {
    const Vec3 along = normalized(path[std::min(i + 1, path.size() - 1)] - path[i > 0 ? i - 1 : 0]);
    Vec3 out = Vec3{side, 0, 0} - along * (side * along.x);
    if (i == 0) out = Vec3{0, 0, 1} - along * along.z;
    out = normalized(out);
    const float slim = i < 2 ? 1.1F : lerp(1.0F, 0.7F, static_cast<float>(i) / 8.0F);
    stations.push_back({path[i], out, normalized(cross(along, out)), half_out, half * slim});
  }
  append_tube(mesh, stations, 6, fit.wire ? 2.0F : 4.0F, false, surface, Part::kGlasses);
}

Surface frame_surface(const Wearing& wearing) {
  Surface surface;
  surface.albedo = wearing.frame_albedo;
  surface.f0 = wearing.frame_metal > 0.5F ? 0.8F : 0.05F;
  surface.roughness = wearing.frame_metal > 0.5F ? 0.30F : 0.25F;
  return surface;
}

Surface lens_surface(const Wearing& wearing) {
  // Grey, brown, green or blue; of one pair always the same.
  constexpr std::array<Vec3, 4> kTints{{{0.05F, 0.05F, 0.055F},
                                        {0.09F, 0.045F, 0.02F},
                                        {0.035F, 0.06F, 0.04F},
                                        {0.03F, 0.045F, 0.09F}}};
  const float mix = 11.3F * wearing.frame_size + 4.9F * wearing.frame_shape;
  const auto tint = static_cast<size_t>(4 * (mix - std::floor(mix))) % 4;
  Surface surface;
  surface.kind = SurfaceKind::kLens;
  surface.albedo =
      wearing.glasses == Glasses::kSunglasses ? kTints[tint] : Vec3{0.9F, 0.95F, 0.95F};
  surface.roughness = 0.05F;
  surface.opacity = clamp01(wearing.lens_tint);
  surface.two_sided = true;
  return surface;
}

}  // namespace

void add_glasses(const Head& head, const PhotoRecipe& photo, Mesh& mesh) {
  const Wearing& wearing = photo.wearing;
  if (wearing.glasses == Glasses::kNone) return;
  const FrameFit fit = fit_frame(head, wearing);
  const uint16_t frame = add_surface(mesh, frame_surface(wearing));
  const uint16_t lens = add_surface(mesh, lens_surface(wearing));
  Surface metal;
  metal.albedo = {0.75F, 0.72F, 0.68F};
  metal.f0 = 0.8F;
  metal.roughness = 0.3F;
  const bool browline = fit.style == FrameStyle::kBrowline;
  const uint16_t thin = fit.wire ? frame : add_surface(mesh, metal);
  for (const float side : {-1.0F, 1.0F}) {
    append_rim(fit, side, frame, mesh);
    append_lens(fit, side, lens, mesh);
    append_temple(fit, head, side, frame, mesh);
  }
  const float half = fit.wire || browline ? 0.012F : lerp(0.022F, 0.032F, fit.rim / 0.03F);
  const float depth = fit.wire || browline ? 0.010F : fit.depth;
  const bool aviator = fit.style == FrameStyle::kAviator;
  append_arch(fit, head, (aviator ? 0.46F : 0.42F) * kTurn, 0.03F, half, depth,
              browline ? thin : frame, mesh);
  if (aviator) {
    append_arch(fit, head, 0.34F * kTurn, -0.005F, 0.010F, 0.009F, frame, mesh);
  }
  if (fit.wire || browline || aviator) {
    Surface clear;
    clear.albedo = {0.75F, 0.72F, 0.66F};
    clear.roughness = 0.2F;
    append_pads(fit, head, thin, add_surface(mesh, clear), mesh);
  }
}

}  // namespace guise::render
