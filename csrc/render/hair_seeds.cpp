// Where hair grows on this person, how long, and which way it is combed.
#include <algorithm>
#include <cmath>

#include "render/hair_strands.h"

namespace guise::render {
namespace {

// Of the whorl from the middle of the skull, on the mean head: high at the back.
constexpr Vec3 kWhorl{0.08F, 0.66F, -0.66F};
// Middle of the spot where crowns thin out.
constexpr Vec3 kCrown{0.0F, 0.76F, -0.35F};

float bump(float v, float middle, float width) {
  const float t = (v - middle) / width;
  return std::exp(-t * t);
}

}  // namespace

float ScalpHair::field(const std::array<float, 4>& fields, size_t channel) const {
  const std::array<float, 4>& mix = field_mix_[channel];
  return fields[0] * mix[0] + fields[1] * mix[1] + fields[2] * mix[2] + fields[3] * mix[3];
}

float ScalpHair::inside_hairline(const ScalpSite& site) const {
  const float azimuth = site.azimuth_deg, r = plan_.recession;
  const float front =
      (1.0F - smoothstep(52.0F, 80.0F, azimuth)) * smoothstep(-0.15F, 0.25F, site.height);
  float inside = site.scalp_distance - plan_.hairline * front;
  // Nobody's hairline is a smooth curve.
  inside += 0.04F * field(site.broad, 0) + 0.02F * field(site.fine, 1);
  if (r <= 0) return inside;
  inside -= r * (0.42F * bump(azimuth, 38, 17) + 0.10F * front);
  if (r > 0.5F) inside -= 1.1F * std::max(0.0F, r - 0.5F) * 2.0F * front;
  const float bare = 0.95F * std::max(0.0F, (r - 0.35F) / 0.65F);
  if (bare > 0)
    inside = std::min(inside, length((site.from_centre - kCrown) * Vec3{1.3F, 1, 1}) - bare);
  // In the end a ring around the sides and the back is left.
  const float ring = lerp(1.4F, 0.40F, smoothstep(0.6F, 1.0F, r));
  return std::min(inside, ring - site.height);
}

uint32_t ScalpHair::lock_of(const ScalpSite& site) const {
  return plan_.clump_level == 0 ? site.rope : plan_.clump_level == 1 ? site.lock : site.wisp;
}

bool ScalpHair::make_seed(uint32_t id, bool guide, Seed& seed) const {
  const ScalpSite& site = sites_.scalp[id];
  seed = Seed{};
  seed.id = id;
  seed.site = &site;
  seed.inside = inside_hairline(site);
  const float chance = person_noise_(id, 0);
  if (!guide && seed.inside < 0.10F * chance * chance) return false;
  seed.lock = lock_of(site);
  seed.p = at_root(head_.points, site.root);
  seed.n = normalized(at_root(head_.point_normals, site.root));
  seed.top =
      smoothstep(plan_.fade_low, plan_.fade_high, site.height + 0.05F * field(site.broad, 2));
  // Hair from higher up lies over hair from below.
  seed.layer = clamp01(0.5F * person_noise_(id, 1) + 0.5F * clamp01(site.height));
  const float wobble = 0.010F * field(site.fine, 3);
  seed.side = site.from_centre.x * frame_.scale + wobble > plan_.parting_x ? 1.0F : -1.0F;
  seed.side_axis = normalized(Vec3{site.from_centre.z, 0, -site.from_centre.x});
  // Strays of long hair would hang before the face.
  const bool calm =
      plan_.style == HairStyle::kDreadlocks || (plan_.side > 1.3F && site.azimuth_deg < 70.0F);
  seed.stray = !guide && !calm && day_noise_(id, 2) < 0.015F + 0.05F * plan_.mess;
  const float zone = (1.0F - smoothstep(34.0F, 54.0F, site.azimuth_deg)) *
                     (1.0F - smoothstep(0.40F, 0.75F, site.scalp_distance)) *
                     smoothstep(0.25F, 0.45F, site.height);
  seed.fringe =
      1.15F * smoothstep(0.10F, 0.75F, plan_.fringe) * zone > 0.02F + person_noise_(seed.lock, 3);
  seed.baby = !guide && seed.inside < 0.14F &&
              person_noise_(id, 4) > 0.35F + 0.65F * smoothstep(0.0F, 0.14F, seed.inside);
  set_length(seed);
  return true;
}

void ScalpHair::set_length(Seed& seed) const {
  const float behind = smoothstep(95.0F, 140.0F, seed.site->azimuth_deg);
  const float around = lerp(plan_.side, plan_.back, behind);
  // Short sides fade out towards the edge of the hair.
  const float faded = around * (plan_.side < 0.5F && plan_.style != HairStyle::kShaved
                                    ? lerp(0.45F, 1.0F, smoothstep(0.0F, 0.45F, seed.inside))
                                    : 1.0F);
  float len = lerp(faded, plan_.top, seed.top);
  len *= 1.0F + (0.06F + 0.14F * plan_.mess) * person_noise_.centred(seed.lock, 5);
  const float u = person_noise_(seed.id, 6);
  len *= 1.0F - (0.12F + 0.15F * plan_.mess) * u * u;
  if (seed.fringe) len = std::max(len, 0.7F + 0.55F * plan_.fringe);
  // Sideburns of long hair are combed away behind the ears; what is seen of them is short.
  if (len > 1.3F && seed.site->height < -0.12F && seed.site->azimuth_deg < 92.0F) {
    len = 0.12F + 0.25F * u;
    seed.baby = true;
  }
  if (seed.baby) len = std::min(len, 0.06F + 0.20F * person_noise_(seed.id, 7));
  if (plan_.style == HairStyle::kAfro) {
    len *= lerp(0.35F, 1.0F, smoothstep(0.0F, 0.35F, seed.inside));
  }
  seed.length = len * frame_.scale;
}

Vec3 ScalpHair::natural_direction(const Seed& seed) const {
  const Vec3 q = seed.site->from_centre;
  const Vec3 away = q - kWhorl;
  Vec3 t = away - seed.n * dot(away, seed.n);
  const float distance = length(t);
  t = normalized(t);
  const float swirl = 0.9F * std::exp(-distance * distance * 6.0F) + 0.12F;
  t = normalized(t + cross(seed.n, t) * swirl);
  // Beside and behind the head hair grows down, in front of the ears a little backwards.
  const float low = 1.0F - smoothstep(0.15F, 0.55F, seed.site->height);
  return normalized(lerp(t, Vec3{0, -1, -0.25F}, 0.75F * low));
}

Vec3 ScalpHair::comb_direction(const Seed& seed) const {
  const Vec3 q = seed.site->from_centre;
  Vec3 t = natural_direction(seed);
  if (seed.fringe) {
    const float sweep = plan_.parting_x == 0 ? 0.25F * q.x : -1.3F * plan_.parting_x;
    const float aside = 2.0F - clamp01(1.3F * plan_.fringe);  // a thin fringe is swept aside
    t = normalized(Vec3{aside * sweep + 0.35F * q.x, -0.25F, 1});
  } else if (plan_.comb == Comb::kPart) {
    const float on_top = smoothstep(kWhorl.z - 0.1F, kWhorl.z + 0.4F, q.z) *
                         smoothstep(0.2F, 0.55F, seed.site->height);
    const float backwards = plan_.side < 0.6F ? 0.9F : 0.45F;
    // Beside a fringe the hair covers the temples too.
    const float beside = smoothstep(0.4F, 0.9F, plan_.fringe) *
                         (1.0F - smoothstep(70.0F, 95.0F, seed.site->azimuth_deg));
    const Vec3 apart = normalized(Vec3{seed.side, -0.10F, lerp(-backwards, 0.35F, beside)});
    t = normalized(lerp(t, apart, on_top));
  } else if (plan_.comb == Comb::kBack) {
    const float on_top = smoothstep(0.1F, 0.5F, seed.site->height);
    const Vec3 back = normalized(Vec3{0.25F * q.x, 0.0F, -1});
    const Vec3 down_back = normalized(Vec3{0, -0.55F, -1});
    const float behind = smoothstep(0.25F, 0.75F, -seed.n.z);
    t = lerp(lerp(down_back, back, on_top), Vec3{0.15F * q.x, -1, 0}, behind);
    if (plan_.style == HairStyle::kUndercut) t = t + Vec3{-1.2F * plan_.parting_x, 0, 0};
  } else if (plan_.comb == Comb::kGather) {
    t = knot() - seed.p;
  } else if (plan_.comb == Comb::kStand) {
    t = normalized(q) * 0.6F;
  }
  t = t + person_noise_.vector(seed.lock, 8) * (0.10F + 0.30F * plan_.mess) +
      day_noise_.vector(seed.id, 9) * (0.05F + 0.15F * plan_.mess + (seed.stray ? 0.5F : 0.0F));
  t = t - seed.n * dot(t, seed.n);
  // Short hair is dried upwards, or it would stand off sideways above the temples.
  const bool upright = plan_.comb == Comb::kNatural && plan_.lift_top > 0.5F;
  const Vec3 stand = upright ? normalized(seed.n + Vec3{0, 1.1F * seed.top, 0}) : seed.n;
  float lift = lerp(plan_.lift_side, plan_.lift_top, seed.top);
  // Cropped hair at the edge of the scalp lies flat, or it would stand around the face as a rim.
  lift *= lerp(0.35F, 1.0F, smoothstep(0.0F, 0.25F, seed.inside));
  lift = clamp01(lift + 0.12F * person_noise_.centred(seed.id, 12) + (seed.stray ? 0.1F : 0.0F));
  const float angle = 1.45F * lift;
  return normalized(normalized(t) * std::cos(angle) + stand * std::sin(angle));
}

}  // namespace guise::render
