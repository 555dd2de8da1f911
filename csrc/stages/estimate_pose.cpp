#include "stages/estimate_pose.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <numbers>
#include <optional>

#include "core/check.h"

namespace guise::stages {

namespace {

constexpr double kDegrees = 180.0 / std::numbers::pi;
// Of the camera, in units in which the summed squares of the five points are 1 (about 1.2 dm).
constexpr double kDistance = 8.0;
// What photos show: keeps the fit from turning a face far for the sake of a pixel.
constexpr double kUsualYawDeg = 60.0, kUsualPitchDeg = 20.0;
constexpr int kSteps = 30;
constexpr double kNudge = 1e-6;   // of a parameter, for the derivatives
constexpr double kEnough = 1e-9;  // a step that gains a smaller share is the last

// Yaw, pitch, roll in radians, log of the scale, x, y; then the weight of each mode.
constexpr size_t kPoseNumbers = 6;
using Numbers = std::vector<double>;

// What is fitted: points centred, y up, summed squares 1.
struct Target {
  std::array<std::array<double, 2>, 5> points;
  double noise;  // standard deviation of a coordinate
};

using Rows = std::array<std::array<double, 3>, 3>;

// As head_rotation of render/camera.h.
Rows rotation(double yaw, double pitch, double roll) {
  const double cy = std::cos(yaw), sy = std::sin(yaw), cp = std::cos(pitch), sp = std::sin(pitch);
  const double cr = std::cos(roll), sr = std::sin(roll);
  return {{{cy * cr + sy * sp * sr, cy * sr - sy * sp * cr, sy * cp},
           {-cp * sr, cp * cr, sp},
           {-sy * cr + cy * sp * sr, -sy * sr - cy * sp * cr, cy * cp}}};
}

// What the fit leaves, in standard deviations: ten coordinates, each mode, yaw and pitch.
Numbers residuals(const render::FivePointShape& shape, const Target& target, const Numbers& z) {
  const Rows turn = rotation(z[0], z[1], z[2]);
  const double scale = std::exp(z[3]);
  Numbers left;
  for (size_t i = 0; i < 5; ++i) {
    std::array<double, 3> point = shape.mean[i];
    for (size_t k = 0; k < shape.modes.size(); ++k) {
      for (size_t axis = 0; axis < 3; ++axis) {
        point[axis] += z[kPoseNumbers + k] * shape.modes[k][i][axis];
      }
    }
    std::array<double, 3> seen{};
    for (size_t axis = 0; axis < 3; ++axis) {
      seen[axis] = turn[axis][0] * point[0] + turn[axis][1] * point[1] + turn[axis][2] * point[2];
    }
    const double nearer = scale / (1.0 - seen[2] / kDistance);
    for (size_t axis = 0; axis < 2; ++axis) {
      left.push_back((seen[axis] * nearer + z[4 + axis] - target.points[i][axis]) / target.noise);
    }
  }
  left.insert(left.end(), z.begin() + kPoseNumbers, z.end());
  left.push_back(z[0] * kDegrees / kUsualYawDeg);
  left.push_back(z[1] * kDegrees / kUsualPitchDeg);
  return left;
}

double sum_of_squares(const Numbers& values) {
  double sum = 0;
  for (const double value : values) {
    sum += value * value;
  }
  return sum;
}

// x with A x = b for a symmetric A [n, n], by Cholesky; nothing where A is not positive definite.
std::optional<Numbers> solve(Numbers a, Numbers b) {
  const size_t n = b.size();
  for (size_t j = 0; j < n; ++j) {
    for (size_t i = j; i < n; ++i) {
      double sum = a[i * n + j];
      for (size_t k = 0; k < j; ++k) {
        sum -= a[i * n + k] * a[j * n + k];
      }
      if (i == j && !(sum > 0)) {
        return std::nullopt;
      }
      a[i * n + j] = i == j ? std::sqrt(sum) : sum / a[j * n + j];
    }
  }
  for (size_t i = 0; i < n; ++i) {
    for (size_t k = 0; k < i; ++k) {
      b[i] -= a[i * n + k] * b[k];
    }
    b[i] /= a[i * n + i];
  }
  for (size_t i = n; i-- > 0;) {
    for (size_t k = i + 1; k < n; ++k) {
      b[i] -= a[k * n + i] * b[k];
    }
    b[i] /= a[i * n + i];
  }
  return b;
}

struct Fit {
  Numbers z;
  double cost;
};

// One step downhill from `fit`; `damping` falls when it succeeds and rises when it does not.
bool step(const render::FivePointShape& shape, const Target& target, Fit& fit, double& damping) {
  const size_t n = fit.z.size();
  const Numbers now = residuals(shape, target, fit.z);
  std::vector<Numbers> slopes(n);
  for (size_t k = 0; k < n; ++k) {
    Numbers nudged = fit.z;
    nudged[k] += kNudge;
    slopes[k] = residuals(shape, target, nudged);
    for (size_t i = 0; i < now.size(); ++i) {
      slopes[k][i] = (slopes[k][i] - now[i]) / kNudge;
    }
  }
  Numbers normal(n * n), downhill(n);
  for (size_t i = 0; i < n; ++i) {
    for (size_t j = 0; j < n; ++j) {
      for (size_t r = 0; r < now.size(); ++r) {
        normal[i * n + j] += slopes[i][r] * slopes[j][r];
      }
    }
    for (size_t r = 0; r < now.size(); ++r) {
      downhill[i] -= slopes[i][r] * now[r];
    }
    normal[i * n + i] *= 1.0 + damping;
  }
  const std::optional<Numbers> move = solve(normal, downhill);
  Fit moved = fit;
  for (size_t i = 0; move && i < n; ++i) {
    moved.z[i] += (*move)[i];
  }
  moved.cost = sum_of_squares(residuals(shape, target, moved.z));
  if (!move || !(moved.cost < fit.cost)) {
    damping *= 8.0;
    return damping < 1e8;
  }
  const bool goes_on = fit.cost - moved.cost > kEnough * fit.cost;
  fit = moved;
  damping = std::max(damping / 5.0, 1e-9);
  return goes_on;
}

// From a view to the left, ahead and to the right, from above and below: the best of six.
Fit best_fit(const render::FivePointShape& shape, const Target& target) {
  // From the mouth to the eyes: unlike the line of the eyes it is long from the side, too.
  const auto& p = target.points;
  const double roll =
      std::atan2(p[0][0] + p[1][0] - p[3][0] - p[4][0], p[0][1] + p[1][1] - p[3][1] - p[4][1]);
  Fit best{{}, std::numeric_limits<double>::infinity()};
  for (const double yaw_deg : {-50.0, 0.0, 50.0}) {
    for (const double pitch_deg : {-15.0, 15.0}) {
      Numbers start(kPoseNumbers + shape.modes.size(), 0.0);
      start[0] = yaw_deg / kDegrees;
      start[1] = pitch_deg / kDegrees;
      start[2] = roll;
      Fit fit{start, sum_of_squares(residuals(shape, target, start))};
      double damping = 1e-2;
      for (int i = 0; i < kSteps && step(shape, target, fit, damping); ++i) {
      }
      if (fit.cost < best.cost) {
        best = fit;
      }
    }
  }
  return best;
}

Target standardised(const core::Landmarks5& landmarks, double noise) {
  core::Point centre;
  for (const core::Point& point : landmarks) {
    centre.x += point.x / 5;
    centre.y += point.y / 5;
  }
  double squares = 0;
  for (const core::Point& point : landmarks) {
    squares += std::pow(point.x - centre.x, 2) + std::pow(point.y - centre.y, 2);
  }
  GUISE_CHECK_ARG(std::isfinite(squares) && squares > 1e-12,
                  "the five landmarks of a face must be finite and must not coincide; a face "
                  "without landmarks has no pose");
  Target target{{}, noise};
  for (size_t i = 0; i < 5; ++i) {
    target.points[i] = {(landmarks[i].x - centre.x) / std::sqrt(squares),
                        (centre.y - landmarks[i].y) / std::sqrt(squares)};
  }
  return target;
}

double turned_into_range(double angle_deg) {
  return std::remainder(angle_deg, 360.0);
}

}  // namespace

EstimatePose::EstimatePose(const render::HeadModel& head, const PoseOptions& options)
    : shape_(render::five_point_shape(head)), options_(options) {
  GUISE_CHECK_ARG(options_.landmark_noise > 0 && options_.landmark_noise <= 1,
                  "landmark_noise must be above 0 and at most 1; got ", options_.landmark_noise);
  GUISE_CHECK_ARG(options_.doubtful_misfit > 0, "doubtful_misfit must be above 0; got ",
                  options_.doubtful_misfit);
}

HeadPose EstimatePose::operator()(const core::Landmarks5& landmarks) const {
  const double eyes =
      std::hypot(shape_.mean[1][0] - shape_.mean[0][0], shape_.mean[1][1] - shape_.mean[0][1]);
  const Fit fit = best_fit(shape_, standardised(landmarks, options_.landmark_noise * eyes));
  HeadPose pose;
  pose.yaw_deg = turned_into_range(fit.z[0] * kDegrees);
  pose.pitch_deg = turned_into_range(fit.z[1] * kDegrees);
  pose.roll_deg = turned_into_range(fit.z[2] * kDegrees);
  // The landmarks' and the shape's part: ten coordinates were to be explained.
  const double pose_cost =
      std::pow(pose.yaw_deg / kUsualYawDeg, 2) + std::pow(pose.pitch_deg / kUsualPitchDeg, 2);
  pose.misfit = std::sqrt(std::max(fit.cost - pose_cost, 0.0) / 10.0);
  pose.is_doubtful = pose.misfit > options_.doubtful_misfit;
  return pose;
}

std::vector<HeadPose> EstimatePose::operator()(
    const std::vector<core::Landmarks5>& landmarks) const {
  std::vector<HeadPose> poses;
  for (const core::Landmarks5& points : landmarks) {
    poses.push_back((*this)(points));
  }
  return poses;
}

}  // namespace guise::stages
