#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>

#include "render/accessories.h"
#include "render/accessory_headscarf.h"
#include "render/accessory_shell.h"
#include "render/keyed_noise.h"
#include "render/mesh_builder.h"

namespace guise::render {
namespace {

constexpr uint32_t kHatStream = 0x68617473;
constexpr float kPi = std::numbers::pi_v<float>;
// Hair whose roots lie this near below the rim would grow through it.
constexpr float kUnderRim = -0.02F;

struct HatBuilder {
  const Head& head;
  const RadialChart& chart;
  uint32_t key;
  Mesh& mesh;
  float room;  // dm for the hair under the hat

  Vec3 at(float azimuth, float elevation, float lift) const {
    return chart.at(azimuth, elevation, lift + room);
  }
};

float hair_room(const HairCut& hair) {
  switch (hair.style) {
    case HairStyle::kBald:
    case HairStyle::kShaved:
    case HairStyle::kBuzz:
      return 0;
    case HairStyle::kCrewCut:
    case HairStyle::kUndercut:
    case HairStyle::kPixie:
      return 0.02F;
    default:
      return 0.03F + 0.03F * clamp01(hair.volume);
  }
}

// The rim's plane: over the forehead in front, just above the ears at the sides.
struct RimPlane {
  Vec3 center;
  Mat3 axes;
};

// `slope`: how much the rim falls to the back, dy / dz; at most as steep as clears the ears.
RimPlane rim_plane(const Head& head, float above_brow, float slope, float above_ear) {
  const Vec3 brow = (head.landmarks[19] + head.landmarks[24]) * 0.5F;
  const Vec3 ear = (head.landmarks[0] + head.landmarks[16]) * 0.5F;
  const Vec3 front{brow.x, brow.y + above_brow, brow.z - 0.10F};
  const float ear_z = ear.z - 0.35F;
  const float steepest = (front.y - ear_top(head) - above_ear) / (front.z - ear_z);
  const Vec3 forward = normalized(Vec3{0, std::min(slope, steepest), 1});
  const Vec3 up = cross(forward, {1, 0, 0});
  return {front - forward * ((front.z - ear_z) / forward.z - 0.05F), {{1, 0, 0}, up, forward}};
}

uint16_t hat_surface(Mesh& mesh, const Vec3& albedo, float pattern, float scale) {
  Surface surface;
  surface.kind = SurfaceKind::kCloth;
  surface.albedo = albedo;
  surface.second_albedo = albedo * 0.6F;
  surface.roughness = 0.85F;
  surface.f0 = 0.03F;
  surface.pattern = pattern;
  surface.pattern_scale = scale;
  return add_surface(mesh, surface);
}

// A crown from the rim to the pole; `place(azimuth, t)` gives {elevation, lift} for t = 0..1, rows
// before that close the rim's thickness.
template <typename Place>
Sheet crown(const HatBuilder& hat, int rows, int cols, float rim_lift, Place place) {
  Sheet sheet(rows, cols, true);
  for (int c = 0; c < cols; ++c) {
    const float azimuth =
        2 * kPi * static_cast<float>(c % (cols - 1)) / static_cast<float>(cols - 1);
    for (int r = 0; r < rows; ++r) {
      if (r == 0) {
        sheet.at(r, c) = hat.chart.at(azimuth, 0.0F, rim_lift);
        sheet.open(r, c) = 0.3F;
        continue;
      }
      const float t = static_cast<float>(r - 1) / static_cast<float>(rows - 2);
      const Vec2 p = place(azimuth, t);
      sheet.at(r, c) = hat.at(azimuth, p.x, p.y);
    }
  }
  sheet.close();
  sheet.measure_uv();
  return sheet;
}

// A beanie bulges where it covers the tops of the ears. `up`: elevation above the rim.
float over_ears(float azimuth, float up) {
  const float off = (std::fabs(std::remainder(azimuth, 2 * kPi)) - 1.62F) / 0.34F;
  return 0.055F * std::exp(-off * off) * (1.0F - smoothstep(0.0F, 0.5F, up));
}

void append_beanie(const HatBuilder& hat, const Vec3& albedo) {
  const bool cuffed = keyed_unit(hat.key, 1) < 0.75F;
  const float cuff = cuffed ? keyed_range(hat.key, 2, 0.28F, 0.42F) : 0.0F;
  const float slack = keyed_range(hat.key, 3, 0.03F, 0.25F);
  const uint16_t knit = hat_surface(hat.mesh, albedo, 3.0F, keyed_range(hat.key, 4, 4.5F, 8.0F));
  Sheet body = crown(hat, 16, 49, 0.0F, [&](float azimuth, float t) {
    const float fold = 0.02F * value_noise(hat.key, 2.0F * std::sin(azimuth) + 5.0F,
                                           2.0F * std::cos(azimuth) + 3.0F * t);
    // Slack falls to the back of the top.
    const float top = smoothstep(0.35F, 1.0F, t) * (0.7F - 0.5F * std::cos(azimuth) * (1.0F - t));
    const float up = lerp(0.0F, kPi / 2, t);
    return Vec2{up,
                0.05F + slack * top + fold * smoothstep(0.0F, 0.4F, t) + over_ears(azimuth, up)};
  });
  body.append_to(hat.mesh, knit, Part::kHat);
  if (cuffed) {
    Sheet fold(6, 49, true);
    constexpr std::array<float, 6> kUp{0.0F, -0.02F, 0.1F, 0.6F, 0.98F, 0.98F};
    constexpr std::array<float, 6> kOut{0.0F, 0.06F, 0.10F, 0.105F, 0.09F, 0.03F};
    for (int c = 0; c < 49; ++c) {
      const float azimuth = 2 * kPi * static_cast<float>(c % 48) / 48;
      const float uneven = 0.015F * value_noise(hat.key + 1, 1.5F * std::sin(azimuth) + 9.0F,
                                                1.5F * std::cos(azimuth));
      for (int r = 0; r < 6; ++r) {
        const auto i = static_cast<size_t>(r);
        const float up = (cuff + uneven) * kUp[i];
        fold.at(r, c) = r > 0 ? hat.at(azimuth, up, kOut[i] + over_ears(azimuth, up))
                              : hat.chart.at(azimuth, up, kOut[i]);
        fold.open(r, c) = r == 0 ? 0.3F : r == 5 ? 0.5F : 1.0F;
      }
    }
    fold.close();
    fold.measure_uv();
    const Vec3 tone =
        keyed_unit(hat.key, 5) < 0.25F ? albedo * 0.5F + Vec3{0.2F, 0.2F, 0.2F} : albedo;
    fold.append_to(hat.mesh, hat_surface(hat.mesh, tone, 3.0F, keyed_range(hat.key, 6, 5.0F, 9.0F)),
                   Part::kHat);
  }
  if (keyed_unit(hat.key, 7) < 0.2F) {
    const Vec3 up = hat.chart.direction(0, kPi / 2);
    const float size = keyed_range(hat.key, 8, 0.16F, 0.24F);
    append_ellipsoid(hat.mesh, hat.at(0, kPi / 2, 0.05F + 0.7F * slack + 0.7F * size),
                     {{1, 0, 0}, up, cross(Vec3{1, 0, 0}, up)}, {size, size, size}, 9, 16, knit,
                     Part::kHat);
  }
}

// A plate that leaves the rim: `reach(azimuth)` dm wide, `drop(azimuth, v)` dm down at v = 0..1.
template <typename Reach, typename Drop>
void append_brim(const HatBuilder& hat, float from, float to, int cols, bool joined, float lift,
                 uint16_t surface, Reach reach, Drop drop) {
  constexpr std::array<float, 9> kOut{0.0F, 0.3F, 0.65F, 0.95F, 1.0F, 0.95F, 0.65F, 0.3F, 0.0F};
  constexpr float kHalf = 0.012F;
  Sheet sheet(9, cols, joined);
  const Vec3 up = hat.chart.direction(0, kPi / 2);
  for (int c = 0; c < cols; ++c) {
    const int index = joined ? c % (cols - 1) : c;
    const float azimuth = lerp(from, to, static_cast<float>(index) / static_cast<float>(cols - 1));
    const Vec3 root = hat.chart.at(azimuth, 0.0F, lift);
    Vec3 out = hat.chart.direction(joined ? azimuth : 0.35F * azimuth, 0.0F);
    if (!joined) out = normalized(Vec3{out.x, -0.28F, out.z});  // a visor looks down
    for (int r = 0; r < 9; ++r) {
      const float v = kOut[static_cast<size_t>(r)];
      const float side = r < 4 ? -kHalf : r > 4 ? kHalf : 0.0F;
      sheet.at(r, c) = root + out * (reach(azimuth) * v) + up * (side - drop(azimuth, v));
      sheet.open(r, c) = r < 4 ? 0.45F + 0.3F * v : 1.0F;
    }
  }
  sheet.close();
  sheet.measure_uv();
  sheet.append_to(hat.mesh, surface, Part::kHat);
}

void append_cap(const HatBuilder& hat, const Vec3& albedo) {
  const bool two_tone = keyed_unit(hat.key, 1) < 0.35F;
  const Vec3 brim_tone =
      two_tone ? Vec3{keyed_range(hat.key, 2, 0.03F, 0.5F), keyed_range(hat.key, 3, 0.03F, 0.3F),
                      keyed_range(hat.key, 4, 0.03F, 0.4F)}
               : albedo * 0.92F;
  const uint16_t twill = hat_surface(hat.mesh, albedo, 4.0F, 2.5F);
  const uint16_t brim = hat_surface(hat.mesh, brim_tone, 4.0F, 2.5F);
  const float structured = keyed_range(hat.key, 5, 0.02F, 0.11F);
  Sheet body = crown(hat, 14, 61, 0.005F, [&](float azimuth, float t) {
    const float front = std::max(0.0F, std::cos(azimuth));
    const float panel = structured * front * std::sin(kPi * clamp01(t * 1.1F));
    const float seam =
        std::fabs(std::remainder(azimuth + kPi / 6, kPi / 3)) < 0.06F ? 0.010F : 0.0F;
    return Vec2{lerp(0.0F, kPi / 2, t), 0.055F + panel - seam * smoothstep(0.0F, 0.1F, t)};
  });
  body.append_to(hat.mesh, twill, Part::kHat);
  const Vec3 up = hat.chart.direction(0, kPi / 2);
  append_ellipsoid(hat.mesh, hat.at(0, kPi / 2, 0.06F), {{1, 0, 0}, up, cross(Vec3{1, 0, 0}, up)},
                   {0.055F, 0.025F, 0.055F}, 6, 10, brim, Part::kHat);
  const float reach = keyed_range(hat.key, 6, 0.58F, 0.74F),
              bend = keyed_range(hat.key, 7, 0.08F, 0.22F);
  constexpr float kHalfWidth = 0.98F;
  append_brim(
      hat, -kHalfWidth, kHalfWidth, 33, false, 0.0F, brim,
      [&](float azimuth) {
        const float u = azimuth / kHalfWidth;
        return 0.02F + reach * std::pow(std::max(0.0F, 1.0F - u * u), 0.85F);
      },
      [&](float azimuth, float v) {
        const float u = azimuth / kHalfWidth;
        return v * (v * 0.06F + 4.0F * bend * u * u * (1.0F - u * u));
      });
}

void append_brimmed(const HatBuilder& hat, const Vec3& albedo) {
  const float kind = keyed_unit(hat.key, 1);
  const bool fedora = kind<0.5F, bucket = kind> 0.8F;
  const uint16_t felt = hat_surface(hat.mesh, albedo, fedora ? 0.0F : bucket ? 4.0F : 3.0F, 2.5F);
  const float tall =
      fedora ? keyed_range(hat.key, 2, 0.22F, 0.34F) : keyed_range(hat.key, 2, 0.08F, 0.2F);
  Sheet body = crown(hat, 15, 57, 0.0F, [&](float azimuth, float t) {
    const float c = std::cos(azimuth), s = std::sin(azimuth);
    float lift = 0.055F + tall * smoothstep(0.15F, 0.75F, t);
    if (fedora) {
      const float pinch = std::max(0.0F, c) * s * s * 4.0F * smoothstep(0.3F, 0.6F, t);
      const float crease = smoothstep(0.72F, 1.0F, t) * (0.45F + 0.55F * (c * c));
      lift -= 0.05F * pinch * (1.0F - smoothstep(0.7F, 0.95F, t)) + 0.17F * crease;
    } else {
      lift -= 0.5F * tall * smoothstep(0.75F, 1.0F, t);
    }
    return Vec2{lerp(0.0F, kPi / 2, t), lift};
  });
  body.append_to(hat.mesh, felt, Part::kHat);
  if (!bucket) {
    const float light = luminance(albedo) > 0.25F ? 0.35F : 1.8F;
    const uint16_t ribbon = hat_surface(hat.mesh, albedo * light, 0.0F, 1.0F);
    Sheet band(4, 57, true);
    constexpr std::array<float, 4> kUp{0.0F, 0.02F, 0.20F, 0.21F};
    for (int c = 0; c < 57; ++c) {
      const float azimuth = 2 * kPi * static_cast<float>(c % 56) / 56;
      for (int r = 0; r < 4; ++r) {
        const float t = kUp[static_cast<size_t>(r)] / (kPi / 2);
        const float lift = 0.055F + tall * smoothstep(0.15F, 0.75F, t);
        band.at(r, c) = hat.at(azimuth, kUp[static_cast<size_t>(r)],
                               lift + (r == 0 || r == 3 ? -0.02F : 0.028F));
      }
    }
    band.close();
    band.measure_uv();
    band.append_to(hat.mesh, ribbon, Part::kHat);
  }
  const float width = bucket   ? keyed_range(hat.key, 3, 0.42F, 0.52F)
                      : fedora ? keyed_range(hat.key, 3, 0.42F, 0.58F)
                               : keyed_range(hat.key, 3, 0.65F, 1.05F);
  const float droop = bucket ? 0.34F : fedora ? 0.04F : keyed_range(hat.key, 4, 0.05F, 0.22F);
  append_brim(
      hat, 0, 2 * kPi, 57, true, -0.01F, felt, [&](float) { return width; },
      [&](float azimuth, float v) {
        const float s = std::sin(azimuth);
        const float curl = fedora ? 0.14F * s * s - 0.05F : 0.0F;
        const float wave =
            0.05F * value_noise(hat.key + 9, 1.2F * s + 3.0F, 1.2F * std::cos(azimuth));
        return v * (droop - v * (curl + wave));
      });
}

}  // namespace

std::optional<HairLimit> add_hat(const HeadTopology& topology, const Head& head,
                                 const PhotoRecipe& photo, Mesh& mesh) {
  const Hat kind = photo.wearing.hat;
  if (kind == Hat::kNone) return std::nullopt;
  const uint32_t key = noise_stream_key(photo.noise_key, kHatStream);
  const Vec3 albedo = photo.wearing.hat_albedo;
  if (kind == Hat::kHeadscarf) {
    const float pattern = keyed_unit(key, 20) < 0.25F ? 4.0F : 0.0F;
    append_headscarf(topology, head, key, hat_surface(mesh, albedo, pattern, 2.0F), mesh);
    // All but brows, lashes and beard: what lies behind and above the outer ends of the brows.
    const Vec3 back = normalized(Vec3{0, 0.55F, -0.835F});
    const Vec3 brows = (head.landmarks[17] + head.landmarks[26]) * 0.5F;
    return HairLimit{brows + back * 0.055F, back};
  }
  const bool beanie = kind == Hat::kBeanie, cap = kind == Hat::kCap;
  const float above_brow =
      beanie ? keyed_range(key, 30, 0.15F, 0.36F) : keyed_range(key, 30, 0.28F, 0.45F);
  const float slope = beanie ? keyed_range(key, 31, 0.30F, 0.50F)
                      : cap  ? keyed_range(key, 31, 0.12F, 0.28F)
                             : keyed_range(key, 31, 0.02F, 0.16F);
  const RimPlane plane = rim_plane(head, above_brow, slope, beanie ? -0.06F : 0.03F);
  const RadialChart chart(head.points, plane.center, plane.axes, -0.12F, 2,
                          [&](const Vec3& p) { return !is_ear(head, p); });
  const HatBuilder hat{head, chart, key, mesh, hair_room(photo.hair)};
  switch (kind) {
    case Hat::kBeanie:
      append_beanie(hat, albedo);
      break;
    case Hat::kCap:
      append_cap(hat, albedo);
      break;
    default:
      append_brimmed(hat, albedo);
      break;
  }
  return HairLimit{plane.center + plane.axes.row1 * kUnderRim, plane.axes.row1};
}

}  // namespace guise::render
