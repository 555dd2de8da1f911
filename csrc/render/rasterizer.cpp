#include "render/rasterizer.h"

#include <cmath>

namespace guise::render {
namespace {

// A triangle in sample coordinates, ready to be walked.
struct Setup {
  float x0, y0, z0;  // corner a, and its inverse depth
  float ab_x, ab_y, ac_x, ac_y;
  float inverse_area;
  float dz1, dz2;  // inverse depth along the weights of b and c
  int left, right, top, bottom;
};

float to_sample(float pixel, int per_axis) {
  return (pixel + 0.5F) * static_cast<float>(per_axis) - 0.5F;
}

bool set_up(const Projected& a, const Projected& b, const Projected& c, int per_axis, int width,
            bool two_sided, Setup& s) {
  s.x0 = to_sample(a.x, per_axis);
  s.y0 = to_sample(a.y, per_axis);
  s.z0 = a.inverse_depth;
  const auto scale = static_cast<float>(per_axis);
  s.ab_x = (b.x - a.x) * scale;
  s.ab_y = (b.y - a.y) * scale;
  s.ac_x = (c.x - a.x) * scale;
  s.ac_y = (c.y - a.y) * scale;
  // y runs downwards on the screen: a triangle that faces us has a negative area here.
  const float area = s.ab_x * s.ac_y - s.ab_y * s.ac_x;
  if (!(two_sided ? std::abs(area) > 1e-9F : area < -1e-9F)) return false;
  s.inverse_area = 1.0F / area;
  s.dz1 = b.inverse_depth - a.inverse_depth;
  s.dz2 = c.inverse_depth - a.inverse_depth;
  const auto [low_x, high_x] = std::minmax({0.0F, s.ab_x, s.ac_x});
  const auto [low_y, high_y] = std::minmax({0.0F, s.ab_y, s.ac_y});
  const auto limit = static_cast<float>(width - 1);
  s.left = ceil_int(std::clamp(s.x0 + low_x, 0.0F, limit + 1));
  s.right = floor_int(std::clamp(s.x0 + high_x, -1.0F, limit));
  s.top = ceil_int(std::clamp(s.y0 + low_y, 0.0F, limit + 1));
  s.bottom = floor_int(std::clamp(s.y0 + high_y, -1.0F, limit));
  return s.left <= s.right && s.top <= s.bottom;
}

// Interpolates Mesh::keep with perspective.
struct KeepTest {
  bool needed = false;
  float a = 0, b = 0, c = 0;  // keep * inverse depth at the corners
};

template <typename Visit>
void walk(const Setup& s, const KeepTest& keep, Visit&& visit) {
  // w1, w2 = barycentric weights of b and c; both are linear in x and y.
  const float w1_dx = s.ac_y * s.inverse_area, w1_dy = -s.ac_x * s.inverse_area;
  const float w2_dx = -s.ab_y * s.inverse_area, w2_dy = s.ab_x * s.inverse_area;
  for (int y = s.top; y <= s.bottom; ++y) {
    const float py = static_cast<float>(y) - s.y0;
    const float row1 = py * w1_dy, row2 = py * w2_dy;
    bool entered = false;
    for (int x = s.left; x <= s.right; ++x) {
      const float px = static_cast<float>(x) - s.x0;
      const float w1 = row1 + px * w1_dx;
      const float w2 = row2 + px * w2_dx;
      if (w1 < 0 || w2 < 0 || w1 + w2 > 1) {
        if (entered) break;  // a row of a triangle is one piece
        continue;
      }
      entered = true;
      if (keep.needed && (1 - w1 - w2) * keep.a + w1 * keep.b + w2 * keep.c < 0) continue;
      visit(x, y, s.z0 + w1 * s.dz1 + w2 * s.dz2);
    }
  }
}

// Fills the samples of one piece of hair, a ribbon of `half_width` samples around its line.
struct StrandPen {
  VisibilityBuffer& buffer;

  void put(int x, int y, float inverse_depth, uint32_t id, float along) const {
    const auto limit = static_cast<unsigned>(buffer.width);
    if (static_cast<unsigned>(x) >= limit || static_cast<unsigned>(y) >= limit) return;
    const auto at =
        static_cast<size_t>(y) * static_cast<size_t>(buffer.width) + static_cast<size_t>(x);
    if (inverse_depth <= buffer.inverse_depth[at]) return;
    buffer.inverse_depth[at] = inverse_depth;
    buffer.id[at] = id;
    buffer.along[at] = static_cast<uint8_t>(along * 255.0F);
  }

  void line(const Projected& from, const Projected& to, float half_from, float half_to,
            uint32_t id) const {
    const float x0 = to_sample(from.x, buffer.per_axis), y0 = to_sample(from.y, buffer.per_axis);
    const float dx = to_sample(to.x, buffer.per_axis) - x0;
    const float dy = to_sample(to.y, buffer.per_axis) - y0;
    const bool steep = std::abs(dy) > std::abs(dx);
    const float run = steep ? std::abs(dy) : std::abs(dx);
    // The walk goes along the longer axis; the ribbon is wider across it when it runs slanted.
    const float slant = run > 0 ? std::sqrt(dx * dx + dy * dy) / run : 1.0F;
    const int steps = std::max(1, ceil_int(run));
    for (int i = 0; i < steps; ++i) {
      const float t = (static_cast<float>(i) + 0.5F) / static_cast<float>(steps);
      const float x = x0 + t * dx, y = y0 + t * dy;
      const float half = lerp(half_from, half_to, t) * slant;
      const float z = lerp(from.inverse_depth, to.inverse_depth, t);
      const float middle = steep ? x : y;
      // Samples in [middle - half, middle + half): 2 * half of them on average; at least one.
      int first = ceil_int(middle - half);
      int last = ceil_int(middle + half) - 1;
      if (last < first) first = last = round_int(middle);
      const int other = round_int(steep ? y : x);
      for (int k = first; k <= last; ++k) {
        steep ? put(k, other, z, id, t) : put(other, k, z, id, t);
      }
    }
  }
};

}  // namespace

void VisibilityBuffer::reset(int size_px, int samples_per_axis) {
  per_axis = samples_per_axis;
  width = size_px * samples_per_axis;
  const auto count = static_cast<size_t>(width) * static_cast<size_t>(width);
  id.assign(count, kNothing);
  inverse_depth.assign(count, 0.0F);
  along.resize(count);
  lens.clear();
  lens_inverse_depth.clear();
}

void rasterize_mesh(const Mesh& mesh, const std::vector<Projected>& corners,
                    VisibilityBuffer& buffer) {
  const auto count = static_cast<size_t>(buffer.width) * static_cast<size_t>(buffer.width);
  for (size_t i = 0; i < mesh.triangles.size(); ++i) {
    const Triangle& triangle = mesh.triangles[i];
    const Surface& surface = mesh.surfaces[triangle.surface];
    const auto [ia, ib, ic] = triangle.vertex;
    KeepTest keep;
    if (!mesh.keep.empty()) {
      const float ka = mesh.keep[ia], kb = mesh.keep[ib], kc = mesh.keep[ic];
      if (ka < 0 && kb < 0 && kc < 0) continue;
      if (ka < 0 || kb < 0 || kc < 0) {
        keep = {true, ka * corners[ia].inverse_depth, kb * corners[ib].inverse_depth,
                kc * corners[ic].inverse_depth};
      }
    }
    if (corners[ia].inverse_depth <= 0 || corners[ib].inverse_depth <= 0 ||
        corners[ic].inverse_depth <= 0) {
      continue;  // behind the camera
    }
    Setup setup;
    if (!set_up(corners[ia], corners[ib], corners[ic], buffer.per_axis, buffer.width,
                surface.two_sided, setup)) {
      continue;
    }
    const bool is_lens = surface.kind == SurfaceKind::kLens;
    if (is_lens && buffer.lens.empty()) {
      buffer.lens.assign(count, kNothing);
      buffer.lens_inverse_depth.assign(count, 0.0F);
    }
    uint32_t* ids = is_lens ? buffer.lens.data() : buffer.id.data();
    float* depths = is_lens ? buffer.lens_inverse_depth.data() : buffer.inverse_depth.data();
    walk(setup, keep, [&](int x, int y, float inverse_depth) {
      const auto at =
          static_cast<size_t>(y) * static_cast<size_t>(buffer.width) + static_cast<size_t>(x);
      if (inverse_depth > depths[at]) {
        depths[at] = inverse_depth;
        ids[at] = static_cast<uint32_t>(i);
      }
    });
  }
}

void rasterize_strands(const Strands& strands, const std::vector<Projected>& points, float focal_px,
                       VisibilityBuffer& buffer) {
  const StrandPen pen{buffer};
  const float scale = focal_px * static_cast<float>(buffer.per_axis);
  for (size_t s = 0; s + 1 < strands.first.size(); ++s) {
    for (uint32_t p = strands.first[s]; p + 1 < strands.first[s + 1]; ++p) {
      const Projected& from = points[p];
      const Projected& to = points[p + 1];
      if (from.inverse_depth <= 0 || to.inverse_depth <= 0) continue;
      pen.line(from, to, strands.radii[p] * scale * from.inverse_depth,
               strands.radii[p + 1] * scale * to.inverse_depth, kStrandBit | p);
    }
  }
}

Vec3 corner_weights(const Projected& a, const Projected& b, const Projected& c, float x, float y) {
  const float ab_x = b.x - a.x, ab_y = b.y - a.y, ac_x = c.x - a.x, ac_y = c.y - a.y;
  const float inverse_area = 1.0F / (ab_x * ac_y - ab_y * ac_x);
  const float px = x - a.x, py = y - a.y;
  const float w1 = (px * ac_y - py * ac_x) * inverse_area;
  const float w2 = (py * ab_x - px * ab_y) * inverse_area;
  // Clamped: a pixel's middle may lie just outside of a triangle seen at one of its samples.
  Vec3 w{std::max(0.0F, 1 - w1 - w2) * a.inverse_depth, std::max(0.0F, w1) * b.inverse_depth,
         std::max(0.0F, w2) * c.inverse_depth};
  return w * (1.0F / (w.x + w.y + w.z));
}

}  // namespace guise::render
