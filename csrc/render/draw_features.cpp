// Eyes, hair and brows of a person, in keeping with tone, ancestry, sex and age.
#include <algorithm>
#include <cmath>

#include "render/draw_parts.h"

namespace guise::render {

namespace {

struct Heritage {
  double african, asian, caucasian;
  double melanin;  // of the skin, 0..1
};

Heritage heritage_of(const IdentityRecipe& person) {
  const auto& a = person.shape.ancestry;
  return {a[0], a[1], a[2], person.skin.melanin};
}

// How likely light eyes and light hair are: with European ancestry and light skin only.
double lightness(const Heritage& h) {
  return h.caucasian * (1 - smoothstep(0.15F, 0.5F, to_float(h.melanin)));
}

// Natural colours of Europeans: black, dark brown, brown, dark blond, light blond, by frequency.
constexpr std::array<double, 5> kHairFrequency{0.12, 0.34, 0.27, 0.17, 0.1};
constexpr std::array<double, 6> kHairMelanin{1.0, 0.87, 0.7, 0.5, 0.3, 0.12};

void draw_hair_colour(Draws& draws, const Heritage& h, HairRecipe& hair) {
  // Even with light skin not everyone has the light colours of Europeans.
  const bool light = draws.chance(0.95 * lightness(h));
  const size_t shade = draws.pick(kHairFrequency);
  const double within = draws.uniform(), dark = draws.bounded_normal(0.94, 0.04, 0.82, 1);
  const bool red = draws.chance(0.07);
  const double redness = draws.uniform(), warm = draws.bell(0, 0.25);
  const double drawn =
      kHairMelanin[shade] + within * (kHairMelanin[shade + 1] - kHairMelanin[shade]);
  hair.melanin = to_float(light ? drawn : dark);
  hair.redness = to_float(light ? warm + 0.1 : 0.4 * warm);
  if (light && red) {
    hair.melanin = to_float(0.25 + 0.35 * within);
    hair.redness = to_float(0.6 + 0.4 * redness);
  }
}

void draw_hair_growth(Draws& draws, const IdentityRecipe& person, const Heritage& h,
                      HairRecipe& hair) {
  const bool male = person.sex == Sex::kMale;
  const double age = person.age_years;
  const double curl = 0.9 * h.african + 0.05 * h.asian + 0.26 * h.caucasian;
  const double spread = 0.07 * h.african + 0.05 * h.asian + 0.2 * h.caucasian;
  hair.curl = to_float(draws.bounded_normal(curl, spread, 0, 1));
  const double coarse = 0.58 * h.african + 0.75 * h.asian + 0.45 * h.caucasian;
  hair.thickness = to_float(draws.bounded_normal(coarse, 0.12, 0.1, 1));
  const double thinning = std::max(0.0, age - 35) * (male ? 0.0035 : 0.0045);
  hair.density = to_float(draws.bounded_normal(0.88 - thinning, 0.07, 0.4, 1));
  hair.hairline_height =
      to_float(draws.bounded_normal(male ? 0.02 : -0.01, 0.035, -0.1, male ? 0.12 : 0.08));
  // Half of the men lose hair to be seen by fifty; women hardly.
  const double prone = draws.uniform(), onset = draws.uniform(20, 45);
  const double years = std::max(0.0, age - onset) / 35;
  const double lost = std::max(0.0, prone - 0.3) / 0.7 * std::min(1.2, 1.5 * years);
  const double usual = 0.12 * smoothstep(20, 60, to_float(age));
  hair.recession = to_float(male ? std::min(1.0, usual + lost) : 0.12 * std::min(1.0, lost));
  const double grey = 55 + 5 * h.african + 3 * h.asian;
  hair.grey_age_years = to_float(draws.bounded_normal(grey, 8, 34, 85));
  const double full = 0.68 - 0.28 * h.asian;
  const double beard = draws.bounded_normal(full, 0.17, 0.1, 1);
  hair.beard_density = to_float(male ? beard * smoothstep(14, 27, to_float(age)) : 0);
}

void draw_brows(Draws draws, const IdentityRecipe& person, HairRecipe& hair) {
  const bool male = person.sex == Sex::kMale;
  const double old = smoothstep(50, 85, person.age_years);
  const auto level = [&](double mean, double sd, double low) {
    return to_float(draws.bounded_normal(mean, sd, low, 1));
  };
  hair.brow_thickness = level((male ? 0.55 : 0.36) - 0.1 * old * !male, 0.22, 0.02);
  hair.brow_arch = level(male ? 0.42 : 0.58, 0.24, 0);
  // Never so thin that light brows vanish.
  hair.brow_density = level(0.66 - 0.12 * old, 0.18, 0.35);
  hair.brow_length = level(0.5 - 0.12 * old, 0.22, 0);
  hair.brow_height = to_float(draws.bounded_normal(male ? 0.004 : 0.014, 0.024, -0.04, 0.06));
  hair.lash_length = level(male ? 0.42 : 0.58, 0.13, 0.1);
}

}  // namespace

HairRecipe draw_hair(uint64_t seed, uint64_t identity, const IdentityRecipe& person) {
  Draws draws(seed, identity, Topic::kHair);
  const Heritage h = heritage_of(person);
  HairRecipe hair;
  draw_hair_colour(draws, h, hair);
  draw_hair_growth(draws, person, h, hair);
  draw_brows(Draws(seed, identity, Topic::kBrows), person, hair);
  return hair;
}

EyeRecipe draw_eyes(uint64_t seed, uint64_t identity, const IdentityRecipe& person) {
  Draws draws(seed, identity, Topic::kEyes);
  const Heritage h = heritage_of(person);
  EyeRecipe eyes;
  // Light eyes go with light hair: brown-eyed blonds are rarer than brown-eyed brunettes.
  const double fair = 1 - static_cast<double>(smoothstep(0.3F, 0.9F, person.hair.melanin));
  const bool light = draws.chance(lightness(h) * (0.42 + 0.5 * fair));
  const double depth = draws.uniform(), amber = draws.uniform(), grey = draws.uniform();
  if (light) {
    // Blue and grey in half of them; green and hazel where amber joins.
    const bool green = amber > 0.5;
    eyes.melanin = to_float(green ? 0.12 + 0.38 * depth : 0.2 * depth);
    eyes.amber = to_float(green ? 0.25 + 1.3 * (amber - 0.5) : 0.2 * amber);
    eyes.grey = to_float(0.75 * grey * grey);
  } else {
    const double darkest = 0.72 + 0.2 * smoothstep(0.2F, 0.7F, to_float(h.melanin));
    eyes.melanin = to_float(std::min(1.0, darkest + 0.25 * (depth - 0.35)));
    eyes.amber = to_float(0.1 + 0.35 * amber * (1 - h.melanin));
    eyes.grey = to_float(0.15 * grey);
  }
  const double years = (person.age_years - 18) / 67;
  eyes.iris_radius = to_float(draws.bounded_normal(0.425, 0.011, 0.395, 0.455));
  eyes.limbal_ring = to_float(draws.bounded_normal(0.6 - 0.25 * years, 0.15, 0.1, 1));
  eyes.white_tint =
      to_float(draws.bounded_normal(0.18 + 0.22 * years + 0.15 * h.melanin, 0.1, 0, 1));
  return eyes;
}

}  // namespace guise::render
