#include "render/shadow_map.h"

#include <cmath>

namespace guise::render {
namespace {

constexpr float kNowhere = -8.0F;
// Heights closer than this cast no shadow on each other, dm: bumps of the surface itself.
constexpr float kLeastDeviation = 0.02F;
// Chebyshev's bound lets some light through where casters lie at many heights; this much is cut.
constexpr float kBleed = 0.18F;
// Distance at which a caster of the head throws its blur, dm.
constexpr float kTypicalThrow = 0.55F;
constexpr float kNormalOffset = 0.045F;
// Optical thickness of one strand point spread over one texel of a map 128 texels wide.
constexpr float kStrandOpacity = 0.16F;

void blur_rows(const std::vector<float>& from, std::vector<float>& to, int size, int radius) {
  const float share = 1.0F / static_cast<float>(2 * radius + 1);
  for (int y = 0; y < size; ++y) {
    const float* row = from.data() + static_cast<size_t>(y) * static_cast<size_t>(size);
    float sum = 0;
    for (int x = -radius; x <= radius; ++x) sum += row[std::clamp(x, 0, size - 1)];
    for (int x = 0; x < size; ++x) {
      // Written transposed, so that two calls blur both axes.
      to[static_cast<size_t>(x) * static_cast<size_t>(size) + static_cast<size_t>(y)] = sum * share;
      sum += row[std::min(x + radius + 1, size - 1)] - row[std::max(x - radius, 0)];
    }
  }
}

void blur(std::vector<float>& map, int size, int radius) {
  if (radius < 1) return;
  std::vector<float> other(map.size());
  for (int pass = 0; pass < 2; ++pass) {
    blur_rows(map, other, size, radius);
    blur_rows(other, map, size, radius);
  }
}

}  // namespace

ShadowMap::ShadowMap(const Vec3& to_lamp, float softness, const Vec3& center, float radius_dm,
                     int map_px)
    : right_(
          normalized(cross(std::abs(to_lamp.y) < 0.95F ? Vec3{0, 1, 0} : Vec3{1, 0, 0}, to_lamp))),
      up_(cross(to_lamp, right_)),
      to_lamp_(to_lamp),
      center_(center),
      radius_(radius_dm),
      softness_(softness),
      map_px_(map_px),
      caster_(static_cast<size_t>(map_px) * static_cast<size_t>(map_px), kNowhere) {}

ShadowMap::Place ShadowMap::place(const Vec3& position) const {
  const Vec3 d = position - center_;
  const float scale = static_cast<float>(map_px_) / (2 * radius_);
  const float middle = static_cast<float>(map_px_ - 1) / 2;
  return {middle + dot(d, right_) * scale, middle - dot(d, up_) * scale, dot(d, to_lamp_)};
}

void ShadowMap::cast(const Mesh& mesh, const std::vector<Vec3>& positions) {
  std::vector<Place> places(positions.size());
  for (size_t i = 0; i < positions.size(); ++i) places[i] = place(positions[i]);
  for (const Triangle& triangle : mesh.triangles) {
    const Surface& surface = mesh.surfaces[triangle.surface];
    if (surface.kind == SurfaceKind::kLens && surface.opacity < 0.5F) continue;
    if (!mesh.keep.empty() && mesh.keep[triangle.vertex[0]] < 0) continue;
    const Place &a = places[triangle.vertex[0]], &b = places[triangle.vertex[1]],
                &c = places[triangle.vertex[2]];
    const float ab_x = b.x - a.x, ab_y = b.y - a.y, ac_x = c.x - a.x, ac_y = c.y - a.y;
    const float area = ab_x * ac_y - ab_y * ac_x;
    if (std::abs(area) < 1e-9F) continue;
    const float inverse = 1.0F / area;
    const auto limit = static_cast<float>(map_px_ - 1);
    const int left = ceil_int(std::max(0.0F, std::min({a.x, b.x, c.x})));
    const int right = floor_int(std::min(limit, std::max({a.x, b.x, c.x})));
    const int top = ceil_int(std::max(0.0F, std::min({a.y, b.y, c.y})));
    const int bottom = floor_int(std::min(limit, std::max({a.y, b.y, c.y})));
    for (int y = top; y <= bottom; ++y) {
      for (int x = left; x <= right; ++x) {
        const float px = static_cast<float>(x) - a.x, py = static_cast<float>(y) - a.y;
        const float w1 = (px * ac_y - py * ac_x) * inverse;
        const float w2 = (py * ab_x - px * ab_y) * inverse;
        if (w1 < 0 || w2 < 0 || w1 + w2 > 1) continue;
        const float height = a.height + w1 * (b.height - a.height) + w2 * (c.height - a.height);
        float& highest =
            caster_[static_cast<size_t>(y) * static_cast<size_t>(map_px_) + static_cast<size_t>(x)];
        highest = std::max(highest, height);
      }
    }
  }
}

void ShadowMap::cast_hair(const Strands& strands, const std::vector<Vec3>& points) {
  if (points.empty()) return;
  has_hair_ = true;
  hair_top_.assign(caster_.size(), kNowhere);
  hair_mass_.assign(caster_.size(), 0.0F);
  const float texels_per_dm = static_cast<float>(map_px_) / (2 * radius_);
  // A strand covers its width times the way to the next point; brows and lashes count as little.
  for (size_t s = 0; s + 1 < strands.first.size(); ++s) {
    for (uint32_t p = strands.first[s]; p + 1 < strands.first[s + 1]; ++p) {
      const Place at = place(points[p]);
      const int x = round_int(at.x), y = round_int(at.y);
      if (x < 0 || y < 0 || x >= map_px_ || y >= map_px_) continue;
      const auto k = static_cast<size_t>(y) * static_cast<size_t>(map_px_) + static_cast<size_t>(x);
      hair_top_[k] = std::max(hair_top_[k], at.height);
      const Vec3 way = points[p + 1] - points[p];
      const float area = 2 * strands.radii[p] * length(way) * texels_per_dm * texels_per_dm;
      hair_mass_[k] += std::min(area, 6.0F);
    }
  }
}

void ShadowMap::finish() {
  const float texels_per_dm = static_cast<float>(map_px_) / (2 * radius_);
  const int radius = round_int(std::clamp(softness_ * kTypicalThrow * texels_per_dm * 0.6F, 0.6F,
                                          static_cast<float>(map_px_) / 10.0F));
  caster2_.resize(caster_.size());
  for (size_t i = 0; i < caster_.size(); ++i) {
    caster_[i] = std::max(caster_[i], -radius_);
    caster2_[i] = caster_[i] * caster_[i];
  }
  blur(caster_, map_px_, radius);
  blur(caster2_, map_px_, radius);
  if (has_hair_) {
    // Texels without hair take the height of the ones around, so that blurring does not sink it.
    for (size_t i = 0; i < hair_top_.size(); ++i) {
      hair_top_[i] = hair_top_[i] > kNowhere ? hair_top_[i] * hair_mass_[i] : 0.0F;
    }
    const int hair_radius = std::max(radius, 1);
    blur(hair_top_, map_px_, hair_radius);
    blur(hair_mass_, map_px_, hair_radius);
  }
}

float ShadowMap::sample(const std::vector<float>& map, float x, float y) const {
  const int ix = static_cast<int>(x), iy = static_cast<int>(y);
  const float fx = x - static_cast<float>(ix), fy = y - static_cast<float>(iy);
  const float* at =
      map.data() + static_cast<size_t>(iy) * static_cast<size_t>(map_px_) + static_cast<size_t>(ix);
  const float* below = at + map_px_;
  return (at[0] * (1 - fx) + at[1] * fx) * (1 - fy) + (below[0] * (1 - fx) + below[1] * fx) * fy;
}

float ShadowMap::light_at(const Vec3& position, const Vec3& normal) const {
  const Place at = place(position + normal * kNormalOffset);
  const auto limit = static_cast<float>(map_px_ - 2);
  if (!(at.x >= 0 && at.y >= 0 && at.x <= limit && at.y <= limit)) return 1.0F;
  float light = 1.0F;
  const float mean = sample(caster_, at.x, at.y);
  if (at.height < mean) {
    const float variance =
        std::max(sample(caster2_, at.x, at.y) - mean * mean, kLeastDeviation * kLeastDeviation);
    const float above = mean - at.height;
    light = clamp01((variance / (variance + above * above) - kBleed) / (1 - kBleed));
  }
  if (has_hair_) {
    const float mass = sample(hair_mass_, at.x, at.y);
    if (mass > 1e-3F) {
      const float top = sample(hair_top_, at.x, at.y) / mass;
      const float depth = smoothstep(-0.02F, 0.35F, top - at.height);
      light *= std::exp(-kStrandOpacity * 4.0F * mass * depth);
    }
  }
  return light;
}

}  // namespace guise::render
