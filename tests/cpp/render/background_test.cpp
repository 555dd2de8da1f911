// Backgrounds: valid light for every kind, keyed by the photo alone, as bright as the environment.
#include "render/background.h"

#include <gtest/gtest.h>

#include <array>
#include <cmath>

namespace guise::render {
namespace {

constexpr std::array<Background, 5> kKinds = {Background::kEnvironment, Background::kIndoor,
                                              Background::kOutdoor, Background::kStudio,
                                              Background::kPlain};

// Warm below, blue above, a bright patch on one side.
Environment test_environment(float strength) {
  Environment environment;
  environment.width = 64;
  environment.height = 32;
  for (int y = 0; y < environment.height; ++y) {
    for (int x = 0; x < environment.width; ++x) {
      const float up = 1.0F - static_cast<float>(y) / 31.0F;
      const float patch = x > 40 && x < 48 && y > 8 && y < 16 ? 3.0F : 0.0F;
      environment.map.push_back(
          (lerp(Vec3{0.5F, 0.35F, 0.2F}, Vec3{0.5F, 0.7F, 1.1F}, up) + Vec3{1, 1, 1} * patch) *
          strength);
    }
  }
  return environment;
}

PhotoRecipe photo_of(Background kind, uint64_t key, float blur) {
  PhotoRecipe photo;
  photo.background = kind;
  photo.noise_key = key;
  photo.camera.background_blur = blur;
  return photo;
}

float mean_luminance(const std::vector<Vec3>& picture) {
  double sum = 0;
  for (const Vec3& pixel : picture) sum += luminance(pixel);
  return static_cast<float>(sum / static_cast<double>(picture.size()));
}

float environment_luminance(const Environment& environment) {
  double sum = 0, weight = 0;
  for (int y = 0; y < environment.height; ++y) {
    const double share = std::sin(3.14159265 * (y + 0.5) / environment.height);
    for (int x = 0; x < environment.width; ++x) {
      sum += share * luminance(environment.map[static_cast<size_t>(y * environment.width + x)]);
      weight += share;
    }
  }
  return static_cast<float>(sum / weight);
}

TEST(Background, IsFiniteLightAtEverySize) {
  const Environment environment = test_environment(1);
  for (const Background kind : kKinds) {
    for (const auto& [width, height] : {std::pair{1, 1}, {7, 5}, {48, 48}, {112, 112}, {90, 160}}) {
      for (const float blur : {0.0F, 0.5F, 1.0F}) {
        const std::vector<Vec3> picture =
            paint_background(photo_of(kind, 11, blur), environment, width, height);
        ASSERT_EQ(picture.size(), static_cast<size_t>(width) * static_cast<size_t>(height));
        for (const Vec3& pixel : picture) {
          ASSERT_TRUE(std::isfinite(pixel.x) && std::isfinite(pixel.y) && std::isfinite(pixel.z));
          ASSERT_GE(std::min({pixel.x, pixel.y, pixel.z}), 0.0F) << static_cast<int>(kind);
        }
      }
    }
  }
}

TEST(Background, SameKeyGivesTheSamePictureAndAnotherKeyAnother) {
  const Environment environment = test_environment(1);
  for (const Background kind : kKinds) {
    const std::vector<Vec3> once = paint_background(photo_of(kind, 5, 0.3F), environment, 64, 64);
    const std::vector<Vec3> again = paint_background(photo_of(kind, 5, 0.3F), environment, 64, 64);
    const std::vector<Vec3> other = paint_background(photo_of(kind, 6, 0.3F), environment, 64, 64);
    double same = 0, different = 0;
    for (size_t i = 0; i < once.size(); ++i) {
      same += std::fabs(luminance(once[i] - again[i]));
      different += std::fabs(luminance(once[i] - other[i]));
    }
    EXPECT_EQ(same, 0) << static_cast<int>(kind);
    EXPECT_GT(different / static_cast<double>(once.size()), 0.005) << static_cast<int>(kind);
  }
}

TEST(Background, IsAboutAsBrightAsTheEnvironment) {
  for (const float strength : {0.05F, 1.0F, 20.0F}) {
    const Environment environment = test_environment(strength);
    const float expected = environment_luminance(environment);
    for (const Background kind : kKinds) {
      for (uint64_t key = 0; key < 40; ++key) {
        const float mean = mean_luminance(paint_background(
            photo_of(kind, key, static_cast<float>(key % 5) / 4), environment, 32, 32));
        EXPECT_GT(mean, expected / 3) << static_cast<int>(kind) << " key " << key;
        EXPECT_LT(mean, expected * 3) << static_cast<int>(kind) << " key " << key;
      }
    }
  }
}

TEST(Background, MoreBlurMeansLessDetail) {
  const Environment environment = test_environment(1);
  const auto detail = [&](float blur) {
    double sum = 0;
    for (uint64_t key = 0; key < 12; ++key) {
      const std::vector<Vec3> picture =
          paint_background(photo_of(Background::kIndoor, key, blur), environment, 96, 96);
      for (size_t i = 1; i < picture.size(); ++i) {
        // The rims of bokeh discs shall not count for more than other edges.
        const float step = std::fabs(luminance(picture[i] - picture[i - 1]));
        if (i % 96 != 0) sum += std::pow(std::min(step, 0.1F), 2);
      }
    }
    return sum;
  };
  EXPECT_GT(detail(0.0F), 1.2 * detail(0.5F));
  EXPECT_GT(detail(0.5F), 1.2 * detail(1.0F));
}

TEST(Background, RefusesAnEmptyPicture) {
  EXPECT_THROW(paint_background(PhotoRecipe{}, test_environment(1), 0, 8), std::invalid_argument);
}

}  // namespace
}  // namespace guise::render
