// Who the person is: sex, age, tone and ancestry, build, shape and skin.
#include <algorithm>
#include <cmath>

#include "render/draw_numbers.h"
#include "render/draw_parts.h"
#include "render/draw_recipe.h"

namespace guise::render {

namespace {

constexpr double kLightestTone = 1, kDarkestTone = 10;
// A vector of modes beyond its limit is drawn again so many times, then shortened.
constexpr int kShapeTries = 16;
constexpr double kSkinModeQuantile = 0.97;

using Shares = std::array<double, 3>;  // african, asian, caucasian

// How well an ancestry goes with a tone, 0 light .. 1 dark. The three are the Bernstein polynomials
// of degree 2: each has the mean 1/3 over uniform tones, and they sum to 1 at every tone.
Shares ancestry_fit(double tone, double follows) {
  // A rest stays for everyone, so that any asked share can be met at any tone.
  const double f = 0.98 * follows;
  const double rest = (1 - f) / 3;
  return {rest + f * tone * tone, rest + f * 2 * tone * (1 - tone),
          rest + f * (1 - tone) * (1 - tone)};
}

Shares weighted(const Shares& factors, const Shares& fit) {
  const double sum = factors[0] * fit[0] + factors[1] * fit[1] + factors[2] * fit[2];
  return {factors[0] * fit[0] / sum, factors[1] * fit[1] / sum, factors[2] * fit[2] / sum};
}

// Factors on ancestry_fit with which the mean over uniform tones is `shares` (iterative
// proportional fitting; all 1 for equal shares).
Shares ancestry_factors(const Shares& shares, double follows) {
  constexpr int kTones = 24, kRounds = 12;
  Shares factors{1, 1, 1};
  if (shares[0] == shares[1] && shares[1] == shares[2]) {
    return factors;
  }
  factors = shares;
  for (int round = 0; round < kRounds; ++round) {
    Shares mean{};
    for (int i = 0; i < kTones; ++i) {
      const Shares at_tone = weighted(factors, ancestry_fit((i + 0.5) / kTones, follows));
      for (size_t k = 0; k < 3; ++k) {
        mean[k] += at_tone[k] / kTones;
      }
    }
    for (size_t k = 0; k < 3; ++k) {
      factors[k] *= shares[k] > 0 ? shares[k] / mean[k] : 0;
    }
  }
  return factors;
}

std::array<float, 3> draw_ancestry(Draws draws, double tone, const RecipeOptions& options) {
  const double sum = options.african_share + options.asian_share + options.caucasian_share;
  const Shares shares{options.african_share / sum, options.asian_share / sum,
                      options.caucasian_share / sum};
  const double follows = options.ancestry_follows_tone;
  const Shares weights = weighted(ancestry_factors(shares, follows), ancestry_fit(tone, follows));
  const Shares drawn = dirichlet(draws, weights, options.ancestry_concentration);
  return {to_float(drawn[0]), to_float(drawn[1]), to_float(drawn[2])};
}

double length_of(const std::vector<float>& values) {
  double sum = 0;
  for (const float v : values) {
    sum += static_cast<double>(v) * static_cast<double>(v);
  }
  return std::sqrt(sum);
}

// Standard normals times `strength`, of a length of at most `limit`.
std::vector<float> draw_modes(Draws draws, int count, double strength, double limit) {
  std::vector<float> modes(static_cast<size_t>(std::max(count, 0)));
  double size = 0;
  for (int i = 0; i < kShapeTries; ++i) {
    for (float& mode : modes) {
      mode = to_float(strength * draws.normal());
    }
    size = length_of(modes);
    if (size <= limit) {
      return modes;
    }
  }
  for (float& mode : modes) {
    mode *= to_float(0.999 * limit / size);
  }
  return modes;
}

void draw_shape(IdentityRecipe& person, const RecipeOptions& options, int mode_count,
                int asymmetry_count, float mahalanobis_limit) {
  const uint64_t seed = person.seed, identity = person.identity;
  ShapeRecipe& shape = person.shape;
  Draws build(seed, identity, Topic::kBuild);
  // Muscle goes with youth, weight comes with the years up to sixty.
  const double age = person.age_years;
  shape.muscle = to_float(build.bounded_normal(0.56 - 0.003 * (age - 30), 0.16, 0.15, 0.85));
  const double years = std::min(age, 60.0) - 18;
  shape.weight = to_float(build.bounded_normal(0.44 + 0.003 * years, 0.17, 0.15, 0.85));
  const double limit = std::min(static_cast<double>(mahalanobis_limit),
                                normal_length_quantile(mode_count, options.shape_limit));
  shape.modes = draw_modes(Draws(seed, identity, Topic::kShapeModes), mode_count,
                           options.shape_strength, limit);
  Draws sides(seed, identity, Topic::kAsymmetry);
  for (int i = 0; i < asymmetry_count; ++i) {
    shape.asymmetry.push_back(
        to_float(options.asymmetry_strength * sides.bounded_normal(0, 1, -2.5, 2.5)));
  }
}

}  // namespace

SkinRecipe draw_skin(uint64_t seed, uint64_t identity, const IdentityRecipe& person,
                     int skin_mode_count) {
  Draws draws(seed, identity, Topic::kSkin);
  SkinRecipe skin;
  const bool male = person.sex == Sex::kMale;
  const double melanin = person.skin.melanin;
  const double asian = person.shape.ancestry[1];
  // 0 at eighteen, 1 at eighty-five.
  const double years = (person.age_years - 18) / 67;
  const double pale = 1 - melanin;
  const auto level = [&](double mean, double sd) {
    return to_float(draws.bounded_normal(std::clamp(mean, 0.0, 1.0), sd, 0, 1));
  };
  skin.melanin = person.skin.melanin;
  skin.haemoglobin = level(0.46 + 0.05 * male + 0.04 * years, 0.2);
  skin.yellowness = level(0.38 + 0.22 * asian + 0.1 * melanin, 0.18);
  const bool freckled = draws.chance(0.04 + 0.3 * pale * pale + 0.5 * person.hair.redness * pale);
  const double freckles = draws.uniform(), light_freckles = draws.uniform(0, 0.08);
  skin.freckles = to_float(freckled ? 0.12 + 0.78 * freckles * freckles : light_freckles * pale);
  skin.moles = static_cast<int>(draws.gamma(1.6) * (1 + 3 * pale) * (0.7 + 0.8 * years));
  skin.moles = std::min(skin.moles, 24);
  skin.roughness = level(0.36 + 0.13 * male + 0.22 * years, 0.14);
  skin.blotches = level(0.28 + 0.12 * pale + 0.18 * years, 0.2);
  skin.oil = level(0.46 + 0.04 * male - 0.16 * years, 0.14);
  skin.wrinkles = level(0.44 + 0.12 * pale, 0.24);
  skin.dark_circles = level(0.24 + 0.16 * years, 0.2);
  skin.lip_redness = level(0.5 + 0.08 * !male - 0.1 * melanin, 0.22);
  skin.modes = draw_modes(Draws(seed, identity, Topic::kSkinModes), skin_mode_count, 1.0,
                          normal_length_quantile(skin_mode_count, kSkinModeQuantile));
  return skin;
}

IdentityRecipe draw_identity(uint64_t seed, uint64_t identity, const RecipeOptions& options,
                             int mode_count, int asymmetry_count, int skin_mode_count,
                             float mahalanobis_limit) {
  IdentityRecipe person;
  person.seed = seed;
  person.identity = identity;
  person.noise_key = Draws(seed, identity, Topic::kPersonNoise).key();
  Draws draws(seed, identity, Topic::kPerson);
  person.sex = draws.chance(options.female_share) ? Sex::kFemale : Sex::kMale;
  person.age_years = to_float(draws.uniform(options.age_low_years, options.age_high_years));
  const double monk = draws.uniform(options.tone_low, options.tone_high);
  const double tone = (monk - kLightestTone) / (kDarkestTone - kLightestTone);
  person.skin.melanin = to_float(tone);
  person.shape.ancestry = draw_ancestry(Draws(seed, identity, Topic::kAncestry), tone, options);
  draw_shape(person, options, mode_count, asymmetry_count, mahalanobis_limit);
  person.hair = draw_hair(seed, identity, person);
  person.eyes = draw_eyes(seed, identity, person);
  person.skin = draw_skin(seed, identity, person, skin_mode_count);
  return person;
}

}  // namespace guise::render
