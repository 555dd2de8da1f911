#include "render/groom_shell.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

namespace guise::render {
namespace {

constexpr float kPi = 3.14159265F;
constexpr float kSmallest = 1e-6F;

// Within 0.005 rad, which is a tenth of a cell.
float quick_atan2(float y, float x) {
  const float ax = std::fabs(x), ay = std::fabs(y);
  const float high = std::max(std::max(ax, ay), kSmallest), low = std::min(ax, ay);
  const float t = low / high;
  const float t2 = t * t;
  float a = ((-0.0464964749F * t2 + 0.15931422F) * t2 - 0.327622764F) * t2 * t + t;
  if (ay > ax) a = 0.5F * kPi - a;
  if (x < 0) a = kPi - a;
  return y < 0 ? -a : a;
}

struct Place {  // in the table, continuous
  float column = 0, row = 0, radius = 0;
  Vec3 ray;  // from the axis
};

// Azimuth 0 = +z (the face), growing towards +x. Row 0 = zenith.
Place place_of(const HairFrame& frame, const Vec3& p) {
  const float dy = p.y - frame.centre.y;
  const Vec3 axis = dy >= 0 ? frame.centre : axis_point(frame, p.y);
  const float dx = p.x - axis.x, dz = p.z - axis.z;
  const float level = std::sqrt(dx * dx + dz * dz);
  Place place;
  place.ray = p - axis;
  place.column = (quick_atan2(dx, dz) + kPi) * (static_cast<float>(ShellMap::kColumns) / (2 * kPi));
  if (dy >= 0) {
    const float from_zenith = quick_atan2(level, dy);
    place.row = from_zenith * (static_cast<float>(ShellMap::kDomeRows) / (0.5F * kPi));
    place.radius = std::sqrt(level * level + dy * dy);
  } else {
    place.row = static_cast<float>(ShellMap::kDomeRows) - dy / ShellMap::kRowHeight;
    place.radius = level;
  }
  return place;
}

struct Ray {
  Vec3 origin, direction;
};

// Cell (r, c) looks through its corner: row r exactly, column c exactly.
Vec3 cell_direction(int row, int column) {
  const float azimuth =
      static_cast<float>(column) * (2 * kPi / static_cast<float>(ShellMap::kColumns)) - kPi;
  const float zenith = static_cast<float>(std::min(row, ShellMap::kDomeRows)) *
                       (0.5F * kPi / static_cast<float>(ShellMap::kDomeRows));
  return {std::sin(zenith) * std::sin(azimuth), std::cos(zenith),
          std::sin(zenith) * std::cos(azimuth)};
}

Vec3 row_origin(const HairFrame& frame, int row) {
  if (row <= ShellMap::kDomeRows) return frame.centre;
  return axis_point(
      frame, frame.centre.y - static_cast<float>(row - ShellMap::kDomeRows) * ShellMap::kRowHeight);
}

// Distance along the ray, or a negative number; barycentric weights in `weight`.
float hit(const Ray& ray, const Vec3& a, const Vec3& b, const Vec3& c,
          std::array<float, 3>& weight) {
  const Vec3 ab = b - a, ac = c - a;
  const Vec3 p = cross(ray.direction, ac);
  const float det = dot(ab, p);
  if (std::fabs(det) < 1e-12F) return -1;
  const Vec3 from = ray.origin - a;
  const float u = dot(from, p) / det;
  const Vec3 q = cross(from, ab);
  const float v = dot(ray.direction, q) / det;
  if (u < -1e-4F || v < -1e-4F || u + v > 1.0002F) return -1;
  weight = {1 - u - v, u, v};
  return dot(ac, q) / det;
}

int wrapped(int column) {
  return (column + ShellMap::kColumns) % ShellMap::kColumns;
}

size_t cell_index(int row, int column) {
  return static_cast<size_t>(row * ShellMap::kColumns + wrapped(column));
}

// Cells that see no skin (radius 0) take it from their neighbours in the row, empty rows from the
// row above.
void fill_holes(std::vector<Place>& seen) {
  for (int r = 0; r <= ShellMap::kRows; ++r) {
    std::vector<int> known;
    for (int c = 0; c < ShellMap::kColumns; ++c) {
      if (seen[cell_index(r, c)].radius > 0) known.push_back(c);
    }
    if (known.size() == ShellMap::kColumns) continue;
    for (int c = 0; c < ShellMap::kColumns; ++c) {
      Place& place = seen[cell_index(r, c)];
      if (place.radius > 0) continue;
      place.row = static_cast<float>(r);
      place.column = static_cast<float>(c);
      if (known.empty()) {
        place.radius = r > 0 ? seen[cell_index(r - 1, c)].radius : 0.8F;
        continue;
      }
      const auto next = std::upper_bound(known.begin(), known.end(), c);
      const int b = next == known.end() ? known.front() : *next;
      const int a = next == known.begin() ? known.back() : *(next - 1);
      const float to_a = static_cast<float>(wrapped(c - a)),
                  to_b = static_cast<float>(wrapped(b - c));
      place.radius = lerp(seen[cell_index(r, a)].radius, seen[cell_index(r, b)].radius,
                          to_a / std::max(1.0F, to_a + to_b));
    }
  }
}

// The cells were found on the mean head; on another head their points lie a little off the middle
// of the cells. Interpolates radii at the middles, first along the columns, then along the rows.
std::vector<float> straightened(const std::vector<Place>& seen) {
  std::vector<float> radius(seen.size()), column(seen.size());
  for (int c = 0; c < ShellMap::kColumns; ++c) {
    int k = 0;
    for (int r = 0; r <= ShellMap::kRows; ++r) {
      const auto at = static_cast<float>(r);
      while (k + 2 <= ShellMap::kRows && seen[cell_index(k + 1, c)].row < at) ++k;
      const Place &a = seen[cell_index(k, c)], &b = seen[cell_index(k + 1, c)];
      const float t = clamp01((at - a.row) / std::max(b.row - a.row, 0.05F));
      radius[cell_index(r, c)] = lerp(a.radius, b.radius, t);
      const auto off = [&](const Place& p) {  // columns to the right, without the seam at the back
        const float d = p.column - static_cast<float>(c);
        constexpr float kHalf = 0.5F * ShellMap::kColumns;
        return d > kHalf ? d - 2 * kHalf : d < -kHalf ? d + 2 * kHalf : d;
      };
      column[cell_index(r, c)] = r < 2 ? 0.0F : lerp(off(a), off(b), t);
    }
  }
  std::vector<float> straight(radius);
  for (int r = 2; r <= ShellMap::kRows; ++r) {
    for (int c = 0; c < ShellMap::kColumns; ++c) {
      const float off = column[cell_index(r, c)];
      const int step = off > 0 ? -1 : 1;
      const float other = column[cell_index(r, c + step)] + static_cast<float>(step);
      const float t = clamp01(
          -off / std::copysign(std::max(std::fabs(other - off), 0.1F), static_cast<float>(step)));
      straight[cell_index(r, c)] =
          lerp(radius[cell_index(r, c)], radius[cell_index(r, c + step)], t);
    }
  }
  return straight;
}

}  // namespace

Vec3 axis_point(const HairFrame& frame, float y) {
  const float t = clamp01((frame.centre.y - y) / (frame.centre.y - frame.neck.y));
  return {frame.centre.x, y, lerp(frame.centre.z, frame.neck.z, t)};
}

HairFrame hair_frame(const Head& head, const std::vector<HairRoot>& scalp) {
  HairFrame frame;
  float left = -1e9F, right = 1e9F, front = -1e9F, back = 1e9F, top = -1e9F;
  // Any prefix of the roots covers the scalp.
  const size_t enough = std::min<size_t>(scalp.size(), 2500);
  for (size_t i = 0; i < enough; ++i) {
    const Vec3 p = at_root(head.points, scalp[i]);
    left = std::max(left, p.x);
    right = std::min(right, p.x);
    front = std::max(front, p.z);
    back = std::min(back, p.z);
    top = std::max(top, p.y);
  }
  // The scalp ends at the forehead, which lies about 0.12 of its depth further in front.
  const float depth = (front - back) * 1.06F;
  frame.top_y = top;
  frame.scale = depth / 1.9F;
  frame.centre = {0.5F * (left + right), top - 0.44F * depth, back + 0.5F * depth};
  const auto& lm = head.landmarks;
  for (size_t k = 17; k <= 26; ++k) {
    frame.brow_y = k == 17 ? lm[k].y : std::max(frame.brow_y, lm[k].y);
    frame.brow_z = k == 17 ? lm[k].z : std::max(frame.brow_z, lm[k].z);
  }
  frame.eye_y = 0.5F * (head.left_eye.center.y + head.right_eye.center.y);
  frame.face_half_width = 0.5F * (lm[26].x - lm[17].x);
  frame.chin_y = lm[8].y;
  frame.ear_z = 0.5F * (lm[0].z + lm[16].z);
  frame.neck = {frame.centre.x, frame.chin_y - 0.25F * frame.scale,
                std::min(frame.centre.z - 0.25F * frame.scale, head.neck_joint.z + 0.1F)};
  return frame;
}

ShellMap::ShellMap(const HeadTopology& topology, const HairFrame& rest_frame)
    : cells_(static_cast<size_t>(kRows + 1) * kColumns), directions_(cells_.size()) {
  for (int r = 0; r <= kRows; ++r) {
    for (int c = 0; c < kColumns; ++c) directions_[cell_index(r, c)] = cell_direction(r, c);
  }
  std::vector<float> far_skin(cells_.size(), 0), far_skull(cells_.size(), 0);
  for (const Triangle& t : topology.triangles) {
    if (t.surface != kHeadSkin) continue;
    std::array<uint32_t, 3> id{};
    std::array<Vec3, 3> p;
    float row_low = 1e9F, row_high = -1e9F, column_low = 1e9F, column_high = -1e9F;
    bool near_axis = false;
    for (size_t k = 0; k < 3; ++k) {
      id[k] = topology.vertex_point[t.vertex[k]];
      p[k] = topology.rest_points[id[k]];
      const Place place = place_of(rest_frame, p[k]);
      row_low = std::min(row_low, place.row);
      row_high = std::max(row_high, place.row);
      column_low = std::min(column_low, place.column);
      column_high = std::max(column_high, place.column);
      near_axis = near_axis || place.row < 3;
    }
    // Triangles over the zenith or the back seam are tried in every column.
    const bool around = near_axis || column_high - column_low > 0.5F * kColumns;
    const int r0 = std::max(0, static_cast<int>(row_low) - 1);
    const int r1 = std::min(kRows, static_cast<int>(row_high) + 2);
    const int c0 = around ? 0 : static_cast<int>(column_low) - 1;
    const int c1 = around ? kColumns - 1 : static_cast<int>(column_high) + 2;
    const bool ear = t.part == Part::kLeftEar || t.part == Part::kRightEar;
    for (int r = r0; r <= r1; ++r) {
      for (int c = c0; c <= c1; ++c) {
        const int column = (c + kColumns) % kColumns;
        const auto k = static_cast<size_t>(r * kColumns + column);
        std::array<float, 3> weight{};
        const float far =
            hit({row_origin(rest_frame, r), directions_[k]}, p[0], p[1], p[2], weight);
        Cell& cell = cells_[k];
        if (far > far_skin[k]) {
          far_skin[k] = far;
          cell.skin = {id, weight};
          cell.has_skin = true;
        }
        if (!ear && far > far_skull[k]) {
          far_skull[k] = far;
          cell.skull = {id, weight};
          cell.has_skull = true;
        }
      }
    }
  }
}

HeadShell::HeadShell(const ShellMap& map, const Head& head, const HairFrame& frame, bool with_ears)
    : frame_(frame) {
  fill(map, head, false, skull_);
  if (with_ears) fill(map, head, true, skin_);
}

void HeadShell::fill(const ShellMap& map, const Head& head, bool with_ears,
                     std::vector<Entry>& table) const {
  std::vector<Place> seen(map.cells().size());
  for (size_t k = 0; k < seen.size(); ++k) {
    const ShellMap::Cell& cell = map.cells()[k];
    if (!(with_ears ? cell.has_skin : cell.has_skull)) continue;
    seen[k] = place_of(frame_, at_root(head.points, with_ears ? cell.skin : cell.skull));
    seen[k].radius = std::max(seen[k].radius, 0.05F);
  }
  fill_holes(seen);
  const std::vector<float> radius = straightened(seen);
  std::vector<Vec3> position(radius.size());
  for (int r = 0; r <= ShellMap::kRows; ++r) {
    const Vec3 origin = row_origin(frame_, r);
    for (int c = 0; c < ShellMap::kColumns; ++c) {
      const size_t k = cell_index(r, c);
      position[k] = origin + map.directions()[k] * radius[k];
    }
  }
  table.resize(radius.size());
  for (int r = 0; r <= ShellMap::kRows; ++r) {
    const int above = std::max(r - 1, 1), below = std::min(std::max(r, 1) + 1, ShellMap::kRows);
    for (int c = 0; c < ShellMap::kColumns; ++c) {
      const Vec3 across = position[cell_index(r, c + 1)] - position[cell_index(r, c - 1)];
      const Vec3 up = position[cell_index(above, c)] - position[cell_index(below, c)];
      Entry& e = table[cell_index(r, c)];
      e.radius = radius[cell_index(r, c)];
      e.normal = r == 0 ? Vec3{0, 1, 0} : normalized(cross(across, up));
    }
  }
}

HeadShell::Entry HeadShell::look_up(const std::vector<Entry>& table, float column, float row) {
  constexpr int kColumns = ShellMap::kColumns, kRows = ShellMap::kRows;
  row = std::clamp(row, 0.0F, static_cast<float>(kRows) - 0.001F);
  const int whole = static_cast<int>(column), r0 = static_cast<int>(row);
  const float u = column - static_cast<float>(whole), v = row - static_cast<float>(r0);
  const int c0 = whole % kColumns, c1 = (whole + 1) % kColumns;
  const Entry* upper = &table[static_cast<size_t>(r0 * kColumns)];
  const Entry* lower = upper + kColumns;
  const float wa = (1 - u) * (1 - v), wb = u * (1 - v), wc = (1 - u) * v, wd = u * v;
  const Entry &a = upper[c0], &b = upper[c1], &c = lower[c0], &d = lower[c1];
  return {{a.normal.x * wa + b.normal.x * wb + c.normal.x * wc + d.normal.x * wd,
           a.normal.y * wa + b.normal.y * wb + c.normal.y * wc + d.normal.y * wd,
           a.normal.z * wa + b.normal.z * wb + c.normal.z * wc + d.normal.z * wd},
          a.radius * wa + b.radius * wb + c.radius * wc + d.radius * wd};
}

HeadShell::Sample HeadShell::sample(const Vec3& p, bool ears) const {
  const Place place = place_of(frame_, p);
  const Entry e = look_up(ears && !skin_.empty() ? skin_ : skull_, place.column, place.row);
  Sample s{place.radius - e.radius, normalized(e.normal)};
  // Along the ray the skin is s.height away; along its normal it is nearer.
  const float facing = dot(s.normal, place.ray) / std::max(place.radius, kSmallest);
  s.height *= std::clamp(facing, 0.15F, 1.0F);
  return s;
}

Vec3 HeadShell::lift(const Vec3& p, float height) const {
  const Place place = place_of(frame_, p);
  const Entry e = look_up(skull_, place.column, place.row);
  return p + place.ray * ((e.radius + height) / std::max(place.radius, 0.02F) - 1.0F);
}

}  // namespace guise::render
