#include "ops/feather_blend.h"

#include <gtest/gtest.h>

#include <limits>
#include <stdexcept>

#include "cuda_only.h"
#include "ops/feather_blend_element.h"
#include "support/naive_ops.h"

namespace guise {
namespace {

using ops::feather_blend;
using testing::naive_feather_blend;
using testing::random_floats;
using testing::random_image;

TEST(FeatherBlend, EqualsNaiveTwin) {
  const at::Tensor background = random_image(61, 47, /*seed=*/1);
  const at::Tensor foreground = random_image(61, 47, /*seed=*/2);
  const at::Tensor weight = random_floats({61, 47}, 0.f, 1.f, /*seed=*/3);
  EXPECT_TRUE(feather_blend(background, foreground, weight)
                  .equal(naive_feather_blend(background, foreground, weight)));
}

TEST(FeatherBlend, ComparisonNoticesSwappedImages) {
  const at::Tensor background = random_image(61, 47, /*seed=*/1);
  const at::Tensor foreground = random_image(61, 47, /*seed=*/2);
  const at::Tensor weight = random_floats({61, 47}, 0.f, 1.f, /*seed=*/3);
  EXPECT_FALSE(feather_blend(background, foreground, weight)
                   .equal(naive_feather_blend(foreground, background, weight)));
}

TEST(FeatherBlend, ExtremeWeightsReturnEitherInputBitEqual) {
  const at::Tensor background = random_image(33, 65, /*seed=*/4);
  const at::Tensor foreground = random_image(33, 65, /*seed=*/5);
  EXPECT_TRUE(feather_blend(background, foreground, at::zeros({33, 65})).equal(background));
  EXPECT_TRUE(feather_blend(background, foreground, at::ones({33, 65})).equal(foreground));
}

TEST(FeatherBlend, EveryPairOfBytesKeepsItsEndsAndStaysBetween) {
  for (int below = 0; below < 256; ++below) {
    for (int above = 0; above < 256; ++above) {
      const uint8_t a = static_cast<uint8_t>(below);
      const uint8_t b = static_cast<uint8_t>(above);
      ASSERT_EQ(ops::feather_blend_byte(a, b, 0.f), a);
      ASSERT_EQ(ops::feather_blend_byte(a, b, 1.f), b);
      const uint8_t middle = ops::feather_blend_byte(a, b, 0.5f);
      ASSERT_EQ(middle, (below + above + 1) / 2);
    }
  }
}

TEST(FeatherBlend, ElementsEqualTheOp) {
  const at::Tensor background = random_image(7, 11, /*seed=*/6);
  const at::Tensor foreground = random_image(7, 11, /*seed=*/7);
  const at::Tensor weight = random_floats({7, 11}, 0.f, 1.f, /*seed=*/8);
  at::Tensor blended = at::empty_like(background);
  const ops::FeatherBlendArgs args{
      background.const_data_ptr<uint8_t>(), foreground.const_data_ptr<uint8_t>(),
      weight.const_data_ptr<float>(), blended.mutable_data_ptr<uint8_t>(), weight.numel()};
  for (int64_t i = 0; i < args.pixel_count; ++i) ops::feather_blend_element(args, i);
  EXPECT_TRUE(blended.equal(feather_blend(background, foreground, weight)));
}

TEST(FeatherBlend, TakesViewsAndEmptyImages) {
  const at::Tensor background = random_image(24, 16, /*seed=*/9).transpose(0, 1);
  const at::Tensor foreground = random_image(24, 16, /*seed=*/10).transpose(0, 1);
  const at::Tensor weight = random_floats({24, 16}, 0.f, 1.f, /*seed=*/11).t();
  EXPECT_TRUE(feather_blend(background, foreground, weight)
                  .equal(naive_feather_blend(background, foreground, weight)));
  const at::Tensor nothing = at::empty({0, 5, 3}, at::kByte);
  EXPECT_EQ(feather_blend(nothing, nothing, at::empty({0, 5})).numel(), 0);
}

TEST(FeatherBlend, RefusesWrongArguments) {
  const at::Tensor image = random_image(8, 9, /*seed=*/12);
  const at::Tensor weight = at::zeros({8, 9});
  at::Tensor holed = weight.clone();
  holed[3][4] = std::numeric_limits<float>::quiet_NaN();
  EXPECT_THROW(feather_blend(image, image, weight + 1.01), std::invalid_argument);
  EXPECT_THROW(feather_blend(image, image, weight - 0.01), std::invalid_argument);
  EXPECT_THROW(feather_blend(image, image, holed), std::invalid_argument);
  EXPECT_THROW(feather_blend(image, image, weight.to(at::kDouble)), std::invalid_argument);
  EXPECT_THROW(feather_blend(image, image, weight.t()), std::invalid_argument);
  EXPECT_THROW(feather_blend(image, random_image(9, 8, /*seed=*/13), weight),
               std::invalid_argument);
  EXPECT_THROW(feather_blend(image.to(at::kInt), image, weight), std::invalid_argument);
}

TEST(CudaFeatherBlend, EqualsCpuWithinOneLevel) {
  GUISE_SKIP_WITHOUT_CUDA();
  const at::Tensor background = random_image(61, 47, /*seed=*/14);
  const at::Tensor foreground = random_image(61, 47, /*seed=*/15);
  const at::Tensor weight = random_floats({61, 47}, 0.f, 1.f, /*seed=*/16);
  const at::Tensor blended =
      feather_blend(background.to(at::kCUDA), foreground.to(at::kCUDA), weight.to(at::kCUDA));
  const at::Tensor expected = feather_blend(background, foreground, weight);
  EXPECT_LE(testing::largest_difference(blended, expected), 1);
  EXPECT_LE(testing::share_different(blended, expected), 0.002);
}

}  // namespace
}  // namespace guise
