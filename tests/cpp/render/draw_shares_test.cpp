// Recipes are distributed as their options say.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "render/draw_habit.h"
#include "render/draw_numbers.h"
#include "render/draw_recipe.h"
#include "render/recipe_text.h"
#include "support/recipe_draws.h"

namespace guise::render {
namespace {

using test::crowd;
using test::default_crowd;
using test::Draw;
using test::is_female;
using test::is_male;
using test::kPeople;

using Holds = std::function<bool(const Draw&)>;

// The share of `draws` for which `holds`, among those that are `among`, is `expected` within four
// standard deviations.
void expect_share(
    const std::vector<Draw>& draws, double expected, const Holds& holds, const std::string& what,
    const Holds& among = [](const Draw&) { return true; }) {
  double count = 0, hits = 0;
  for (const Draw& draw : draws) {
    if (among(draw)) {
      ++count;
      hits += holds(draw) ? 1 : 0;
    }
  }
  ASSERT_GT(count, 500) << what;
  const double sd = std::sqrt(expected * (1 - expected) / count);
  EXPECT_NEAR(hits / count, expected, 4 * sd) << what;
}

// Chi-square of `values` over ten equal bins of [low, high]; 9 degrees of freedom.
double chi_square(const std::vector<double>& values, double low, double high) {
  std::array<double, 10> bins{};
  for (const double value : values) {
    EXPECT_GE(value, low);
    EXPECT_LE(value, high);
    const double place = 10 * (value - low) / (high - low);
    bins[static_cast<size_t>(std::clamp(place, 0.0, 9.999))] += 1;
  }
  const double expected = static_cast<double>(values.size()) / 10;
  double sum = 0;
  for (const double bin : bins) {
    sum += (bin - expected) * (bin - expected) / expected;
  }
  return sum;
}
constexpr double kChiSquareLimit = 33.7;  // exceeded by chance once in 10,000

template <typename Get>
std::vector<double> values_of(const std::vector<Draw>& draws, const Get& get) {
  std::vector<double> values;
  for (const Draw& draw : draws) {
    values.push_back(get(draw));
  }
  return values;
}

double mean_of(const std::vector<double>& values) {
  double sum = 0;
  for (const double value : values) {
    sum += value;
  }
  return sum / static_cast<double>(values.size());
}

TEST(DrawShares, DemographicAxesAreUniform) {
  const auto& draws = default_crowd();
  expect_share(draws, 0.5, is_female, "women");
  const auto age = [](const Draw& d) { return static_cast<double>(d.person.age_years); };
  const auto tone = [](const Draw& d) { return static_cast<double>(d.person.skin.melanin); };
  EXPECT_LT(chi_square(values_of(draws, age), 18, 85), kChiSquareLimit);
  EXPECT_LT(chi_square(values_of(draws, tone), 0, 1), kChiSquareLimit);
}

TEST(DrawShares, TheChiSquareSeesABell) {
  Draws draws(1, 2, Topic::kPose);
  std::vector<double> values;
  for (int i = 0; i < kPeople; ++i) {
    values.push_back(draws.bell(0, 1));
  }
  EXPECT_GT(chi_square(values, 0, 1), kChiSquareLimit);
}

TEST(DrawShares, AncestryHasItsSharesAndFollowsTheTone) {
  for (const auto& [african, asian] : {std::pair{1.0 / 3, 1.0 / 3}, {0.1, 0.1}, {0.2, 0.7}}) {
    const RecipeOptions options{
        .african_share = african, .asian_share = asian, .caucasian_share = 1 - african - asian};
    const auto draws = crowd(options);
    const std::array<double, 3> shares{african, asian, 1 - african - asian};
    for (size_t k = 0; k < 3; ++k) {
      const double mean =
          mean_of(values_of(draws, [&](const Draw& d) { return d.person.shape.ancestry[k]; }));
      EXPECT_NEAR(mean, shares[k], 4 * 0.45 / std::sqrt(kPeople)) << k;
    }
  }
  std::array<double, 3> dark{}, light{};
  for (const Draw& draw : default_crowd()) {
    const auto& ancestry = draw.person.shape.ancestry;
    EXPECT_NEAR(ancestry[0] + ancestry[1] + ancestry[2], 1, 1e-5);
    for (size_t k = 0; k < 3; ++k) {
      (draw.person.skin.melanin > 0.5F ? dark : light)[k] += static_cast<double>(ancestry[k]);
    }
  }
  EXPECT_GT(dark[0], 2 * light[0]) << "African";
  EXPECT_LT(2 * dark[2], light[2]) << "European";
}

TEST(DrawShares, OptionsNarrowTheAxes) {
  const auto draws = crowd({.female_share = 1,
                            .age_low_years = 30,
                            .age_high_years = 40,
                            .tone_low = 7,
                            .tone_high = 10,
                            .asian_share = 0,
                            .caucasian_share = 2.0 / 3});
  for (const Draw& draw : draws) {
    ASSERT_EQ(draw.person.sex, Sex::kFemale);
    ASSERT_GE(draw.person.age_years, 30);
    ASSERT_LE(draw.person.age_years, 40);
    ASSERT_GE(draw.person.skin.melanin, 6.0F / 9 - 1e-6F);
    ASSERT_EQ(draw.person.shape.ancestry[1], 0);
  }
}

TEST(DrawShares, SharesAreThoseOfTheOptions) {
  const auto& draws = default_crowd();
  const RecipeOptions o;
  expect_share(
      draws, o.glasses_share,
      [](const Draw& d) { return d.photo.wearing.glasses != Glasses::kNone; }, "glasses");
  expect_share(
      draws, o.sunglasses_share,
      [](const Draw& d) { return d.photo.wearing.glasses == Glasses::kSunglasses; }, "sunglasses");
  expect_share(
      draws, o.hat_share, [](const Draw& d) { return d.photo.wearing.hat != Hat::kNone; }, "hats");
  const std::map<Occluder, double> occluders{{Occluder::kMask, o.mask_share},
                                             {Occluder::kScarf, o.scarf_share},
                                             {Occluder::kHand, o.hand_share}};
  for (const auto& [occluder, share] : occluders) {
    expect_share(
        draws, share, [&](const Draw& d) { return d.photo.wearing.occluder == occluder; },
        std::string(word(occluder)));
  }
  const std::map<Background, double> backgrounds{{Background::kEnvironment, o.environment_share},
                                                 {Background::kIndoor, o.indoor_share},
                                                 {Background::kOutdoor, o.outdoor_share},
                                                 {Background::kStudio, o.studio_share},
                                                 {Background::kPlain, o.plain_share}};
  for (const auto& [background, share] : backgrounds) {
    expect_share(
        draws, share, [&](const Draw& d) { return d.photo.background == background; },
        std::string(word(background)));
  }
  expect_share(
      draws, o.grey_share, [](const Draw& d) { return d.photo.camera.grey; }, "grey");
  expect_share(
      draws, o.motion_share, [](const Draw& d) { return d.photo.camera.motion_px > 0; }, "motion");
  expect_share(
      draws, o.beard_share, [](const Draw& d) { return d.photo.hair.beard != BeardStyle::kNone; },
      "beards", is_male);
  expect_share(
      draws, o.make_up_share, [](const Draw& d) { return d.photo.wearing.make_up > 0; }, "make-up",
      is_female);
  expect_share(
      draws, o.earring_share, [](const Draw& d) { return d.photo.wearing.earrings; }, "earrings",
      is_female);
}

TEST(DrawShares, ExtremeSharesHoldToo) {
  const RecipeOptions all{.beard_share = 1,
                          .glasses_share = 1,
                          .sunglasses_share = 0.3,
                          .hat_share = 1,
                          .mask_share = 1,
                          .scarf_share = 0,
                          .hand_share = 0,
                          .make_up_share = 1};
  for (const Draw& draw : crowd(all)) {
    ASSERT_NE(draw.photo.wearing.glasses, Glasses::kNone);
    ASSERT_NE(draw.photo.wearing.hat, Hat::kNone);
    ASSERT_EQ(draw.photo.wearing.occluder, Occluder::kMask);
    ASSERT_EQ(draw.photo.hair.beard != BeardStyle::kNone, is_male(draw));
    ASSERT_EQ(draw.photo.wearing.make_up > 0, is_female(draw));
  }
  const RecipeOptions none{.dye_share = 0,
                           .beard_share = 0,
                           .glasses_share = 0,
                           .sunglasses_share = 0,
                           .hat_share = 0,
                           .mask_share = 0,
                           .scarf_share = 0,
                           .hand_share = 0,
                           .make_up_share = 0,
                           .earring_share = 0};
  for (const Draw& draw : crowd(none)) {
    const Wearing& wearing = draw.photo.wearing;
    ASSERT_EQ(wearing.glasses, Glasses::kNone);
    ASSERT_EQ(wearing.hat, Hat::kNone);
    ASSERT_EQ(wearing.occluder, Occluder::kNone);
    ASSERT_EQ(draw.photo.hair.beard, BeardStyle::kNone);
    ASSERT_FALSE(wearing.make_up > 0 || wearing.earrings || draw.photo.hair.dye > 0);
  }
}

TEST(Habit, KeepsItsShare) {
  for (const double share : {0.0, 0.02, 0.08, 0.3, 0.8, 0.85, 0.95, 1.0}) {
    const Habit habit(share, 0.85, 0.08);
    const double mean =
        habit.people() * habit.probability(-1) + (1 - habit.people()) * habit.probability(2);
    EXPECT_NEAR(mean, share, 1e-12);
  }
}

}  // namespace
}  // namespace guise::render
