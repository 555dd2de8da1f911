#include "render/accessory_hand.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>
#include <vector>

#include "render/keyed_noise.h"
#include "render/mesh_builder.h"

namespace guise::render {
namespace {

constexpr float kPi = std::numbers::pi_v<float>;
constexpr float kBlend = 0.030F;  // dm, how softly bones grow together

// Local space of a right hand: fingers along +y, its back towards +z, the thumb at -x, the middle
// knuckle near (0, 0.95, 0), the wrist at the origin. Of an adult, dm.
struct Bone {
  Vec3 from, to;
  float from_radius, to_radius;
};

struct Finger {
  std::array<Vec3, 4> joint;  // knuckle, two joints, tip
  std::array<float, 4> radius;
  Vec3 side;  // axis about which it bends
};

struct HandPose {
  std::array<Finger, 5> fingers;  // thumb first
  std::vector<Bone> bones;        // five of the palm, then three of each finger
};

struct FingerMeasure {
  Vec3 knuckle;
  float length, radius, spread, bend;
};

// Distance to a cone with round ends, and its gradient.
float bone_distance(const Bone& bone, const Vec3& p, Vec3& gradient) {
  const Vec3 axis = bone.to - bone.from;
  const float t = clamp01(dot(p - bone.from, axis) / dot(axis, axis));
  const Vec3 off = p - (bone.from + axis * t);
  const float far = length(off);
  gradient = far > 1e-6F ? off * (1.0F / far) : Vec3{0, 0, 1};
  return far - lerp(bone.from_radius, bone.to_radius, t);
}

Finger bent_finger(const FingerMeasure& m, bool thumb) {
  constexpr std::array<float, 3> kShare{0.46F, 0.30F, 0.24F};
  constexpr std::array<float, 4> kTaper{1.0F, 0.92F, 0.82F, 0.70F};
  Finger finger;
  finger.joint[0] = m.knuckle;
  const Vec3 flat{std::sin(m.spread), std::cos(m.spread), 0};
  finger.side = thumb ? normalized(Vec3{0.35F, 0.1F, 0.9F}) : Vec3{flat.y, -flat.x, 0};
  const Vec3 inwards = thumb ? Vec3{0.85F, 0.2F, -0.45F} : Vec3{0, 0, -1};
  float angle = 0.6F * m.bend;
  for (size_t i = 0; i < 3; ++i) {
    const Vec3 along = normalized(flat * std::cos(angle) + inwards * std::sin(angle));
    finger.joint[i + 1] = finger.joint[i] + along * (m.length * kShare[i]);
    angle += m.bend * (i == 0 ? 1.2F : 0.8F);
  }
  for (size_t i = 0; i < 4; ++i) finger.radius[i] = m.radius * kTaper[i];
  return finger;
}

HandPose pose_hand(uint32_t key) {
  const float curl = keyed_range(key, 1, 0.12F, 0.34F), fan = keyed_range(key, 2, 0.1F, 1.0F);
  const std::array<FingerMeasure, 5> measures{{
      {{-0.30F, 0.42F, -0.10F}, 0.62F, 0.105F, -0.75F + 0.25F * keyed_unit(key, 3), 0.30F},
      {{-0.29F, 0.92F, 0.0F}, 0.70F, 0.088F, -0.13F * fan, curl * keyed_range(key, 4, 0.7F, 1.2F)},
      {{-0.09F, 0.97F, 0.02F}, 0.78F, 0.090F, -0.02F * fan, curl * keyed_range(key, 5, 0.8F, 1.2F)},
      {{0.11F, 0.93F, 0.0F}, 0.72F, 0.085F, 0.09F * fan, curl * keyed_range(key, 6, 0.9F, 1.3F)},
      {{0.29F, 0.84F, -0.04F}, 0.56F, 0.074F, 0.22F * fan, curl * keyed_range(key, 7, 1.0F, 1.5F)},
  }};
  constexpr std::array<float, 5> kWristX{-0.16F, -0.14F, -0.04F, 0.06F, 0.15F};
  HandPose pose;
  for (size_t f = 0; f < 5; ++f) {
    pose.fingers[f] = bent_finger(measures[f], f == 0);
    const Vec3 wrist{kWristX[f], 0.06F, f == 0 ? -0.05F : 0.0F};
    pose.bones.push_back(
        {wrist, pose.fingers[f].joint[0], f == 0 ? 0.16F : 0.15F, f == 0 ? 0.145F : 0.115F});
  }
  for (const Finger& finger : pose.fingers) {
    for (size_t i = 0; i < 3; ++i) {
      // Joints are a little thicker than the bones between them.
      const float knot = i == 0 ? 1.06F : 1.03F;
      pose.bones.push_back(
          {finger.joint[i], finger.joint[i + 1], finger.radius[i] * knot, finger.radius[i + 1]});
    }
  }
  return pose;
}

// Pulls points onto the surface at which the bones have grown together.
class Flesh {
 public:
  // `own`: bones of the part itself; `others`: its neighbours, which also take its light.
  Flesh(const HandPose& pose, const std::vector<size_t>& own, const std::vector<size_t>& others)
      : own_(own.size()) {
    for (const size_t b : own) bones_.push_back(pose.bones[b]);
    for (const size_t b : others) bones_.push_back(pose.bones[b]);
  }

  void settle(Vec3& p, Vec3& normal, float& open) const {
    float gap = 1.0F;
    for (int step = 0; step < 3; ++step) {
      float weight_sum = 0;
      Vec3 gradient;
      gap = 1.0F;
      for (size_t i = 0; i < bones_.size(); ++i) {
        Vec3 g;
        const float d = bone_distance(bones_[i], p, g);
        const float w = std::exp(-std::min(d, 0.5F) / kBlend);
        weight_sum += w;
        gradient += g * w;
        if (i >= own_) gap = std::min(gap, d);
      }
      const float d = -kBlend * std::log(weight_sum);
      normal = normalized(gradient);
      p = p - normal * std::clamp(d, -0.12F, 0.12F);
    }
    open = clamp01(0.6F + 5.0F * std::max(0.0F, gap));
  }

 private:
  std::vector<Bone> bones_;
  size_t own_;
};

// Where the hand stands in head space.
struct Placement {
  Mat3 axes;  // columns of the local axes as rows
  Vec3 origin;
  float mirror = 1;  // -1: a left hand
  Vec3 turn(const Vec3& v) const {
    return axes.row0 * (mirror * v.x) + axes.row1 * v.y + axes.row2 * v.z;
  }
  Vec3 point(const Vec3& p) const { return origin + turn(p); }
};

void append_flesh(Sheet& sheet, const Flesh& flesh, const Placement& place, uint16_t surface,
                  Mesh& mesh) {
  std::vector<Vec3> normals;
  for (int r = 0; r < sheet.rows(); ++r) {
    for (int c = 0; c < sheet.cols(); ++c) {
      Vec3 normal;
      flesh.settle(sheet.at(r, c), normal, sheet.open(r, c));
      sheet.at(r, c) = place.point(sheet.at(r, c));
      normals.push_back(place.turn(normal));
    }
  }
  sheet.measure_uv();
  const size_t first = mesh.normals.size();
  sheet.append_to(mesh, surface, Part::kOccluder, place.mirror < 0);
  std::copy(normals.begin(), normals.end(),
            mesh.normals.begin() + static_cast<std::ptrdiff_t>(first));
}

void append_finger(const HandPose& pose, size_t f, const Placement& place, uint16_t surface,
                   Mesh& mesh) {
  constexpr int kRows = 13, kCols = 11;
  // Where along the bones (0..3) the rows lie, and the share of the radius; the last close the tip.
  constexpr std::array<float, kRows> kAt{0.0F,  0.25F, 0.55F, 0.85F, 1.0F,  1.15F, 1.5F,
                                         1.85F, 2.0F,  2.2F,  2.55F, 2.85F, 3.0F};
  const Finger& finger = pose.fingers[f];
  std::vector<size_t> others;
  if (f > 0) others.insert(others.end(), {f - 1, 5 + 3 * (f - 1)});
  if (f > 0 && f < 4) others.insert(others.end(), {f + 1, 5 + 3 * (f + 1)});
  const Flesh flesh(pose, {f, 5 + 3 * f, 6 + 3 * f, 7 + 3 * f}, others);
  Sheet sheet(kRows + 2, kCols, true);
  for (int r = 0; r < kRows + 2; ++r) {
    const float at = r < kRows ? kAt[static_cast<size_t>(r)] : 3.0F;
    const auto bone = std::min(static_cast<size_t>(at), size_t{2});
    const Vec3 along = normalized(finger.joint[bone + 1] - finger.joint[bone]);
    const Vec3 back = cross(finger.side, along);
    const Vec3 side = cross(along, back);
    const float t = at - static_cast<float>(bone);
    const float radius = lerp(finger.radius[bone], finger.radius[bone + 1], t);
    Vec3 center = lerp(finger.joint[bone], finger.joint[bone + 1], t);
    float ring = radius;
    if (r >= kRows) {
      const float rise = r == kRows ? 0.70F : 1.0F;
      center += along * (radius * rise);
      ring = radius * (r == kRows ? 0.71F : 0.02F);
    }
    for (int c = 0; c < kCols; ++c) {
      const float a = 2 * kPi * static_cast<float>(c % (kCols - 1)) / (kCols - 1);
      sheet.at(r, c) = center + side * (ring * std::sin(a)) + back * (ring * std::cos(a));
    }
  }
  append_flesh(sheet, flesh, place, surface, mesh);
}

void append_nail(const Finger& finger, const Placement& place, uint16_t surface, Mesh& mesh) {
  const Vec3 along = normalized(finger.joint[3] - finger.joint[2]);
  const Vec3 back = cross(finger.side, along), side = cross(along, back);
  const Vec3 center =
      lerp(finger.joint[2], finger.joint[3], 0.86F) + back * (finger.radius[3] * 0.93F);
  const Mat3 axes{place.turn(side) * place.mirror, place.turn(along), place.turn(back)};
  append_ellipsoid(mesh, place.point(center), axes,
                   {0.72F * finger.radius[3], 1.05F * finger.radius[3], 0.22F * finger.radius[3]},
                   6, 10, surface, Part::kOccluder);
}

void append_palm(const HandPose& pose, const Placement& place, uint16_t surface, Mesh& mesh) {
  constexpr int kRows = 12, kCols = 25;
  const Flesh flesh(pose, {0, 1, 2, 3, 4, 5, 8, 11, 14, 17}, {});
  Sheet sheet(kRows, kCols, true);
  for (int r = 0; r < kRows; ++r) {
    const float t = static_cast<float>(r) / (kRows - 2);
    const float y = r == kRows - 1 ? 1.04F : lerp(0.0F, 1.02F, t);
    const float half = r == kRows - 1 ? 0.02F : lerp(0.32F, 0.44F, smoothstep(0.0F, 0.6F, t));
    const float thick = r == kRows - 1 ? 0.01F : lerp(0.17F, 0.12F, t);
    for (int c = 0; c < kCols; ++c) {
      const Vec2 e =
          superellipse(2 * kPi * static_cast<float>(c % (kCols - 1)) / (kCols - 1), 2.6F);
      // The thumb's ball makes the palm wider below.
      const float ball = e.x < 0 ? 0.10F * std::sin(kPi * clamp01(t * 1.3F)) : 0.0F;
      sheet.at(r, c) = {-e.x * -(half + ball), y, -e.y * thick};
    }
  }
  append_flesh(sheet, flesh, place, surface, mesh);
}

void append_arm(const Placement& place, uint16_t skin, uint16_t sleeve, float cuff, Mesh& mesh) {
  std::vector<Station> arm, cloth;
  for (int i = 0; i < 7; ++i) {
    const float t = static_cast<float>(i) / 6;
    const float y = lerp(0.14F, -2.4F, t);
    const Vec3 center = place.point({0.0F, y, -0.01F - 0.02F * t});
    arm.push_back({center, place.turn({1, 0, 0}), place.turn({0, 0, 1}), lerp(0.285F, 0.42F, t),
                   lerp(0.165F, 0.36F, t)});
    if (-y < cuff && i > 0) continue;
    Station s = arm.back();
    if (i == 0) s.center = place.point({0.0F, -cuff, -0.01F});
    s.half_side += 0.07F;
    s.half_up += 0.08F;
    cloth.push_back(s);
  }
  append_tube(mesh, arm, 16, 2.0F, false, skin, Part::kOccluder);
  append_tube(mesh, cloth, 18, 2.0F, false, sleeve, Part::kOccluder);
}

// How far the hand must move along `out` so that no bone enters the face; flesh gives a little.
float clearance_shift(const Head& head, const HandPose& pose, const Placement& place,
                      const Vec3& out) {
  constexpr float kGive = 0.02F;
  struct Ball {
    Vec3 center;
    float radius;
  };
  std::vector<Ball> balls;
  for (const Bone& bone : pose.bones) {
    for (const float t : {0.5F, 1.0F}) {
      balls.push_back(
          {place.point(lerp(bone.from, bone.to, t)), lerp(bone.from_radius, bone.to_radius, t)});
    }
  }
  float shift = -1e9F;
  for (size_t i = 0; i < head.points.size(); ++i) {
    if (dot(head.point_normals[i], out) < 0.1F) continue;
    for (const Ball& ball : balls) {
      const Vec3 off = head.points[i] - ball.center;
      const float along = dot(off, out);
      const float across2 = dot(off, off) - along * along, radius2 = ball.radius * ball.radius;
      if (across2 < radius2) shift = std::max(shift, along + std::sqrt(radius2 - across2));
    }
  }
  return shift > -1e8F ? shift - kGive : 0.0F;
}

}  // namespace

Vec3 plain_skin_albedo(const SkinRecipe& skin) {
  constexpr Vec3 kLight{0.60F, 0.40F, 0.30F}, kDark{0.050F, 0.026F, 0.017F};
  const float m = std::pow(clamp01(skin.melanin), 1.25F);
  const auto mix = [m](float light, float dark) { return light * std::pow(dark / light, m); };
  const float blood = skin.haemoglobin - 0.5F, carotene = skin.yellowness - 0.5F;
  return {mix(kLight.x, kDark.x), mix(kLight.y, kDark.y) * (1.0F - 0.18F * blood),
          mix(kLight.z, kDark.z) * (1.0F - 0.12F * blood - 0.2F * carotene)};
}

void append_hand(const Head& head, const SkinRecipe& skin, float place_share,
                 const Vec3& sleeve_albedo, uint32_t key, Mesh& mesh) {
  const HandPose pose = pose_hand(key);
  const bool left = place_share > 0.5F;
  // From a hand laid across the mouth to one on the cheek, fingers up.
  const float across = std::fabs(2.0F * place_share - 1.0F) < 0.5F
                           ? keyed_range(key, 20, 0.7F, 1.15F)
                           : keyed_range(key, 20, 0.1F, 0.6F);
  const float tilt = keyed_range(key, 21, -0.15F, 0.25F);
  Placement place;
  place.mirror = left ? -1.0F : 1.0F;
  const float c = std::cos(across), s = std::sin(across) * place.mirror;
  const float to_side = smoothstep(0.2F, 1.0F, std::fabs(2.0F * place_share - 1.0F));
  const Vec3 up = normalized(Vec3{s, c, tilt});
  const Vec3 away{-(0.15F + 0.75F * to_side) * place.mirror, -tilt, 1};
  const Vec3 out = normalized(away - up * dot(up, away));
  place.axes = {cross(up, out), up, out};
  const Vec3 mouth = (head.landmarks[51] + head.landmarks[57]) * 0.5F;
  const Vec3 jaw = head.landmarks[left ? 12 : 4];
  Vec3 target = lerp(mouth, Vec3{jaw.x, jaw.y + 0.1F, mouth.z - 0.25F}, 0.75F * to_side);
  target += Vec3{keyed_range(key, 22, -0.1F, 0.1F), keyed_range(key, 23, -0.15F, 0.1F), 0};
  place.origin = target - place.turn({0.0F, 0.9F, 0.0F});
  place.origin += out * clearance_shift(head, pose, place, out);

  Surface flesh;
  flesh.kind = SurfaceKind::kHand;
  flesh.albedo = plain_skin_albedo(skin);
  flesh.roughness = 0.5F;
  flesh.f0 = 0.028F;
  Surface nail = flesh;
  nail.kind = SurfaceKind::kPlain;
  nail.albedo = lerp(flesh.albedo, Vec3{0.55F, 0.36F, 0.32F}, 0.45F);
  nail.roughness = 0.3F;
  Surface cloth;
  cloth.kind = SurfaceKind::kCloth;
  cloth.albedo = sleeve_albedo;
  const uint16_t flesh_id = add_surface(mesh, flesh), nail_id = add_surface(mesh, nail);
  append_palm(pose, place, flesh_id, mesh);
  for (size_t f = 0; f < 5; ++f) {
    append_finger(pose, f, place, flesh_id, mesh);
    append_nail(pose.fingers[f], place, nail_id, mesh);
  }
  append_arm(place, flesh_id, add_surface(mesh, cloth), keyed_range(key, 24, 0.1F, 0.8F), mesh);
}

}  // namespace guise::render
