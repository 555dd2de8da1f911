// Rendered samples are the renderer's pictures, another one each attempt, with flat attributes.
#include "stages/render_samples.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <set>
#include <thread>

#include "core/check.h"

namespace guise::stages {
namespace {

using nlohmann::json;

std::shared_ptr<const render::Renderer> renderer() {
  static const auto loaded = std::make_shared<const render::Renderer>(
      GUISE_MODELS_DIR "/house-head/house-head.safetensors",
      GUISE_MODELS_DIR "/house-skin/house-skin.safetensors",
      GUISE_MODELS_DIR "/house-light/house-light.safetensors");
  return loaded;
}

RenderSamplesOptions small() {
  RenderSamplesOptions options;
  options.render.size_px = 40;
  options.models = {{"house-head", "aa"}, {"house-skin", "bb"}};
  return options;
}

const std::vector<SampleKey> kKeys = {{7, 0, 0}, {7, 1, 0}, {7, 1, 1}, {7, 4, 2}};

TEST(RenderSamples, AreTheRenderersPictures) {
  const std::vector<GeneratedSample> samples =
      RenderSamples(renderer(), small()).generate(5, kKeys, nullptr);
  constexpr uint64_t kStep = uint64_t{1} << 40;
  const render::RenderedFaces faces =
      renderer()->render(5, {{7, 0}, {7, 1}, {7, 1 + kStep}, {7, 4 + 2 * kStep}}, small().render);
  ASSERT_EQ(samples.size(), kKeys.size());
  for (size_t i = 0; i < samples.size(); ++i) {
    const auto at = static_cast<int64_t>(i);
    EXPECT_TRUE(at::equal(samples[i].image, faces.images[at])) << i;
    for (size_t p = 0; p < 5; ++p) {
      const at::Tensor point = faces.landmarks_5[at][static_cast<int64_t>(p)];
      EXPECT_EQ(samples[i].landmarks[p].x, static_cast<double>(point[0].item<float>()));
      EXPECT_EQ(samples[i].landmarks[p].y, static_cast<double>(point[1].item<float>()));
    }
    const at::Tensor box = faces.boxes[at];
    EXPECT_EQ(samples[i].box.x0, static_cast<double>(box[0].item<float>()));
    EXPECT_EQ(samples[i].box.y1, static_cast<double>(box[3].item<float>()));
  }
}

TEST(RenderSamples, EachAttemptIsAnotherPictureOfTheSamePerson) {
  const RenderSamples source(renderer(), small());
  const auto samples = source.generate(5, {{7, 1, 0}, {7, 1, 1}, {7, 1, 2}, {7, 2, 0}}, nullptr);
  for (size_t i = 0; i < samples.size(); ++i) {
    for (size_t j = 0; j < i; ++j) {
      EXPECT_FALSE(at::equal(samples[i].image, samples[j].image)) << i << " and " << j;
    }
    const json one = json::parse(samples[i].attributes_json);
    const json first = json::parse(samples[0].attributes_json);
    EXPECT_EQ(one["female"], first["female"]);
    EXPECT_EQ(one["monk_tone"], first["monk_tone"]);
  }
}

TEST(RenderSamples, AttributesAreFlatAndInRange) {
  const RenderSamples source(renderer(), small());
  const std::set<std::string> expected = {
      "yaw_deg",    "pitch_deg",   "roll_deg", "age_years",  "female",      "monk_tone",
      "lamp_share", "exposure_ev", "glasses",  "occluder",   "sunglasses",  "hat",
      "beard",      "grey",        "noise",    "defocus_px", "jpeg_quality"};
  for (const GeneratedSample& sample : source.generate(1, kKeys, nullptr)) {
    const json values = json::parse(sample.attributes_json);
    std::set<std::string> names;
    for (const auto& [name, value] : values.items()) {
      names.insert(name);
      EXPECT_TRUE(value.is_number() || value.is_boolean() || value.is_string()) << name;
    }
    EXPECT_EQ(names, expected);
    for (const char* name : {"female", "glasses", "sunglasses", "hat", "beard", "grey"}) {
      EXPECT_TRUE(values[name].is_boolean()) << name;
    }
    EXPECT_GE(values["monk_tone"], 1);
    EXPECT_LE(values["monk_tone"], 10);
    EXPECT_GE(values["lamp_share"], 0);
    EXPECT_LE(values["lamp_share"], 1);
  }
}

TEST(RenderSamples, AttributesSayWhatTheRecipeForces) {
  RenderSamplesOptions options = small();
  options.render.recipe.female_share = 1;
  options.render.recipe.grey_share = 1;
  options.render.recipe.glasses_share = 1;
  options.render.recipe.sunglasses_share = 0;
  options.render.recipe.yaw_limit_deg = 0;
  const RenderSamples source(renderer(), options);
  const json values = json::parse(source.generate(1, {{3, 0, 0}}, nullptr)[0].attributes_json);
  EXPECT_EQ(values["female"], true);
  EXPECT_EQ(values["grey"], true);
  EXPECT_EQ(values["glasses"], true);
  EXPECT_EQ(values["sunglasses"], false);
  EXPECT_EQ(values["beard"], false);
  EXPECT_EQ(values["yaw_deg"], 0.0);
}

TEST(RenderSamples, FactsNameEverythingThatDecides) {
  RenderSamplesOptions options = small();
  const json facts = json::parse(RenderSamples(renderer(), options).facts_json());
  EXPECT_EQ(facts["name"], "render");
  EXPECT_EQ(facts["size_px"], 40);
  EXPECT_EQ(facts["models"]["house-skin"], "bb");
  EXPECT_EQ(facts["recipe"].size(), render::recipe_axes().size());
  options.render.recipe.hat_share = 0.5;
  EXPECT_NE(json::parse(RenderSamples(renderer(), options).facts_json()), facts);
  options = small();
  options.render.threads = 3;
  options.render.maps = true;
  EXPECT_EQ(json::parse(RenderSamples(renderer(), options).facts_json()), facts)
      << "no byte depends on them";
}

TEST(RenderSamples, ThreadsMayShareOne) {
  const RenderSamples source(renderer(), small());
  const std::vector<GeneratedSample> alone = source.generate(2, kKeys, nullptr);
  std::vector<std::vector<GeneratedSample>> found(4);
  std::vector<std::thread> threads;
  for (auto& samples : found) {
    threads.emplace_back([&] { samples = source.generate(2, kKeys, nullptr); });
  }
  for (std::thread& thread : threads) thread.join();
  for (const auto& samples : found) {
    ASSERT_EQ(samples.size(), alone.size());
    for (size_t i = 0; i < alone.size(); ++i) {
      EXPECT_TRUE(at::equal(samples[i].image, alone[i].image));
      EXPECT_EQ(samples[i].attributes_json, alone[i].attributes_json);
    }
  }
}

TEST(RenderSamples, StopsWhenCancelledAndRefusesWhatCannotBe) {
  const RenderSamples source(renderer(), small());
  const std::atomic<bool> cancelled = true;
  EXPECT_THROW(source.generate(1, kKeys, &cancelled), Cancelled);
  EXPECT_THROW(source.generate(1, {{0, uint64_t{1} << 40, 0}}, nullptr), std::invalid_argument);
  EXPECT_TRUE(source.generate(1, {}, nullptr).empty());
  RenderSamplesOptions options = small();
  options.render.size_px = 31;
  EXPECT_THROW(RenderSamples(renderer(), options), std::invalid_argument);
}

}  // namespace
}  // namespace guise::stages
