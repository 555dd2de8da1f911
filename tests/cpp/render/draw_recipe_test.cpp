// Recipes are pure functions of their numbers and stay within what they may be.
#include "render/draw_recipe.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "render/recipe_text.h"
#include "support/recipe_draws.h"

namespace guise::render {
namespace {

using test::crowd;
using test::default_crowd;
using test::Draw;
using test::is_female;
using test::is_male;
using test::kAsymmetry;
using test::kEnvironments;
using test::kModes;
using test::kPeople;
using test::kSkinModes;
using test::person_of;
using test::photo_of;

TEST(DrawRecipe, DependsOnItsNumbersAlone) {
  const IdentityRecipe person = person_of(17);
  const std::string first = recipe_json(person, photo_of(person, 3));
  // Other draws in between, and another order, change nothing.
  const PhotoRecipe later = photo_of(person, 4);
  const IdentityRecipe other = person_of(16);
  EXPECT_EQ(recipe_json(person_of(17), photo_of(person_of(17), 3)), first);
  EXPECT_NE(recipe_json(person, later), first);
  EXPECT_NE(recipe_json(other, photo_of(other, 3)), first);
  EXPECT_NE(recipe_json(person_of(17, {}, 2), photo_of(person, 3)), first);
}

TEST(DrawRecipe, LargeNumbersAreNotCut) {
  const uint64_t far = 1ULL << 40;
  const IdentityRecipe a = person_of(5), b = person_of(5 + far);
  EXPECT_NE(a.noise_key, b.noise_key);
  EXPECT_NE(a.age_years, b.age_years);
  EXPECT_NE(photo_of(a, 1).noise_key, photo_of(a, 1 + far).noise_key);
  EXPECT_NE(person_of(5, {}, 1 + (1ULL << 35)).noise_key, a.noise_key);
}

TEST(DrawRecipe, PhotosOfOnePersonDiffer) {
  const IdentityRecipe person = person_of(3);
  const PhotoRecipe a = photo_of(person, 0), b = photo_of(person, 1);
  EXPECT_NE(a.yaw_deg, b.yaw_deg);
  EXPECT_NE(a.expression, b.expression);
  EXPECT_NE(a.light.turn_deg, b.light.turn_deg);
  EXPECT_NE(a.wearing.cloth_albedo.x, b.wearing.cloth_albedo.x);
}

double length_of(const std::vector<float>& values) {
  double sum = 0;
  for (const float v : values) {
    sum += static_cast<double>(v) * static_cast<double>(v);
  }
  return std::sqrt(sum);
}

TEST(DrawRecipe, NoShapeIsBeyondItsLimit) {
  const double allowed = normal_length_quantile(kModes, RecipeOptions{}.shape_limit);
  EXPECT_NEAR(allowed, std::sqrt(55.76), 0.05) << "chi-square of 40 at 0.95";
  double longest = 0;
  for (const Draw& draw : default_crowd()) {
    ASSERT_EQ(draw.person.shape.modes.size(), static_cast<size_t>(kModes));
    ASSERT_EQ(draw.person.shape.asymmetry.size(), static_cast<size_t>(kAsymmetry));
    ASSERT_EQ(draw.person.skin.modes.size(), static_cast<size_t>(kSkinModes));
    longest = std::max(longest, length_of(draw.person.shape.modes));
  }
  EXPECT_LE(longest, allowed);
  EXPECT_GT(longest, 0.98 * allowed) << "the limit bites";
  // The model's own limit bites where it is smaller, however small.
  for (const float limit : {5.0F, 0.5F}) {
    for (uint64_t i = 0; i < 50; ++i) {
      const IdentityRecipe person = draw_identity(1, i, {}, kModes, 0, 0, limit);
      EXPECT_LE(length_of(person.shape.modes), static_cast<double>(limit));
    }
  }
}

TEST(DrawRecipe, PosesKeepTheirLimits) {
  for (const double limit : {90.0, 30.0, 2.0, 0.0}) {
    RecipeOptions options;
    options.yaw_limit_deg = options.pitch_limit_deg = options.roll_limit_deg =
        std::min(limit, 60.0);
    options.yaw_limit_deg = limit;
    double widest = 0;
    for (uint64_t i = 0; i < 600; ++i) {
      const PhotoRecipe photo = photo_of(person_of(i % 20, options), i, options);
      widest = std::max(widest, std::abs(static_cast<double>(photo.yaw_deg)));
      EXPECT_LE(std::abs(photo.yaw_deg), limit);
      EXPECT_LE(std::abs(photo.pitch_deg), options.pitch_limit_deg);
      EXPECT_LE(std::abs(photo.roll_deg), options.roll_limit_deg);
    }
    EXPECT_GE(widest, 0.9 * limit) << "the whole range is used";
  }
}

TEST(DrawRecipe, GlassesComeAndGoWithinAPerson) {
  int wearers = 0, mixed = 0;
  double worn = 0;
  for (uint64_t i = 0; i < 200; ++i) {
    const IdentityRecipe person = person_of(i);
    int with = 0;
    for (uint64_t sample = 0; sample < 20; ++sample) {
      with += photo_of(person, sample).wearing.glasses == Glasses::kSpectacles ? 1 : 0;
    }
    wearers += with > 0 ? 1 : 0;
    mixed += with > 0 && with < 20 ? 1 : 0;
    worn += with;
  }
  EXPECT_GT(wearers, 50);
  EXPECT_LT(wearers, 110) << "most people have none";
  EXPECT_GT(mixed, 0.9 * wearers) << "put on and taken off";
  EXPECT_GT(worn / wearers, 0.6 * 20) << "on most photos of a wearer";
}

TEST(DrawRecipe, EyesSeekTheCameraWhereAsked) {
  const auto meets = [](const Draw& d) {
    return std::abs(d.photo.yaw_deg + d.photo.gaze_yaw_deg) < 7 &&
           std::abs(d.photo.pitch_deg + d.photo.gaze_pitch_deg) < 7;
  };
  RecipeOptions options{.yaw_limit_deg = 25, .pitch_limit_deg = 15, .gaze_at_camera_share = 1};
  int meeting = 0, aside = 0;
  for (const Draw& draw : crowd(options)) {
    meeting += meets(draw) ? 1 : 0;
  }
  options.gaze_at_camera_share = 0;
  for (const Draw& draw : crowd(options)) {
    aside += meets(draw) ? 0 : 1;
  }
  EXPECT_GT(meeting, 0.999 * kPeople);
  EXPECT_GT(aside, 0.6 * kPeople);
}

TEST(DrawRecipe, HairAndBeardChangeAroundAHabit) {
  int same = 0, pairs = 0, beards_differ = 0, men = 0;
  for (uint64_t i = 0; i < 400; ++i) {
    const IdentityRecipe person = person_of(i);
    const PhotoRecipe a = photo_of(person, 0), b = photo_of(person, 1);
    same += a.hair.style == b.hair.style ? 1 : 0;
    ++pairs;
    if (person.sex == Sex::kMale) {
      ++men;
      beards_differ += a.hair.beard != b.hair.beard ? 1 : 0;
    }
  }
  EXPECT_GT(same, 0.3 * pairs);
  EXPECT_LT(same, 0.75 * pairs);
  EXPECT_GT(beards_differ, 0.15 * men);
  EXPECT_LT(beards_differ, 0.6 * men);
}

TEST(DrawRecipe, FeaturesGoTogether) {
  double dark_hair_of_dark = 0, dark = 0, blond = 0;
  for (const Draw& draw : default_crowd()) {
    const IdentityRecipe& person = draw.person;
    if (person.skin.melanin > 0.6F) {
      ++dark;
      dark_hair_of_dark += person.hair.melanin > 0.8F ? 1 : 0;
      EXPECT_GT(person.eyes.melanin, 0.5F);
    }
    if (person.hair.melanin < 0.4F) {
      ++blond;
      EXPECT_LT(person.skin.melanin, 0.55F);
    }
    EXPECT_LE(person.hair.beard_density * static_cast<float>(is_female(draw)), 0);
    EXPECT_LE(person.hair.recession, is_male(draw) ? 1 : 0.15F);
    EXPECT_GE(person.age_years + draw.photo.age_offset_years, 18);
  }
  EXPECT_GT(dark_hair_of_dark, 0.97 * dark);
  EXPECT_GT(blond, 0.02 * kPeople);
}

// Numbers that render/recipe.h bounds by 0 and 1.
std::vector<float> shares_of(const IdentityRecipe& person) {
  const SkinRecipe& skin = person.skin;
  const EyeRecipe& eyes = person.eyes;
  const HairRecipe& hair = person.hair;
  return {person.shape.muscle, person.shape.weight, skin.melanin,
          skin.haemoglobin,    skin.yellowness,     skin.freckles,
          skin.roughness,      skin.blotches,       skin.oil,
          skin.wrinkles,       skin.dark_circles,   skin.lip_redness,
          eyes.melanin,        eyes.amber,          eyes.grey,
          eyes.limbal_ring,    eyes.white_tint,     hair.melanin,
          hair.redness,        hair.curl,           hair.thickness,
          hair.density,        hair.recession,      hair.brow_thickness,
          hair.brow_arch,      hair.brow_density,   hair.brow_length,
          hair.lash_length,    hair.beard_density};
}

std::vector<float> shares_of(const PhotoRecipe& photo) {
  const Wearing& wearing = photo.wearing;
  std::vector<float> shares{
      photo.hair.length,       photo.hair.volume,          photo.hair.fringe,
      photo.hair.messiness,    photo.hair.beard_length,    photo.hair.dye,
      wearing.frame_shape,     wearing.frame_size,         wearing.frame_thickness,
      wearing.lens_tint,       wearing.occluder_place,     wearing.make_up,
      photo.light.mix,         photo.light.saturation,     photo.camera.background_blur,
      photo.camera.sharpening, photo.camera.white_balance, photo.camera.vignette};
  shares.insert(shares.end(), photo.expression.begin(), photo.expression.end());
  for (const Vec3& c : {wearing.frame_albedo, wearing.hat_albedo, wearing.cloth_albedo,
                        wearing.lipstick, wearing.occluder_albedo, photo.hair.dye_albedo}) {
    shares.insert(shares.end(), {c.x, c.y, c.z});
  }
  return shares;
}

TEST(DrawRecipe, SharesLieBetween0And1) {
  for (const Draw& draw : default_crowd()) {
    for (const auto& shares : {shares_of(draw.person), shares_of(draw.photo)}) {
      for (const float share : shares) {
        ASSERT_TRUE(share >= 0 && share <= 1) << recipe_json(draw.person, draw.photo);
      }
    }
  }
}

TEST(DrawRecipe, OtherNumbersLieInTheirRanges) {
  for (const Draw& draw : default_crowd()) {
    const PhotoRecipe& photo = draw.photo;
    for (const int environment : {photo.light.environment_a, photo.light.environment_b}) {
      ASSERT_TRUE(environment >= 0 && environment < kEnvironments);
    }
    ASSERT_LE(photo.light.lamps.size(), 3U);
    for (const Lamp& lamp : photo.light.lamps) {
      ASSERT_NEAR(length(lamp.direction), 1, 1e-5);
      ASSERT_TRUE(lamp.size > 0 && lamp.size < 1);
    }
    const float iris = draw.person.eyes.iris_radius;
    ASSERT_TRUE(iris >= 0.39F && iris <= 0.46F);
    ASSERT_LE(std::abs(photo.hair.parting), 1);
    const float brow = draw.person.hair.brow_height;
    ASSERT_TRUE(brow >= -0.04F && brow <= 0.06F);
    ASSERT_TRUE(photo.camera.jpeg_quality >= 70 && photo.camera.jpeg_quality <= 97);
  }
}

}  // namespace
}  // namespace guise::render
