#include "render/accessory_neck.h"

#include <algorithm>
#include <array>
#include <cmath>

namespace guise::render {
namespace {

constexpr float kTurn = 6.283185307F;
// Level 0 passes here, relative to the joint of the neck.
constexpr float kCrewHeight = -0.30F;
// No neckline lies higher than this above the joint: keeps chin and mouth out of the chart.
constexpr float kReachAbove = 0.75F;

float column_of(float turn) {
  const float columns = static_cast<float>(NeckChart::kColumns);
  const float at = turn / kTurn * columns;
  return at - columns * std::floor(at / columns);
}

}  // namespace

float neck_level(const Head& head, const Vec3& point) {
  const Vec3 p = point - head.neck_joint;
  return p.y + 0.28F * p.z - 0.25F * std::fabs(p.x) - kCrewHeight;
}

NeckChart::NeckChart(const HeadTopology& topology, const Head& head,
                     const std::vector<float>& field, const std::vector<float>& levels)
    : levels_(levels), places_(levels.size() * kColumns), found_(levels.size() * kColumns, false) {
  const float top = head.neck_joint.y + kReachAbove;
  std::vector<Near> near_neck;
  for (size_t t = 0; t < topology.triangles.size(); ++t) {
    const Triangle& triangle = topology.triangles[t];
    if (triangle.surface != kHeadSkin) continue;
    float low = 1e9F, high = -1e9F, lowest = 1e9F;
    for (const uint32_t v : triangle.vertex) {
      const uint32_t p = topology.vertex_point[v];
      low = std::min(low, field[p]);
      high = std::max(high, field[p]);
      lowest = std::min(lowest, head.points[p].y);
    }
    if (lowest < top && low < levels.back() && high > levels.front())
      near_neck.push_back({t, low, high});
  }
  // The axis of the neck lies in front of the spine, on which the joint is.
  const float axis_z = head.neck_joint.z + 0.20F;
  for (size_t row = 0; row < levels.size(); ++row) {
    trace(topology, head, field, near_neck, axis_z, row);
    mend(row);
  }
}

void NeckChart::trace(const HeadTopology& topology, const Head& head,
                      const std::vector<float>& field, const std::vector<Near>& triangles,
                      float axis_z, size_t row) {
  const float level = levels_[row];
  for (const Near& near : triangles) {
    if (near.low > level || near.high < level) continue;
    const size_t t = near.triangle;
    std::array<Place, 2> ends;
    int count = 0;
    for (size_t k = 0; k < 3 && count < 2; ++k) {
      const uint32_t a = topology.vertex_point[topology.triangles[t].vertex[k]];
      const uint32_t b = topology.vertex_point[topology.triangles[t].vertex[(k + 1) % 3]];
      const float fa = field[a] - level, fb = field[b] - level;
      if ((fa < 0) == (fb < 0)) continue;
      const float s = fa / (fa - fb);
      ends[static_cast<size_t>(count++)] = {lerp(head.points[a], head.points[b], s),
                                            lerp(head.point_normals[a], head.point_normals[b], s)};
    }
    if (count < 2) continue;
    const auto column = [&](const Place& place) {
      return column_of(std::atan2(place.point.x, place.point.z - axis_z));
    };
    float c0 = column(ends[0]), c1 = column(ends[1]);
    if (c0 > c1) {
      std::swap(c0, c1);
      std::swap(ends[0], ends[1]);
    }
    if (c1 - c0 > 0.5F * kColumns) {  // across the turn at column 0
      c0 += kColumns;
      std::swap(c0, c1);
      std::swap(ends[0], ends[1]);
    }
    for (int c = static_cast<int>(std::ceil(c0)); static_cast<float>(c) <= c1; ++c) {
      const float s = c1 > c0 ? (static_cast<float>(c) - c0) / (c1 - c0) : 0.0F;
      const size_t at = row * kColumns + static_cast<size_t>(c % kColumns);
      const Place place{lerp(ends[0].point, ends[1].point, s),
                        lerp(ends[0].normal, ends[1].normal, s)};
      const auto reach = [&](const Place& p) {
        return p.point.x * p.point.x + (p.point.z - axis_z) * (p.point.z - axis_z);
      };
      if (found_[at] && reach(places_[at]) >= reach(place)) continue;
      places_[at] = place;
      found_[at] = true;
    }
  }
}

void NeckChart::mend(size_t row) {
  Place* places = &places_[row * kColumns];
  std::vector<bool> found(found_.begin() + static_cast<std::ptrdiff_t>(row * kColumns),
                          found_.begin() + static_cast<std::ptrdiff_t>((row + 1) * kColumns));
  if (std::none_of(found.begin(), found.end(), [](bool f) { return f; })) {
    for (int c = 0; c < kColumns; ++c) places[c] = row > 0 ? places[c - kColumns] : Place{};
    return;
  }
  for (int c = 0; c < kColumns; ++c) {
    if (found[static_cast<size_t>(c)]) continue;
    int left = 1, right = 1;
    while (!found[static_cast<size_t>((c - left + kColumns) % kColumns)]) ++left;
    while (!found[static_cast<size_t>((c + right) % kColumns)]) ++right;
    const Place& a = places[(c - left + kColumns) % kColumns];
    const Place& b = places[(c + right) % kColumns];
    const float s = static_cast<float>(left) / static_cast<float>(left + right);
    places[c] = {lerp(a.point, b.point, s), lerp(a.normal, b.normal, s)};
  }
  for (int pass = 0; pass < 2; ++pass) {
    const std::vector<Place> before(places, places + kColumns);
    for (int c = 0; c < kColumns; ++c) {
      const Place& left = before[static_cast<size_t>((c + kColumns - 1) % kColumns)];
      const Place& right = before[static_cast<size_t>((c + 1) % kColumns)];
      const Place& here = before[static_cast<size_t>(c)];
      places[c].point = here.point * 0.5F + (left.point + right.point) * 0.25F;
      places[c].normal = normalized(here.normal * 0.5F + (left.normal + right.normal) * 0.25F);
    }
  }
}

NeckChart::Spot NeckChart::spot(float turn, float level) const {
  const float column = column_of(turn);
  const size_t c0 = static_cast<size_t>(column) % kColumns, c1 = (c0 + 1) % kColumns;
  size_t row = 0;
  while (row + 2 < levels_.size() && levels_[row + 1] <= level) ++row;
  const float span = levels_[row + 1] - levels_[row];
  return {row * kColumns + c0,         row * kColumns + c1,
          (row + 1) * kColumns + c0,   (row + 1) * kColumns + c1,
          column - std::floor(column), clamp01((level - levels_[row]) / span)};
}

Vec3 NeckChart::normal(float turn, float level) const {
  const Spot s = spot(turn, level);
  return normalized(lerp(lerp(places_[s.a].normal, places_[s.b].normal, s.across),
                         lerp(places_[s.c].normal, places_[s.d].normal, s.across), s.up));
}

Vec3 NeckChart::at(float turn, float level, float lift) const {
  const Spot s = spot(turn, level);
  return lerp(lerp(places_[s.a].point, places_[s.b].point, s.across),
              lerp(places_[s.c].point, places_[s.d].point, s.across), s.up) +
         normal(turn, level) * lift;
}

}  // namespace guise::render
