// house-skin: albedo, oil and height of a person's skin, as maps over the skin chart of house-head.
// Low frequencies are a statistical model learned from CC0 skin sheets by `python -m guise.train
// skin`; pores, freckles, moles, veins, stubble shadow and wrinkles are procedural, keyed by the
// identity, so that two photos of one person share them to the mole.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "render/head_model.h"
#include "render/recipe.h"

namespace guise::render {

// Maps of one size, row by row, (0, 0) the upper left texel of the chart. Texel centres lie at
// (i + 0.5) / size of the uv.
struct SkinMaps {
  int width = 0, height = 0;
  std::vector<float> albedo;  // [height * width * 3] linear RGB
  std::vector<float> oil;     // [height * width] 0 matte .. 1 shiny
  std::vector<float> relief;  // [height * width] height of pores and wrinkles, dm
};

struct SkinTables;

class SkinModel {
 public:
  // Throws Unavailable or CorruptFile as HeadModel::load does. `head` gives positions to the texels
  // (noise lives in the rest shape's space, so seams of the chart do not show).
  static SkinModel load(const std::string& path, const HeadModel& head);

  int mode_count() const { return mode_count_; }

  // `width` texels (a power of two from 128 to 2048; height is width / 2). The same person at
  // another width is the same skin, filtered. `age_years` acts on wrinkles and colour.
  SkinMaps paint(const IdentityRecipe& person, float age_years, int width) const;

  // Adds what changes between photos: make-up, and the shadow of a shaved beard.
  void dress(SkinMaps& maps, const IdentityRecipe& person, const PhotoRecipe& photo) const;

 private:
  std::shared_ptr<const SkinTables> tables_;
  int mode_count_ = 0;
};

}  // namespace guise::render
