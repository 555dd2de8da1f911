// Hair that is gathered at one place: ponytail and bun.
#include <algorithm>
#include <cmath>

#include "render/hair_strands.h"

namespace guise::render {
namespace {

constexpr float kTwoPi = 6.2831853F;
constexpr int kScalpPoints = 7;  // of a gathered strand, from the root to the knot

}  // namespace

Vec3 ScalpHair::knot() const {
  const float scale = frame_.scale;
  const Vec3 about = frame_.centre + Vec3{0, plan_.gather_height * scale,
                                          lerp(-1.0F, -0.75F, plan_.gather_height) * scale};
  const HeadShell::Sample skin = shell_.sample(about, false);
  return about + skin.normal * (plan_.gather_out * scale - skin.height);
}

void ScalpHair::trace_gathered(const Seed& seed, StrandPath& path) const {
  const float scale = frame_.scale;
  const Vec3 tie = knot();
  const Vec3 out = shell_.sample(tie, false).normal;
  const Vec3 spread = person_noise_.vector(seed.id, 40);
  const Vec3 end = tie + (spread - out * dot(spread, out)) * (0.06F * scale);
  path.n = kScalpPoints;
  path.p[0] = seed.p;
  const float above = 0.015F + plan_.shell * scale * (0.3F + 0.7F * seed.layer);
  const Vec3 droop{0, -0.10F * scale * person_noise_(seed.lock, 41) * plan_.mess, 0};
  for (int i = 1; i < kScalpPoints; ++i) {
    const float t = static_cast<float>(i) / (kScalpPoints - 1);
    Vec3 p = lerp(seed.p, end, t) + droop * (4.0F * t * (1 - t));
    const float gap =
        (above * smoothstep(0.0F, 0.4F, t) + 0.012F) * (1 - t) + plan_.gather_out * scale * t * t;
    p = shell_.lift(p, gap);
    path.normal[static_cast<size_t>(i)] = seed.n;
    path.offset[static_cast<size_t>(i)] = -1e9F;  // lifted already
    path.p[static_cast<size_t>(i)] = i == kScalpPoints - 1 ? end : p;
  }
  path.first = path.step = length(end - seed.p) / (kScalpPoints - 1);
  path.growth = 0;
  if (plan_.style == HairStyle::kBun || seed.length < 0.6F) return;

  // The tail: out and up a little, then down the back.
  Vec3 direction = normalized(out + Vec3{0, 0.35F, 0} + spread * 0.30F);
  const int tail = std::clamp(point_count(seed.length), 6, StrandPath::kMost - kScalpPoints - 1);
  const float ds = seed.length / static_cast<float>(tail);
  const float phase = kTwoPi * (person_noise_(seed.lock % 12, 42) +
                                0.3F * plan_.frizz * person_noise_(seed.id, 43));
  Vec3 p = end;
  float s = 0;
  for (int i = 0; i < tail; ++i) {
    s += ds;
    direction.y -= ds * 3.2F;
    direction = normalized(direction);
    p += direction * ds;
    const HeadShell::Sample skin = shell_.sample(p, false);
    const float gap = (0.05F + 0.16F * person_noise_(seed.id, 44)) * scale;
    if (skin.height < gap) p += skin.normal * (gap - skin.height);
    const float swing = plan_.wave_radius * smoothstep(0.1F, 0.6F, s);
    const float turn = phase + kTwoPi * s / plan_.wave_length;
    path.offset[static_cast<size_t>(path.n)] = -1e9F;
    path.p[static_cast<size_t>(path.n)] =
        p + Vec3{swing * std::cos(turn), 0, swing * std::sin(turn)};
    ++path.n;
  }
}

void ScalpHair::grow_bun(Strands& out) const {
  const float scale = frame_.scale;
  const Vec3 tie = knot();
  const Vec3 outwards = normalized(shell_.sample(tie, false).normal + Vec3{0, 0.15F, 0});
  const Vec3 right = normalized(cross(Vec3{0, 1, 0}, outwards));
  const Vec3 up = cross(outwards, right);
  const float ball = (0.24F + 0.20F * (plan_.top - 0.9F) / 0.4F) * scale;
  const Vec3 middle = tie + outwards * (0.88F * ball);
  const auto strands = static_cast<uint32_t>(0.30F * count_);
  std::array<Vec3, 9> points;
  for (uint32_t k = 0; k < strands; ++k) {
    const uint32_t id = 100000 + k;
    const uint32_t lock = 200000 + static_cast<uint32_t>(person_noise_(id, 45) * 14.0F);
    // Locks wind around the ball, each on its own slanted course.
    const float latitude =
        2.4F * (person_noise_(lock, 46) - 0.35F) + 0.35F * person_noise_.centred(id, 47);
    const float start = kTwoPi * person_noise_(id, 48);
    const float sweep = 1.6F + 1.2F * person_noise_(id, 49);
    const float drift = 0.9F * person_noise_.centred(lock, 50);
    const float layer = person_noise_(id, 51);
    const float stray = day_noise_(id, 52) < 0.04F ? 0.18F : 0.0F;
    const float radius = ball * (0.80F + 0.20F * layer + 0.05F * person_noise_.centred(lock, 53));
    for (size_t i = 0; i < points.size(); ++i) {
      const float t = static_cast<float>(i) / static_cast<float>(points.size() - 1);
      const float turn = start + sweep * t;
      const float lat = std::clamp(latitude + drift * (t - 0.5F), -1.45F, 1.45F);
      const Vec3 d = (right * std::cos(turn) + up * std::sin(turn)) * std::cos(lat) +
                     outwards * (0.85F * std::sin(lat));
      points[i] = middle + d * (radius * (1 + stray * t * t));
    }
    if (limit_ && dot(middle - limit_->point, limit_->normal) > -ball) continue;
    StrandLook look;
    look.radius = radius_ * (0.85F + 0.3F * person_noise_(id, 54));
    look.albedo = palette_.strand(id, lock, 1 - layer);
    look.depth = 0.35F + 0.65F * layer;
    look.normal = normalized(points[4] - middle);
    append_strand(out, points.data(), static_cast<int>(points.size()), look);
  }
}

}  // namespace guise::render
