// The skin as hair sees it: how far a point lies outside of one person's head, neck and shoulders.
//
// Seen from a bent axis the skin is one height field: above the middle of the skull in directions
// from that middle (rows are elevations), below it level by level around an axis through the neck
// (rows are heights). Table: kRows x kColumns, columns are azimuths.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "render/groom_roots.h"
#include "render/head_model.h"

namespace guise::render {

// Middle of the skull and what hair needs of the face.
struct HairFrame {
  Vec3 centre;       // of the skull
  Vec3 neck;         // on the axis, where the neck begins
  float top_y = 0;   // of the skull
  float scale = 1;   // of the skull to the mean head's
  float brow_y = 0;  // highest brow landmark
  float brow_z = 0;
  float eye_y = 0;
  float face_half_width = 0;  // to the outer ends of the brows
  float chin_y = 0;
  float ear_z = 0;  // of the front of the ears
};

// Which triangle the axis sees in each cell, found once on the mean head.
class ShellMap {
 public:
  static constexpr int kColumns = 72, kDomeRows = 18, kRows = kDomeRows + 34;
  static constexpr float kRowHeight = 0.1F;  // dm, below the middle

  ShellMap(const HeadTopology& topology, const HairFrame& rest_frame);

  struct Cell {
    HairRoot skin;   // outermost point, ears included
    HairRoot skull;  // outermost point that is not an ear
    bool has_skin = false, has_skull = false;
  };
  const std::vector<Cell>& cells() const { return cells_; }
  const std::vector<Vec3>& directions() const { return directions_; }  // of the cells, unit

 private:
  std::vector<Cell> cells_;
  std::vector<Vec3> directions_;
};

class HeadShell {
 public:
  // Without `with_ears` the ears are never skin.
  HeadShell(const ShellMap& map, const Head& head, const HairFrame& frame, bool with_ears);

  struct Sample {
    float height = 0;  // dm above the skin along the normal, to first order; < 0 inside
    Vec3 normal;       // unit, outwards
  };
  // `ears` count as skin or not.
  Sample sample(const Vec3& p, bool ears) const;
  // Moves p away from or towards the axis until it lies `height` above the skull. Unlike a push
  // along the normal this also works for points deep inside.
  Vec3 lift(const Vec3& p, float height) const;

  const HairFrame& frame() const { return frame_; }

 private:
  struct Entry {
    Vec3 normal;
    float radius = 0;
  };
  void fill(const ShellMap& map, const Head& head, bool with_ears, std::vector<Entry>& table) const;
  static Entry look_up(const std::vector<Entry>& table, float column, float row);

  HairFrame frame_;
  std::vector<Entry> skin_, skull_;
};

// The axis below the middle bends from the skull's middle to the neck's.
Vec3 axis_point(const HairFrame& frame, float y);

// Frame of `head`; `scalp` are roots on the scalp.
HairFrame hair_frame(const Head& head, const std::vector<HairRoot>& scalp);

}  // namespace guise::render
