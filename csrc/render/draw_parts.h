// The topics of draw_recipe.h, each drawn by a function of its own.
#pragma once

#include <cstdint>

#include "render/draw_numbers.h"
#include "render/recipe.h"
#include "render/recipe_options.h"

namespace guise::render {

// ---- of an identity: (seed, identity) ----

EyeRecipe draw_eyes(uint64_t seed, uint64_t identity, const IdentityRecipe& person);
// Colour, curl, hairline, greying, brows, lashes; also draws whether the hair is red.
HairRecipe draw_hair(uint64_t seed, uint64_t identity, const IdentityRecipe& person);
// After eyes and hair: freckles go with red hair.
SkinRecipe draw_skin(uint64_t seed, uint64_t identity, const IdentityRecipe& person,
                     int skin_mode_count);

// ---- of a photo ----

// What a photo is drawn from. `key` is photo_key(seed, identity, sample).
struct PhotoDraw {
  uint64_t seed, identity, key;
  const RecipeOptions& options;
  const IdentityRecipe& person;

  Draws person_draws(Topic topic) const { return {seed, identity, topic}; }
  Draws photo_draws(Topic topic) const { return {key, identity, topic}; }
};

ExpressionWeights draw_expression(const PhotoDraw& photo);
HairCut draw_hair_cut(const PhotoDraw& photo);
Wearing draw_wearing(const PhotoDraw& photo);
// Whether the picture is taken in the evening or at night; light and camera share the answer.
bool draw_dim(const PhotoDraw& photo);
LightRecipe draw_light(const PhotoDraw& photo, bool dim, int environment_count);
CameraRecipe draw_camera(const PhotoDraw& photo, bool dim);

}  // namespace guise::render
