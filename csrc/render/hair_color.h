// Colour of hair from its pigments. Linear RGB.
#pragma once

#include <cstdint>

#include "render/hair_noise.h"
#include "render/recipe.h"
#include "render/vec.h"

namespace guise::render {

// Of pigmented hair: `melanin` 0 platinum .. 1 black, `redness` 0..1 (pheomelanin; shows most in
// the middle of the range). Falls in every channel as melanin grows.
Vec3 hair_albedo(float melanin, float redness);

Vec3 white_hair_albedo();

// Share of grey strands at `age_years` for a person half grey at `grey_age_years`.
float grey_share(float age_years, float grey_age_years);

// Colour of single strands of one kind of hair in one photo.
class HairPalette {
 public:
  enum class Kind : uint8_t { kScalp, kBrow, kLash, kBeard };

  HairPalette(const IdentityRecipe& person, const PhotoRecipe& photo, Kind kind);

  // `strand` and `lock` number the strand and the lock it belongs to; `inner` 0 = at the surface of
  // the hair .. 1 = deep, where dye and sun reach less.
  Vec3 strand(uint32_t strand, uint32_t lock, float inner) const;

 private:
  HairNoise noise_;
  Kind kind_;
  Vec3 natural_, dye_;
  float grey_ = 0, dyed_ = 0, spread_ = 0.2F;
};

}  // namespace guise::render
