// From visible samples to light: each pixel is shaded once for each surface seen in it.
#pragma once

#include <cstdint>
#include <vector>

#include "render/rasterizer.h"
#include "render/scene.h"

namespace guise::render {

// Ground truth of each pixel, [size_px * size_px]; of the surface with most samples in it.
struct PixelTruth {
  std::vector<uint8_t> part;  // Part
  std::vector<Vec3> normal;   // camera space, 0 where nothing is
  std::vector<float> depth;   // dm from the camera along its axis, 0 where nothing is
};

// picture: [size_px * size_px] linear RGB; holds the background and is painted over. `truth` may
// be null.
void resolve(const Scene& scene, const std::vector<Projected>& corners,
             const VisibilityBuffer& buffer, std::vector<Vec3>& picture, PixelTruth* truth);

}  // namespace guise::render
