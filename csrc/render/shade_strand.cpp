#include "render/brdf.h"
#include "render/shading.h"

namespace guise::render {
namespace {

// Share of the light that the first bounce mirrors, uncoloured.
constexpr float kMirror = 0.10F;
constexpr float kShift = 0.10F;  // of the highlights along the hair, from the scales' tilt

float strand_highlight(const Vec3& tangent, const Vec3& half, float sharpness) {
  const float along = dot(tangent, half);
  const float across2 = std::max(0.0F, 1 - along * along);
  return std::pow(across2, sharpness / 2);
}

}  // namespace

Vec3 shade_strand(const StrandPoint& at, const Lighting& lighting) {
  // Hair deep in the volume and near the roots sees less of the sky.
  const float open =
      lerp(0.30F, 1.0F, at.depth) * lerp(0.65F, 1.0F, smoothstep(0, 0.45F, at.from_root));
  const Vec3 across = normalized(at.to_viewer - at.tangent * dot(at.tangent, at.to_viewer));
  const Vec3 shell = normalized(at.root_normal * 0.75F + across * 0.45F);
  Vec3 colour = irradiance(lighting.environment, shell) * at.albedo * open;
  const Vec3 mirror = reflected(at.to_viewer, shell);
  const Vec3 tint = lerp(at.albedo, Vec3{1, 1, 1}, 0.25F);
  colour += irradiance(lighting.environment, mirror, 1.3F) * tint * (0.045F * open);
  for (const LampInScene& scene_lamp : lighting.lamps) {
    const Lamp& lamp = scene_lamp.lamp;
    const float lit =
        scene_lamp.shadow ? scene_lamp.shadow->light_at(at.position, at.root_normal) : 1;
    if (lit <= 1e-3F) continue;
    const float along = dot(at.tangent, lamp.direction);
    const float sine = std::sqrt(std::max(0.0F, 1 - along * along));
    const float facing = clamp01((dot(shell, lamp.direction) + 0.35F) / 1.35F);
    const float body = sine * facing;
    const Vec3 half = normalized(lamp.direction + at.to_viewer);
    const Vec3 tangent_1 = normalized(at.tangent - shell * kShift);
    const Vec3 tangent_2 = normalized(at.tangent + shell * (1.5F * kShift));
    const float soft = std::max(0.25F, 1 - lamp.size);
    const float first = kMirror * strand_highlight(tangent_1, half, 90 * soft) * facing;
    const float second = 0.35F * strand_highlight(tangent_2, half, 24 * soft) * facing;
    const Vec3 answer = at.albedo * (0.75F * body) + Vec3{first, first, first} + at.albedo * second;
    colour += lamp.radiance * answer * (lit * lerp(0.5F, 1.0F, open));
  }
  return colour;
}

}  // namespace guise::render
