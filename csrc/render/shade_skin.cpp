#include "render/brdf.h"
#include "render/shading.h"

namespace guise::render {
namespace {

constexpr float kSkinF0 = 0.028F;
// Gain of bands 1 and 2 of the irradiance that makes it the mirror image of a rough surface.
constexpr float kMirrorBands = 1.35F;
// How far light runs under the skin's edge of shadow, per channel: share of the half turn.
constexpr Vec3 kWrap{0.30F, 0.13F, 0.08F};

struct SkinTexel {
  Vec3 albedo;
  float oil = 0;
  float slope_u = 0, slope_v = 0;  // change of height per unit of uv
};

// Bilinear; clamped at the edges of the chart.
SkinTexel texel_at(const SkinMaps& maps, Vec2 uv) {
  const float x = std::clamp(uv.x * static_cast<float>(maps.width) - 0.5F, 0.0F,
                             static_cast<float>(maps.width) - 1.001F);
  const float y = std::clamp(uv.y * static_cast<float>(maps.height) - 0.5F, 0.0F,
                             static_cast<float>(maps.height) - 1.001F);
  const int ix = static_cast<int>(x), iy = static_cast<int>(y);
  const float fx = x - static_cast<float>(ix), fy = y - static_cast<float>(iy);
  const auto a =
      static_cast<size_t>(iy) * static_cast<size_t>(maps.width) + static_cast<size_t>(ix);
  const size_t c = a + static_cast<size_t>(maps.width);
  const float wa = (1 - fx) * (1 - fy), wb = fx * (1 - fy), wc = (1 - fx) * fy, wd = fx * fy;
  const auto mix = [&](const std::vector<float>& map, size_t stride, size_t channel) {
    return map[a * stride + channel] * wa + map[(a + 1) * stride + channel] * wb +
           map[c * stride + channel] * wc + map[(c + 1) * stride + channel] * wd;
  };
  SkinTexel texel;
  texel.albedo = {mix(maps.albedo, 3, 0), mix(maps.albedo, 3, 1), mix(maps.albedo, 3, 2)};
  texel.oil = mix(maps.oil, 1, 0);
  const float ha = maps.relief[a], hb = maps.relief[a + 1], hc = maps.relief[c],
              hd = maps.relief[c + 1];
  texel.slope_u = lerp(hb - ha, hd - hc, fy) * static_cast<float>(maps.width);
  texel.slope_v = lerp(hc - ha, hd - hb, fx) * static_cast<float>(maps.height);
  return texel;
}

// Bump mapping after Blinn (SIGGRAPH 1978), for any two tangents.
Vec3 bumped(const SurfacePoint& at, float slope_u, float slope_v) {
  const Vec3 r1 = cross(at.along_v, at.normal), r2 = cross(at.normal, at.along_u);
  const float determinant = dot(at.along_u, r1);
  if (std::abs(determinant) < 1e-8F) return at.normal;
  const Vec3 gradient = (r1 * slope_u + r2 * slope_v) * (1 / determinant);
  return normalized(at.normal - gradient);
}

// Lambert whose terminator is wrapped, and softened as much as it is wrapped.
Vec3 scattered(float nl) {
  const auto channel = [nl](float wrap) {
    const float lit = std::max(0.0F, (nl + wrap) / (1 + wrap));
    return lerp(lit, lit * lit, 2 * wrap);
  };
  return {channel(kWrap.x), channel(kWrap.y), channel(kWrap.z)};
}

}  // namespace

Vec3 shade_skin(const SurfacePoint& at, const SkinMaps& maps, const Lighting& lighting) {
  const SkinTexel texel = texel_at(maps, at.uv);
  const Vec3 fine = bumped(at, texel.slope_u, texel.slope_v);
  // Light that has been under the skin comes out smoothed: red most.
  const Vec3 soft = normalized(lerp(at.normal, fine, 0.45F));
  const float ao = at.ambient_occlusion;
  const Vec3 open{bounced(ao, texel.albedo.x), bounced(ao, texel.albedo.y),
                  bounced(ao, texel.albedo.z)};
  Vec3 diffuse = irradiance(lighting.environment, soft) * open;
  const float nv = std::max(dot(fine, at.to_viewer), 0.05F);
  const float rough_wide = lerp(0.58F, 0.40F, texel.oil);
  const float rough_tight = lerp(0.40F, 0.24F, texel.oil);
  const Vec3 mirror = reflected(at.to_viewer, fine);
  const float share = 0.85F * environment_share(kSkinF0, rough_wide, nv) + 0.15F * kSkinF0;
  // Rough enough that order 2 shows it: a third of the time of the glossy maps.
  Vec3 specular = irradiance(lighting.environment, mirror, kMirrorBands) * (share * ao * ao);
  for (const LampInScene& scene_lamp : lighting.lamps) {
    const Lamp& lamp = scene_lamp.lamp;
    const float lit = scene_lamp.shadow ? scene_lamp.shadow->light_at(at.position, at.normal) : 1;
    if (lit <= 1e-3F) continue;
    // The rim of a shadow is red: what is scattered there has lost its blue.
    const Vec3 shadow{std::sqrt(lit), lit * (1.5F - 0.5F * lit), lit};
    const Vec3 through = scattered(dot(soft, lamp.direction));
    const float cavity = lerp(ao, 1.0F, 0.5F);
    diffuse += lamp.radiance * through * shadow * cavity;
    const float lobes = 0.8F * ggx(fine, at.to_viewer, lamp.direction,
                                   std::max(rough_wide, lamp.size), kSkinF0, 0.5F) +
                        0.2F * ggx(fine, at.to_viewer, lamp.direction,
                                   std::max(rough_tight, 0.7F * lamp.size), kSkinF0, 0.5F);
    specular += lamp.radiance * (lobes * std::numbers::pi_v<float> * lit * cavity);
  }
  return diffuse * texel.albedo + specular;
}

}  // namespace guise::render
