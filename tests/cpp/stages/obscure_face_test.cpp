// What is masked is gone, what is outside is untouched, for every method and shape.
#include "stages/obscure_face.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <cmath>

#include "support/naive_ops.h"

namespace guise::stages {
namespace {

const char* const kMethods[] = {"blur", "pixelate", "solid"};
const char* const kShapes[] = {"ellipse", "box"};

DetectedFace face_at(double x0, double y0, double x1, double y1) {
  return {{x0, y0, x1, y1}, {}, 1.0F, "fake"};
}

// Noise without a single black pixel, so that every pixel of a solid mask has to change.
at::Tensor noise(int64_t height, int64_t width) {
  return testing::random_image(height, width, 7).clamp_min(1);
}

// Distance from the mask's inside in px, 0 inside, after the contract in obscure_face.h: a slow
// twin that knows nothing of regions.
double outside_px(const core::Box& mask, bool ellipse, int64_t x, int64_t y) {
  const double dx = std::abs(static_cast<double>(x) + 0.5 - mask.centre().x);
  const double dy = std::abs(static_cast<double>(y) + 0.5 - mask.centre().y);
  const double rx = mask.width() / 2, ry = mask.height() / 2;
  if (!ellipse) return std::max({dx - rx, dy - ry, 0.0});
  const double radius = std::hypot(dx / rx, dy / ry);
  return radius <= 1 ? 0.0 : std::hypot(dx, dy) * (1 - 1 / radius);
}

struct Changes {
  int64_t inside_changed = 0, inside_kept = 0, feather_changed = 0, outside_changed = 0;
};

Changes changes(const at::Tensor& before, const at::Tensor& after, const core::Box& mask,
                bool ellipse, double feather_px) {
  const at::Tensor differs = before.ne(after).any(2);
  const auto changed = differs.accessor<bool, 2>();
  Changes counts;
  for (int64_t y = 0; y < before.size(0); ++y) {
    for (int64_t x = 0; x < before.size(1); ++x) {
      const double distance = outside_px(mask, ellipse, x, y);
      if (distance == 0) {
        ++(changed[y][x] ? counts.inside_changed : counts.inside_kept);
      } else {
        (distance < feather_px ? counts.feather_changed : counts.outside_changed) += changed[y][x];
      }
    }
  }
  return counts;
}

TEST(ObscureFace, OutsideMaskAndFeatherEveryPixelStays) {
  const at::Tensor image = noise(160, 200);
  const core::Box face{70.3, 50.8, 121.9, 113.2};
  for (const char* method : kMethods) {
    for (const char* shape : kShapes) {
      for (const double feather : {0.0, 0.05, 0.3}) {
        const ObscureFace obscure({.method = method, .shape = shape, .feather = feather});
        const ObscuredImage result = obscure(image, {{face, {}, 1.0F, ""}});
        const double feather_px = feather * 62.4;
        const Changes counts = changes(image, result.image, obscure.mask_box(face),
                                       std::string(shape) == "ellipse", feather_px);
        EXPECT_EQ(counts.outside_changed, 0) << method << " " << shape << " " << feather;
        EXPECT_GT(counts.inside_changed, 2000) << method << " " << shape << " " << feather;
        EXPECT_EQ(counts.feather_changed > 0, feather > 0) << method << " " << shape;
        if (std::string(method) == "solid") {
          EXPECT_EQ(counts.inside_kept, 0) << shape << ": not one pixel of the mask may stay";
        } else {
          EXPECT_LT(counts.inside_kept, counts.inside_changed / 20) << method << " " << shape;
        }
      }
    }
  }
}

TEST(ObscureFace, SolidIsBlackInTheWholeMask) {
  const at::Tensor image = noise(120, 120);
  const ObscuredImage box =
      ObscureFace({.method = "solid", .shape = "box", .mask_scale = 1.5, .feather = 0})(
          image, {face_at(40, 40, 60, 80)});
  EXPECT_TRUE(box.image.slice(0, 30, 90).slice(1, 35, 65).eq(0).all().item<bool>());
  EXPECT_EQ(box.image.eq(0).all(2).sum().item<int64_t>(), 60 * 30) << "and nothing else";
  ASSERT_EQ(box.masks.size(), 1U);
  EXPECT_EQ(box.masks[0].x0, 35);
  EXPECT_EQ(box.masks[0].y1, 90);
}

TEST(ObscureFace, TheInputIsLeftAsItIs) {
  const at::Tensor image = noise(80, 80), before = image.clone();
  // A face as wide as the picture: its region is a view of whole rows.
  const ObscuredImage result = ObscureFace()(image, {face_at(-10, 10, 90, 60)});
  EXPECT_TRUE(image.equal(before));
  EXPECT_FALSE(result.image.equal(before));
  EXPECT_TRUE(ObscureFace()(image, {}).image.equal(before)) << "no face, no change";
}

TEST(ObscureFace, GreyStaysGrey) {
  const at::Tensor grey = noise(100, 100).slice(2, 0, 1).expand({100, 100, 3}).contiguous();
  for (const char* method : kMethods) {
    const at::Tensor result =
        ObscureFace({.method = method})(grey, {face_at(20, 30, 70, 90)}).image;
    EXPECT_TRUE(result.select(2, 0).equal(result.select(2, 1))) << method;
    EXPECT_TRUE(result.select(2, 0).equal(result.select(2, 2))) << method;
    EXPECT_FALSE(result.equal(grey)) << method;
  }
}

TEST(ObscureFace, FacesPartlyAndWhollyOutside) {
  const at::Tensor image = noise(100, 100);
  for (const char* method : kMethods) {
    const ObscureFace obscure({.method = method, .shape = "box", .feather = 0});
    for (const core::Box& face : {core::Box{-30, -20, 20, 40}, core::Box{80, 70, 150, 160},
                                  core::Box{-50, -50, 150, 150}, core::Box{95, 40, 99.5, 44}}) {
      const ObscuredImage result = obscure(image, {{face, {}, 1.0F, ""}});
      const Changes counts = changes(image, result.image, obscure.mask_box(face), false, 0);
      EXPECT_EQ(counts.outside_changed, 0) << method;
      EXPECT_GT(counts.inside_changed, counts.inside_kept) << method;
    }
    for (const core::Box& face :
         {core::Box{-90, 0, -40, 50}, core::Box{300, 300, 350, 350}, core::Box{20, 200, 60, 240}}) {
      const ObscuredImage result = obscure(image, {{face, {}, 1.0F, ""}});
      EXPECT_TRUE(result.image.equal(image)) << method;
      EXPECT_EQ(result.masks.size(), 1U) << "still one mask a face";
    }
  }
}

// Number of different rows that a column of the mask still has: what detail is left, in blocks.
int64_t rows_left(const at::Tensor& image, int64_t x, int64_t y0, int64_t y1) {
  int64_t count = 1;
  for (int64_t y = y0 + 1; y < y1; ++y) count += !image[y][x].equal(image[y - 1][x]);
  return count;
}

TEST(ObscureFace, PixelationLeavesAsManyBlocksWhateverTheSize) {
  for (const int64_t size : {40, 100, 400}) {
    const at::Tensor image = noise(2 * size, 2 * size);
    const double s = static_cast<double>(size);
    const ObscureFace obscure({.method = "pixelate", .shape = "box", .feather = 0});
    const at::Tensor result = obscure(image, {face_at(s / 2, s / 2, s * 1.5, s * 1.5)}).image;
    const core::Box mask = obscure.mask_box({s / 2, s / 2, s * 1.5, s * 1.5});
    const int64_t blocks = rows_left(result, size, static_cast<int64_t>(std::ceil(mask.y0)),
                                     static_cast<int64_t>(mask.y1));
    EXPECT_GE(blocks, 8) << size;
    EXPECT_LE(blocks, 11) << size;
  }
}

// Spread of a bright line in the middle of a dark face, as a share of the face's size.
double line_spread(int64_t size, double strength) {
  const double s = static_cast<double>(size);
  at::Tensor image = at::full({3 * size, 3 * size, 3}, 10, at::kByte);
  const int64_t line = std::max<int64_t>(1, size / 20), first = 3 * size / 2 - line / 2;
  image.slice(1, first, first + line).fill_(250);
  const at::Tensor result = ObscureFace({.method = "blur", .shape = "box", .strength = strength})(
                                image, {face_at(s, s, 2 * s, 2 * s)})
                                .image;
  const at::Tensor row = result[3 * size / 2].select(1, 0).to(at::kDouble).slice(0, size, 2 * size);
  const at::Tensor weight = (row - row.min()).clamp_min(0);
  const at::Tensor x = at::arange(row.numel(), at::kDouble);
  const at::Tensor mean = (x * weight).sum() / weight.sum();
  return std::sqrt(((x - mean).pow(2) * weight).sum().item<double>() /
                   weight.sum().item<double>()) /
         s;
}

TEST(ObscureFace, BlurGrowsWithTheFace) {
  const double reference = line_spread(60, 1.0);
  EXPECT_GT(reference, 0.08);
  for (const int64_t size : {100, 240, 480}) {
    EXPECT_NEAR(line_spread(size, 1.0), reference, 0.02) << size;
  }
  EXPECT_LT(line_spread(100, 0.3), reference - 0.03) << "strength must be seen by this measure";
}

TEST(ObscureFace, HugeBoxesAreNotLeftSharp) {
  const at::Tensor image = noise(64, 64);
  for (const double huge : {1e7, 1e12, 1e19, 1e30}) {
    for (const char* method : kMethods) {
      const at::Tensor result = ObscureFace({.method = method, .shape = "box"})(
                                    image, {face_at(-huge, -huge, huge, huge)})
                                    .image;
      const at::Tensor middle = result.slice(0, 16, 48).slice(1, 16, 48).to(at::kFloat);
      EXPECT_LT(middle.std().item<double>(), 25.0) << method << " " << huge;
    }
  }
  EXPECT_GT(image.to(at::kFloat).std().item<double>(), 60.0) << "what the figure is without";
}

TEST(ObscureFace, RefusesInvalidOptionsAndBoxes) {
  const double nan = std::nan(""), infinity = INFINITY;
  for (const ObscureOptions& wrong :
       {ObscureOptions{.method = "swirl"}, ObscureOptions{.method = ""},
        ObscureOptions{.shape = "circle"}, ObscureOptions{.mask_scale = 0.99},
        ObscureOptions{.mask_scale = 4.1}, ObscureOptions{.mask_scale = nan},
        ObscureOptions{.strength = 0.05}, ObscureOptions{.strength = 11},
        ObscureOptions{.strength = nan}, ObscureOptions{.feather = -0.1},
        ObscureOptions{.feather = 1.1}, ObscureOptions{.feather = nan}}) {
    EXPECT_THROW(ObscureFace{wrong}, std::invalid_argument);
  }
  const at::Tensor image = noise(20, 20);
  for (const core::Box& wrong : {core::Box{5, 5, 5, 9}, core::Box{9, 5, 5, 9}, core::Box{},
                                 core::Box{nan, 0, 5, 5}, core::Box{0, 0, infinity, 5}}) {
    EXPECT_THROW(ObscureFace()(image, {{wrong, {}, 1.0F, ""}}), std::invalid_argument);
  }
  EXPECT_THROW(ObscureFace()(at::zeros({20, 20, 3}), {}), std::invalid_argument);
}

}  // namespace
}  // namespace guise::stages
