#include "render/brdf.h"
#include "render/shading.h"

namespace guise::render {
namespace {

constexpr float kCorneaF0 = 0.022F;

float hashed(uint64_t key, int a, int b) {
  uint64_t h = key ^ (static_cast<uint64_t>(static_cast<uint32_t>(a)) * 0x9E3779B97F4A7C15ULL) ^
               (static_cast<uint64_t>(static_cast<uint32_t>(b)) * 0xC2B2AE3D27D4EB4FULL);
  h ^= h >> 31;
  h *= 0xD6E8FEB86659FD93ULL;
  h ^= h >> 32;
  return static_cast<float>(h & 0xFFFFFF) * (1.0F / 16777216.0F);
}

// Value noise around a circle of `count` cells.
float ring_noise(uint64_t key, int layer, float turn, int count) {
  const float at = (turn - std::floor(turn)) * static_cast<float>(count);
  const int i = static_cast<int>(at) % count;
  const float f = at - std::floor(at);
  return lerp(hashed(key, layer, i), hashed(key, layer, (i + 1) % count), f * f * (3 - 2 * f));
}

Vec3 iris_base(const EyeRecipe& eye) {
  const Vec3 blue{0.12F, 0.23F, 0.36F}, grey{0.22F, 0.25F, 0.27F};
  const Vec3 amber{0.24F, 0.15F, 0.040F}, brown{0.060F, 0.026F, 0.010F};
  Vec3 colour = lerp(blue, grey, eye.grey);
  // A little yellow over blue is green; more is hazel.
  colour = lerp(colour, amber, 0.75F * eye.amber);
  return lerp(colour, brown, eye.melanin);
}

// rho: 0 centre .. 1 rim of the iris; turn: angle / 2 pi.
Vec3 iris_colour(const EyeLook& look, float rho, float turn) {
  const uint64_t key = look.noise_key;
  const float fibres = 0.55F * ring_noise(key, 1, turn + 0.015F * std::sin(9 * rho), 90) +
                       0.45F * ring_noise(key, 2, turn, 41);
  const float crypts = ring_noise(key, 3, turn + 0.3F * rho, 17);
  Vec3 colour = iris_base(look.recipe) * (0.55F + 0.8F * fibres) *
                (0.85F + 0.3F * crypts * smoothstep(0.5F, 0.9F, rho));
  // The collarette around the pupil is warmer and lighter.
  const float edge = look.pupil + 0.20F + 0.06F * ring_noise(key, 4, turn, 23);
  const float collarette = 1 - smoothstep(edge - 0.12F, edge + 0.10F, rho);
  colour = lerp(colour, Vec3{0.20F, 0.115F, 0.040F} * (0.6F + 0.7F * fibres),
                collarette * 0.55F * (1 - 0.5F * look.recipe.melanin));
  const float limbus = smoothstep(0.78F, 1.0F, rho) * (0.35F + 0.6F * look.recipe.limbal_ring);
  colour = colour * (1 - limbus);
  return colour * smoothstep(look.pupil - 0.05F, look.pupil + 0.05F, rho);
}

Vec3 white_colour(const EyeLook& look, float x, float y, float turn) {
  const float side = clamp01(std::abs(x) * 1.15F);
  Vec3 colour =
      lerp(Vec3{0.50F, 0.485F, 0.475F}, Vec3{0.50F, 0.45F, 0.36F}, 0.7F * look.recipe.white_tint);
  // Towards the corners the white turns pink and veined.
  const float vein = ring_noise(look.noise_key, 7, turn + 0.06F * std::sin(14 * x), 64);
  const float veined = smoothstep(0.35F, 1.0F, side) * (0.25F + 0.6F * look.recipe.white_tint);
  colour = lerp(colour, Vec3{0.45F, 0.21F, 0.17F},
                veined * (0.25F + 0.6F * smoothstep(0.6F, 0.95F, vein)));
  return colour * (look.white_gain * (1 - 0.12F * std::abs(y)));
}

// Darkness that lids and lashes throw on the ball: most under the upper lid.
float lid_light(const EyeLook& look, float height) {
  const float below_upper = smoothstep(-0.04F, 0.62F, look.upper_lid - height);
  const float above_lower = smoothstep(-0.08F, 0.25F, height - look.lower_lid);
  return lerp(0.12F, 1.0F, below_upper) * lerp(0.45F, 1.0F, above_lower);
}

}  // namespace

Vec3 shade_eye(const SurfacePoint& at, const EyeLook& look, const Lighting& lighting) {
  const Vec3 out = normalized(at.position - look.eye.center);
  const Vec3 gaze = look.eye.gaze;
  const Vec3 right = normalized(look.right - gaze * dot(look.right, gaze));
  const Vec3 up = cross(gaze, right);
  const float forward = dot(out, gaze);
  float x = dot(out, right), y = dot(out, up);
  const float rim = look.recipe.iris_radius;
  const float rho_outside = std::sqrt(x * x + y * y) / rim;
  Vec3 albedo;
  const float side_turn = std::atan2(y, x) / (2 * std::numbers::pi_v<float>);
  const Vec3 white = white_colour(look, dot(out, look.right), y, side_turn);
  const bool in_cornea = forward > 0 && rho_outside < 1.12F;
  if (in_cornea) {
    // Refraction at the cornea: the iris lies behind it and is seen displaced against the view.
    const Vec3 view = at.to_viewer;
    const float depth = 0.30F * rim * std::max(0.0F, 1 - rho_outside * rho_outside);
    x -= dot(view, right) * depth;
    y -= dot(view, up) * depth;
    const float rho = std::sqrt(x * x + y * y) / rim;
    const float turn = std::atan2(y, x) / (2 * std::numbers::pi_v<float>);
    albedo = lerp(iris_colour(look, std::min(rho, 1.0F), turn), white,
                  smoothstep(0.93F, 1.10F, rho_outside));
  } else {
    albedo = white;
  }
  const float height = dot(at.position - look.eye.center, look.up) / look.eye.radius;
  const float open = lid_light(look, height);
  // The bulge of the cornea bends the mirror's normal away from the axis more quickly.
  const float bulge = in_cornea ? 0.55F * (1 - smoothstep(0.75F, 1.12F, rho_outside)) : 0;
  const Vec3 normal = normalized(out + (out - gaze * forward) * bulge);
  Vec3 diffuse = irradiance(lighting.environment, out) * open;
  const Vec3 mirror = reflected(at.to_viewer, normal);
  const float nv = std::max(dot(normal, at.to_viewer), 0.05F);
  const float share = kCorneaF0 + 0.35F * pow5(1 - nv);
  // The film of tears mirrors windows and sky, not what is dim: a pupil stays black.
  const Vec3 around = radiance(lighting.environment, mirror);
  const float bright_share = smoothstep(
      0.4F, 2.2F,
      luminance(around) / std::max(1e-3F, luminance(irradiance(lighting.environment, gaze))));
  Vec3 specular = around * (share * open * lerp(0.35F, 1.4F, bright_share));
  for (const LampInScene& scene_lamp : lighting.lamps) {
    const Lamp& lamp = scene_lamp.lamp;
    const float lit = scene_lamp.shadow ? scene_lamp.shadow->light_at(at.position, out) : 1;
    diffuse += lamp.radiance * (clamp01((dot(out, lamp.direction) + 0.2F) / 1.2F) * lit * open);
    // The lamp mirrored as a disc of its size.
    const float apart = std::acos(std::clamp(dot(mirror, lamp.direction), -1.0F, 1.0F));
    const float disc = std::max(lamp.size, 0.09F);
    const float inside = 1 - smoothstep(0.8F * disc, 1.2F * disc, apart);
    const float bright = std::min(1.0F / (disc * disc), 60.0F);
    specular += lamp.radiance * (inside * bright * share * lerp(0.4F, 1.0F, lit));
  }
  return diffuse * albedo + specular;
}

}  // namespace guise::render
