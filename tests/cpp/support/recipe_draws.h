// Recipes drawn for tests: a crowd of people with one photo each.
#pragma once

#include <cstdint>
#include <utility>
#include <vector>

#include "render/draw_recipe.h"

namespace guise::render::test {

inline constexpr int kModes = 40, kAsymmetry = 8, kSkinModes = 12, kEnvironments = 10;
inline constexpr float kLimit = 9;  // far beyond what options.shape_limit allows
inline constexpr int kPeople = 4000;

inline IdentityRecipe person_of(uint64_t identity, const RecipeOptions& options = {},
                                uint64_t seed = 1) {
  return draw_identity(seed, identity, options, kModes, kAsymmetry, kSkinModes, kLimit);
}

inline PhotoRecipe photo_of(const IdentityRecipe& person, uint64_t sample,
                            const RecipeOptions& options = {}) {
  return draw_photo(person.seed, person.identity, sample, options, person, kEnvironments);
}

struct Draw {
  IdentityRecipe person;
  PhotoRecipe photo;
};

// One photo of each of kPeople people: independent pictures.
inline std::vector<Draw> crowd(const RecipeOptions& options = {}) {
  std::vector<Draw> draws;
  for (uint64_t i = 0; i < kPeople; ++i) {
    IdentityRecipe person = person_of(i, options);
    PhotoRecipe photo = photo_of(person, i % 7, options);
    draws.push_back({std::move(person), std::move(photo)});
  }
  return draws;
}

inline const std::vector<Draw>& default_crowd() {
  static const std::vector<Draw> draws = crowd();
  return draws;
}

inline bool is_male(const Draw& draw) {
  return draw.person.sex == Sex::kMale;
}
inline bool is_female(const Draw& draw) {
  return draw.person.sex == Sex::kFemale;
}

}  // namespace guise::render::test
