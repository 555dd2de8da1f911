// Options of recipes: what is accepted, what is refused and in which words.
#include "render/recipe_options.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <set>
#include <stdexcept>
#include <string>

namespace guise::render {
namespace {

// The message of the refusal; empty where `options` are accepted.
std::string refusal(const RecipeOptions& options) {
  try {
    options.validate();
  } catch (const std::invalid_argument& error) {
    return error.what();
  }
  return "";
}

void expect_refused(const RecipeOptions& options, const std::string& words) {
  const std::string message = refusal(options);
  EXPECT_NE(message.find(words), std::string::npos) << "'" << words << "' in '" << message << "'";
}

TEST(RecipeOptions, DefaultsAndPresetsAreValid) {
  for (const char* name : {"default", "frontal", "passport", "clean"}) {
    EXPECT_EQ(refusal(RecipeOptions::preset(name)), "") << name;
  }
  EXPECT_THROW(RecipeOptions::preset("portrait"), std::invalid_argument);
}

TEST(RecipeOptions, EveryAxisHasItsLimits) {
  std::set<std::string> names;
  for (const RecipeAxis& axis : recipe_axes()) {
    EXPECT_TRUE(names.insert(axis.name).second) << axis.name;
    EXPECT_LT(axis.low, axis.high) << axis.name;
    const double standard = RecipeOptions{}.*axis.field;
    EXPECT_GE(standard, axis.low) << axis.name;
    EXPECT_LE(standard, axis.high) << axis.name;
    const double wrong[] = {axis.low - 0.01, axis.high + 0.01,
                            std::numeric_limits<double>::quiet_NaN(),
                            std::numeric_limits<double>::infinity()};
    for (const double value : wrong) {
      RecipeOptions options;
      options.*axis.field = value;
      expect_refused(options, std::string(axis.name) + " must lie from ");
    }
  }
  EXPECT_GT(names.size(), 50U);
}

TEST(RecipeOptions, AMessageSaysWhatMustHoldAndWhatCame) {
  expect_refused({.glasses_share = -0.5}, "glasses_share must lie from 0 to 1; got -0.5");
  expect_refused({.age_low_years = 12}, "age_low_years must lie from 18 to 85; got 12");
  expect_refused({.yaw_limit_deg = 120}, "yaw_limit_deg must lie from 0 to 90; got 120");
}

TEST(RecipeOptions, RangesMustNotBeTurnedAround) {
  expect_refused({.age_low_years = 60, .age_high_years = 40},
                 "age_low_years must not exceed age_high_years; got 60 and 40");
  expect_refused({.tone_low = 7, .tone_high = 3}, "tone_low");
  expect_refused({.frame_low_dm = 4}, "frame_low_dm");
  expect_refused({.field_of_view_low_deg = 60}, "field_of_view_low_deg");
  expect_refused({.noise_low = 0.1}, "noise_low");
  expect_refused({.jpeg_quality_low = 99}, "jpeg_quality_low");
  expect_refused({.glasses_share = 0.05}, "sunglasses_share must not exceed glasses_share");
}

TEST(RecipeOptions, SharesMustSum) {
  expect_refused({.plain_share = 0.5}, "+ plain_share must sum to 1; they sum to 1.35");
  expect_refused({.african_share = 0.5}, "african_share + asian_share + caucasian_share must sum");
  expect_refused({.mask_share = 0.6, .scarf_share = 0.3, .hand_share = 0.2},
                 "mask_share + scarf_share + hand_share must sum to at most 1; they sum to 1.1");
  EXPECT_EQ(refusal({.african_share = 0.333, .asian_share = 0.333, .caucasian_share = 0.333}), "");
  EXPECT_EQ(refusal({.mask_share = 0.5, .scarf_share = 0.3, .hand_share = 0.2}), "");
}

TEST(RecipeOptions, OptionsAreKnownByName) {
  RecipeOptions options;
  set_option(options, "yaw_limit_deg", 12);
  EXPECT_EQ(options.yaw_limit_deg, 12);
  try {
    set_option(options, "yaw_limit", 12);
    FAIL() << "an unknown axis was accepted";
  } catch (const std::invalid_argument& error) {
    const std::string message = error.what();
    EXPECT_NE(message.find("got 'yaw_limit'"), std::string::npos) << message;
    EXPECT_NE(message.find("yaw_limit_deg"), std::string::npos) << message;
  }
}

TEST(RecipeOptions, PresetsSayWhatTheyMean) {
  const RecipeOptions frontal = RecipeOptions::frontal();
  EXPECT_LE(frontal.yaw_limit_deg, 30);
  EXPECT_LE(frontal.pitch_limit_deg, 15);
  EXPECT_LE(frontal.roll_limit_deg, 10);
  EXPECT_EQ(frontal.mask_share + frontal.scarf_share + frontal.hand_share, 0);
  EXPECT_EQ(frontal.glasses_share + frontal.sunglasses_share + frontal.hat_share, 0);
  EXPECT_EQ(RecipeOptions::passport().plain_share, 1);
  EXPECT_EQ(RecipeOptions::clean().jpeg_quality_low, 100);
}

}  // namespace
}  // namespace guise::render
