// Boxes, landmarks and similarity transforms in image coordinates.
//
// Pixel (0, 0) has its centre at (0, 0), x grows right and y down, as in OpenCV. Landmarks are
// ordered as seen in the image: left eye, right eye, nose, left and right mouth corner.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

namespace guise::core {

struct Point {
  double x = 0.0;
  double y = 0.0;
};

// Float pixels; x1 and y1 are exclusive.
struct Box {
  double x0 = 0.0;
  double y0 = 0.0;
  double x1 = 0.0;
  double y1 = 0.0;

  double width() const { return x1 - x0; }
  double height() const { return y1 - y0; }
  double area() const { return width() > 0 && height() > 0 ? width() * height() : 0.0; }
  Point centre() const { return {(x0 + x1) / 2, (y0 + y1) / 2}; }
};

// The same centre, width and height multiplied by `factor` (> 0).
Box scale_about_centre(const Box& box, double factor);

Box intersect(const Box& a, const Box& b);

// Area of the intersection over area of the union; 0 for empty boxes.
double intersection_over_union(const Box& a, const Box& b);

// Share of `inner`'s area that lies inside `outer`, in [0, 1]; 0 for an empty `inner`.
double covered_share(const Box& inner, const Box& outer);

using Landmarks5 = std::array<Point, 5>;

// x' = a x - b y + tx, y' = b x + a y + ty: rotation, uniform scale, translation, no reflection.
struct Similarity2D {
  double a = 1.0;
  double b = 0.0;
  double tx = 0.0;
  double ty = 0.0;

  Point operator()(const Point& point) const {
    return {a * point.x - b * point.y + tx, b * point.x + a * point.y + ty};
  }
  Similarity2D inverse() const;
  double scale() const;
  double rotation_deg() const;
};

// Least-squares similarity that takes `from` to `to` (Umeyama 1991, without reflection). Needs at
// least two points that do not coincide; throws std::invalid_argument otherwise.
Similarity2D fit_similarity(const std::vector<Point>& from, const std::vector<Point>& to);

// The crop templates, scaled to a square crop of `size_px`.
//   arcface  five points on 112 x 112 (InsightFace); a size that 128 divides but 112 does not
//            uses its 128 layout (shifted 8 px to the right)
//   ffhq     five points on 512 x 512 (facexlib / FFHQ alignment), for restoration
Landmarks5 arcface_template(int64_t size_px);
Landmarks5 ffhq_template(int64_t size_px);

// Where the five points of a head turned by yaw_deg (+ to the right of the picture, -90 to 90) lie
// in an aligned crop of 112 px: the ArcFace template with the depth of the head model's mean face,
// turned, seen from far away, and laid over the template again by least squares. Throws ValueError.
Landmarks5 turned_landmarks(double yaw_deg);

}  // namespace guise::core
