// Clothes, glasses, hats, earrings and occluders, built around one head as triangles.
#pragma once

#include <optional>

#include "render/groom.h"
#include "render/head_model.h"
#include "render/mesh.h"
#include "render/recipe.h"

namespace guise::render {

// Appends what `photo.wearing` names to `mesh` (vertices, triangles, surfaces), in head space
// before the neck turns. Pure.
void add_clothing(const HeadTopology& topology, const Head& head, const PhotoRecipe& photo,
                  Mesh& mesh);
void add_glasses(const Head& head, const PhotoRecipe& photo, Mesh& mesh);
// Gives the limit that the hat sets to the hair.
std::optional<HairLimit> add_hat(const HeadTopology& topology, const Head& head,
                                 const PhotoRecipe& photo, Mesh& mesh);
void add_earrings(const HeadTopology& topology, const Head& head, const PhotoRecipe& photo,
                  Mesh& mesh);
void add_occluder(const HeadTopology& topology, const Head& head, const IdentityRecipe& person,
                  const PhotoRecipe& photo, Mesh& mesh);

}  // namespace guise::render
