// What stands behind the head: a blurred environment or a procedural scene.
#pragma once

#include <cstdint>
#include <vector>

#include "render/environment.h"
#include "render/recipe.h"
#include "render/vec.h"

namespace guise::render {

// [height * width] linear RGB, brightness consistent with the environment's light (mean radiance
// about that of `environment`). `field_of_view_deg` of the height. Pure; `photo.noise_key` keys the
// scene. Cheap: made at a quarter of the size, as it is out of focus.
std::vector<Vec3> paint_background(const PhotoRecipe& photo, const Environment& environment,
                                   int width, int height);

}  // namespace guise::render
