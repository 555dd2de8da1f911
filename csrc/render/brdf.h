// Terms of reflectance models that several surfaces share.
#pragma once

#include <numbers>

#include "render/vec.h"

namespace guise::render {

inline float pow5(float v) {
  const float v2 = v * v;
  return v2 * v2 * v;
}

inline Vec3 reflected(const Vec3& to_viewer, const Vec3& normal) {
  return normal * (2 * dot(normal, to_viewer)) - to_viewer;
}

// GGX distribution times Smith's visibility (height-correlated, approximated), roughness^2 = alpha.
inline float ggx(const Vec3& normal, const Vec3& to_viewer, const Vec3& to_lamp, float roughness,
                 float f0, float grazing) {
  const float nl = dot(normal, to_lamp);
  if (nl <= 0) return 0;
  const Vec3 half = normalized(to_viewer + to_lamp);
  const float nv = std::max(dot(normal, to_viewer), 0.05F);
  const float nh = std::max(dot(normal, half), 0.0F);
  const float a = roughness * roughness;
  const float a2 = a * a;
  const float d = nh * nh * (a2 - 1) + 1;
  const float distribution = a2 / (std::numbers::pi_v<float> * d * d);
  const float visibility = 0.5F / (lerp(2 * nl * nv, nl + nv, a) + 1e-4F);
  const float fresnel = f0 + (grazing - f0) * pow5(1 - std::max(dot(half, to_viewer), 0.0F));
  return distribution * visibility * fresnel * nl;
}

// Share of the environment that a surface mirrors: Schlick's term, tamed for rough surfaces, with
// the grazing end at 0.16 (full Schlick draws a white outline on skin under soft light).
inline float environment_share(float f0, float roughness, float nv) {
  return f0 * (1 - 0.4F * roughness) +
         std::max(0.0F, 0.16F - f0) * pow5(1 - nv) * (1 - 0.6F * roughness);
}

// Ambient occlusion with the light that bounces between coloured walls (Jimenez et al., SIGGRAPH
// 2016 course "Practical real-time strategies for accurate indirect occlusion").
inline float bounced(float ao, float albedo) {
  const float a = 2.0404F * albedo - 0.3324F;
  const float b = -4.7951F * albedo + 0.6417F;
  const float c = 2.7552F * albedo + 0.6903F;
  return std::max(ao, ((ao * a + b) * ao + c) * ao);
}

}  // namespace guise::render
