// A hand held in front of the lower face.
#pragma once

#include <cstdint>

#include "render/head_model.h"
#include "render/mesh.h"
#include "render/recipe.h"

namespace guise::render {

// `place`: 0 comes from the subject's right .. 1 from the left.
void append_hand(const Head& head, const SkinRecipe& skin, float place, const Vec3& sleeve_albedo,
                 uint32_t key, Mesh& mesh);

// Linear RGB of skin without maps.
Vec3 plain_skin_albedo(const SkinRecipe& skin);

}  // namespace guise::render
