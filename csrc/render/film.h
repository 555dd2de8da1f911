// From light to a photograph: exposure, colour, blur, noise, sharpening, JPEG.
#pragma once

#include <cstdint>
#include <vector>

#include "render/recipe.h"
#include "render/vec.h"

namespace guise::render {

// What the camera's automatics saw.
struct Metering {
  float face_light = 1;  // luminance of the light on the face, of a white card held there
  Vec3 light_colour{1, 1, 1};
};

// light: [size_px * size_px] linear RGB, row by row; used up. rgb: [size_px * size_px * 3], display
// sRGB. Pure; noise is keyed by `noise_key`.
void develop(std::vector<Vec3>& light, int size_px, const CameraRecipe& camera,
             const Metering& metering, uint64_t noise_key, uint8_t* rgb);

}  // namespace guise::render
