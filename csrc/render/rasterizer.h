// Which triangle or strand is seen at each sample of a picture: a z-buffer that keeps ids, not
// colours. Shading happens later, once per pixel and surface (render/resolve.h).
#pragma once

#include <cstdint>
#include <vector>

#include "render/camera.h"
#include "render/mesh.h"

namespace guise::render {

inline constexpr uint32_t kNothing = 0xFFFFFFFF;
// Set in the id of a strand sample; the rest is the index of the segment's first point.
inline constexpr uint32_t kStrandBit = 0x80000000;

struct VisibilityBuffer {
  int per_axis = 2;                  // samples of a pixel along each axis
  int width = 0;                     // samples in a row = pixels * per_axis; height is the same
  std::vector<uint32_t> id;          // triangle, or kStrandBit | point, or kNothing
  std::vector<float> inverse_depth;  // 0 = nothing
  std::vector<uint8_t> along;        // of a strand sample: place within the segment, 0..255
  std::vector<uint32_t> lens;        // nearest transparent triangle in front of `id`
  std::vector<float> lens_inverse_depth;

  void reset(int size_px, int samples_per_axis);
  // Sample (i, j) lies at this pixel coordinate.
  float pixel_of(int sample) const {
    return (static_cast<float>(sample) + 0.5F) / static_cast<float>(per_axis) - 0.5F;
  }
};

// `corners`: [vertices of mesh] as Camera::project gives them. Triangles that look away are left
// out unless their surface is two-sided. Lenses go to `lens` alone.
void rasterize_mesh(const Mesh& mesh, const std::vector<Projected>& corners,
                    VisibilityBuffer& buffer);

// `points`: [points of strands] projected; radii become widths on the screen (Camera::focal_px), at
// least one sample wide.
void rasterize_strands(const Strands& strands, const std::vector<Projected>& points, float focal_px,
                       VisibilityBuffer& buffer);

// Perspective-correct weights of a triangle's corners at a pixel, clamped into the triangle.
Vec3 corner_weights(const Projected& a, const Projected& b, const Projected& c, float x, float y);

}  // namespace guise::render
