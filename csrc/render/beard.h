// Beards and moustaches.
#pragma once

#include "render/groom_sites.h"
#include "render/mesh.h"
#include "render/recipe.h"

namespace guise::render {

void grow_beard(const GroomSites& sites, const Head& head, const HeadShell& shell,
                const IdentityRecipe& person, const PhotoRecipe& photo, int picture_px,
                Strands& out);

}  // namespace guise::render
