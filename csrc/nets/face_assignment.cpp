#include "nets/face_assignment.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <numeric>

namespace guise::nets {

namespace {

constexpr double kFarCost = 1e5;  // for a cell that is not both in and near the face
constexpr double kLeastOverlap = 1e-7;
constexpr double kLargestLogCost = 100.0;  // -log of a score of 0

// Costs and overlaps of every candidate for every face: at [candidate * faces + face].
struct Matches {
  std::vector<int64_t> cells;
  std::vector<double> cost, overlap;
  size_t faces;
};

bool is_inside(const core::Point& p, const core::Box& box) {
  return p.x > box.x0 && p.x < box.x1 && p.y > box.y0 && p.y < box.y1;
}

bool is_near(const CellPrediction& cell, const core::Box& face, double radius) {
  const double reach = radius * cell.stride;
  return std::abs(cell.middle.x - (face.x0 + face.x1) / 2) < reach &&
         std::abs(cell.middle.y - (face.y0 + face.y1) / 2) < reach;
}

// 0 for predictions that are no box.
double overlap_of(const core::Box& a, const core::Box& b) {
  const double overlap = core::intersection_over_union(a, b);
  return overlap > 0 ? overlap : 0.0;
}

Matches match(const std::vector<CellPrediction>& cells, const std::vector<core::Box>& faces,
              const AssignmentOptions& options) {
  Matches matches{{}, {}, {}, faces.size()};
  std::vector<char> is_far(faces.size());
  for (size_t i = 0; i < cells.size(); ++i) {
    const CellPrediction& cell = cells[i];
    bool is_candidate = false;
    for (size_t face = 0; face < faces.size(); ++face) {
      const bool inside = is_inside(cell.middle, faces[face]);
      const bool near = is_near(cell, faces[face], options.centre_radius);
      is_far[face] = !(inside && near);
      is_candidate |= inside || near;
    }
    if (!is_candidate) {
      continue;
    }
    matches.cells.push_back(static_cast<int64_t>(i));
    const double score_cost = std::min(-std::log(cell.score) / 2, kLargestLogCost);
    for (size_t face = 0; face < faces.size(); ++face) {
      const double overlap = overlap_of(cell.box, faces[face]);
      const double cost = score_cost - options.overlap_weight * std::log(overlap + kLeastOverlap) +
                          (is_far[face] ? kFarCost : 0.0);
      matches.overlap.push_back(overlap);
      matches.cost.push_back(std::isnan(cost) ? std::numeric_limits<double>::infinity() : cost);
    }
  }
  return matches;
}

// How many cells `face` takes.
size_t wanted_cells(const Matches& matches, size_t face, int64_t top_candidates) {
  std::vector<double> overlaps;
  for (size_t row = 0; row < matches.cells.size(); ++row) {
    overlaps.push_back(matches.overlap[row * matches.faces + face]);
  }
  const size_t top = std::min(overlaps.size(), static_cast<size_t>(top_candidates));
  const auto end = overlaps.begin() + static_cast<std::ptrdiff_t>(top);
  std::partial_sort(overlaps.begin(), end, overlaps.end(), std::greater<>());
  const double sum = std::accumulate(overlaps.begin(), end, 0.0);
  return std::min(overlaps.size(), std::max<size_t>(1, static_cast<size_t>(sum)));
}

}  // namespace

std::vector<AssignedCell> assign_faces(const std::vector<CellPrediction>& cells,
                                       const std::vector<core::Box>& faces,
                                       const AssignmentOptions& options) {
  const Matches matches = match(cells, faces, options);
  const auto cost = [&matches](size_t row, size_t face) {
    return matches.cost[row * matches.faces + face];
  };
  // By candidate: how many faces take it, and the last of them.
  std::vector<size_t> takers(matches.cells.size()), taker(matches.cells.size());
  std::vector<size_t> order(matches.cells.size());
  for (size_t face = 0; face < faces.size() && !order.empty(); ++face) {
    std::iota(order.begin(), order.end(), 0);
    const auto end = order.begin() + static_cast<std::ptrdiff_t>(
                                         wanted_cells(matches, face, options.top_candidates));
    std::partial_sort(order.begin(), end, order.end(), [&cost, face](size_t a, size_t b) {
      const double cost_a = cost(a, face), cost_b = cost(b, face);
      return cost_a != cost_b ? cost_a < cost_b : a < b;
    });
    for (auto row = order.begin(); row != end; ++row) {
      ++takers[*row];
      taker[*row] = face;
    }
  }
  std::vector<AssignedCell> assigned;
  for (size_t row = 0; row < matches.cells.size(); ++row) {
    if (takers[row] == 0) {
      continue;
    }
    size_t face = taker[row];
    for (size_t other = 0; takers[row] > 1 && other < faces.size(); ++other) {
      const double here = cost(row, other), best = cost(row, face);
      face = here < best || (here == best && other < face) ? other : face;
    }
    assigned.push_back({matches.cells[row], static_cast<int64_t>(face),
                        matches.overlap[row * matches.faces + face]});
  }
  return assigned;
}

}  // namespace guise::nets
