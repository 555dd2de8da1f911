// Roots of hair on the mean head, in progressive order.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "render/head_model.h"

namespace guise::render {

struct HairRoot {
  std::array<uint32_t, 3> point{};  // of HeadTopology's points
  std::array<float, 3> weight{};    // barycentric, sum 1
};

// `count` roots on the skin triangles where `field` (per point) exceeds `threshold` at some corner,
// in density proportional to area. Any prefix is spread evenly: the triangles are laid along a
// space-filling curve, on which a scrambled van der Corput sequence walks.
std::vector<HairRoot> sample_roots(const HeadTopology& topology, const std::vector<float>& field,
                                   float threshold, uint32_t count);

template <typename T>
T at_root(const std::vector<T>& values, const HairRoot& root) {
  return values[root.point[0]] * root.weight[0] + values[root.point[1]] * root.weight[1] +
         values[root.point[2]] * root.weight[2];
}

}  // namespace guise::render
