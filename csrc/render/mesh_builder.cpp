#include "render/mesh_builder.h"

#include <cmath>

namespace guise::render {
namespace {

constexpr float kTurn = 6.283185307F;
constexpr float kTiny = 1e-14F;

Vec3 any_perpendicular(const Vec3& direction) {
  const Vec3 axis = std::fabs(direction.y) < 0.8F ? Vec3{0, 1, 0} : Vec3{0, 0, 1};
  return normalized(cross(axis, direction));
}

}  // namespace

uint16_t add_surface(Mesh& mesh, const Surface& surface) {
  mesh.surfaces.push_back(surface);
  return static_cast<uint16_t>(mesh.surfaces.size() - 1);
}

Sheet::Sheet(int rows, int cols, bool joined_cols, bool joined_rows)
    : rows_(rows), cols_(cols), joined_cols_(joined_cols), joined_rows_(joined_rows) {
  const auto count = static_cast<size_t>(rows) * static_cast<size_t>(cols);
  points_.resize(count);
  uv_.resize(count);
  keep_.assign(count, 1.0F);
  open_.assign(count, 1.0F);
}

void Sheet::close() {
  if (joined_cols_) {
    for (int r = 0; r < rows_; ++r) {
      at(r, cols_ - 1) = at(r, 0);
      keep(r, cols_ - 1) = keep(r, 0);
      open(r, cols_ - 1) = open(r, 0);
    }
  }
  if (joined_rows_) {
    for (int c = 0; c < cols_; ++c) {
      at(rows_ - 1, c) = at(0, c);
      keep(rows_ - 1, c) = keep(0, c);
      open(rows_ - 1, c) = open(0, c);
    }
  }
}

void Sheet::measure_uv() {
  std::vector<float> along_u(static_cast<size_t>(cols_), 0.0F);
  for (int c = 1; c < cols_; ++c) {
    along_u[static_cast<size_t>(c)] =
        along_u[static_cast<size_t>(c - 1)] + length(at(rows_ / 2, c) - at(rows_ / 2, c - 1));
  }
  float v = 0;
  for (int r = 0; r < rows_; ++r) {
    if (r > 0) v += length(at(r, cols_ / 2) - at(r - 1, cols_ / 2));
    for (int c = 0; c < cols_; ++c) uv(r, c) = {along_u[static_cast<size_t>(c)], v};
  }
}

void Sheet::fill_open(float value) {
  open_.assign(open_.size(), value);
}

Vec3 Sheet::normal_at(int row, int col) const {
  const auto step = [](int i, int by, int count, bool joined) {
    const int j = i + by;
    if (j >= 0 && j < count) return j;
    if (!joined) return i;
    return j < 0 ? count - 2 : 1;
  };
  const Vec3 right =
      at(row, step(col, 1, cols_, joined_cols_)) - at(row, step(col, -1, cols_, joined_cols_));
  const Vec3 up =
      at(step(row, 1, rows_, joined_rows_), col) - at(step(row, -1, rows_, joined_rows_), col);
  return cross(right, up);
}

std::vector<Vec3> Sheet::normals() const {
  std::vector<Vec3> result(points_.size());
  for (int r = 0; r < rows_; ++r) {
    for (int c = 0; c < cols_; ++c) {
      Vec3 normal = normal_at(r, c);
      for (int reach = 1; dot(normal, normal) < kTiny && reach < rows_; ++reach) {
        if (r + reach < rows_) normal = normal_at(r + reach, c);
        if (dot(normal, normal) < kTiny && r - reach >= 0) normal = normal_at(r - reach, c);
      }
      if (dot(normal, normal) < kTiny) normal = {0, 0, 1};
      result[index(r, c)] = normalized(normal);
    }
  }
  return result;
}

void Sheet::append_to(Mesh& mesh, uint16_t surface, Part part, bool inside_out) const {
  const auto base = static_cast<uint32_t>(mesh.positions.size());
  mesh.positions.insert(mesh.positions.end(), points_.begin(), points_.end());
  mesh.uv.insert(mesh.uv.end(), uv_.begin(), uv_.end());
  mesh.keep.insert(mesh.keep.end(), keep_.begin(), keep_.end());
  mesh.ambient_occlusion.insert(mesh.ambient_occlusion.end(), open_.begin(), open_.end());
  for (const Vec3& normal : normals()) mesh.normals.push_back(inside_out ? -normal : normal);
  const auto add = [&](uint32_t a, uint32_t b, uint32_t c) {
    if (inside_out) std::swap(b, c);
    const Vec3 &pa = mesh.positions[a], &pb = mesh.positions[b], &pc = mesh.positions[c];
    const Vec3 area = cross(pb - pa, pc - pa);
    if (dot(area, area) < kTiny * kTiny) return;
    mesh.triangles.push_back({{a, b, c}, surface, part});
  };
  for (int r = 0; r + 1 < rows_; ++r) {
    for (int c = 0; c + 1 < cols_; ++c) {
      const uint32_t i = base + static_cast<uint32_t>(index(r, c));
      const uint32_t above = i + static_cast<uint32_t>(cols_);
      add(i, i + 1, above + 1);
      add(i, above + 1, above);
    }
  }
}

Vec2 superellipse(float angle, float exponent) {
  const float c = std::cos(angle), s = std::sin(angle);
  if (exponent == 2.0F) return {c, s};
  return {std::copysign(std::pow(std::fabs(c), 2.0F / exponent), c),
          std::copysign(std::pow(std::fabs(s), 2.0F / exponent), s)};
}

void append_tube(Mesh& mesh, const std::vector<Station>& stations, int sides, float exponent,
                 bool joined, uint16_t surface, Part part, float open) {
  std::vector<Station> all = stations;
  if (!joined) {
    const auto cap = [&](const Station& end, const Station& next) {
      const Vec3 out = normalized(end.center - next.center);
      Station ring = end, tip = end;
      ring.center += out * (0.5F * std::min(end.half_side, end.half_up));
      ring.half_side *= 0.75F;
      ring.half_up *= 0.75F;
      tip.center += out * (0.75F * std::min(end.half_side, end.half_up));
      tip.half_side = tip.half_up = 0;
      return std::pair{ring, tip};
    };
    const auto [first_ring, first_tip] = cap(stations[0], stations[1]);
    const auto [last_ring, last_tip] = cap(stations.back(), stations[stations.size() - 2]);
    all.insert(all.begin(), {first_tip, first_ring});
    all.insert(all.end(), {last_ring, last_tip});
  }
  std::vector<Vec2> profile;
  for (int i = 0; i <= sides; ++i) {
    const float turn = (static_cast<float>(i % sides) + 0.5F) / static_cast<float>(sides);
    profile.push_back(superellipse(kTurn * turn, exponent));
  }
  Sheet sheet(static_cast<int>(all.size()), sides + 1, true, joined);
  for (int r = 0; r < sheet.rows(); ++r) {
    const Station& s = all[static_cast<size_t>(r)];
    for (int c = 0; c <= sides; ++c) {
      const Vec2 p = profile[static_cast<size_t>(c)];
      sheet.at(r, c) = s.center + s.side * (p.x * s.half_side) + s.up * (p.y * s.half_up);
    }
  }
  sheet.measure_uv();
  sheet.fill_open(open);
  const Vec3 along = all[all.size() / 2].center - all[all.size() / 2 - 1].center;
  const Station& middle = all[all.size() / 2];
  sheet.append_to(mesh, surface, part, dot(cross(middle.side, middle.up), along) < 0);
}

std::vector<Station> round_stations(const std::vector<Vec3>& path,
                                    const std::vector<float>& radii) {
  std::vector<Station> stations(path.size());
  Vec3 side{0, 0, 0};
  for (size_t i = 0; i < path.size(); ++i) {
    const Vec3 along = normalized(path[std::min(i + 1, path.size() - 1)] - path[i > 0 ? i - 1 : 0]);
    side = i == 0 ? any_perpendicular(along) : normalized(side - along * dot(side, along));
    if (dot(side, side) < 0.5F) side = any_perpendicular(along);
    stations[i] = {path[i], side, cross(along, side), radii[i], radii[i]};
  }
  return stations;
}

void append_ellipsoid(Mesh& mesh, const Vec3& center, const Mat3& axes, const Vec3& radii, int rows,
                      int cols, uint16_t surface, Part part) {
  Sheet sheet(rows, cols + 1, true);
  for (int r = 0; r < rows; ++r) {
    const float rise = kTurn * 0.5F * (static_cast<float>(r) / static_cast<float>(rows - 1) - 0.5F);
    for (int c = 0; c <= cols; ++c) {
      const float turn = kTurn * static_cast<float>(c % cols) / static_cast<float>(cols);
      const Vec3 p{std::cos(rise) * std::sin(turn) * radii.x, std::sin(rise) * radii.y,
                   std::cos(rise) * std::cos(turn) * radii.z};
      sheet.at(r, c) = center + axes.row0 * p.x + axes.row1 * p.y + axes.row2 * p.z;
    }
  }
  sheet.measure_uv();
  sheet.append_to(mesh, surface, part);
}

}  // namespace guise::render
