// Eyebrows and eyelashes, built on the landmarks and the skin of the expressed head.
#pragma once

#include "render/groom_sites.h"
#include "render/mesh.h"
#include "render/recipe.h"

namespace guise::render {

void grow_brows(const GroomSites& sites, const Head& head, const IdentityRecipe& person,
                const PhotoRecipe& photo, int picture_px, Strands& out);
void grow_lashes(const Head& head, const IdentityRecipe& person, const PhotoRecipe& photo,
                 int picture_px, Strands& out);

}  // namespace guise::render
