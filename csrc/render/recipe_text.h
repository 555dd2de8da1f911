// Recipes as JSON: the `parameters` of the ground truth.
//
// Keys are the fields of render/recipe.h; enumerations are lower-case words. Floats have the fewest
// digits that give the same float again. Of the expression only units above 0 are listed.
#pragma once

#include <string>
#include <string_view>

#include "render/recipe.h"

namespace guise::render {

// {"identity": {...}, "photo": {...}} on one line, without a newline.
std::string recipe_json(const IdentityRecipe& person, const PhotoRecipe& photo);

std::string_view word(Sex value);
std::string_view word(HairStyle value);
std::string_view word(BeardStyle value);
std::string_view word(Glasses value);
std::string_view word(Hat value);
std::string_view word(Occluder value);
std::string_view word(Clothing value);
std::string_view word(Background value);

}  // namespace guise::render
