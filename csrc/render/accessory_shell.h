// The head as a distance from a centre by direction: what hats and veils are grown from.
#pragma once

#include <functional>
#include <vector>

#include "render/head_model.h"
#include "render/vec.h"

namespace guise::render {

class RadialChart {
 public:
  // `axes` rows: to azimuth 90 degrees, to the pole, to azimuth 0. Takes the points that `counts`
  // and that lie above `lowest` radians of elevation. `ease`: passes of smoothing.
  RadialChart(const std::vector<Vec3>& points, const Vec3& center, const Mat3& axes, float lowest,
              int ease, const std::function<bool(const Vec3&)>& counts);

  const Vec3& center() const { return center_; }
  Vec3 direction(float azimuth, float elevation) const;
  // `lift` dm outside the head. Elevation from `lowest` to pi / 2 (clamped).
  Vec3 at(float azimuth, float elevation, float lift) const;

 private:
  static constexpr int kColumns = 36, kRows = 12;
  float radius(float azimuth, float elevation) const;
  void fill_gaps();
  void smooth();

  Vec3 center_;
  Mat3 axes_;
  float lowest_;
  std::vector<float> radius_;  // [kRows * kColumns], 0 = not seen
};

// Highest point of the ears that stand off the head, and the filter that leaves ears out.
float ear_top(const Head& head);
bool is_ear(const Head& head, const Vec3& point);

}  // namespace guise::render
