// A chart of the neck and the upper chest: loops around the neck on level lines of a field. Collars
// and scarves are laid out in its coordinates and so fit every head.
#pragma once

#include <vector>

#include "render/head_model.h"
#include "render/vec.h"

namespace guise::render {

// Height of the neckline: 0 on the line of a crew neck, + towards the head, - down the chest.
// About 1 per dm on the neck.
float neck_level(const Head& head, const Vec3& point);

class NeckChart {
 public:
  static constexpr int kColumns = 48;

  // `field`: [G] a height like neck_level. `levels`: two or more, ascending.
  NeckChart(const HeadTopology& topology, const Head& head, const std::vector<float>& field,
            const std::vector<float>& levels);

  // `turn`: radians about the neck, 0 in front, + towards +x; any value. `level` between the first
  // and the last level (clamped). `lift` dm outside the skin.
  Vec3 at(float turn, float level, float lift) const;
  Vec3 normal(float turn, float level) const;

 private:
  struct Place {
    Vec3 point, normal;
  };
  struct Spot {
    size_t a, b, c, d;
    float across, up;
  };
  struct Near {  // a triangle and the range of the field on it
    size_t triangle;
    float low, high;
  };
  Spot spot(float turn, float level) const;
  void trace(const HeadTopology& topology, const Head& head, const std::vector<float>& field,
             const std::vector<Near>& triangles, float axis_z, size_t row);
  void mend(size_t row);

  std::vector<float> levels_;
  std::vector<Place> places_;  // [levels * kColumns]
  std::vector<bool> found_;
};

}  // namespace guise::render
