// Generated samples depend on vector, seed and key alone, and say how they came about.
#include "stages/generate_samples.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "core/check.h"

namespace guise::stages {
namespace {

using nlohmann::json;

std::shared_ptr<const nets::FaceGenerator> generator() {
  static const auto loaded = std::make_shared<const nets::FaceGenerator>(
      nets::GeneratorFile{.name = "house-vec2face",
                          .preset = "house",
                          .path = GUISE_MODELS_DIR "/house-vec2face/house-vec2face.safetensors",
                          .recogniser = "house-recogniser"});
  return loaded;
}

at::Tensor vectors(int64_t count) {
  const search::NormalVectors people = {generator()->extra("identities.mean"),
                                        generator()->extra("identities.basis")};
  return search::draw_normal_vectors(people, 3, 0, count);
}

GenerateSamples source(uint64_t first_identity = 0, int64_t identities = 3,
                       const GenerateSamplesOptions& options = {}) {
  return {generator(), nullptr,
          vectors(static_cast<int64_t>(first_identity) + identities)
              .narrow(0, static_cast<int64_t>(first_identity), identities),
          first_identity, options};
}

TEST(GenerateSamples, DependOnSeedAndKeyAlone) {
  const std::vector<SampleKey> keys = {{2, 0, 0}, {2, 5, 0}, {2, 5, 1}};
  const std::vector<GeneratedSample> all = source().generate(7, keys, nullptr);
  ASSERT_EQ(all.size(), keys.size());
  const std::vector<GeneratedSample> alone = source(2, 1).generate(7, {keys[1]}, nullptr);
  EXPECT_TRUE(at::equal(alone[0].image, all[1].image));
  EXPECT_FALSE(at::equal(all[0].image, all[1].image));
  EXPECT_FALSE(at::equal(all[1].image, all[2].image));
  EXPECT_FALSE(at::equal(source().generate(8, {keys[1]}, nullptr)[0].image, all[1].image));
  EXPECT_FALSE(at::equal(source().generate(7, {{1, 5, 0}}, nullptr)[0].image, all[1].image));
}

TEST(GenerateSamples, AreAlignedFaces) {
  const GeneratedSample sample = source().generate(1, {{0, 0, 0}}, nullptr)[0];
  EXPECT_EQ(sample.image.sizes(), at::IntArrayRef({112, 112, 3}));
  EXPECT_EQ(sample.image.scalar_type(), at::kByte);
  const core::Landmarks5 front = core::arcface_template(112);
  for (size_t i = 0; i < front.size(); ++i) {
    EXPECT_NEAR(sample.landmarks[i].x, front[i].x, 0.5);
    EXPECT_NEAR(sample.landmarks[i].y, front[i].y, 0.5);
  }
  const double strength = json::parse(sample.attributes_json).at("noise_strength");
  EXPECT_TRUE(strength == 0.3 || strength == 0.5 || strength == 0.7);
}

TEST(GenerateSamples, FactsChangeWithWhateverDecides) {
  const json facts = json::parse(source().facts_json());
  EXPECT_EQ(facts.at("name"), "house-vec2face");
  EXPECT_EQ(facts.at("dtype"), "float32");
  EXPECT_NE(facts, json::parse(source(1).facts_json()));
  GenerateSamplesOptions options;
  options.draw.noise = {{0.2}, {1.0}};
  EXPECT_NE(facts.at("draw"), json::parse(source(0, 3, options).facts_json()).at("draw"));
}

TEST(GenerateSamples, RefuseWhatTheyCannotDraw) {
  EXPECT_THROW(source().generate(1, {{3, 0, 0}}, nullptr), std::invalid_argument);
  EXPECT_THROW(source(1).generate(1, {{0, 0, 0}}, nullptr), std::invalid_argument);
  EXPECT_THROW(GenerateSamples(generator(), nullptr, at::ones({2, 128}), 0, {}),
               std::invalid_argument);
  EXPECT_THROW(GenerateSamples(generator(), nullptr, at::zeros({2, 512}), 0, {}),
               std::invalid_argument);
  GenerateSamplesOptions steered;
  steered.draw.yaw_targets_deg = {30};
  EXPECT_THROW(source(0, 3, steered), std::invalid_argument);
  const std::atomic<bool> stop = true;
  EXPECT_THROW(source().generate(1, {{0, 0, 0}}, &stop), Cancelled);
}

TEST(TurnedLandmarks, MoveTheNoseToTheSideOfTheTurn) {
  const core::Landmarks5 right = core::turned_landmarks(40), left = core::turned_landmarks(-40);
  const core::Landmarks5 front = core::turned_landmarks(0);
  const auto offset = [](const core::Landmarks5& points) {
    return points[2].x - (points[0].x + points[1].x) / 2;
  };
  EXPECT_GT(offset(right), offset(front) + 5);
  EXPECT_LT(offset(left), offset(front) - 5);
  EXPECT_NEAR(offset(right) - offset(front), offset(front) - offset(left), 0.5);
  EXPECT_THROW(core::turned_landmarks(91), std::invalid_argument);
}

}  // namespace
}  // namespace guise::stages
