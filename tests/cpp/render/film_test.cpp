// The camera's steps, each alone.
#include "render/film.h"

#include <gtest/gtest.h>

#include <numeric>

namespace guise::render {
namespace {

constexpr int kSize = 64;
constexpr int kEdge = 35;  // off the blocks of JPEG

CameraRecipe perfect() {
  CameraRecipe camera;
  camera.noise = 0;
  camera.jpeg_quality = 100;
  camera.white_balance = 0;
  return camera;
}

std::vector<uint8_t> photograph(const CameraRecipe& camera, std::vector<Vec3> light,
                                uint64_t noise_key = 1, Metering metering = {}) {
  std::vector<uint8_t> rgb(static_cast<size_t>(kSize) * kSize * 3);
  develop(light, kSize, camera, metering, noise_key, rgb.data());
  return rgb;
}

std::vector<Vec3> flat(const Vec3& colour) {
  return std::vector<Vec3>(static_cast<size_t>(kSize) * kSize, colour);
}

// Black on the left, bright on the right.
std::vector<Vec3> edge() {
  std::vector<Vec3> light = flat({0.05F, 0.05F, 0.05F});
  for (size_t i = 0; i < light.size(); ++i) {
    if (i % kSize >= kEdge) light[i] = {0.6F, 0.6F, 0.6F};
  }
  return light;
}

size_t at(int x, int y) {
  return 3 * (static_cast<size_t>(y) * kSize + static_cast<size_t>(x));
}

double deviation(const std::vector<uint8_t>& rgb) {
  const double mean =
      std::accumulate(rgb.begin(), rgb.end(), 0.0) / static_cast<double>(rgb.size());
  double sum = 0;
  for (const uint8_t v : rgb) sum += (v - mean) * (v - mean);
  return std::sqrt(sum / static_cast<double>(rgb.size()));
}

TEST(Develop, KeepsGreyGreyAndOrdersBrightness) {
  uint8_t before = 0;
  for (const float light : {0.02F, 0.1F, 0.3F, 0.6F, 1.0F, 3.0F}) {
    const auto rgb = photograph(perfect(), flat({light, light, light}));
    EXPECT_EQ(rgb[0], rgb[1]);
    EXPECT_EQ(rgb[1], rgb[2]);
    EXPECT_GT(rgb[0], before);
    before = rgb[0];
  }
}

TEST(Develop, ExposesForTheLightOnTheFace) {
  const auto bright = photograph(perfect(), flat({0.8F, 0.8F, 0.8F}), 1, {4, {4, 4, 4}});
  const auto dim = photograph(perfect(), flat({0.1F, 0.1F, 0.1F}), 1, {0.5F, {0.5F, 0.5F, 0.5F}});
  EXPECT_NEAR(bright[0], dim[0], 1);
}

TEST(Develop, WhiteBalanceTakesTheLightsColourOut) {
  const Vec3 warm{1.3F, 1, 0.6F};
  CameraRecipe camera = perfect();
  camera.white_balance = 1;
  const auto neutral = photograph(camera, flat(warm * 0.4F), 1, {1, warm});
  EXPECT_NEAR(neutral[0], neutral[2], 1);
  camera.white_balance = 0;
  const auto tinted = photograph(camera, flat(warm * 0.4F), 1, {1, warm});
  EXPECT_GT(tinted[0], tinted[2] + 30);
}

TEST(Develop, GreyPicturesHaveNoColour) {
  CameraRecipe camera = perfect();
  camera.grey = true;
  camera.noise = 0.02F;
  const auto rgb = photograph(camera, flat({0.6F, 0.3F, 0.1F}));
  for (size_t i = 0; i < rgb.size(); i += 3) {
    ASSERT_EQ(rgb[i], rgb[i + 1]);
    ASSERT_EQ(rgb[i], rgb[i + 2]);
  }
}

TEST(Develop, NoiseHasTheStatedStrengthAndItsOwnKey) {
  CameraRecipe camera = perfect();
  camera.noise = 0.02F;
  camera.grey = true;
  const auto a = photograph(camera, flat({0.25F, 0.25F, 0.25F}), 1);
  const auto b = photograph(camera, flat({0.25F, 0.25F, 0.25F}), 2);
  EXPECT_NE(a, b);
  EXPECT_EQ(a, photograph(camera, flat({0.25F, 0.25F, 0.25F}), 1));
  EXPECT_NEAR(deviation(a), 0.02 * 255, 0.25 * 0.02 * 255);
}

TEST(Develop, DefocusAndMotionSoftenAnEdge) {
  const auto sharp = photograph(perfect(), edge());
  CameraRecipe blurred = perfect();
  blurred.defocus_px = 8;
  const auto soft = photograph(blurred, edge());
  const int middle = kEdge;
  const auto step = [&](const std::vector<uint8_t>& rgb) {
    return rgb[at(middle, 32)] - rgb[at(middle - 1, 32)];
  };
  EXPECT_LT(2 * step(soft), step(sharp));
  CameraRecipe moved = perfect();
  moved.motion_px = 20;
  EXPECT_LT(2 * step(photograph(moved, edge())), step(sharp));
  moved.motion_deg = 90;  // along the edge: no effect
  EXPECT_NEAR(step(photograph(moved, edge())), step(sharp), 2);
}

TEST(Develop, SharpeningOvershoots) {
  CameraRecipe camera = perfect();
  camera.sharpening = 1;
  const auto plain = photograph(perfect(), edge());
  const auto sharpened = photograph(camera, edge());
  EXPECT_GT(sharpened[at(kEdge, 32)], plain[at(kEdge, 32)]);
  EXPECT_LT(sharpened[at(kEdge - 1, 32)], plain[at(kEdge - 1, 32)]);
}

TEST(Develop, VignetteDarkensTheCorners) {
  CameraRecipe camera = perfect();
  camera.vignette = 1;
  const auto rgb = photograph(camera, flat({0.4F, 0.4F, 0.4F}));
  EXPECT_LT(rgb[at(0, 0)] + 20, rgb[at(32, 32)]);
}

TEST(Develop, JpegChangesThePictureALittle) {
  CameraRecipe camera = perfect();
  camera.jpeg_quality = 60;
  const auto plain = photograph(perfect(), edge());
  const auto squeezed = photograph(camera, edge());
  EXPECT_NE(plain, squeezed);
  double sum = 0;
  for (size_t i = 0; i < plain.size(); ++i) sum += std::abs(plain[i] - squeezed[i]);
  EXPECT_LT(sum / static_cast<double>(plain.size()), 6);
}

}  // namespace
}  // namespace guise::render
