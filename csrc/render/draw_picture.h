// One picture from its recipe, with what is true about it.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "render/resolve.h"
#include "render/scene.h"

namespace guise::render {

// Milliseconds of the steps of one picture.
struct PictureTimes {
  double scene = 0;  // head, clothes, hair, light, shadows
  double background = 0;
  double raster = 0;  // triangles and strands
  double shading = 0;
  double film = 0;  // blur, noise, sharpening, JPEG
};

// Everything in pixels of the picture; pixel (0, 0) has its centre at (0, 0).
struct PictureTruth {
  std::array<Vec2, 68> landmarks_68{};  // iBUG order, as projected, also where hidden
  std::array<Vec2, 5> landmarks_5{};    // left eye as seen first
  std::array<float, 4> box{};           // x0, y0, x1, y1 (exclusive) around the face's outline
  std::array<float, 3> pose_deg{};      // yaw, pitch, roll of the head
};

// rgb: [size_px * size_px * 3]. `pixels` (may be null) gets the ground truth of each pixel,
// `times` (may be null) is added to. Pure: equal arguments give equal bytes.
PictureTruth draw_picture(const HouseModels& models, const PersonAssets& assets,
                          const PhotoRecipe& photo, int size_px, uint8_t* rgb, PixelTruth* pixels,
                          PictureTimes* times);

}  // namespace guise::render
