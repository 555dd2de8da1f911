#include "render/head_model.h"

#include <numbers>

#include "core/check.h"

namespace guise::render {

namespace {

// From the points of the file to where detectors put them, in eye distances, right, up, forward:
// the mean of YuNet and CenterFace on 500 rendered pictures (tests/benchmarks/render_detectors.py).
constexpr std::array<Vec3, 5> kDetectorOffset = {{{0, 0.028F, 0.115F},
                                                  {0, 0.028F, 0.115F},
                                                  {0, -0.070F, -0.120F},
                                                  {0, -0.027F, -0.043F},
                                                  {0, -0.027F, -0.043F}}};

// Ages at which the "young" and "old" morphs hold. They lie flat before and after.
constexpr float kYoungYears = 25.0F, kOldYears = 90.0F;
// What the eyeLook units mean in degrees.
constexpr float kLookDeg = 30.0F;
// Lids follow the gaze by this share of the unit; looking down also closes them a
// little, looking up opens them.
constexpr float kLidsFollow = 0.85F, kDownCloses = 0.30F, kUpOpens = 0.35F;
// Skin that slides over the eyeball stays this far from it, dm.
constexpr float kLidThickness = 0.010F;
constexpr size_t kJoints = 7;
enum Joint : size_t {
  kHeadJoint,
  kNeckJoint,
  kJawJoint,
  kLeftCenter,
  kRightCenter,
  kLeftRim,
  kRightRim
};

constexpr size_t unit(std::string_view name) {
  for (size_t i = 0; i < kExpressionNames.size(); ++i) {
    if (kExpressionNames[i] == name) {
      return i;
    }
  }
  return kExpressionNames.size();
}

// Shares of the two of three degrees (0, 0.5, 1) around `value`.
std::array<float, 3> degrees(float value) {
  const float v = clamp01(value) * 2.0F;
  return {std::max(0.0F, 1.0F - v), 1.0F - std::abs(v - 1.0F), std::max(0.0F, v - 1.0F)};
}

void accumulate(const Vec3* deltas, size_t count, float weight, std::vector<Vec3>& points) {
  const float* from = &deltas->x;
  float* to = &points.front().x;
  for (size_t i = 0; i < 3 * count; ++i) {
    to[i] += weight * from[i];
  }
}

// Four morphs in one pass over the points.
void accumulate4(const Vec3* deltas, size_t count, const float* weights,
                 std::vector<Vec3>& points) {
  const float *a = &deltas->x, *b = a + 3 * count, *c = b + 3 * count, *d = c + 3 * count;
  float* to = &points.front().x;
  for (size_t i = 0; i < 3 * count; ++i) {
    to[i] += weights[0] * a[i] + weights[1] * b[i] + weights[2] * c[i] + weights[3] * d[i];
  }
}

// Degrees of one eye, + right of the image and + up.
struct Gaze {
  float yaw = 0, pitch = 0;
  Vec3 direction() const {
    constexpr float kRadians = std::numbers::pi_v<float> / 180.0F;
    const float y = yaw * kRadians, p = pitch * kRadians;
    return {std::sin(y) * std::cos(p), std::sin(p), std::cos(y) * std::cos(p)};
  }
};

struct LookUnits {
  size_t down, in, out, up, blink, wide;
};
constexpr LookUnits kLeftLook{unit("eyeLookDownLeft"), unit("eyeLookInLeft"),
                              unit("eyeLookOutLeft"),  unit("eyeLookUpLeft"),
                              unit("eyeBlinkLeft"),    unit("eyeWideLeft")};
constexpr LookUnits kRightLook{unit("eyeLookDownRight"), unit("eyeLookInRight"),
                               unit("eyeLookOutRight"),  unit("eyeLookUpRight"),
                               unit("eyeBlinkRight"),    unit("eyeWideRight")};

// Turns look units into gaze and gaze into look units, for one eye. `outwards` is +1 for the
// subject's left eye, which lies right in the image.
Gaze look(Gaze gaze, const LookUnits& units, float outwards, ExpressionWeights& weights) {
  gaze.pitch += kLookDeg * (weights[units.up] - weights[units.down]);
  gaze.yaw += kLookDeg * outwards * (weights[units.out] - weights[units.in]);
  const float up = gaze.pitch / kLookDeg, out = gaze.yaw * outwards / kLookDeg;
  weights[units.up] = kLidsFollow * clamp01(up);
  weights[units.down] = kLidsFollow * clamp01(-up);
  weights[units.out] = kLidsFollow * clamp01(out);
  weights[units.in] = kLidsFollow * clamp01(-out);
  weights[units.blink] = std::max(weights[units.blink], kDownCloses * clamp01(-up));
  weights[units.wide] = std::max(weights[units.wide], kUpOpens * clamp01(up));
  return gaze;
}

// Axes of an eye that looks along `gaze`: columns x, y, z.
Mat3 turned_to(const Vec3& gaze) {
  const Vec3 side = normalized(cross({0, 1, 0}, gaze));
  return transposed({side, cross(gaze, side), gaze});
}

}  // namespace

void HeadModel::add_macro(Sex sex, float age_years, const ShapeRecipe& shape,
                          std::vector<Vec3>& points) const {
  const auto s = static_cast<size_t>(sex);
  const float old = clamp01((age_years - kYoungYears) / (kOldYears - kYoungYears));
  const std::array<float, 2> ages{1.0F - old, old};
  const auto muscle = degrees(shape.muscle), weight = degrees(shape.weight);
  const auto add = [&](const std::vector<Vec3>& morphs, size_t which, float amount) {
    if (amount != 0) {
      accumulate(&morphs[which * morphed_], morphed_, amount, points);
    }
  };
  for (size_t age = 0; age < 2; ++age) {
    for (size_t kind = 0; kind < 3; ++kind) {
      add(ancestry_, (kind * 2 + s) * 2 + age, ages[age] * shape.ancestry[kind]);
    }
    for (size_t m = 0; m < 3; ++m) {
      for (size_t w = 0; w < 3; ++w) {
        add(build_, ((s * 2 + age) * 3 + m) * 3 + w, ages[age] * muscle[m] * weight[w]);
      }
    }
  }
}

void HeadModel::add_modes(Sex sex, const ShapeRecipe& shape, std::vector<Vec3>& points) const {
  const std::vector<float>& factors = mode_factors_[static_cast<size_t>(sex)];
  const size_t modes = shape.modes.size();
  std::vector<float> dense;
  for (size_t row = 0; row < local_count_ + dense_count_; ++row) {
    float weight = mode_means_[static_cast<size_t>(sex)][row];
    for (size_t k = 0; k < modes; ++k) {
      weight += factors[row * modes + k] * shape.modes[k];
    }
    if (row >= local_count_) {
      dense.push_back(weight);
      continue;
    }
    weight = std::min(1.0F, std::max(-1.0F, weight));
    const Target& target = targets_[row];
    for (size_t i = 0; i < target.points.size(); ++i) {
      points[target.points[i]] += target.deltas[i] * weight;
    }
  }
  for (size_t k = 0; k + 3 < dense.size(); k += 4) {
    accumulate4(&dense_modes_[k * morphed_], morphed_, &dense[k], points);
  }
  for (size_t k = dense.size() / 4 * 4; k < dense.size(); ++k) {
    accumulate(&dense_modes_[k * morphed_], morphed_, dense[k], points);
  }
  for (size_t k = 0; k < shape.asymmetry.size(); ++k) {
    const Target& target = targets_[local_count_ + k];
    for (size_t i = 0; i < target.points.size(); ++i) {
      points[target.points[i]] += target.deltas[i] * shape.asymmetry[k];
    }
  }
}

std::vector<Vec3> HeadModel::neutral(Sex sex, float age_years, const ShapeRecipe& shape) const {
  const auto fits = [](size_t got, int wanted) {
    return got == 0 || got == static_cast<size_t>(wanted);
  };
  GUISE_CHECK_ARG(fits(shape.modes.size(), mode_count_), "shape.modes must hold ", mode_count_,
                  " numbers (HeadModel::mode_count) or none, but holds ", shape.modes.size());
  GUISE_CHECK_ARG(fits(shape.asymmetry.size(), asymmetry_count_), "shape.asymmetry must hold ",
                  asymmetry_count_, " numbers (HeadModel::asymmetry_count) or none, but holds ",
                  shape.asymmetry.size());
  Head head;
  head.points = base_points_;
  add_macro(sex, age_years, shape, head.points);
  add_modes(sex, shape, head.points);
  place_eyes({0, 0, 1}, {0, 0, 1}, head);
  for (const Lid& lid : lids_) {
    fit_lid(lid, lid.height, head);
  }
  return std::move(head.points);
}

void HeadModel::place_eyes(const Vec3& left_gaze, const Vec3& right_gaze, Head& head) const {
  const Vec3* joints = &head.points[morphed_ - kJoints];
  head.left_eye = {joints[kLeftCenter], length(joints[kLeftRim] - joints[kLeftCenter]), left_gaze};
  head.right_eye = {joints[kRightCenter], length(joints[kRightRim] - joints[kRightCenter]),
                    right_gaze};
  size_t at = morphed_;
  const auto place = [&](const Eye& eye, float mirror) {
    const Mat3 turn = turned_to(eye.gaze);
    for (const Vec3& d : eye_directions_) {
      const Vec3 direction = turn * Vec3{d.x * mirror, d.y, d.z};
      if (!head.point_normals.empty()) {
        head.point_normals[at] = direction;
      }
      head.points[at++] = eye.center + direction * eye.radius;
    }
  };
  place(head.left_eye, 1.0F);
  place(head.right_eye, -1.0F);
}

// Keeps a lid `height` over its eyeball: morphs are made for one shape of the eye and are added up.
void HeadModel::fit_lid(const Lid& lid, float height, Head& head) {
  const Eye& eye = lid.right ? head.right_eye : head.left_eye;
  Vec3& point = head.points[lid.point];
  const Vec3 way = point - eye.center;
  const float distance = length(way);
  const float kept = lerp(distance, eye.radius + height, lid.hold);
  const float least = eye.radius + std::min(height, kLidThickness);
  point = eye.center + way * (std::max(kept, least) / std::max(distance, 1e-6F));
}

Head HeadModel::express(const std::vector<Vec3>& neutral, const ExpressionWeights& expression,
                        float gaze_yaw_deg, float gaze_pitch_deg) const {
  GUISE_CHECK_ARG(neutral.size() == base_points_.size(), "neutral must hold the ",
                  base_points_.size(), " points of this head, but holds ", neutral.size());
  ExpressionWeights weights = expression;
  constexpr size_t kJawOpen = unit("jawOpen"), kMouthClose = unit("mouthClose");
  weights[kMouthClose] = std::min(weights[kMouthClose], weights[kJawOpen]);
  const Gaze gaze{gaze_yaw_deg, gaze_pitch_deg};
  const Gaze left = look(gaze, kLeftLook, 1.0F, weights);
  const Gaze right = look(gaze, kRightLook, -1.0F, weights);

  Head head;
  head.points = neutral;
  const size_t first = local_count_ + static_cast<size_t>(asymmetry_count_);
  for (size_t k = 0; k < weights.size(); ++k) {
    if (weights[k] == 0) {
      continue;
    }
    const Target& target = targets_[first + k];
    for (size_t i = 0; i < target.points.size(); ++i) {
      head.points[target.points[i]] += target.deltas[i] * weights[k];
    }
  }
  head.point_normals.assign(head.points.size(), Vec3{});
  place_eyes(left.direction(), right.direction(), head);
  for (const Lid& lid : lids_) {
    const Eye& eye = lid.right ? head.right_eye : head.left_eye;
    fit_lid(lid, length(neutral[lid.point] - eye.center) - eye.radius, head);
  }
  finish(head);
  return head;
}

// Normals, landmarks and joints of the finished points.
void HeadModel::finish(Head& head) const {
  for (const auto& [a, b, c] : point_triangles_) {
    const Vec3 normal = cross(head.points[b] - head.points[a], head.points[c] - head.points[a]);
    head.point_normals[a] += normal;
    head.point_normals[b] += normal;
    head.point_normals[c] += normal;
  }
  for (size_t i = 0; i < morphed_; ++i) {
    Vec3& normal = head.point_normals[i];
    const float square = dot(normal, normal);
    normal = square > 0 ? normal * (1.0F / std::sqrt(square)) : Vec3{0, 0, 1};
  }
  for (size_t k = 0; k < markers_.size(); ++k) {
    Vec3 sum;
    for (size_t i = 0; i < markers_[k].points.size(); ++i) {
      sum += head.points[markers_[k].points[i]] * markers_[k].weights[i];
    }
    (k < 68 ? head.landmarks[k] : head.detector_points[k - 68]) = sum;
  }
  const float eyes = length(head.detector_points[1] - head.detector_points[0]);
  for (size_t k = 0; k < 5; ++k) head.detector_points[k] += kDetectorOffset[k] * eyes;
  const Vec3* joints = &head.points[morphed_ - kJoints];
  head.head_joint = joints[kHeadJoint];
  head.neck_joint = joints[kNeckJoint];
  head.mouth_gap = length(head.landmarks[62] - head.landmarks[66]);
}

}  // namespace guise::render
