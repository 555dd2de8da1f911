// A cloth stretched around the face: for each direction about the vertical and each height, how far
// from the axis it lies, without the hollows that a taut cloth spans.
#pragma once

#include <vector>

#include "render/head_model.h"
#include "render/vec.h"

namespace guise::render {

class FaceWrap {
 public:
  // From height `low` to `high` (dm, head space). Ears are pressed flat.
  FaceWrap(const Head& head, float low, float high);

  // `turn` radians about the vertical, 0 in front, + towards +x. `lift` dm outside.
  Vec3 at(float turn, float y, float lift) const;
  float axis_z() const { return axis_z_; }
  float turn_of(const Vec3& point) const;

 private:
  static constexpr int kColumns = 40, kRows = 18;
  void tighten();
  float radius(float turn, float y) const;

  float axis_x_, axis_z_, low_, high_;
  std::vector<float> radius_;  // [kRows * kColumns]
};

}  // namespace guise::render
