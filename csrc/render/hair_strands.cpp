#include "render/hair_strands.h"

#include <algorithm>
#include <cmath>

namespace guise::render {
namespace {

constexpr float kTwoPi = 6.2831853F;
constexpr float kNoWave = 0.008F;   // dm
constexpr float kSkinGap = 0.012F;  // dm between skin and the middle of the lowest strand

// Walks along a strand: points at growing distances from its root; beyond the tip, the tip.
class StrandWalk {
 public:
  explicit StrandWalk(const StrandPath& path) : path_(path) {}

  Vec3 to(float s) {
    while (piece_ + 1 < path_.n && s > begin_ + path_.step_to(piece_)) {
      begin_ += path_.step_to(piece_);
      ++piece_;
    }
    const auto i = static_cast<size_t>(piece_);
    const float t = std::min(1.0F, (s - begin_) / path_.step_to(piece_));
    return lerp(path_.p[i - 1], path_.p[i], t);
  }

 private:
  const StrandPath& path_;
  int piece_ = 1;
  float begin_ = 0;
};

}  // namespace

float usual_strand_count(int picture_px) {
  const float size = static_cast<float>(picture_px) / 224.0F;
  return 4000.0F * std::pow(size, size > 1 ? 1.186F : 0.85F);
}

float usual_strand_radius(int picture_px) {
  return 0.0055F * std::pow(static_cast<float>(picture_px) / 224.0F, -0.62F);
}

void append_strand(Strands& out, const Vec3* points, int count, const StrandLook& look) {
  if (out.first.empty()) out.first.push_back(0);
  for (int i = 0; i < count; ++i) {
    const float t = static_cast<float>(i) / static_cast<float>(count - 1);
    out.points.push_back(points[i]);
    const float rise = std::min(1.0F, look.root + 3.0F * t);
    out.radii.push_back(look.radius * rise * (1.0F - (1.0F - look.tip) * t * t));
  }
  out.first.push_back(static_cast<uint32_t>(out.points.size()));
  out.albedo.push_back(look.albedo);
  out.part.push_back(look.part);
  out.depth.push_back(look.depth);
  out.root_normals.push_back(look.normal);
}

ScalpHair::ScalpHair(const GroomSites& sites, const Head& head, const HeadShell& shell,
                     const HairPlan& plan, const IdentityRecipe& person, const PhotoRecipe& photo,
                     int picture_px, const std::optional<HairLimit>& limit)
    : sites_(sites),
      head_(head),
      shell_(shell),
      frame_(shell.frame()),
      plan_(plan),
      person_noise_(person.noise_key, 1),
      day_noise_(photo.noise_key, 2),
      palette_(person, photo, HairPalette::Kind::kScalp),
      limit_(limit),
      picture_px_(picture_px) {
  if (limit_) plan_.shell *= 0.4F;  // pressed flat
  for (uint32_t channel = 0; channel < field_mix_.size(); ++channel) {
    float squares = 1e-6F;
    for (uint32_t k = 0; k < 4; ++k) {
      field_mix_[channel][k] = person_noise_.centred(channel, 70 + k);
      squares += field_mix_[channel][k] * field_mix_[channel][k];
    }
    for (float& m : field_mix_[channel]) m *= 1.0F / std::sqrt(squares);
  }
  count_ = usual_strand_count(picture_px) * plan_.count;
  radius_ = usual_strand_radius(picture_px) * plan_.radius;
  // Curly hair has more points; fewer and thicker strands keep the time.
  const float longest = std::max({plan_.top, plan_.side, plan_.back}) * frame_.scale;
  const float points = count_ * static_cast<float>(point_count(longest));
  const float most = 6.0F * usual_strand_count(picture_px);
  if (points > most) {
    const float fewer = std::max(most / points, 0.3F);
    count_ *= fewer;
    radius_ /= std::pow(fewer, 0.3F);
  }
}

int ScalpHair::point_count(float length) const {
  const float detail = picture_px_ <= 128 ? 0.8F : picture_px_ <= 256 ? 1.0F : 1.35F;
  float wanted = static_cast<float>(plan_.least_points) + length * 1.6F * detail;
  if (plan_.wave_radius >= kNoWave) {
    wanted = std::max(wanted, 2.0F + 5.0F * length * (1 - plan_.first_step) / plan_.wave_length);
  }
  return std::clamp(static_cast<int>(wanted), 2, plan_.most_points);
}

void ScalpHair::set_steps(float len, StrandPath& path) const {
  path.n = point_count(len);
  const auto steps = static_cast<float>(path.n - 1);
  if (plan_.first_step > 0 && path.n > 2) {
    path.first = len * plan_.first_step;
    path.step = (len - path.first) / (steps - 1);
    path.growth = 0;
  } else if (len > 1.2F && plan_.wave_radius < kNoWave) {
    path.first = path.step = 0.45F * len / steps;
    path.growth = 2 * (len - path.first * steps) / (steps * (steps - 1));
  } else {
    path.first = path.step = len / steps;
    path.growth = 0;
  }
}

void ScalpHair::trace(const Seed& seed, StrandPath& path) const {
  set_steps(seed.length, path);
  Vec3 direction = comb_direction(seed);
  path.p[0] = seed.p;
  const float edge = smoothstep(0.0F, 0.35F, seed.inside);
  const float from_parting = std::fabs(seed.site->from_centre.x * frame_.scale - plan_.parting_x);
  const float parted = plan_.comb == Comb::kPart ? smoothstep(0.0F, 0.4F, from_parting) : 1.0F;
  const float above = kSkinGap + plan_.shell * frame_.scale * seed.layer * lerp(0.35F, 1.0F, edge) *
                                     lerp(0.5F, 1.0F, parted) *
                                     lerp(0.55F, 1.0F, clamp01(seed.site->height + 0.3F));
  const float fall = 1.0F / (plan_.stiffness * (seed.fringe ? 0.6F : 1.0F));
  const float hug_end = frame_.centre.y - 0.30F * frame_.scale;
  // Long hair parts at the shoulders: it falls before or behind them.
  const float drift_begin = frame_.centre.y - 0.6F * frame_.scale;
  const float before_or_behind = seed.site->azimuth_deg < 72.0F ? 1.0F : -1.0F;
  const float drift = seed.length < 1.6F ? 0.0F : 1.6F * before_or_behind;
  float s = 0;
  for (int i = 1; i < path.n; ++i) {
    const auto k = static_cast<size_t>(i);
    const float ds = path.step_to(i);
    s += ds;
    const Vec3 before = path.p[k - 1];
    direction.y -= ds * fall;
    if (before.y < drift_begin) direction.z += drift * ds;
    direction = normalized(direction);
    Vec3 p = before + direction * ds;
    const HeadShell::Sample skin = shell_.sample(p, plan_.over_ears && s > 0.45F);
    const float gap = std::min(above * smoothstep(0.0F, 0.30F, s) + kSkinGap, 0.02F + s);
    path.normal[k] = skin.normal;
    path.offset[k] = dot(skin.normal, p) - skin.height;
    float push = gap - skin.height;
    if (push < 0) push = p.y > hug_end ? push * std::min(0.8F, plan_.hug * ds) : 0.0F;
    if (push != 0) {
      if (push > 0 && drift != 0 && before.y < drift_begin && skin.normal.y > 0.2F) {
        const Vec3 off = normalized(Vec3{0.2F * skin.normal.x, 0.5F * skin.normal.y,
                                         skin.normal.z + 0.9F * before_or_behind});
        p += off * (push / std::max(0.4F, dot(off, skin.normal)));
      } else {
        p += skin.normal * push;
      }
      // A pushed strand keeps about its length.
      const Vec3 moved = p - before;
      const float stretch = length(moved);
      if (stretch > 1e-6F) {
        direction = moved * (1.0F / stretch);
        p = before + direction * lerp(stretch, ds, 0.5F);
      }
    }
    path.p[k] = p;
  }
}

void ScalpHair::follow_lock(const Seed& seed, const StrandPath& guide, StrandPath& path) const {
  if (seed.stray || seed.baby || guide.n < 2) return;
  const bool rope = plan_.style == HairStyle::kDreadlocks;
  const float pull = rope ? 1.0F : plan_.clump * (0.6F + 0.4F * person_noise_(seed.id, 13));
  float s = 0;
  StrandWalk walk(guide);
  for (int i = 1; i < path.n; ++i) {
    s += path.step_to(i);
    const float t = s / seed.length;
    const float w = rope ? smoothstep(0.0F, 0.18F, s) : pull * t * (2.0F - t);
    Vec3& p = path.p[static_cast<size_t>(i)];
    p = lerp(p, walk.to(s), w);
  }
}

void ScalpHair::add_waves(const Seed& seed, StrandPath& path) const {
  if (plan_.wave_radius < kNoWave || seed.length < 0.15F) return;
  const bool rope = plan_.style == HairStyle::kDreadlocks;
  // Wavy neighbours swing together over a hand's breadth, coils each for themselves.
  const float phase = rope ? kTwoPi * person_noise_(seed.id, 15)
                           : 1.8F * field(seed.site->broad, 3) +
                                 kTwoPi * (plan_.frizz * person_noise_(seed.id, 15) +
                                           plan_.lock_frizz * person_noise_(seed.lock, 14));
  const float size =
      rope ? std::sqrt(person_noise_(seed.id, 16)) : 0.75F + 0.5F * person_noise_(seed.lock, 17);
  const float radius = plan_.wave_radius * size;
  const float turn = kTwoPi * path.step / plan_.wave_length *
                     (rope ? 1.0F : 0.94F + 0.12F * person_noise_(seed.lock, 18));
  // Locks turn left or right.
  const float flat = rope                                  ? 1.0F
                     : person_noise_(seed.lock, 19) < 0.5F ? plan_.wave_flat
                                                           : -plan_.wave_flat;
  float c = std::cos(phase), s = std::sin(phase);
  const float ct = std::cos(turn), st = std::sin(turn);
  const float begin = rope ? 0.1F : std::min(0.5F, 0.4F * seed.length);
  Vec3 before = path.p[0];
  float along = 0;
  for (int i = 1; i < path.n; ++i) {
    const auto k = static_cast<size_t>(i);
    const Vec3 here = path.p[k];
    const Vec3 next = i + 1 < path.n ? path.p[k + 1] : here;
    const Vec3 along_path = normalized(next - before);
    // Standing hair has no side of its own.
    const bool stands = std::fabs(dot(along_path, path.normal[k])) > 0.85F;
    const Vec3 aside = normalized(cross(along_path, stands ? seed.side_axis : path.normal[k]));
    const Vec3 outward = cross(aside, along_path);
    along += path.step_to(i);
    const float amplitude = radius * std::min(1.0F, along / begin);
    path.p[k] += (aside * c + outward * (s * flat)) * amplitude;
    before = here;
    const float turned = c * ct - s * st;
    s = c * st + s * ct;
    c = turned;
  }
}

void ScalpHair::add_mess(const Seed& seed, StrandPath& path) const {
  const float total = seed.length;
  float size = (0.02F + 0.05F * plan_.mess) * std::min(total, 2.0F);
  if (plan_.style == HairStyle::kDreadlocks) size *= 0.05F;
  if (seed.stray) size *= 3.0F;
  const Vec3 slow = person_noise_.vector(seed.id, 20) * (size * 0.7F) +
                    day_noise_.vector(seed.lock, 24) * (size * 0.8F * (1 - plan_.clump * 0.3F));
  const Vec3 quick = day_noise_.vector(seed.id, 28) * size;
  for (int i = 1; i < path.n; ++i) {
    const float t = static_cast<float>(i) / static_cast<float>(path.n - 1);
    path.p[static_cast<size_t>(i)] += slow * t + quick * (t * (t - 0.6F) * 1.6F);
  }
}

void ScalpHair::finish(const Seed& seed, StrandPath& path, Strands& out) const {
  // Locks, waves and mess may have pushed points into the skin.
  float s = 0;
  for (int i = 1; i < path.n; ++i) {
    const auto k = static_cast<size_t>(i);
    s += path.step_to(i);
    const float gap = std::min(kSkinGap + radius_ * 0.5F, 0.3F * s);
    const float height = dot(path.normal[k], path.p[k]) - path.offset[k];
    if (height < gap) path.p[k] += path.normal[k] * (gap - height);
  }
  keep_off_face(seed, path);
  cut(seed, path);
  const int begin = leave_out_hat(path);
  if (path.n - begin < 2) return;
  StrandLook look;
  const float edge = smoothstep(0.0F, 0.13F, seed.inside);
  look.radius = radius_ * (0.85F + 0.3F * person_noise_(seed.id, 30)) *
                (seed.baby ? 0.4F : lerp(0.5F, 1.0F, edge)) * (seed.stray ? 0.6F : 1.0F) *
                std::clamp(seed.length / 0.12F, 0.6F, 1.0F);
  look.root = lerp(0.35F, 1.0F, edge);
  look.tip = plan_.cut_y > -1e8F ? 0.6F : plan_.style == HairStyle::kDreadlocks ? 0.7F : 0.3F;
  look.albedo = palette_.strand(seed.id, seed.site->wisp, 1 - seed.layer);
  look.depth = 0.3F + 0.7F * seed.layer;
  const Vec3 middle = path.p[static_cast<size_t>(begin + (path.n - begin) / 2)];
  look.normal = normalized(seed.n + normalized(middle - axis_point(frame_, middle.y)));
  append_strand(out, &path.p[static_cast<size_t>(begin)], path.n - begin, look);
}

// Short broad strands flat on the skin: a picture has too few strands to hide the scalp as a
// hundred thousand hairs do.
void ScalpHair::grow_undercoat(Strands& out) const {
  if (plan_.undercoat <= 0) return;
  const float size = static_cast<float>(picture_px_) / 224.0F;
  const auto tried = std::min(static_cast<uint32_t>(sites_.scalp.size()),
                              static_cast<uint32_t>(3000.0F * std::pow(size, 0.7F)));
  const float broad = 0.034F * std::pow(size, -0.35F) * plan_.undercoat * frame_.scale;
  const bool parted = plan_.comb == Comb::kPart;
  Seed seed;
  std::array<Vec3, 2> points;
  for (uint32_t id = 0; id < tried; ++id) {
    if (!make_seed(id, true, seed) || seed.inside < 0.04F) continue;
    const float from_parting = std::fabs(seed.site->from_centre.x * frame_.scale - plan_.parting_x);
    const bool at_parting = parted && from_parting < 0.05F && seed.site->height > 0.5F &&
                            seed.site->azimuth_deg < 150.0F;
    if (at_parting && from_parting < 0.020F) continue;
    if (limit_ && dot(seed.p - limit_->point, limit_->normal) > -0.1F) continue;
    Vec3 d = natural_direction(seed);
    if (at_parting) d = normalized(Vec3{0.2F * seed.side, 0, -1});
    if (!at_parting) d = d + person_noise_.vector(id, 55) * 0.5F;
    d = normalized(d - seed.n * dot(d, seed.n));
    const float reach =
        std::min({0.16F, 0.05F + seed.length, 0.04F + 0.6F * seed.inside}) * frame_.scale;
    points[0] = seed.p - d * (0.5F * reach) + seed.n * 0.008F;
    points[1] = seed.p + d * (0.5F * reach) + seed.n * 0.010F;
    StrandLook look;
    look.radius = broad * lerp(0.28F, 1.0F, smoothstep(0.02F, 0.26F, seed.inside));
    look.tip = 0.5F;
    look.albedo = palette_.strand(id, seed.site->wisp, 1) * 0.85F;
    look.depth = 0.22F;
    look.normal = seed.n;
    append_strand(out, points.data(), static_cast<int>(points.size()), look);
  }
}

void ScalpHair::grow(Strands& out) const {
  const auto sites = static_cast<uint32_t>(sites_.scalp.size());
  if (sites == 0 || count_ < 1) return;
  const auto expected = static_cast<size_t>(8.0F * usual_strand_count(picture_px_));
  out.points.reserve(out.points.size() + expected);
  out.radii.reserve(out.radii.size() + expected);
  const uint32_t lock_counts[] = {GroomSites::kRopes, GroomSites::kLocks, GroomSites::kWisps};
  const uint32_t locks = std::min(lock_counts[plan_.clump_level], sites);
  std::vector<StrandPath> guides(locks);
  std::vector<float> guide_side(locks);
  Seed seed;
  const bool gather = plan_.comb == Comb::kGather;
  const bool clumped = plan_.clump > 0 && plan_.top > 0.12F;
  for (uint32_t k = 0; k < locks && clumped; ++k) {
    make_seed(k, true, seed);
    guide_side[k] = seed.side + (seed.fringe ? 10.0F : 0.0F);
    if (!gather) trace(seed, guides[k]);
  }
  grow_undercoat(out);
  // Roots cover a little more than the usual scalp.
  const auto tried = std::min(sites, static_cast<uint32_t>(count_ * 1.15F));
  StrandPath path;
  for (uint32_t id = 0; id < tried; ++id) {
    if (!make_seed(id, false, seed)) continue;
    if (gather && !seed.baby && !seed.fringe) {
      trace_gathered(seed, path);
    } else {
      trace(seed, path);
      const float side = seed.side + (seed.fringe ? 10.0F : 0.0F);
      const bool rope = plan_.style == HairStyle::kDreadlocks;  // no strand is left alone
      if (clumped && (rope || guide_side[seed.lock] == side)) {
        follow_lock(seed, guides[seed.lock], path);
      }
      add_waves(seed, path);
    }
    add_mess(seed, path);
    finish(seed, path, out);
  }
  if (plan_.style == HairStyle::kBun) grow_bun(out);
}

}  // namespace guise::render
