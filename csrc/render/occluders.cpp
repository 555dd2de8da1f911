#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>

#include "render/accessories.h"
#include "render/accessory_face_wrap.h"
#include "render/accessory_hand.h"
#include "render/accessory_shell.h"
#include "render/keyed_noise.h"
#include "render/mesh_builder.h"

namespace guise::render {
namespace {

constexpr uint32_t kOccluderStream = 0x6f63636c;
constexpr float kPi = std::numbers::pi_v<float>;

enum class MaskKind { kSurgical, kFolded, kCloth };

struct MaskShape {
  MaskKind kind;
  float side;            // half-angle it spans
  float nose_y, chin_y;  // edges in the middle
  float upper_side_y, lower_side_y;

  float top(float u) const { return lerp(nose_y, upper_side_y, std::pow(std::fabs(u), 1.25F)); }
  float bottom(float u) const { return lerp(chin_y, lower_side_y, std::pow(std::fabs(u), 1.7F)); }
  // Of the cloth off the taut face.
  float bulge(float u, float v) const {
    const float middle = std::sin(kPi * v) * (1 - u * u);
    if (kind == MaskKind::kFolded) return 0.03F + 0.15F * middle * std::exp(-6 * std::fabs(u));
    if (kind == MaskKind::kCloth) return 0.025F + 0.05F * middle * std::exp(-3 * std::fabs(u));
    return 0.025F + 0.02F * middle;
  }
};

MaskShape shape_mask(const Head& head, const FaceWrap& wrap, float place, uint32_t key) {
  const auto& mark = head.landmarks;
  const float u = keyed_unit(key, 1);
  MaskShape mask;
  mask.kind = u < 0.6F ? MaskKind::kSurgical : u < 0.8F ? MaskKind::kFolded : MaskKind::kCloth;
  const float lids = std::min(mark[41].y, mark[46].y);
  // Slipped below the nose at the lowest places, else between the nose's tip and its bridge.
  mask.nose_y = place < 0.12F ? mark[33].y - 0.01F
                              : std::min(lerp(lerp(mark[30].y, mark[29].y, 0.7F),
                                              lerp(mark[29].y, mark[28].y, 0.7F), clamp01(place)),
                                         lids - 0.05F);
  mask.chin_y = mark[8].y - keyed_range(key, 2, 0.02F, 0.08F);
  const float side_y = 0.5F * (mark[2].y + mark[14].y);
  mask.upper_side_y = std::min(side_y + 0.02F, mask.nose_y);
  mask.lower_side_y = 0.5F * (mark[4].y + mark[12].y) + 0.03F;
  mask.side = 0.5F * (std::fabs(wrap.turn_of(mark[3])) + std::fabs(wrap.turn_of(mark[13])));
  return mask;
}

// Rows of a pleated cloth: places (v) and how far out each lies.
struct MaskRow {
  float v, out, open;
};

std::vector<MaskRow> mask_rows(MaskKind kind) {
  std::vector<MaskRow> rows{{0.0F, -0.03F, 0.5F}, {0.0F, 0.0F, 1.0F}, {0.07F, 0.008F, 1.0F}};
  if (kind == MaskKind::kSurgical) {
    // Each pleat overlaps the one above like a shingle.
    for (const float v : {0.27F, 0.46F, 0.65F}) {
      rows.push_back({v - 0.02F, 0.022F, 1.0F});
      rows.push_back({v, 0.020F, 0.8F});
      rows.push_back({v + 0.008F, 0.0F, 0.55F});
      rows.push_back({v + 0.06F, 0.003F, 0.95F});
    }
  } else {
    for (const float v : {0.18F, 0.3F, 0.42F, 0.54F, 0.66F, 0.78F}) rows.push_back({v, 0.0F, 1.0F});
  }
  rows.insert(
      rows.end(),
      {{0.90F, 0.004F, 1.0F}, {0.93F, 0.012F, 1.0F}, {1.0F, 0.008F, 1.0F}, {1.0F, -0.03F, 0.4F}});
  return rows;
}

void append_loops(const Head& head, const FaceWrap& wrap, const MaskShape& mask, uint16_t surface,
                  Mesh& mesh) {
  const float top = ear_top(head);
  for (const float side : {-1.0F, 1.0F}) {
    const Vec3& front = head.landmarks[side > 0 ? 16 : 0];
    for (const bool upper : {true, false}) {
      const float from_y = upper ? mask.upper_side_y - 0.03F : mask.lower_side_y + 0.03F;
      const float to_y = upper ? top - 0.06F : top - 0.50F;
      std::vector<Vec3> path;
      for (int i = 0; i < 6; ++i) {
        const float t = static_cast<float>(i) / 5;
        const float turn = lerp(mask.side - 0.02F, 1.25F, t);
        path.push_back(wrap.at(side * turn, lerp(from_y, to_y, t), 0.018F));
      }
      path.push_back({front.x + side * 0.06F, to_y, front.z - 0.42F});
      append_tube(mesh, round_stations(path, std::vector<float>(7, 0.011F)), 5, 2.0F, false,
                  surface, Part::kOccluder);
    }
  }
}

void append_mask(const Head& head, const Wearing& wearing, uint32_t key, Mesh& mesh) {
  const FaceWrap wrap(head, head.landmarks[8].y - 0.12F, head.left_eye.center.y);
  const MaskShape mask = shape_mask(head, wrap, wearing.occluder_place, key);
  const std::vector<MaskRow> rows = mask_rows(mask.kind);
  constexpr int kCols = 33;
  Sheet sheet(static_cast<int>(rows.size()), kCols);
  for (int c = 0; c < kCols; ++c) {
    const float u = 2.0F * static_cast<float>(c) / (kCols - 1) - 1.0F;
    for (int r = 0; r < sheet.rows(); ++r) {
      const MaskRow& row = rows[static_cast<size_t>(r)];
      const float y = lerp(mask.bottom(u), mask.top(u), row.v);
      const float pleat = row.out > 0 && mask.kind == MaskKind::kSurgical
                              ? row.out * smoothstep(1.0F, 0.8F, std::fabs(u))
                              : row.out;
      const float crumple = 0.008F * value_noise(key + 2, 4.0F * u + 9.0F, 4.0F * row.v);
      const bool border = std::fabs(u) > 0.999F;
      const float lift = border ? 0.0F : mask.bulge(u, row.v) + pleat + crumple;
      Vec3 p = wrap.at(mask.side * u, y, lift);
      // Below the chin the cloth turns back.
      p.z -= 0.10F * smoothstep(0.10F, 0.0F, row.v) * (1 - u * u);
      sheet.at(r, c) = p;
      sheet.open(r, c) = row.open;
    }
  }
  sheet.measure_uv();
  Surface paper;
  paper.kind = mask.kind == MaskKind::kCloth ? SurfaceKind::kCloth : SurfaceKind::kPlain;
  paper.albedo = mask.kind == MaskKind::kFolded
                     ? lerp(wearing.occluder_albedo, Vec3{0.82F, 0.82F, 0.8F}, 0.6F)
                     : wearing.occluder_albedo;
  paper.second_albedo = {0.8F, 0.8F, 0.8F};
  paper.roughness = 0.8F;
  paper.f0 = 0.03F;
  paper.two_sided = true;
  sheet.append_to(mesh, add_surface(mesh, paper), Part::kOccluder);
  Surface elastic = paper;
  elastic.kind = SurfaceKind::kCloth;
  elastic.albedo = {0.78F, 0.78F, 0.77F};
  append_loops(head, wrap, mask, add_surface(mesh, elastic), mesh);
}

// One turn of the scarf: a flattened roll of cloth around the neck and the lower face.
void append_roll(const FaceWrap& wrap, float y, float half_height, float half_thick, float slant,
                 uint32_t key, uint16_t surface, Mesh& mesh) {
  constexpr int kRows = 15, kCols = 53;
  Sheet sheet(kRows, kCols, true, true);
  for (int c = 0; c < kCols; ++c) {
    const float turn = 2 * kPi * static_cast<float>(c % (kCols - 1)) / (kCols - 1);
    const float s = std::sin(turn), k = std::cos(turn);
    const float wave = value_noise(key, 1.6F * s + 5.0F, 1.6F * k);
    const float middle = y + slant * s + 0.07F * wave - 0.10F * (1 - k);
    for (int r = 0; r < kRows; ++r) {
      const float a = 2 * kPi * static_cast<float>(r % (kRows - 1)) / (kRows - 1);
      const Vec2 e = superellipse(a - kPi / 2, 2.5F);
      // Folds run along the roll and drift across it.
      const float fold = value_noise(key + 1, Vec3{1.5F * s, 1.5F * k, 1.3F * a + 1.5F * s});
      const float crease = 0.6F - 1.5F * std::fabs(fold);
      const float out = half_thick * (1.0F + e.x * (1.0F + 0.45F * crease));
      sheet.at(r, c) = wrap.at(turn, middle + half_height * e.y * (1.0F + 0.1F * wave), 0);
      const Vec3 at_middle = wrap.at(turn, middle, out);
      sheet.at(r, c) = lerp(Vec3{at_middle.x, sheet.at(r, c).y, at_middle.z},
                            wrap.at(turn, sheet.at(r, c).y, out), 0.35F);
      sheet.open(r, c) = clamp01(0.75F + 0.3F * e.x + 0.2F * crease);
    }
  }
  sheet.close();
  sheet.measure_uv();
  sheet.append_to(mesh, surface, Part::kOccluder, true);
}

void append_scarf_end(const Head& head, const FaceWrap& wrap, float y, uint32_t key,
                      uint16_t surface, Mesh& mesh) {
  constexpr int kRows = 12, kCols = 9;
  const float side = keyed_unit(key, 5) < 0.5F ? -1.0F : 1.0F;
  const Vec3 top = wrap.at(side * 0.35F, y, 0.18F);
  const float half = keyed_range(key, 6, 0.18F, 0.26F);
  Sheet sheet(kRows, kCols);
  for (int r = 0; r < kRows; ++r) {
    const float t = 1.0F - static_cast<float>(r) / (kRows - 1);
    const float at_y = top.y - 1.7F * t;
    float chest = top.z;
    for (const Vec3& p : head.points) {
      if (std::fabs(p.x - top.x) < 0.3F && std::fabs(p.y - at_y) < 0.15F) {
        chest = std::max(chest, p.z + 0.14F);
      }
    }
    for (int c = 0; c < kCols; ++c) {
      const float u = 2.0F * static_cast<float>(c) / (kCols - 1) - 1.0F;
      const float wave = 0.035F * std::sin(5.0F * u + 4.0F * value_noise(key + 7, 2.0F * t, 0.5F));
      sheet.at(r, c) = {top.x + u * half * (0.8F + 0.35F * t), at_y,
                        lerp(top.z, chest, smoothstep(0.0F, 0.3F, t)) + wave - 0.05F * u * u};
    }
  }
  sheet.measure_uv();
  sheet.append_to(mesh, surface, Part::kOccluder);
}

void append_scarf(const Head& head, const Wearing& wearing, uint32_t key, Mesh& mesh) {
  const auto& mark = head.landmarks;
  Surface wool;
  wool.kind = SurfaceKind::kCloth;
  wool.albedo = wearing.occluder_albedo;
  const float other = keyed_unit(key, 1);
  wool.second_albedo = lerp(wearing.occluder_albedo * 0.35F, Vec3{0.75F, 0.72F, 0.65F}, other);
  wool.pattern = std::floor(keyed_range(key, 2, 0.0F, 3.99F));
  wool.pattern_scale =
      wool.pattern > 2.5F ? keyed_range(key, 3, 4.0F, 7.0F) : keyed_range(key, 3, 1.5F, 4.0F);
  wool.roughness = 0.9F;
  wool.f0 = 0.03F;
  const uint16_t surface = add_surface(mesh, wool);
  const float chin = mark[8].y,
              top = lerp(chin + 0.10F, mark[33].y, clamp01(wearing.occluder_place));
  const float bottom = chin - 0.75F;
  const FaceWrap wrap(head, bottom - 0.2F, mark[30].y + 0.1F);
  const float slant = keyed_range(key, 4, -0.12F, 0.12F);
  constexpr int kRolls = 4;
  for (int i = 0; i < kRolls; ++i) {
    const float t = static_cast<float>(i) / (kRolls - 1);
    const float half = 0.5F * (top - bottom) / kRolls * 1.55F;
    append_roll(wrap, lerp(bottom + 0.6F * half, top - half, t), half, lerp(0.12F, 0.065F, t),
                slant * (i % 2 == 1 ? -1.0F : 1.0F), key + 11 + static_cast<uint32_t>(i), surface,
                mesh);
  }
  if (keyed_unit(key, 8) < 0.6F) append_scarf_end(head, wrap, bottom + 0.35F, key, surface, mesh);
}

}  // namespace

void add_occluder(const HeadTopology& /*topology*/, const Head& head, const IdentityRecipe& person,
                  const PhotoRecipe& photo, Mesh& mesh) {
  const Wearing& wearing = photo.wearing;
  const uint32_t key = noise_stream_key(photo.noise_key, kOccluderStream);
  switch (wearing.occluder) {
    case Occluder::kNone:
      break;
    case Occluder::kMask:
      append_mask(head, wearing, key, mesh);
      break;
    case Occluder::kScarf:
      append_scarf(head, wearing, key, mesh);
      break;
    case Occluder::kHand:
      append_hand(head, person.skin, wearing.occluder_place, wearing.cloth_albedo, key, mesh);
      break;
  }
}

}  // namespace guise::render
