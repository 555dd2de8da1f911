#include <algorithm>
#include <cmath>
#include <numbers>
#include <vector>

#include "render/accessories.h"
#include "render/keyed_noise.h"
#include "render/mesh_builder.h"

namespace guise::render {
namespace {

constexpr uint32_t kEarringStream = 0x65617272;
constexpr float kTurn = 2 * std::numbers::pi_v<float>;

// Half-width of the face in front of the ear at height y, along the jaw.
float face_side(const Head& head, float side, float y) {
  const auto mark = [&](size_t i) { return head.landmarks[side > 0 ? 16 - i : i]; };
  for (size_t i = 0; i < 4; ++i) {
    const Vec3 above = mark(i), below = mark(i + 1);
    if (y >= below.y) {
      return side * lerp(below.x, above.x, clamp01((y - below.y) / (above.y - below.y + 1e-4F)));
    }
  }
  return side * mark(4).x;
}

// The lobe: the lowest part that stands off the head behind the jaw; its outer face.
Vec3 lobe_of(const Head& head, float side) {
  const Vec3& front = head.landmarks[side > 0 ? 16 : 0];
  const float eye_y = head.left_eye.center.y;
  std::vector<Vec3> ear;
  float lowest = eye_y - 0.3F;
  for (const Vec3& p : head.points) {
    if (side * p.x < 0.3F || p.z > front.z - 0.12F || p.z < front.z - 0.55F || p.y > eye_y - 0.2F ||
        p.y < eye_y - 0.7F || side * p.x < face_side(head, side, p.y) + 0.05F) {
      continue;
    }
    ear.push_back(p);
    lowest = std::min(lowest, p.y);
  }
  Vec3 lobe{front.x + side * 0.04F, lowest, front.z - 0.25F};
  float widest = -1e9F;
  for (const Vec3& p : ear) {
    if (p.y < lowest + 0.09F && side * p.x > widest) {
      widest = side * p.x;
      lobe = p;
    }
  }
  return {lobe.x, std::max(lobe.y, lowest + 0.045F), lobe.z};
}

void append_hoop(const Vec3& lobe, float side, float radius, float thickness, float turn,
                 uint16_t surface, Mesh& mesh) {
  constexpr int kStations = 24;
  // The ring hangs in a plane between the side's and the front's.
  const Vec3 across{std::sin(turn) * side, 0, std::cos(turn)};
  const Vec3 center = lobe + Vec3{side * 0.012F, -radius, 0};
  std::vector<Station> stations;
  for (int i = 0; i <= kStations; ++i) {
    const float a = kTurn * static_cast<float>(i % kStations) / kStations;
    const Vec3 out = across * std::sin(a) + Vec3{0, std::cos(a), 0};
    stations.push_back(
        {center + out * radius, out, normalized(cross(across, {0, 1, 0})), thickness, thickness});
  }
  append_tube(mesh, stations, 6, 2.0F, true, surface, Part::kEarring);
}

Surface metal_of(float u) {
  Surface surface;
  surface.albedo = u < 0.5F    ? Vec3{0.83F, 0.62F, 0.30F}
                   : u < 0.85F ? Vec3{0.78F, 0.77F, 0.75F}
                               : Vec3{0.80F, 0.52F, 0.42F};
  surface.f0 = 0.85F;
  surface.roughness = 0.25F;
  return surface;
}

}  // namespace

void add_earrings(const HeadTopology& /*topology*/, const Head& head, const PhotoRecipe& photo,
                  Mesh& mesh) {
  if (!photo.wearing.earrings || photo.wearing.hat == Hat::kHeadscarf) return;
  const uint32_t key = noise_stream_key(photo.noise_key, kEarringStream);
  const uint16_t metal = add_surface(mesh, metal_of(keyed_unit(key, 0)));
  Surface stone;
  const float hue = keyed_unit(key, 2);
  stone.albedo = hue < 0.5F
                     ? Vec3{0.82F, 0.79F, 0.74F}
                     : Vec3{keyed_range(key, 3, 0.02F, 0.5F), keyed_range(key, 4, 0.02F, 0.3F),
                            keyed_range(key, 5, 0.05F, 0.5F)};
  stone.roughness = 0.12F;
  stone.f0 = 0.06F;
  const float kind = keyed_unit(key, 1);
  const uint16_t gem = kind < 0.4F ? add_surface(mesh, stone) : metal;
  const float size = keyed_unit(key, 6);
  for (const float side : {-1.0F, 1.0F}) {
    const Vec3 lobe = lobe_of(head, side);
    if (kind < 0.55F) {
      const float r = lerp(0.022F, 0.042F, size);
      append_ellipsoid(mesh, lobe + Vec3{side * 0.6F * r, 0, 0.01F}, Mat3{}, {r, r, r}, 7, 12, gem,
                       Part::kEarring);
    } else if (kind < 0.85F) {
      append_hoop(lobe, side, lerp(0.05F, 0.20F, size * size), lerp(0.007F, 0.013F, size),
                  keyed_range(key, 7, 0.2F, 0.9F), metal, mesh);
    } else {  // a drop on a short wire
      const float drop = lerp(0.08F, 0.18F, size);
      const Vec3 top = lobe + Vec3{side * 0.015F, 0, 0};
      const Vec3 bottom = top + Vec3{0, -drop, 0};
      append_tube(mesh, round_stations({top, bottom}, {0.005F, 0.005F}), 5, 2.0F, false, metal,
                  Part::kEarring);
      append_ellipsoid(mesh, bottom, Mat3{}, {0.025F, 0.045F, 0.025F}, 7, 10,
                       add_surface(mesh, stone), Part::kEarring);
    }
  }
}

}  // namespace guise::render
