#include "render/beard.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "render/hair_color.h"
#include "render/hair_noise.h"
#include "render/hair_strands.h"

namespace guise::render {
namespace {

struct BeardPlan {
  float beard = 0, moustache = 0, chin_only = 0;  // shares of the fields
  float length = 0, moustache_length = 0;         // dm
  float radius = 1, gravity = 1;
  int points = 4;
  float trim = 0;  // 1 = cheeks shorter than the chin
};

BeardPlan beard_plan(BeardStyle style, float t) {
  switch (style) {
    case BeardStyle::kStubble:
      return {1, 1, 0, lerp(0.012F, 0.036F, t), lerp(0.012F, 0.036F, t), 0.50F, 0.2F, 3, 0};
    case BeardStyle::kMoustache:
      return {0, 1, 0, 0, lerp(0.08F, 0.16F, t), 0.9F, 1.2F, 5, 0};
    case BeardStyle::kGoatee:
      return {1, 1, 1, lerp(0.08F, 0.36F, t), lerp(0.08F, 0.14F, t), 0.9F, 1.2F, 5, 0};
    case BeardStyle::kShortBeard:
      return {1, 1, 0, lerp(0.07F, 0.24F, t), lerp(0.07F, 0.14F, t), 0.9F, 1.2F, 5, 0.4F};
    case BeardStyle::kFullBeard:
      return {1, 1, 0, lerp(0.30F, 1.1F, t), lerp(0.13F, 0.24F, t), 1.05F, 1.2F, 8, 1};
    case BeardStyle::kNone:
      break;
  }
  return {};
}

// Where hair may not lie: the red of the lips and the mouth between them.
struct MouthZone {
  Vec3 middle;
  float half_width = 0.25F;
  // Borders of the red from the right corner to the left one (iBUG 48..54, and 48, 59..54).
  std::array<Vec3, 7> upper, lower;

  // Height of a border at x; beyond the corners that of the corner.
  static float border(const std::array<Vec3, 7>& line, float x) {
    if (x <= line[0].x) return line[0].y;
    for (size_t k = 1; k < line.size(); ++k) {
      if (x > line[k].x) continue;
      const float t = (x - line[k - 1].x) / std::max(1e-4F, line[k].x - line[k - 1].x);
      return lerp(line[k - 1].y, line[k].y, t);
    }
    return line[6].y;
  }
  // `margin` dm around the red.
  bool inside(const Vec3& p, float margin) const {
    if (p.z < middle.z - 0.25F || std::fabs(p.x - middle.x) > half_width + margin) return false;
    return p.y < border(upper, p.x) + margin && p.y > border(lower, p.x) - margin;
  }
};

MouthZone mouth_zone(const Head& head) {
  const auto& lm = head.landmarks;
  MouthZone zone;
  zone.middle = (lm[48] + lm[54]) * 0.5F;
  zone.half_width = 0.5F * (lm[54].x - lm[48].x);
  zone.upper = {lm[48], lm[49], lm[50], lm[51], lm[52], lm[53], lm[54]};
  zone.lower = {lm[48], lm[59], lm[58], lm[57], lm[56], lm[55], lm[54]};
  return zone;
}

struct Context {
  const Head& head;
  const HeadShell& shell;
  const HairNoise noise;
  const HairPalette palette;
  const BeardPlan plan;
  const MouthZone mouth;
  const float curl, radius;
};

// Of the goatee: chin, and the strips down from the corners of the mouth.
float goatee_mask(const Context& c, const Vec3& p) {
  const float x = std::fabs(p.x - c.mouth.middle.x) / c.mouth.half_width;
  const float wide = 1.0F - smoothstep(0.95F, 1.30F, x + 0.08F * c.noise.smooth(p * 9.0F, 5));
  const Vec3 chin = c.head.landmarks[8];
  return wide * smoothstep(chin.z - 0.50F, chin.z - 0.30F, p.z) *
         smoothstep(chin.y - 0.22F, chin.y - 0.10F, p.y);
}

Vec3 growth_direction(const Context& c, const Vec3& p, const Vec3& n, bool moustache, uint32_t id) {
  const float x = (p.x - c.mouth.middle.x) / c.mouth.half_width;
  Vec3 d{0.25F * x, -1, 0.12F};
  if (moustache) d = Vec3{std::clamp(1.3F * x, -1.0F, 1.0F), -0.85F, 0};
  const float lift = moustache ? 0.25F : 0.42F;
  d = d + c.noise.vector(id, 6) * (moustache ? 0.16F : 0.28F);
  d = normalized(d - n * dot(d, n));
  return normalized(d + n * lift);
}

// Gives the number of points, 0 where nothing is left of the strand.
int trace(const Context& c, uint32_t id, const Vec3& root, const Vec3& n, bool moustache, float len,
          std::array<Vec3, 8>& points) {
  const int count = std::min(c.plan.points, len < 0.06F ? 3 : 8);
  const float ds = len / static_cast<float>(count - 1);
  Vec3 d = growth_direction(c, root, n, moustache, id);
  const Vec3 wave = c.noise.vector(id, 9) * (0.12F + 0.5F * c.curl);
  points[0] = root;
  for (int i = 1; i < count; ++i) {
    d.y -= ds * c.plan.gravity;
    const float swing = (i % 2 == 0 ? 1.0F : -1.0F) * (len > 0.06F ? 1.0F : 0.3F);
    d = normalized(d + wave * (swing * std::min(1.0F, ds * 9.0F)));
    Vec3 p = points[static_cast<size_t>(i - 1)] + d * ds;
    const HeadShell::Sample skin = c.shell.sample(p, false);
    const float gap = std::min(0.012F, 0.2F * ds * static_cast<float>(i));
    if (len > 0.06F && skin.height < gap && skin.height > -0.15F) {
      p += skin.normal * (gap - skin.height);
    }
    // Combed off the lips: the strand ends where they begin.
    if (c.mouth.inside(p, 0.0F)) return i >= 2 ? i : 0;
    points[static_cast<size_t>(i)] = p;
  }
  return count;
}

}  // namespace

void grow_beard(const GroomSites& sites, const Head& head, const HeadShell& shell,
                const IdentityRecipe& person, const PhotoRecipe& photo, int picture_px,
                Strands& out) {
  if (photo.hair.beard == BeardStyle::kNone || person.hair.beard_density <= 0) return;
  const float size = static_cast<float>(picture_px) / 224.0F;
  const Context c{head,
                  shell,
                  HairNoise(person.noise_key, 12),
                  HairPalette(person, photo, HairPalette::Kind::kBeard),
                  beard_plan(photo.hair.beard, clamp01(photo.hair.beard_length)),
                  mouth_zone(head),
                  clamp01(person.hair.curl),
                  0.0085F * std::pow(size, -0.6F)};
  const float grows = clamp01(person.hair.beard_density);
  const float share = std::min(1.0F, 0.55F * std::pow(size, 0.8F));
  const auto tried = static_cast<uint32_t>(share * static_cast<float>(sites.beard.size()));
  for (uint32_t id = 0; id < tried; ++id) {
    const BeardSite& site = sites.beard[id];
    const bool moustache = site.moustache > site.beard;
    float dense = moustache ? site.moustache * c.plan.moustache : site.beard * c.plan.beard;
    if (dense <= 0) continue;
    const Vec3 p = at_root(head.points, site.root);
    if (c.mouth.inside(p, 0.006F)) continue;
    if (!moustache && c.plan.chin_only > 0) dense *= goatee_mask(c, p);
    // Sparse beards are patchy first on the cheeks.
    const float patchy = 0.5F + 0.5F * c.noise.smooth(p * 5.0F, 0);
    const float chance = std::pow(dense, moustache ? 0.6F : 1.4F) *
                         lerp(grows * grows * (0.4F + 0.6F * patchy), 1.0F, grows * grows);
    if (c.noise(id, 1) > chance) continue;
    const Vec3 n = normalized(at_root(head.point_normals, site.root));
    const float edge = smoothstep(0.1F, 0.7F, dense);
    // Cheeks are trimmed shorter than the chin.
    const float trimmed =
        lerp(0.30F, 1.0F, smoothstep(c.mouth.middle.y + 0.25F, head.landmarks[8].y + 0.05F, p.y));
    const float len = (moustache ? c.plan.moustache_length
                                 : lerp(c.plan.length, c.plan.length * trimmed, c.plan.trim)) *
                      lerp(0.35F, 1.0F, edge) * (0.7F + 0.4F * c.noise(id, 2));
    std::array<Vec3, 8> points;
    const int count = trace(c, id, p, n, moustache, len, points);
    if (count < 2) continue;
    StrandLook look;
    look.radius = c.radius * c.plan.radius * lerp(0.55F, 1.0F, edge) *
                  (0.8F + 0.4F * c.noise(id, 3)) * lerp(0.85F, 1.15F, person.hair.thickness);
    look.tip = 0.3F;
    look.albedo = c.palette.strand(id, id % 61, 0.5F);
    look.part = Part::kFacialHair;
    look.depth = 0.5F + 0.5F * c.noise(id, 4);
    look.normal = n;
    append_strand(out, points.data(), count, look);
  }
}

}  // namespace guise::render
