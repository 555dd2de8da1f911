// Building blocks of garments and props: nets of points, tubes, small solids.
#pragma once

#include <cstdint>
#include <vector>

#include "render/mesh.h"
#include "render/vec.h"

namespace guise::render {

uint16_t add_surface(Mesh& mesh, const Surface& surface);

// A net of rows x cols points. Seen from outside, columns run to the right and rows upwards.
// A net that closes on itself repeats its first column (row) as its last and says so, which lets
// the normals run through and the uv go on.
class Sheet {
 public:
  Sheet(int rows, int cols, bool joined_cols = false, bool joined_rows = false);

  int rows() const { return rows_; }
  int cols() const { return cols_; }
  bool joined_cols() const { return joined_cols_; }
  bool joined_rows() const { return joined_rows_; }

  Vec3& at(int row, int col) { return points_[index(row, col)]; }
  const Vec3& at(int row, int col) const { return points_[index(row, col)]; }
  Vec2& uv(int row, int col) { return uv_[index(row, col)]; }
  float& keep(int row, int col) { return keep_[index(row, col)]; }
  float& open(int row, int col) { return open_[index(row, col)]; }  // ambient occlusion

  // Copies the first column (row) onto the last of a joined net, except uv.
  void close();
  // uv in dm along the net: u along the middle row, v along the middle column.
  void measure_uv();
  void fill_open(float value);
  // Unit normals from differences of neighbours; degenerate points take their neighbour's.
  std::vector<Vec3> normals() const;
  // Appends the net; `inside_out` turns normals and winding.
  void append_to(Mesh& mesh, uint16_t surface, Part part, bool inside_out = false) const;

 private:
  size_t index(int row, int col) const {
    return static_cast<size_t>(row) * static_cast<size_t>(cols_) + static_cast<size_t>(col);
  }
  Vec3 normal_at(int row, int col) const;

  int rows_, cols_;
  bool joined_cols_, joined_rows_;
  std::vector<Vec3> points_;
  std::vector<Vec2> uv_;
  std::vector<float> keep_, open_;
};

// A cross-section of a tube: `side` and `up` are unit and at right angles to the path.
struct Station {
  Vec3 center, side, up;
  float half_side = 0.01F, half_up = 0.01F;
};

// Skin of the stations in order. `exponent` 2 = ellipse, 4 and more = rounded rectangle.
// `joined`: the last station repeats the first. Open ends are closed by rounded caps.
void append_tube(Mesh& mesh, const std::vector<Station>& stations, int sides, float exponent,
                 bool joined, uint16_t surface, Part part, float open = 1.0F);

// Stations of a round tube along `path`, `radii` by point; frames are carried along without twist.
std::vector<Station> round_stations(const std::vector<Vec3>& path, const std::vector<float>& radii);

// A ball squashed to `radii` along unit axes x, y, z.
void append_ellipsoid(Mesh& mesh, const Vec3& center, const Mat3& axes, const Vec3& radii, int rows,
                      int cols, uint16_t surface, Part part);

// Point of a superellipse of half-axes 1 at `angle`.
Vec2 superellipse(float angle, float exponent);

}  // namespace guise::render
