#include "render/brows_and_lashes.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "render/hair_color.h"
#include "render/hair_noise.h"
#include "render/hair_strands.h"

namespace guise::render {
namespace {

// Uniform Catmull-Rom through `count` points, t in 0..1 from the first to the last.
Vec3 along_curve(const Vec3* points, int count, float t) {
  const float place = clamp01(t) * static_cast<float>(count - 1);
  const int k = std::min(static_cast<int>(place), count - 2);
  const float u = place - static_cast<float>(k);
  const Vec3 b = points[k], c = points[k + 1];
  const Vec3 a = k > 0 ? points[k - 1] : b + b - c;
  const Vec3 d = k + 2 < count ? points[k + 2] : c + c - b;
  return b + ((c - a) + ((a * 2 - b * 5 + c * 4 - d) + ((b - c) * 3 + d - a) * u) * u) * (0.5F * u);
}

// One brow as a ribbon on the face: `line` runs from its inner to its outer end.
struct BrowShape {
  std::array<Vec3, 5> line;
  float inner_x = 0, span = 1;  // of |x|
  float begin = 0, end = 1;     // along the line
  float half_width = 0.04F, arch = 0, rise = 0;

  // 0 inner .. 1 outer end of the landmarks.
  float place(float x) const { return (std::fabs(x) - inner_x) / span; }
  Vec3 middle(float u) const {
    Vec3 p = along_curve(line.data(), 5, u);
    p.y += rise + arch * (1.0F - std::min(1.0F, std::fabs(u - 0.66F) / 0.6F)) - 0.012F;
    return p;
  }
  float half_width_at(float u) const {
    const float t = (u - begin) / (end - begin);
    const float body = 0.72F + 0.28F * smoothstep(0.0F, 0.22F, t);
    return half_width * body * (1.0F - 0.78F * smoothstep(0.42F, 1.0F, t));
  }
};

BrowShape brow_shape(const Head& head, const HairRecipe& hair, bool left) {
  BrowShape brow;
  for (size_t k = 0; k < 5; ++k) brow.line[k] = head.landmarks[left ? 22 + k : 21 - k];
  brow.inner_x = std::fabs(brow.line[0].x);
  brow.span = std::max(0.05F, std::fabs(brow.line[4].x) - brow.inner_x);
  brow.begin = lerp(0.14F, -0.12F, hair.brow_length);
  brow.end = lerp(0.84F, 1.08F, hair.brow_length);
  brow.half_width = lerp(0.018F, 0.052F, clamp01(hair.brow_thickness));
  brow.arch = lerp(-0.035F, 0.065F, clamp01(hair.brow_arch));
  brow.rise = hair.brow_height;
  return brow;
}

struct BrowSize {
  float share, radius;  // of the roots tried; dm
};
BrowSize brow_size(int picture_px) {
  const float size = static_cast<float>(picture_px) / 224.0F;
  return {std::min(1.0F, 0.80F * std::pow(size, 0.4F)), 0.0036F * std::pow(size, -0.5F)};
}

// Which way a hair lies: up at the inner end, then outwards; from below it rises to the middle,
// from above it sinks to it.
Vec3 brow_direction(const BrowShape& brow, float u, float v, const Vec3& normal, float side,
                    float jitter) {
  const float t = clamp01((u - brow.begin) / (brow.end - brow.begin));
  float angle = lerp(1.25F, 0.45F, smoothstep(0.0F, 0.22F, t));
  angle = lerp(angle, 0.10F, smoothstep(0.22F, 0.6F, t));
  angle -= 0.45F * v * smoothstep(0.10F, 0.4F, t);
  angle += jitter;
  const Vec3 course = normalized(brow.middle(u + 0.1F) - brow.middle(u - 0.1F));
  const Vec3 outwards = normalized(course - normal * dot(course, normal));
  Vec3 up = cross(normal, outwards) * side;
  if (up.y < 0) up = -up;
  return outwards * std::cos(angle) + up * std::sin(angle);
}

}  // namespace

void grow_brows(const GroomSites& sites, const Head& head, const IdentityRecipe& person,
                const PhotoRecipe& photo, int picture_px, Strands& out) {
  const HairRecipe& hair = person.hair;
  const HairNoise noise(person.noise_key, 10);
  const HairPalette palette(person, photo, HairPalette::Kind::kBrow);
  const BrowShape right = brow_shape(head, hair, false), left = brow_shape(head, hair, true);
  const BrowSize size = brow_size(picture_px);
  const auto tried = static_cast<uint32_t>(size.share * static_cast<float>(sites.brows.size()));
  const float bushy = lerp(0.8F, 1.15F, clamp01(hair.brow_thickness));
  for (uint32_t id = 0; id < tried; ++id) {
    const HairRoot& root = sites.brows[id];
    const Vec3 p = at_root(head.points, root);
    const BrowShape& brow = p.x > 0 ? left : right;
    const float u = brow.place(p.x);
    if (u < brow.begin - 0.05F || u > brow.end + 0.05F) continue;
    const float half = brow.half_width_at(u);
    const float v = (p.y - brow.middle(u).y) / half;
    // Full in the middle, thinning out at the edges and at both ends.
    const float ends = smoothstep(brow.begin - 0.05F, brow.begin + 0.12F, u) *
                       (1.0F - smoothstep(brow.end - 0.12F, brow.end + 0.05F, u));
    if (std::fabs(v) > 1.25F) continue;
    const float full = (1.0F - smoothstep(0.55F, 1.25F, std::fabs(v))) * (0.25F + 0.75F * ends);
    const float patchy = 0.85F + 0.15F * noise.smooth(p * 14.0F, 0);
    if (noise(id, 1) > full * patchy * lerp(0.42F, 0.95F, clamp01(hair.brow_density))) continue;
    const Vec3 n = normalized(at_root(head.point_normals, root));
    const float side = p.x > 0 ? 1.0F : -1.0F;
    const Vec3 d = brow_direction(brow, u, v, n, side, 0.22F * noise.centred(id, 2));
    const float reach = (0.060F + 0.045F * noise(id, 3)) * bushy * (0.75F + 0.25F * ends);
    const Vec3 bend = Vec3{side * 0.3F, -0.12F, 0} * reach;
    std::array<Vec3, 4> points;
    for (size_t i = 0; i < points.size(); ++i) {
      const float t = static_cast<float>(i) / 3.0F;
      // Off the skin, and back towards it: the bone curves away under the hair.
      points[i] = p + d * (reach * t) + bend * (t * t) +
                  n * (0.004F + 0.045F * reach * 10 * t * (1 - 0.6F * t));
    }
    StrandLook look;
    look.radius = size.radius * (0.8F + 0.4F * noise(id, 4)) * lerp(0.85F, 1.15F, hair.thickness);
    look.tip = 0.35F;
    look.albedo = palette.strand(id, id % 37, 0.5F);
    look.part = p.x > 0 ? Part::kLeftBrow : Part::kRightBrow;
    look.normal = n;
    append_strand(out, points.data(), static_cast<int>(points.size()), look);
  }
}

namespace {

struct LashRow {
  const Vec3* rim;  // four points, inner to outer corner
  Vec3 eye;
  float side = 1, length = 0.05F;
  bool upper = true;
  int count = 20;
};

void grow_lash_row(const LashRow& row, const HairNoise& noise, const HairPalette& palette,
                   float radius, uint32_t first_id, Strands& out) {
  for (int k = 0; k < row.count; ++k) {
    const uint32_t id = first_id + static_cast<uint32_t>(k);
    const float u = (static_cast<float>(k) + 0.5F + 0.35F * noise.centred(id, 0)) /
                    static_cast<float>(row.count);
    const float t = lerp(0.10F, 0.98F, u);
    const Vec3 p = along_curve(row.rim, 4, t);
    const Vec3 out_of_eye = normalized(p - row.eye);
    // The fan opens to both corners, wider to the outer one.
    const float fan = row.side * (0.75F * t - 0.22F) + 0.12F * noise.centred(id, 1);
    const float up = row.upper ? 1.0F : -1.0F;
    const Vec3 d =
        normalized(Vec3{out_of_eye.x * 0.4F + fan, out_of_eye.y * 0.5F + 0.02F * up, 0.85F});
    const Vec3 curl{0.15F * fan, up * (row.upper ? 0.85F : 0.5F), -0.15F};
    const float reach = row.length * (0.75F + 0.35F * t) * (0.8F + 0.35F * noise(id, 2));
    std::array<Vec3, 4> points;
    for (size_t i = 0; i < points.size(); ++i) {
      const float s = static_cast<float>(i) / 3.0F;
      points[i] = p + d * (reach * s) + curl * (reach * s * s);
    }
    StrandLook look;
    look.radius = radius * (row.upper ? 1.0F : 0.75F);
    look.tip = 0.2F;
    look.albedo = palette.strand(id, 0, 0.5F);
    look.part = Part::kSkin;
    look.normal = out_of_eye;
    append_strand(out, points.data(), static_cast<int>(points.size()), look);
  }
}

}  // namespace

void grow_lashes(const Head& head, const IdentityRecipe& person, const PhotoRecipe& photo,
                 int picture_px, Strands& out) {
  const HairNoise noise(person.noise_key, 11);
  const HairPalette palette(person, photo, HairPalette::Kind::kLash);
  const float size = static_cast<float>(picture_px) / 224.0F;
  const float reach = lerp(0.028F, 0.058F, clamp01(person.hair.lash_length)) *
                      (person.sex == Sex::kMale ? 0.85F : 1.0F);
  const float radius = 0.0019F * std::pow(size, -0.5F);
  const int upper = std::clamp(static_cast<int>(26.0F * std::pow(size, 0.8F)), 8, 90);
  const auto& lm = head.landmarks;
  for (const bool left : {false, true}) {
    const std::array<Vec3, 4> lid = left ? std::array<Vec3, 4>{lm[42], lm[43], lm[44], lm[45]}
                                         : std::array<Vec3, 4>{lm[39], lm[38], lm[37], lm[36]};
    const std::array<Vec3, 4> low = left ? std::array<Vec3, 4>{lm[42], lm[47], lm[46], lm[45]}
                                         : std::array<Vec3, 4>{lm[39], lm[40], lm[41], lm[36]};
    const Vec3 eye = left ? head.left_eye.center : head.right_eye.center;
    const float side = left ? 1.0F : -1.0F;
    const uint32_t id = left ? 1000 : 0;
    grow_lash_row({lid.data(), eye, side, reach, true, upper}, noise, palette, radius, id, out);
    grow_lash_row({low.data(), eye, side, 0.45F * reach, false, upper * 2 / 5}, noise, palette,
                  radius, id + 500, out);
  }
}

}  // namespace guise::render
