#include "ops/pixelate.h"

#include <gtest/gtest.h>

#include <limits>
#include <stdexcept>

#include "cuda_only.h"
#include "support/naive_ops.h"

namespace guise {
namespace {

using ops::pixelate;
using testing::naive_pixelate;
using testing::random_image;

TEST(Pixelate, EqualsNaiveTwinForBlocksThatDoAndDoNotDivideTheImage) {
  const at::Tensor image = random_image(60, 45, /*seed=*/1);
  for (const int64_t block_px : {1, 2, 3, 7, 15, 44, 45, 60, 61}) {
    EXPECT_TRUE(pixelate(image, block_px).equal(naive_pixelate(image, block_px))) << block_px;
  }
}

TEST(Pixelate, ComparisonNoticesASingleSample) {
  const at::Tensor image = random_image(16, 16, /*seed=*/2);
  const at::Tensor sampled = image.slice(0, 0, 16, 4).slice(1, 0, 16, 4);
  const at::Tensor blocks = sampled.repeat_interleave(4, 0).repeat_interleave(4, 1);
  EXPECT_FALSE(blocks.equal(naive_pixelate(image, 4)));
}

TEST(Pixelate, BlockOfOneReturnsACopy) {
  const at::Tensor image = random_image(9, 11, /*seed=*/3);
  const at::Tensor out = pixelate(image, 1);
  EXPECT_TRUE(out.equal(image));
  EXPECT_NE(out.const_data_ptr(), image.const_data_ptr());
}

TEST(Pixelate, HugeBlockIsOneMean) {
  const at::Tensor image = random_image(9, 11, /*seed=*/4);
  const at::Tensor out = pixelate(image, std::numeric_limits<int64_t>::max());
  EXPECT_TRUE(out.equal(naive_pixelate(image, 11)));
}

TEST(Pixelate, RoundsHalfUp) {
  const at::Tensor image = at::tensor({0, 10, 254, 1, 11, 255}, at::kByte).view({1, 2, 3});
  EXPECT_TRUE(pixelate(image, 2)[0][0].equal(at::tensor({1, 11, 255}, at::kByte)));
}

TEST(Pixelate, TakesViewsAndEmptyImages) {
  const at::Tensor image = random_image(24, 16, /*seed=*/5).transpose(0, 1);
  EXPECT_TRUE(pixelate(image, 5).equal(naive_pixelate(image, 5)));
  EXPECT_EQ(pixelate(at::empty({5, 0, 3}, at::kByte), 3).sizes(), at::IntArrayRef({5, 0, 3}));
}

TEST(Pixelate, RefusesWrongArguments) {
  const at::Tensor image = random_image(8, 8, /*seed=*/6);
  EXPECT_THROW(pixelate(image, 0), std::invalid_argument);
  EXPECT_THROW(pixelate(image, -4), std::invalid_argument);
  EXPECT_THROW(pixelate(image.unsqueeze(0), 2), std::invalid_argument);
  EXPECT_THROW(pixelate(image.to(at::kFloat), 2), std::invalid_argument);
  EXPECT_THROW(pixelate(image.slice(2, 0, 2), 2), std::invalid_argument);
}

TEST(CudaPixelate, EqualsCpuExactly) {
  GUISE_SKIP_WITHOUT_CUDA();
  const at::Tensor image = random_image(60, 45, /*seed=*/7);
  for (const int64_t block_px : {1, 7, 61}) {
    EXPECT_TRUE(pixelate(image.to(at::kCUDA), block_px).cpu().equal(pixelate(image, block_px)));
  }
}

}  // namespace
}  // namespace guise
