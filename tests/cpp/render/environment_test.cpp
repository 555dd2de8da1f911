// Environments: what a constant map must give, what turning must do, and damaged files.
#include "render/environment.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "core/check.h"
#include "core/random.h"
#include "io/safetensors.h"

namespace guise::render {
namespace {

using Tensors = std::map<std::string, at::Tensor>;

constexpr float kBand0 = 3.5449077F;  // 1 / Y00: a constant irradiance of 1

// Two environments of 32x16: constant 1 without a key; and 0.5 everywhere with a key from the left.
Tensors plain_tensors() {
  Tensors tensors;
  tensors["maps"] = at::ones({2, 16, 32, 3});
  tensors["maps"][1].fill_(0.5);
  tensors["glossy"] = at::ones({2, 2, 8, 16, 3});
  tensors["glossy"][1].fill_(0.5);
  tensors["glossy_roughness"] = at::tensor({0.3F, 0.6F});
  tensors["irradiance"] = at::zeros({2, 9, 3});
  tensors["irradiance"][0][0].fill_(kBand0);
  tensors["irradiance"][1][0].fill_(0.5 * kBand0);
  tensors["key"] =
      at::tensor({0.F, 1.F, 0.F, 0.F, 0.F, 0.F, 0.2F, -1.F, 0.F, 0.F, 2.F, 1.F, 1.F, 0.2F})
          .reshape({2, 7});
  tensors["indoor"] = at::tensor({0, 1}, at::kByte);
  return tensors;
}

class EnvironmentFile : public ::testing::Test {
 protected:
  void SetUp() override {
    path_ = (std::filesystem::temp_directory_path() /
             (std::string("guise_light_") +
              ::testing::UnitTest::GetInstance()->current_test_info()->name() + ".safetensors"))
                .string();
  }
  void TearDown() override { std::filesystem::remove(path_); }

  EnvironmentModel model(const Tensors& tensors) {
    io::write_safetensors(path_, tensors);
    return EnvironmentModel::load(path_);
  }

  std::string path_;
};

// A unit vector of a seeded stream.
Vec3 random_direction(core::RandomStream& random) {
  return normalized({random.next_normal(), random.next_normal(), random.next_normal()});
}

void expect_colour(const Vec3& colour, const Vec3& expected, float tolerance) {
  EXPECT_NEAR(colour.x, expected.x, tolerance);
  EXPECT_NEAR(colour.y, expected.y, tolerance);
  EXPECT_NEAR(colour.z, expected.z, tolerance);
}

TEST_F(EnvironmentFile, ConstantMapGivesItsValueEverywhere) {
  LightRecipe light;
  light.strength = 1.5F;
  light.turn_deg = 77;
  const Environment environment = model(plain_tensors()).mix(light);
  core::RandomStream random(1, 0, 0);
  for (int i = 0; i < 200; ++i) {
    const Vec3 direction = random_direction(random);
    const Vec3 expected{1.5F, 1.5F, 1.5F};
    expect_colour(radiance(environment, direction), expected, 1e-5F);
    expect_colour(irradiance(environment, direction), expected, 1e-5F);
    for (const float roughness : {0.1F, 0.3F, 0.5F, 0.8F, 1.0F}) {
      expect_colour(glossy(environment, direction, roughness), expected, 1e-5F);
    }
  }
}

TEST_F(EnvironmentFile, TurningByAFullCircleChangesNothing) {
  Tensors tensors = plain_tensors();
  at::manual_seed(3);
  tensors["maps"] = at::rand({2, 16, 32, 3});
  tensors["irradiance"] = at::rand({2, 9, 3});
  const EnvironmentModel environments = model(tensors);
  LightRecipe light{0, 1, 0.4F, 30, 1, 1, {}};
  const Environment before = environments.mix(light);
  for (const float turns : {360.0F, -360.0F, 720.0F}) {
    light.turn_deg = 30 + turns;
    const Environment after = environments.mix(light);
    for (size_t i = 0; i < before.map.size(); ++i) {
      expect_colour(after.map[i], before.map[i], 1e-4F);
    }
    for (size_t k = 0; k < 9; ++k) expect_colour(after.irradiance[k], before.irradiance[k], 1e-4F);
    expect_colour(after.key.direction, before.key.direction, 1e-4F);
  }
}

TEST_F(EnvironmentFile, TurningMovesMapIrradianceAndKeyTogether) {
  Tensors tensors = plain_tensors();
  at::manual_seed(4);
  tensors["maps"] = at::rand({2, 16, 32, 3});
  tensors["glossy"] = at::rand({2, 2, 8, 16, 3});
  tensors["irradiance"] = at::rand({2, 9, 3}).add(1.0);
  const EnvironmentModel environments = model(tensors);
  LightRecipe light;
  light.environment_a = 1;
  const Environment still = environments.mix(light);
  light.turn_deg = 90;  // whole columns of both maps
  const Environment moved = environments.mix(light);
  // What stood behind the head (-z) now stands at the image's right (+x), -x behind the head.
  expect_colour(moved.key.direction, {0, 0, -1}, 1e-5F);
  core::RandomStream random(2, 0, 0);
  for (int i = 0; i < 100; ++i) {
    const Vec3 d = random_direction(random);
    const Vec3 there{-d.z, d.y, d.x};
    expect_colour(radiance(moved, there), radiance(still, d), 2e-3F);
    expect_colour(irradiance(moved, there), irradiance(still, d), 1e-4F);
    expect_colour(glossy(moved, there, 0.4F), glossy(still, d, 0.4F), 2e-3F);
  }
}

TEST_F(EnvironmentFile, TheWeakerKeyGoesIntoTheSoftLight) {
  Tensors tensors = plain_tensors();
  tensors["key"][0] = at::tensor({1.F, 0.F, 0.F, 1.F, 1.F, 1.F, 0.2F});
  const EnvironmentModel environments = model(tensors);
  const Environment mixed = environments.mix({0, 1, 0.75F, 0, 1, 1, {}});
  expect_colour(mixed.key.direction, {-1, 0, 0}, 1e-6F);
  expect_colour(mixed.key.radiance, {1.5F, 0.75F, 0.75F}, 1e-6F);
  const Vec3 soft = irradiance(mixed, {1, 0, 0}), away = irradiance(mixed, {-1, 0, 0});
  const Vec3 expected{0.625F, 0.625F, 0.625F};  // 0.25 * 1 + 0.75 * 0.5
  EXPECT_GT(soft.x, expected.x + 0.15F) << "faces the weaker key, of irradiance / pi 0.25";
  EXPECT_LT(soft.x, expected.x + 0.25F);
  EXPECT_NEAR(away.x, expected.x, 0.05F);
  EXPECT_GT(glossy(mixed, {1, 0, 0}, 0.3F).x, expected.x + 0.5F);
  EXPECT_NEAR(glossy(mixed, {-1, 0, 0}, 0.3F).x, expected.x, 0.02F);
}

TEST_F(EnvironmentFile, SaturationZeroIsGrey) {
  const Environment grey = model(plain_tensors()).mix({1, 1, 0, 0, 1, 0, {}});
  EXPECT_FLOAT_EQ(grey.key.radiance.x, grey.key.radiance.z);
  EXPECT_NEAR(luminance(grey.key.radiance), luminance({2, 1, 1}), 1e-5F);
}

TEST_F(EnvironmentFile, WrongRecipesAreRefused) {
  const EnvironmentModel environments = model(plain_tensors());
  EXPECT_FALSE(environments.indoor(0));
  EXPECT_TRUE(environments.indoor(1));
  const float nan = std::nanf("");
  for (const LightRecipe& wrong :
       {LightRecipe{2, 0, 0, 0, 1, 1, {}}, LightRecipe{0, -1, 0, 0, 1, 1, {}},
        LightRecipe{0, 1, 1.1F, 0, 1, 1, {}}, LightRecipe{0, 1, nan, 0, 1, 1, {}},
        LightRecipe{0, 1, 0, nan, 1, 1, {}}, LightRecipe{0, 1, 0, 0, -1, 1, {}},
        LightRecipe{0, 1, 0, 0, 1, 3, {}}}) {
    EXPECT_THROW(environments.mix(wrong), std::invalid_argument);
  }
}

TEST_F(EnvironmentFile, DamagedFilesAreRefused) {
  EXPECT_THROW(EnvironmentModel::load(path_), Unavailable);
  EXPECT_NO_THROW(model(plain_tensors()));
  for (const char* name : {"maps", "glossy", "glossy_roughness", "irradiance", "key", "indoor"}) {
    Tensors tensors = plain_tensors();
    tensors.erase(name);
    EXPECT_THROW(model(tensors), CorruptFile) << "without " << name;
    tensors = plain_tensors();
    tensors[name] = at::cat({tensors[name], tensors[name]});
    EXPECT_THROW(model(tensors), CorruptFile) << "too much of " << name;
    tensors = plain_tensors();
    if (!tensors[name].is_floating_point()) continue;
    tensors[name].view(-1)[0].fill_(std::nan(""));
    EXPECT_THROW(model(tensors), CorruptFile) << "NaN in " << name;
  }
  Tensors tensors = plain_tensors();
  tensors["maps"][0][0][0][0].fill_(-1);
  EXPECT_THROW(model(tensors), CorruptFile);
  tensors = plain_tensors();
  tensors["key"][1][0].fill_(-3);
  EXPECT_THROW(model(tensors), CorruptFile) << "a direction that is not unit";
}

}  // namespace
}  // namespace guise::render
