// A face drawn around known points must land on the template, whatever its size and turn.
#include "stages/align_face.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <cmath>

#include "core/image.h"

namespace guise::stages {
namespace {

// A black picture with one bright disc a landmark, each in a place of its own among the channels.
at::Tensor discs(int64_t size_px, const core::Landmarks5& centres, double radius_px) {
  at::Tensor image = at::zeros({size_px, size_px, 3}, at::kByte);
  auto pixels = image.accessor<uint8_t, 3>();
  for (const core::Point& centre : centres) {
    const core::Box reach{centre.x - radius_px - 2, centre.y - radius_px - 2,
                          centre.x + radius_px + 2, centre.y + radius_px + 2};
    const core::PixelRect rect = core::enclosing_rect(reach, size_px, size_px);
    for (int64_t y = rect.y0; y < rect.y1; ++y) {
      for (int64_t x = rect.x0; x < rect.x1; ++x) {
        const double distance =
            std::hypot(static_cast<double>(x) - centre.x, static_cast<double>(y) - centre.y);
        const double value = 255 * std::clamp(radius_px + 0.5 - distance, 0.0, 1.0);
        pixels[y][x][0] = std::max(pixels[y][x][0], static_cast<uint8_t>(value));
      }
    }
  }
  return image;
}

// Centre of mass of the red within `reach_px` of a point.
core::Point mass_centre(const at::Tensor& crop, const core::Point& near, double reach_px) {
  const auto pixels = crop.accessor<uint8_t, 3>();
  double mass = 0, x_sum = 0, y_sum = 0;
  for (int64_t y = 0; y < crop.size(0); ++y) {
    for (int64_t x = 0; x < crop.size(1); ++x) {
      const double fx = static_cast<double>(x), fy = static_cast<double>(y);
      if (std::hypot(fx - near.x, fy - near.y) <= reach_px) {
        mass += pixels[y][x][0];
        x_sum += fx * pixels[y][x][0];
        y_sum += fy * pixels[y][x][0];
      }
    }
  }
  return {x_sum / mass, y_sum / mass};
}

core::Landmarks5 placed(const core::Landmarks5& points, const core::Similarity2D& map) {
  core::Landmarks5 result;
  for (size_t i = 0; i < 5; ++i) result[i] = map(points[i]);
  return result;
}

core::Similarity2D similarity(double scale, double rotation_deg, double tx, double ty) {
  const double angle = rotation_deg * M_PI / 180.0;
  return {scale * std::cos(angle), scale * std::sin(angle), tx, ty};
}

double worst_distance(const at::Tensor& crop, const core::Landmarks5& expected, double reach_px) {
  double worst = 0;
  for (const core::Point& point : expected) {
    const core::Point seen = mass_centre(crop, point, reach_px);
    const double distance = std::hypot(seen.x - point.x, seen.y - point.y);
    worst = std::isfinite(distance) ? std::max(worst, distance) : 1e9;
  }
  return worst;
}

TEST(AlignFace, PutsLandmarksOnTheTemplate) {
  for (const int64_t size_px : {112, 128, 224}) {
    const core::Landmarks5 target = core::arcface_template(size_px);
    // 128 is the layout of 112 with a wider border.
    const double unit = size_px == 128 ? 1.0 : static_cast<double>(size_px) / 112.0;
    for (const double rotation_deg : {-40.0, 0.0, 15.0, 170.0}) {
      for (const double scale : {0.8, 1.0, 2.3}) {
        const core::Landmarks5 marks =
            placed(core::arcface_template(112), similarity(scale, rotation_deg, 300, 280));
        const at::Tensor image = discs(640, marks, 5 * scale);
        const AlignedFaces aligned = AlignFace({.size_px = size_px})(image, {marks});
        ASSERT_EQ(aligned.crops.sizes(), (std::vector<int64_t>{1, size_px, size_px, 3}));
        EXPECT_LT(worst_distance(aligned.crops[0], target, 8 * unit), 0.5)
            << size_px << " px, " << rotation_deg << " deg, x " << scale;
        EXPECT_NEAR(aligned.image_to_crop[0].scale(), unit / scale, 0.002);
        EXPECT_NEAR(std::remainder(aligned.image_to_crop[0].rotation_deg() + rotation_deg, 360.0),
                    0, 0.2);
      }
    }
  }
}

TEST(AlignFace, TheCheckSeesAShiftOfOnePixel) {
  const core::Landmarks5 marks = placed(core::arcface_template(112), similarity(1, 0, 100, 100));
  const at::Tensor image = discs(400, marks, 5);
  core::Landmarks5 shifted = marks;
  for (core::Point& point : shifted) point.x += 1;
  const at::Tensor crop = AlignFace()(image, {shifted}).crops[0];
  EXPECT_GT(worst_distance(crop, core::arcface_template(112), 8), 0.5);
}

TEST(AlignFace, FfhqTemplate) {
  const core::Landmarks5 marks = placed(core::ffhq_template(512), similarity(0.5, 10, 100, 60));
  const AlignedFaces aligned =
      AlignFace({.size_px = 256, .crop_template = "ffhq"})(discs(512, marks, 5), {marks});
  EXPECT_LT(worst_distance(aligned.crops[0], core::ffhq_template(256), 8), 0.5);
}

// Fine stripes: a bilinear warp to a small crop picks some of them, averaging gives grey.
TEST(AlignFace, SmoothAveragesALargeFace) {
  at::Tensor image = at::zeros({1200, 1200, 3}, at::kByte);
  image.slice(1, 0, 1200, 2).fill_(200);
  const core::Landmarks5 marks = placed(core::arcface_template(112), similarity(9.3, 0, 20, 30));
  const at::Tensor plain = AlignFace({.size_px = 64})(image, {marks}).crops.to(at::kFloat);
  const at::Tensor smooth =
      AlignFace({.size_px = 64, .is_smooth = true})(image, {marks}).crops.to(at::kFloat);
  EXPECT_LT((smooth - 100).abs().max().item<float>(), 2);
  EXPECT_GT((plain - 100).abs().max().item<float>(), 50);
}

TEST(AlignFace, SmoothPutsLandmarksOnTheTemplate) {
  for (const double scale : {0.8, 2.5, 7.0}) {
    const core::Landmarks5 marks =
        placed(core::arcface_template(112), similarity(scale, 20, 300, 80));
    const at::Tensor image = discs(1100, marks, 6 * scale);
    const AlignedFaces aligned =
        AlignFace({.size_px = 112, .is_smooth = true})(image, {marks, marks});
    EXPECT_LT(worst_distance(aligned.crops[1], core::arcface_template(112), 9), 0.25) << scale;
    EXPECT_EQ(aligned.crop_template, "arcface");
  }
  EXPECT_EQ(AlignFace({.size_px = 64, .is_smooth = true})(at::zeros({9, 9, 3}, at::kByte), {})
                .crops.sizes(),
            (std::vector<int64_t>{0, 64, 64, 3}));
}

TEST(AlignFace, CutsOutSeveralFacesInTheirOrder) {
  const core::Landmarks5 first = placed(core::arcface_template(112), similarity(1, 0, 20, 20));
  const core::Landmarks5 second =
      placed(core::arcface_template(112), similarity(1.2, 20, 300, 200));
  const at::Tensor image = at::maximum(discs(500, first, 4), discs(500, second, 4));
  const at::Tensor both = AlignFace()(image, {first, second}).crops;
  EXPECT_TRUE(both[0].equal(AlignFace()(image, {first}).crops[0]));
  EXPECT_TRUE(both[1].equal(AlignFace()(image, {second}).crops[0]));
  EXPECT_FALSE(both[0].equal(both[1]));
}

TEST(AlignFace, OutsideThePictureIsBlack) {
  const at::Tensor white = at::full({200, 200, 3}, 255, at::kByte);
  const core::Landmarks5 beyond = placed(core::arcface_template(112), similarity(1, 0, -56, 40));
  const at::Tensor crop = AlignFace()(white, {beyond}).crops[0];
  EXPECT_TRUE(crop.slice(1, 0, 55).eq(0).all().item<bool>());
  EXPECT_TRUE(crop.slice(1, 57, 112).eq(255).all().item<bool>());
}

TEST(AlignFace, NoFacesAndWrongArguments) {
  const at::Tensor image = at::zeros({50, 50, 3}, at::kByte);
  EXPECT_EQ(AlignFace({.size_px = 64})(image, {}).crops.sizes(),
            (std::vector<int64_t>{0, 64, 64, 3}));
  EXPECT_THROW(AlignFace({.size_px = 15}), std::invalid_argument);
  EXPECT_THROW(AlignFace({.crop_template = "mtcnn"}), std::invalid_argument);
  EXPECT_THROW(AlignFace()(image, {core::Landmarks5{}}), std::invalid_argument)
      << "points that all coincide";
  EXPECT_THROW(AlignFace()(at::zeros({50, 50, 3}), {}), std::invalid_argument);
}

}  // namespace
}  // namespace guise::stages
