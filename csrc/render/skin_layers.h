// The layers that SkinModel::paint lays over each other, in the logarithm of linear RGB: tone and
// low frequencies, then everything fine, then spots.
#pragma once

#include <cstdint>
#include <vector>

#include "render/recipe.h"
#include "render/skin_lanes.h"
#include "render/skin_tables.h"
#include "render/value_noise.h"
#include "render/vec.h"

namespace guise::render {

// Streams of noise_stream_key that skin uses.
enum SkinStream : uint32_t {
  kSkinLattice = 0x5c1,
  kSkinWrinkles,
  kSkinMoles,
  kSkinFreckles,
  kSkinAgeSpots,
  kSkinBlemishes,
  kSkinStubble,
};

// What paint() needs of one person at one age.
struct SkinPerson {
  const SkinRecipe* recipe = nullptr;
  uint64_t noise_key = 0;
  float age_years = 35;
  float male = -1;     // -1 female, 1 male
  float old = 0;       // 0 at 25 years and below .. 1 at 70 .. 1.2
  float furrowed = 0;  // how deep wrinkles are: 0 none .. about 1.3
  // How much of a change in blood is seen through the melanin, 0..1.
  float blood_shows = 1;
  Vec3 melanin_axis, haemoglobin_axis;
};

// Of the tones of the Monk scale (0 = tone 1 .. 1 = tone 10): log of the linear albedo.
Vec3 log_tone(float melanin);
// The same with blood and carotene.
Vec3 log_tone(const SkinRecipe& recipe);

// One size of the chart; [height * width] each.
struct SkinBase {
  int width = 0;
  std::vector<Lanes> colour;   // log R, G, B; gain of folds
  std::vector<Lanes> play;     // shift of wrinkles x, y (texels of 1024); gain of fine lines; pores
  std::vector<Lanes> surface;  // oil; gain of fine mottling; two unused
};

SkinBase paint_base(const SkinTables& tables, const SkinPerson& person, const ValueNoise& noise,
                    int width);

// The skin before it becomes maps: log R, G, B and relief (dm), and oil.
struct SkinCanvas {
  int width = 0, height = 0;
  std::vector<Lanes> colour;
  std::vector<float> oil;
};

SkinCanvas paint_fine(const SkinTables& tables, const SkinPerson& person, const ValueNoise& noise,
                      const SkinBase& base, int width);

// Moles, freckles, age spots and blemishes.
void paint_spots(const SkinTables& tables, const SkinPerson& person, SkinCanvas& canvas);

// Rows of a map enlarged by a power of two, bilinear between texel centres.
class RowEnlarger {
 public:
  RowEnlarger(const std::vector<Lanes>& map, int map_width, int width);
  // [width] of row `y` of the enlarged map; valid until the next call.
  const Lanes* row(int y);

 private:
  const std::vector<Lanes>* map_;
  int map_width_, ratio_;
  std::vector<int> left_, right_;  // of each column
  std::vector<float> share_;       // of the right one
  std::vector<Lanes> mixed_, row_;
};

// Texels of dm on the face at this width, for deciding what a map can carry.
inline float texel_dm(int width) {
  return 6.1F / static_cast<float>(width);
}

}  // namespace guise::render
