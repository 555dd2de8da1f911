// Least-squares fit: with centred points p and q, a + ib = sum(conj(p) q) / sum(|p|^2). Reading
// points as complex numbers makes reflections impossible to express, so Umeyama's determinant guard
// is not needed.
#include "core/geometry.h"

#include <algorithm>
#include <cmath>

#include "core/check.h"

namespace guise::core {

Box scale_about_centre(const Box& box, double factor) {
  GUISE_CHECK_ARG(factor > 0, "the factor must be above 0; got ", factor);
  const Point centre = box.centre();
  const double half_width = box.width() * factor / 2;
  const double half_height = box.height() * factor / 2;
  return {centre.x - half_width, centre.y - half_height, centre.x + half_width,
          centre.y + half_height};
}

Box intersect(const Box& a, const Box& b) {
  Box result{std::max(a.x0, b.x0), std::max(a.y0, b.y0), std::min(a.x1, b.x1),
             std::min(a.y1, b.y1)};
  result.x1 = std::max(result.x0, result.x1);
  result.y1 = std::max(result.y0, result.y1);
  return result;
}

double intersection_over_union(const Box& a, const Box& b) {
  const double shared = intersect(a, b).area();
  const double joined = a.area() + b.area() - shared;
  return joined > 0 ? shared / joined : 0.0;
}

double covered_share(const Box& inner, const Box& outer) {
  const double area = inner.area();
  return area > 0 ? intersect(inner, outer).area() / area : 0.0;
}

Similarity2D Similarity2D::inverse() const {
  const double norm = a * a + b * b;
  GUISE_CHECK_ARG(norm > 0, "a similarity of scale 0 has no inverse");
  const double inverse_a = a / norm;
  const double inverse_b = -b / norm;
  return {inverse_a, inverse_b, -(inverse_a * tx - inverse_b * ty),
          -(inverse_b * tx + inverse_a * ty)};
}

double Similarity2D::scale() const {
  return std::hypot(a, b);
}

double Similarity2D::rotation_deg() const {
  return std::atan2(b, a) * 180.0 / M_PI;
}

namespace {

Point mean_of(const std::vector<Point>& points) {
  Point mean;
  for (const Point& point : points) {
    mean.x += point.x;
    mean.y += point.y;
  }
  mean.x /= static_cast<double>(points.size());
  mean.y /= static_cast<double>(points.size());
  return mean;
}

}  // namespace

Similarity2D fit_similarity(const std::vector<Point>& from, const std::vector<Point>& to) {
  GUISE_CHECK_ARG(from.size() == to.size() && from.size() >= 2,
                  "a similarity needs two lists of equally many points, at least 2; got ",
                  from.size(), " and ", to.size());
  const Point from_mean = mean_of(from);
  const Point to_mean = mean_of(to);
  double real = 0, imaginary = 0, spread = 0;
  for (size_t i = 0; i < from.size(); ++i) {
    const double px = from[i].x - from_mean.x, py = from[i].y - from_mean.y;
    const double qx = to[i].x - to_mean.x, qy = to[i].y - to_mean.y;
    real += px * qx + py * qy;
    imaginary += px * qy - py * qx;
    spread += px * px + py * py;
  }
  GUISE_CHECK_ARG(std::isfinite(spread) && std::isfinite(real) && std::isfinite(imaginary),
                  "the points of a similarity must be finite; got NaN or infinity");
  GUISE_CHECK_ARG(spread > 1e-12, "the points of a similarity must not all coincide");
  const double a = real / spread, b = imaginary / spread;
  return {a, b, to_mean.x - (a * from_mean.x - b * from_mean.y),
          to_mean.y - (b * from_mean.x + a * from_mean.y)};
}

Landmarks5 arcface_template(int64_t size_px) {
  GUISE_CHECK_ARG(size_px >= 16, "a crop must be at least 16 px; got ", size_px);
  const bool uses_128_layout = size_px % 112 != 0 && size_px % 128 == 0;
  const double scale = static_cast<double>(size_px) / (uses_128_layout ? 128.0 : 112.0);
  const double shift = uses_128_layout ? 8.0 : 0.0;
  Landmarks5 points{{{38.2946, 51.6963},
                     {73.5318, 51.5014},
                     {56.0252, 71.7366},
                     {41.5493, 92.3655},
                     {70.7299, 92.2041}}};
  for (Point& point : points) {
    point = {(point.x + shift) * scale, point.y * scale};
  }
  return points;
}

Landmarks5 ffhq_template(int64_t size_px) {
  GUISE_CHECK_ARG(size_px >= 16, "a crop must be at least 16 px; got ", size_px);
  const double scale = static_cast<double>(size_px) / 512.0;
  Landmarks5 points{{{192.98138, 239.94708},
                     {318.90277, 240.1936},
                     {256.63416, 314.01935},
                     {201.26117, 371.41043},
                     {313.08905, 371.15118}}};
  for (Point& point : points) {
    point = {point.x * scale, point.y * scale};
  }
  return points;
}

namespace {

constexpr int64_t kTurnedSizePx = 112;
// How far the points lie before the eyes, in distances of the eyes: the MakeHuman base head (CC0).
constexpr std::array<double, 5> kDepth = {0, 0, 0.5039, 0.0827, 0.0827};

}  // namespace

Landmarks5 turned_landmarks(double yaw_deg) {
  GUISE_CHECK_ARG(std::abs(yaw_deg) <= 90, "yaw_deg must lie from -90 to 90; got ", yaw_deg);
  const Landmarks5 front = arcface_template(kTurnedSizePx);
  const double eyes = front[1].x - front[0].x;
  const double middle = (front[0].x + front[1].x) / 2;
  const double yaw = yaw_deg * M_PI / 180;
  std::vector<Point> turned;
  for (size_t i = 0; i < front.size(); ++i) {
    turned.push_back(
        {middle + (front[i].x - middle) * std::cos(yaw) + kDepth[i] * eyes * std::sin(yaw),
         front[i].y});
  }
  const Similarity2D to_crop = fit_similarity(turned, {front.begin(), front.end()});
  Landmarks5 placed;
  for (size_t i = 0; i < placed.size(); ++i) placed[i] = to_crop(turned[i]);
  return placed;
}

}  // namespace guise::core
