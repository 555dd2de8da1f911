// Recipes as JSON: every field, and the same numbers back.
#include "render/recipe_text.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <set>

#include "render/draw_recipe.h"

namespace guise::render {
namespace {

struct Pair {
  IdentityRecipe person;
  PhotoRecipe photo;
};

Pair drawn(uint64_t identity, uint64_t sample) {
  const RecipeOptions options;
  Pair pair;
  pair.person = draw_identity(9, identity, options, 30, 6, 8, 100);
  pair.photo = draw_photo(9, identity, sample, options, pair.person, 10);
  return pair;
}

nlohmann::json parsed(const Pair& pair) {
  return nlohmann::json::parse(recipe_json(pair.person, pair.photo));
}

TEST(RecipeText, NumbersComeBackExactly) {
  for (uint64_t i = 0; i < 50; ++i) {
    const auto [person, photo] = drawn(i, i);
    const nlohmann::json text = parsed({person, photo});
    const nlohmann::json &who = text["identity"], &what = text["photo"];
    EXPECT_EQ(who["noise_key"].get<uint64_t>(), person.noise_key);
    EXPECT_EQ(who["age_years"].get<float>(), person.age_years);
    EXPECT_EQ((who["shape"]["modes"].get<std::vector<float>>()), person.shape.modes);
    EXPECT_EQ((who["shape"]["asymmetry"].get<std::vector<float>>()), person.shape.asymmetry);
    EXPECT_EQ((who["skin"]["modes"].get<std::vector<float>>()), person.skin.modes);
    EXPECT_EQ(who["skin"]["moles"].get<int>(), person.skin.moles);
    EXPECT_EQ(who["hair"]["brow_height"].get<float>(), person.hair.brow_height);
    EXPECT_EQ(what["noise_key"].get<uint64_t>(), photo.noise_key);
    EXPECT_EQ(what["yaw_deg"].get<float>(), photo.yaw_deg);
    EXPECT_EQ(what["camera"]["grey"].get<bool>(), photo.camera.grey);
    EXPECT_EQ(what["wearing"]["lipstick"][1].get<float>(), photo.wearing.lipstick.y);
    ASSERT_EQ(what["light"]["lamps"].size(), photo.light.lamps.size());
    for (size_t k = 0; k < photo.light.lamps.size(); ++k) {
      EXPECT_EQ(what["light"]["lamps"][k]["radiance"][2].get<float>(),
                photo.light.lamps[k].radiance.z);
    }
    for (size_t k = 0; k < kExpressionNames.size(); ++k) {
      EXPECT_EQ(what["expression"].value(std::string(kExpressionNames[k]), 0.0F),
                photo.expression[k]);
    }
    EXPECT_EQ(what["hair"]["style"].get<std::string>(), word(photo.hair.style));
  }
}

TEST(RecipeText, EveryFieldIsListed) {
  const nlohmann::json text = parsed(drawn(1, 2));
  EXPECT_EQ(text["identity"].size(), 9U);
  EXPECT_EQ(text["identity"]["skin"].size(), 12U);
  EXPECT_EQ(text["identity"]["eyes"].size(), 6U);
  EXPECT_EQ(text["identity"]["hair"].size(), 15U);
  EXPECT_EQ(text["photo"].size(), 14U);
  EXPECT_EQ(text["photo"]["hair"].size(), 10U);
  EXPECT_EQ(text["photo"]["wearing"].size(), 19U);
  EXPECT_EQ(text["photo"]["camera"].size(), 18U);
}

TEST(RecipeText, FloatsAreShortAndOnOneLine) {
  Pair pair = drawn(1, 2);
  pair.photo.yaw_deg = 0.3F;
  const std::string text = recipe_json(pair.person, pair.photo);
  EXPECT_NE(text.find("\"yaw_deg\":0.3,"), std::string::npos) << text;
  EXPECT_EQ(text.find('\n'), std::string::npos);
}

template <typename Enum>
void expect_different_words(int count) {
  std::set<std::string> words;
  for (int i = 0; i < count; ++i) {
    words.insert(std::string(word(static_cast<Enum>(i))));
  }
  EXPECT_EQ(words.size(), static_cast<size_t>(count));
  EXPECT_EQ(words.count(""), 0U);
  EXPECT_ANY_THROW(word(static_cast<Enum>(count)));
}

TEST(RecipeText, EveryValueOfAnEnumerationHasAWord) {
  expect_different_words<Sex>(2);
  expect_different_words<HairStyle>(kHairStyleCount);
  expect_different_words<BeardStyle>(6);
  expect_different_words<Glasses>(3);
  expect_different_words<Hat>(5);
  expect_different_words<Occluder>(4);
  expect_different_words<Clothing>(6);
  expect_different_words<Background>(5);
}

}  // namespace
}  // namespace guise::render
