// Where strands end: the face, the scissors and the hat.
#include <algorithm>
#include <cmath>

#include "render/hair_strands.h"

namespace guise::render {

void ScalpHair::keep_off_face(const Seed& seed, StrandPath& path) const {
  // Shorter hair does not reach around the face: it is cut (below).
  if (seed.fringe || seed.length < 1.3F) return;
  const float scale = frame_.scale;
  const float width = frame_.face_half_width * (1.04F + 0.20F * person_noise_(seed.lock, 32) +
                                                0.12F * person_noise_(seed.id, 36));
  const float sway = 6.0F * person_noise_(seed.lock, 37);
  float side = 0;
  for (int i = 1; i < path.n; ++i) {
    Vec3& p = path.p[static_cast<size_t>(i)];
    if (p.z < frame_.ear_z) continue;
    const float here =
        (1.0F - smoothstep(frame_.brow_y + 0.05F * scale, frame_.brow_y + 0.38F * scale, p.y)) *
        lerp(0.75F, 1.0F, smoothstep(frame_.chin_y - 0.6F * scale, frame_.chin_y, p.y));
    const float least = (width + 0.05F * scale * std::sin(3.0F * p.y / scale + sway)) * here;
    const float x = p.x - frame_.centre.x;
    if (std::fabs(x) >= least) continue;
    if (side == 0) side = std::fabs(x) > 0.08F ? std::copysign(1.0F, x) : seed.side;
    if (side * x < least - 0.3F * scale) {  // too far out of its way
      path.n = i;
      return;
    }
    p.x = frame_.centre.x + side * least;
  }
}

float ScalpHair::fringe_end(float x) const {
  const float scale = frame_.scale;
  const float low = frame_.brow_y + 0.035F * scale;
  const float high = frame_.brow_y + 0.22F * scale;
  const float aside =
      smoothstep(0.92F, 1.2F, std::fabs(x - frame_.centre.x) / frame_.face_half_width);
  return lerp(high, low, clamp01(plan_.fringe)) - 0.7F * aside * scale;
}

void ScalpHair::cut(const Seed& seed, StrandPath& path) const {
  const float scale = frame_.scale;
  const float ragged = seed.fringe ? (0.02F + 0.10F * plan_.mess) * person_noise_(seed.lock, 33) +
                                         0.05F * person_noise_(seed.id, 34)
                                   : plan_.cut_spread * person_noise_.centred(seed.id, 34);
  // Whatever else happens, the eyes stay free: between brows and mouth, in front of the temples.
  const float face_z = frame_.brow_z - 0.55F * scale;
  for (int i = 1; i < path.n; ++i) {
    Vec3& p = path.p[static_cast<size_t>(i)];
    const float x = p.x - frame_.centre.x;
    float end = plan_.cut_y + ragged;
    if (seed.fringe && p.z > frame_.ear_z) end = std::max(end, fringe_end(p.x) + ragged * scale);
    const float ahead = std::max(0.0F, p.z - face_z - 0.35F * scale);  // of the eyes
    if (p.z > face_z && std::fabs(x) < 1.02F * frame_.face_half_width + 0.4F * ahead) {
      const float least = plan_.fringe > 0.05F || seed.length > 1.3F ? 0.03F : 0.16F;
      const float over_brows = (least + 0.08F * person_noise_(seed.id, 35)) * scale;
      end = std::max(end, frame_.brow_y + over_brows + 0.3F * ahead);
    }
    if (p.y >= end) continue;
    const Vec3 before = path.p[static_cast<size_t>(i - 1)];
    const float t = before.y > end ? (before.y - end) / (before.y - p.y) : 0.0F;
    p = lerp(before, p, t);
    path.n = t > 0.02F ? i + 1 : i;
    return;
  }
}

int ScalpHair::leave_out_hat(StrandPath& path) const {
  if (!limit_) return 0;
  const auto beyond = [&](const Vec3& p) { return dot(p - limit_->point, limit_->normal); };
  if (beyond(path.p[0]) <= 0) {  // from below: up to the hat
    for (int i = 1; i < path.n; ++i) {
      const float over = beyond(path.p[static_cast<size_t>(i)]);
      if (over <= 0) continue;
      const Vec3 before = path.p[static_cast<size_t>(i - 1)];
      const float t = -beyond(before) / (over - beyond(before));
      path.p[static_cast<size_t>(i)] = lerp(before, path.p[static_cast<size_t>(i)], t * 0.999F);
      path.n = i + 1;
      return 0;
    }
    return 0;
  }
  // From under the hat: what hangs out of it.
  int last = -1;
  for (int i = 0; i < path.n; ++i) {
    if (beyond(path.p[static_cast<size_t>(i)]) > 0) last = i;
  }
  if (last + 1 >= path.n) return path.n;
  const Vec3 inner = path.p[static_cast<size_t>(last)];
  const Vec3 outer = path.p[static_cast<size_t>(last + 1)];
  const float t = beyond(inner) / (beyond(inner) - beyond(outer));
  path.p[static_cast<size_t>(last)] = lerp(inner, outer, std::min(1.0F, t + 1e-3F));
  return last;
}

}  // namespace guise::render
