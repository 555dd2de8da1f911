#include "render/groom_roots.h"

#include <algorithm>
#include <numeric>

#include "render/hair_noise.h"

namespace guise::render {
namespace {

constexpr int kCurveBits = 8;

// Place on a 3D Hilbert curve (bit transposition after J. Skilling, "Programming the Hilbert
// curve", 2004) of a cell of the 256^3 grid.
uint32_t hilbert_index(std::array<uint32_t, 3> axis) {
  for (uint32_t bit = 1U << (kCurveBits - 1); bit > 1; bit >>= 1) {
    const uint32_t below = bit - 1;
    for (uint32_t& a : axis) {
      if (a & bit) {
        axis[0] ^= below;
      } else {
        const uint32_t swap = (axis[0] ^ a) & below;
        axis[0] ^= swap;
        a ^= swap;
      }
    }
  }
  axis[1] ^= axis[0];
  axis[2] ^= axis[1];
  uint32_t flip = 0;
  for (uint32_t bit = 1U << (kCurveBits - 1); bit > 1; bit >>= 1) {
    if (axis[2] & bit) flip ^= bit - 1;
  }
  uint32_t index = 0;
  for (int b = kCurveBits - 1; b >= 0; --b) {
    for (const uint32_t a : axis) index = (index << 1) | (((a ^ flip) >> b) & 1U);
  }
  return index;
}

uint32_t reversed_bits(uint32_t v) {
  uint32_t r = 0;
  for (int i = 0; i < 32; ++i, v >>= 1) r = (r << 1) | (v & 1U);
  return r;
}

// Van der Corput's sequence with each digit flipped by a hash of the digits above it: still one
// value in each dyadic interval, without the lattice.
float scrambled_corput(uint32_t index) {
  const uint32_t plain = reversed_bits(index);
  uint32_t out = 0;
  for (int b = 31; b >= 8; --b) {
    const uint32_t above = b == 31 ? 0 : plain >> (b + 1);
    const uint32_t flip = mix_bits(above + 0x51ED270BU * static_cast<uint32_t>(32 - b)) & 1U;
    out |= (((plain >> b) & 1U) ^ flip) << b;
  }
  return static_cast<float>(out >> 8) * 0x1p-24F;
}

// A point of a triangle from one number: base-4 digits pick one of four equal parts each (K. Basu
// and A. Owen, "Low discrepancy constructions in the triangle", 2015).
std::array<float, 3> triangle_point(float u) {
  std::array<std::array<float, 3>, 3> corner = {{{1, 0, 0}, {0, 1, 0}, {0, 0, 1}}};
  const auto middle = [](const std::array<float, 3>& a, const std::array<float, 3>& b) {
    return std::array<float, 3>{(a[0] + b[0]) / 2, (a[1] + b[1]) / 2, (a[2] + b[2]) / 2};
  };
  for (int level = 0; level < 6; ++level) {
    const float scaled = std::min(u * 4.0F, 3.999999F);
    const auto digit = static_cast<size_t>(scaled);
    u = scaled - static_cast<float>(digit);
    const auto ab = middle(corner[0], corner[1]), bc = middle(corner[1], corner[2]),
               ca = middle(corner[2], corner[0]);
    if (digit == 0) {
      corner = {bc, ca, ab};
    } else if (digit == 1) {
      corner = {corner[0], ab, ca};
    } else if (digit == 2) {
      corner = {ab, corner[1], bc};
    } else {
      corner = {ca, bc, corner[2]};
    }
  }
  return {(corner[0][0] + corner[1][0] + corner[2][0]) / 3,
          (corner[0][1] + corner[1][1] + corner[2][1]) / 3,
          (corner[0][2] + corner[1][2] + corner[2][2]) / 3};
}

struct Patch {
  std::array<uint32_t, 3> point{};
  float area = 0;
  Vec3 middle;
  uint32_t order = 0;
};

void order_along_curve(std::vector<Patch>& patches) {
  Vec3 low = patches.empty() ? Vec3{} : patches[0].middle;
  for (const Patch& p : patches) {
    low = {std::min(low.x, p.middle.x), std::min(low.y, p.middle.y), std::min(low.z, p.middle.z)};
  }
  for (Patch& p : patches) {
    const auto cell = [](float v) {  // a cube of 4 dm
      return static_cast<uint32_t>(std::clamp(v * 64.0F, 0.0F, 255.0F));
    };
    const Vec3 q = p.middle - low;
    p.order = hilbert_index({cell(q.x), cell(q.y), cell(q.z)});
  }
  std::stable_sort(patches.begin(), patches.end(),
                   [](const Patch& a, const Patch& b) { return a.order < b.order; });
}

std::vector<Patch> hairy_patches(const HeadTopology& topology, const std::vector<float>& field,
                                 float threshold) {
  std::vector<Patch> patches;
  for (const Triangle& t : topology.triangles) {
    if (t.surface != kHeadSkin || t.part == Part::kLeftEar || t.part == Part::kRightEar) continue;
    Patch patch;
    for (size_t k = 0; k < 3; ++k) patch.point[k] = topology.vertex_point[t.vertex[k]];
    const auto& [a, b, c] = patch.point;
    if (std::max({field[a], field[b], field[c]}) <= threshold) continue;
    const Vec3 pa = topology.rest_points[a], pb = topology.rest_points[b],
               pc = topology.rest_points[c];
    patch.area = 0.5F * length(cross(pb - pa, pc - pa));
    patch.middle = (pa + pb + pc) * (1.0F / 3.0F);
    patches.push_back(patch);
  }
  order_along_curve(patches);
  return patches;
}

}  // namespace

std::vector<HairRoot> sample_roots(const HeadTopology& topology, const std::vector<float>& field,
                                   float threshold, uint32_t count) {
  const std::vector<Patch> patches = hairy_patches(topology, field, threshold);
  std::vector<float> end(patches.size());
  float total = 0;
  for (size_t i = 0; i < patches.size(); ++i) end[i] = total += patches[i].area;
  std::vector<HairRoot> roots;
  if (total <= 0) return roots;
  roots.reserve(count);
  for (uint32_t i = 0; i < count; ++i) {
    const float place = scrambled_corput(i) * total;
    const auto found = std::upper_bound(end.begin(), end.end(), place);
    const size_t k = std::min(static_cast<size_t>(found - end.begin()), patches.size() - 1);
    const float begin = k == 0 ? 0.0F : end[k - 1];
    const float within = std::clamp((place - begin) / patches[k].area, 0.0F, 0.999999F);
    roots.push_back({patches[k].point, triangle_point(within)});
  }
  return roots;
}

}  // namespace guise::render
