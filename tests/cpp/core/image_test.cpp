// What counts as an image, and rectangles of whole pixels; resizing through the OpenCV bridge.
#include "core/image.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include "core/cv_bridge.h"
#include "core/image_pyramid.h"
#include "support/naive_ops.h"

namespace guise::core {
namespace {

TEST(Image, TakesUint8RgbAndMakesItContiguous) {
  const at::Tensor image = guise::testing::random_image(6, 9, 1);
  EXPECT_TRUE(check_image(image).equal(image));
  const at::Tensor strided = image.permute({1, 0, 2});
  const at::Tensor packed = check_image(strided);
  EXPECT_TRUE(packed.is_contiguous());
  EXPECT_TRUE(packed.equal(strided));
}

TEST(Image, RefusesEverythingElseNamingIt) {
  for (const at::Tensor& wrong :
       {at::Tensor(), at::zeros({4, 4, 3}), at::zeros({4, 4}, at::kByte),
        at::zeros({3, 4, 4}, at::kByte), at::zeros({4, 4, 4}, at::kByte),
        at::zeros({1, 4, 4, 3}, at::kByte), at::zeros({0, 4, 3}, at::kByte),
        at::zeros({4, 0, 3}, at::kByte), at::zeros({4, 4, 3}, at::kBool)}) {
    EXPECT_THROW(check_image(wrong), std::invalid_argument);
  }
  try {
    check_image(at::zeros({3, 8, 8}), "portrait");
    FAIL();
  } catch (const std::invalid_argument& error) {
    const std::string text = error.what();
    EXPECT_EQ(text.rfind("portrait ", 0), 0U) << text;
    EXPECT_NE(text.find("[3, 8, 8]"), std::string::npos) << text;
  }
}

void expect_rect(const PixelRect& rect, int64_t x0, int64_t y0, int64_t x1, int64_t y1) {
  EXPECT_EQ(rect.x0, x0);
  EXPECT_EQ(rect.y0, y0);
  EXPECT_EQ(rect.x1, x1);
  EXPECT_EQ(rect.y1, y1);
}

TEST(PixelRect, EnclosesAndClips) {
  expect_rect(enclosing_rect({1.2, 2.0, 3.0, 4.1}, 10, 10), 1, 2, 3, 5);
  expect_rect(enclosing_rect({-5, -5.5, 100, 99.5}, 10, 8), 0, 0, 10, 8);
  expect_rect(enclosing_rect({-1e30, -1e30, 1e30, 1e30}, 10, 8), 0, 0, 10, 8);
  EXPECT_TRUE(enclosing_rect({20, 2, 30, 4}, 10, 10).empty());
  EXPECT_TRUE(enclosing_rect({2, -9, 4, -1}, 10, 10).empty());
  EXPECT_FALSE(enclosing_rect({2, 2, 2.1, 2.1}, 10, 10).empty()) << "a part of a pixel is a pixel";
}

TEST(PixelRect, ViewWritesThrough) {
  at::Tensor image = at::zeros({5, 6, 3}, at::kByte);
  view_rect(image, {1, 2, 3, 5}).fill_(9);
  EXPECT_EQ(image.sum().item<int64_t>(), 2 * 3 * 3 * 9);
  EXPECT_EQ(image[2][1][0].item<int>(), 9);
  EXPECT_EQ(image[1][1][0].item<int>(), 0);
}

TEST(Resize, AveragesAreasAndKeepsFlatColours) {
  at::Tensor image = at::zeros({4, 4, 3}, at::kByte);
  image.slice(0, 0, 2).slice(1, 0, 2).fill_(200);
  image[0][0].fill_(100);
  const at::Tensor half = resize_image(image, 2, 2);
  EXPECT_EQ(half[0][0][0].item<int>(), 175);
  EXPECT_EQ(half[0][1][0].item<int>(), 0);
  const at::Tensor flat = at::full({3, 5, 3}, 77, at::kByte);
  EXPECT_TRUE(resize_image(flat, 50, 31).eq(77).all().item<bool>());
  EXPECT_THROW(resize_image(image, 0, 4), std::invalid_argument);
}

TEST(Resize, ReadsViewsWithTheirStride) {
  const at::Tensor image = guise::testing::random_image(40, 60, 2);
  const at::Tensor view = view_rect(image, {7, 5, 47, 35});
  EXPECT_TRUE(resize_image(view, 20, 15).equal(resize_image(view.contiguous(), 20, 15)));
  EXPECT_THROW(mat_view(image.flip(1).permute({1, 0, 2})), std::invalid_argument)
      << "rows whose pixels lie apart";
}

TEST(ImagePyramid, HalvesByExactMeansUntilSmallEnough) {
  const at::Tensor image = guise::testing::random_image(101, 203, 3);
  const ImagePyramid pyramid(image, 60);
  ASSERT_EQ(pyramid.levels().size(), 3U);
  EXPECT_EQ(pyramid.levels()[0].data_ptr(), image.data_ptr()) << "level 0 is not copied";
  for (size_t i = 1; i < 3; ++i) {
    const at::Tensor &above = pyramid.levels()[i - 1], level = pyramid.levels()[i];
    ASSERT_EQ(level.size(0), above.size(0) / 2);
    ASSERT_EQ(level.size(1), above.size(1) / 2);
    const at::Tensor whole = view_rect(above, {0, 0, 2 * level.size(1), 2 * level.size(0)});
    const at::Tensor mean = whole.to(at::kDouble)
                                .reshape({level.size(0), 2, level.size(1), 2, 3})
                                .mean(at::IntArrayRef{1, 3});
    EXPECT_LE((level.to(at::kDouble) - mean).abs().max().item<double>(), 0.5);
  }
  EXPECT_EQ(ImagePyramid(image, 203).levels().size(), 1U);
  EXPECT_EQ(ImagePyramid(guise::testing::random_image(1, 500, 1), 60).levels().size(), 1U)
      << "a line cannot be halved";
  EXPECT_THROW(ImagePyramid(image, 0), std::invalid_argument);
}

TEST(ImagePyramid, ChoosesTheSmallestLevelThatIsLargeEnough) {
  const ImagePyramid pyramid(guise::testing::random_image(64, 640, 3), 100);
  ASSERT_EQ(pyramid.levels().size(), 4U);
  EXPECT_EQ(pyramid.level_for(100, 101), 0U);
  EXPECT_EQ(pyramid.level_for(100, 51), 0U);
  EXPECT_EQ(pyramid.level_for(100, 50), 1U);
  EXPECT_EQ(pyramid.level_for(100, 1), 3U) << "there is none smaller";
  EXPECT_EQ(ImagePyramid::scale(3), 0.125);
}

}  // namespace
}  // namespace guise::core
