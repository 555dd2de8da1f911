// Draws recipes: a person from (seed, identity), a photo from (seed, identity, sample).
//
// Each topic has a Philox stream of its own, so that another draw in one topic leaves the others as
// they are, and any picture can be drawn alone and in any order. What a person tends to do (usual
// hair cut, wears glasses) is a topic of the identity that photos draw again.
#pragma once

#include <cstdint>

#include "render/recipe.h"
#include "render/recipe_options.h"

namespace guise::render {

// Streams of the generator. Numbers are part of what a seed means: never change or reuse one.
enum class Topic : uint32_t {
  // of an identity
  kPerson = 0x100,
  kAncestry = 0x101,
  kBuild = 0x102,
  kShapeModes = 0x103,
  kAsymmetry = 0x104,
  kSkin = 0x105,
  kSkinModes = 0x106,
  kEyes = 0x107,
  kHair = 0x108,
  kBrows = 0x109,
  kPersonNoise = 0x10A,
  kUsualHair = 0x110,
  kUsualBeard = 0x111,
  kUsualGlasses = 0x112,
  kUsualHat = 0x113,
  kUsualMakeUp = 0x114,
  // of a photo
  kPose = 0x200,
  kGaze = 0x201,
  kExpression = 0x202,
  kHairCut = 0x203,
  kBeard = 0x204,
  kGlasses = 0x205,
  kHat = 0x206,
  kOccluder = 0x207,
  kClothes = 0x208,
  kMakeUp = 0x209,
  kEnvironment = 0x20A,
  kLamps = 0x20B,
  kFraming = 0x20C,
  kDevelopment = 0x20D,  // exposure, colour, contrast
  kFaults = 0x20E,       // blur, noise, compression
  kBackground = 0x20F,
  kPhotoAge = 0x210,
  kPhotoNoise = 0x211,
};

// `mode_count`, `asymmetry_count`, `mahalanobis_limit`: of the HeadModel, `skin_mode_count`: of the
// SkinModel. Shapes longer than the smaller of `mahalanobis_limit` and what options.shape_limit
// allows are drawn again. `options` must be valid. Pure.
IdentityRecipe draw_identity(uint64_t seed, uint64_t identity, const RecipeOptions& options,
                             int mode_count, int asymmetry_count, int skin_mode_count,
                             float mahalanobis_limit);

// `person`: draw_identity of the same seed, identity and options. `environment_count`: of the
// EnvironmentModel, at least 1. Pure.
PhotoRecipe draw_photo(uint64_t seed, uint64_t identity, uint64_t sample,
                       const RecipeOptions& options, const IdentityRecipe& person,
                       int environment_count);

// The length that a vector of `count` standard normals exceeds with probability 1 - quantile
// (Wilson and Hilferty 1931; within 1 % from 5 dimensions on). 0 for no dimensions.
double normal_length_quantile(int count, double quantile);

}  // namespace guise::render
