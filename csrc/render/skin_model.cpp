#include "render/skin_model.h"

#include <array>
#include <cmath>

#include "core/check.h"
#include "render/keyed_noise.h"
#include "render/skin_layers.h"

namespace guise::render {
namespace {

constexpr int kLargestWidth = 2048;
// Linear albedo that no skin leaves.
constexpr float kDarkest = 0.008F, kLightest = 0.88F;

void check_recipe(const IdentityRecipe& person, float age_years, int width, int modes) {
  const bool power =
      width >= kSmallestWidth && width <= kLargestWidth && (width & (width - 1)) == 0;
  GUISE_CHECK_ARG(power, "the width of skin maps must be a power of two from ", kSmallestWidth,
                  " to ", kLargestWidth, "; got ", width);
  GUISE_CHECK_ARG(std::isfinite(age_years) && age_years >= 0, "age_years must be >= 0; got ",
                  age_years);
  const SkinRecipe& skin = person.skin;
  const auto given = static_cast<int>(skin.modes.size());
  GUISE_CHECK_ARG(given == modes || given == 0, "skin.modes must have ", modes,
                  " numbers, or none for the mean skin; got ", given);
  for (const float mode : skin.modes) {
    GUISE_CHECK_ARG(std::isfinite(mode), "skin.modes must be finite; got ", mode);
  }
  for (const float share :
       {skin.melanin, skin.haemoglobin, skin.yellowness, skin.freckles, skin.roughness,
        skin.blotches, skin.oil, skin.wrinkles, skin.dark_circles, skin.lip_redness}) {
    GUISE_CHECK_ARG(0 <= share && share <= 1, "shares of the skin recipe must be in 0..1; got ",
                    share);
  }
}

SkinMaps as_maps(const SkinCanvas& canvas) {
  SkinMaps maps;
  maps.width = canvas.width;
  maps.height = canvas.height;
  const size_t texels = canvas.colour.size();
  maps.albedo.resize(texels * 3);
  maps.relief.resize(texels);
  maps.oil = canvas.oil;
  for (size_t i = 0; i < texels; ++i) {
    const Lanes colour = exp_lanes(canvas.colour[i]);
    for (size_t c = 0; c < 3; ++c) {
      maps.albedo[3 * i + c] = std::min(kLightest, std::max(kDarkest, colour[c]));
    }
    maps.relief[i] = canvas.colour[i][3];
  }
  return maps;
}

}  // namespace

SkinModel SkinModel::load(const std::string& path, const HeadModel& head) {
  SkinModel model;
  model.tables_ = std::make_shared<const SkinTables>(load_skin_tables(path, head.topology()));
  model.mode_count_ = model.tables_->mode_count;
  return model;
}

SkinMaps SkinModel::paint(const IdentityRecipe& person, float age_years, int width) const {
  check_recipe(person, age_years, width, mode_count_);
  SkinPerson one;
  one.recipe = &person.skin;
  one.noise_key = person.noise_key;
  one.age_years = age_years;
  one.male = person.sex == Sex::kMale ? 1.0F : -1.0F;
  one.old = std::min(1.2F, std::max(0.0F, (age_years - 25.0F) / 45.0F));
  one.furrowed = std::pow(std::min(1.4F, std::max(0.0F, (age_years - 22.0F) / 48.0F)), 1.15F) *
                 (0.4F + 1.2F * person.skin.wrinkles);
  one.blood_shows = 1.0F - 0.65F * person.skin.melanin;
  one.melanin_axis = tables_->melanin_axis;
  one.haemoglobin_axis = tables_->haemoglobin_axis;
  const ValueNoise noise(noise_stream_key(person.noise_key, kSkinLattice));
  const SkinBase base = paint_base(*tables_, one, noise, width);
  SkinCanvas canvas = paint_fine(*tables_, one, noise, base, width);
  paint_spots(*tables_, one, canvas);
  return as_maps(canvas);
}

}  // namespace guise::render
