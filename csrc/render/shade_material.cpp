#include "render/brdf.h"
#include "render/shading.h"

namespace guise::render {
namespace {

float stripe(float v) {
  return smoothstep(-0.12F, 0.12F, std::sin(2 * std::numbers::pi_v<float> * v));
}

// The colour of a woven or printed surface.
Vec3 patterned(const Surface& surface, Vec2 uv) {
  const Vec2 p = uv * surface.pattern_scale;
  const int kind = static_cast<int>(surface.pattern + 0.5F);
  if (kind == 1) return lerp(surface.albedo, surface.second_albedo, stripe(p.y));
  if (kind == 2) {
    return lerp(surface.albedo, surface.second_albedo, 0.5F * (stripe(p.x) + stripe(p.y)));
  }
  if (kind == 3) {
    const float rib = 0.5F + 0.5F * std::sin(12 * p.x) * std::sin(9 * p.y + 2 * std::sin(6 * p.x));
    return surface.albedo * lerp(0.72F, 1.08F, rib);
  }
  if (kind == 4) {
    const float weave = 0.5F + 0.5F * std::sin(40 * (p.x + p.y));
    return lerp(surface.albedo, surface.second_albedo, 0.15F + 0.2F * weave);
  }
  return surface.albedo;
}

struct Finish {
  float roughness, f0, sheen, wrap;
};

Finish finish_of(const Surface& surface) {
  switch (surface.kind) {
    case SurfaceKind::kCloth:
      return {0.85F, 0.02F, 0.10F, 0.15F};
    case SurfaceKind::kMouth:
      return {0.35F, 0.03F, 0, 0.3F};
    case SurfaceKind::kTeeth:
      return {0.22F, 0.045F, 0, 0.35F};
    case SurfaceKind::kTongue:
      return {0.40F, 0.03F, 0, 0.3F};
    case SurfaceKind::kHand:
      return {0.50F, 0.028F, 0, 0.2F};
    default:
      return {surface.roughness, surface.f0, 0, 0};
  }
}

}  // namespace

Vec3 shade_material(const SurfacePoint& at, const Surface& surface, const Lighting& lighting) {
  const Finish finish = finish_of(surface);
  const Vec3 albedo = patterned(surface, at.uv);
  const bool metal = finish.f0 > 0.5F;
  const Vec3 mirror_tint = metal ? albedo : Vec3{1, 1, 1};
  const float ao = at.ambient_occlusion;
  const Vec3 open{bounced(ao, albedo.x), bounced(ao, albedo.y), bounced(ao, albedo.z)};
  const float nv = std::max(dot(at.normal, at.to_viewer), 0.05F);
  Vec3 diffuse = irradiance(lighting.environment, at.normal) * open;
  diffuse = diffuse * (1 + finish.sheen * pow5(1 - nv) * 4);
  const float share = environment_share(finish.f0, finish.roughness, nv);
  const Vec3 mirror = reflected(at.to_viewer, at.normal);
  const Vec3 around = finish.roughness > 0.6F
                          ? irradiance(lighting.environment, mirror)
                          : glossy(lighting.environment, mirror, finish.roughness);
  Vec3 specular = around * (share * ao);
  for (const LampInScene& scene_lamp : lighting.lamps) {
    const Lamp& lamp = scene_lamp.lamp;
    const float lit = scene_lamp.shadow ? scene_lamp.shadow->light_at(at.position, at.normal) : 1;
    if (lit <= 1e-3F) continue;
    const float nl = dot(at.normal, lamp.direction);
    const float body = std::max(0.0F, (nl + finish.wrap) / (1 + finish.wrap));
    const float cavity = lerp(ao, 1.0F, 0.4F);
    diffuse += lamp.radiance * (body * lit * cavity);
    const float lobe =
        ggx(at.normal, at.to_viewer, lamp.direction, std::max(finish.roughness, 0.7F * lamp.size),
            finish.f0, metal ? 1.0F : 0.6F);
    specular += lamp.radiance * (lobe * std::numbers::pi_v<float> * lit * cavity);
  }
  return (metal ? Vec3{} : diffuse * albedo) + specular * mirror_tint;
}

LensLook shade_lens(const SurfacePoint& at, const Surface& surface, const Lighting& lighting) {
  const float nv = std::max(std::abs(dot(at.normal, at.to_viewer)), 0.05F);
  const Vec3 normal = dot(at.normal, at.to_viewer) < 0 ? -at.normal : at.normal;
  const Vec3 mirror = reflected(at.to_viewer, normal);
  const float share = 0.035F + 0.6F * pow5(1 - nv);
  Vec3 mirrored = glossy(lighting.environment, mirror, 0.12F) * share;
  for (const LampInScene& scene_lamp : lighting.lamps) {
    const Lamp& lamp = scene_lamp.lamp;
    mirrored +=
        lamp.radiance * (std::numbers::pi_v<float> * ggx(normal, at.to_viewer, lamp.direction,
                                                         std::max(0.15F, lamp.size), 0.04F, 0.6F));
  }
  const float through = (1 - surface.opacity) * (1 - share);
  return {mirrored, lerp(surface.albedo, Vec3{1, 1, 1}, 0.7F) * through};
}

}  // namespace guise::render
