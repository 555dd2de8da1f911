#include "ops/warp_affine.h"

#include <ATen/Parallel.h>
#include <gtest/gtest.h>

#include <limits>
#include <stdexcept>

#include "cuda_only.h"
#include "ops/warp_affine_element.h"
#include "support/naive_ops.h"

namespace guise {
namespace {

using ops::warp_affine;
using testing::naive_warp_affine;
using testing::random_image;

at::Tensor make_map(double a, double b, double x, double c, double d, double y) {
  return at::tensor({a, b, x, c, d, y}, at::kDouble).view({1, 2, 3});
}

// Maps that turn, scale, mirror, leave the image in part and leave it altogether.
at::Tensor many_maps() {
  return at::cat(
      {make_map(1.0, 0.0, 0.0, 0.0, 1.0, 0.0), make_map(0.9, -0.3, 7.25, 0.3, 0.9, -4.5),
       make_map(-1.3, 0.2, 40.1, 0.1, 1.7, -9.9), make_map(3.0, 0.0, -6.5, 0.0, 3.0, -8.5),
       make_map(0.01, 0.0, 20.5, 0.0, 0.01, 17.5), make_map(1.0, 0.0, 1e300, 0.0, 1.0, 0.0),
       make_map(1.0, 0.0, -0.5, 0.0, 1.0, -0.5)});
}

TEST(WarpAffine, EqualsNaiveTwin) {
  const at::Tensor image = random_image(37, 53, /*seed=*/1);
  const at::Tensor maps = many_maps();
  const at::Tensor crops = warp_affine(image, maps, /*height_px=*/41, /*width_px=*/29);
  EXPECT_TRUE(crops.equal(naive_warp_affine(image, maps, 41, 29)));
}

TEST(WarpAffine, EqualsNaiveTwinForImagesTooSmallForTheFastPath) {
  const at::Tensor maps =
      at::cat({make_map(0.25, 0, -1.5, 0, 0.25, -1.5), make_map(1, 0, 0, 0, 1, 0),
               make_map(-0.2, 0.1, 1.9, 0.1, 0.3, -0.4)});
  for (const int64_t height : {1, 2, 3, 9}) {
    for (const int64_t width : {1, 2, 3, 4, 9}) {
      const at::Tensor image = random_image(height, width, /*seed=*/11);
      EXPECT_TRUE(warp_affine(image, maps, 20, 21).equal(naive_warp_affine(image, maps, 20, 21)))
          << height << " x " << width;
    }
  }
}

TEST(WarpAffine, EqualsNaiveTwinForRandomMaps) {
  const at::Tensor image = random_image(50, 64, /*seed=*/12);
  const at::Tensor turns = testing::random_floats({400, 2, 2}, -1.5f, 1.5f, /*seed=*/13);
  const at::Tensor shifts = testing::random_floats({400, 2, 1}, -20.f, 70.f, /*seed=*/14);
  const at::Tensor maps = at::cat({turns, shifts}, /*dim=*/2).to(at::kDouble);
  EXPECT_TRUE(warp_affine(image, maps, 24, 33).equal(naive_warp_affine(image, maps, 24, 33)));
}

TEST(WarpAffine, ComparisonNoticesHalfAPixel) {
  const at::Tensor image = random_image(37, 53, /*seed=*/1);
  const at::Tensor crops = warp_affine(image, make_map(1, 0, 3.0, 0, 1, 3.0), 16, 16);
  EXPECT_FALSE(crops.equal(naive_warp_affine(image, make_map(1, 0, 3.5, 0, 1, 3.0), 16, 16)));
}

TEST(WarpAffine, IdentityReturnsTheImage) {
  const at::Tensor image = random_image(20, 31, /*seed=*/2);
  EXPECT_TRUE(warp_affine(image, make_map(1, 0, 0, 0, 1, 0), 20, 31)[0].equal(image));
}

TEST(WarpAffine, ShiftByWholePixelsReadsTheNamedPixels) {
  const at::Tensor image = random_image(20, 31, /*seed=*/3);
  const at::Tensor crop = warp_affine(image, make_map(1, 0, 5, 0, 1, 4), 10, 12)[0];
  EXPECT_TRUE(crop.equal(image.slice(0, 4, 14).slice(1, 5, 17)));
}

TEST(WarpAffine, RoundsHalfUpAndFadesToBlackOverTheBorder) {
  const at::Tensor image = at::full({1, 1, 3}, 255, at::kByte);
  const at::Tensor crop = warp_affine(image, make_map(0.5, 0, -1, 0, 1, 0), 1, 5)[0];
  EXPECT_TRUE(crop.select(2, 0).view({5}).equal(at::tensor({0, 128, 255, 128, 0}, at::kByte)));
}

TEST(WarpAffine, CropDoesNotDependOnItsBatchOrOnThreads) {
  const at::Tensor image = random_image(64, 64, /*seed=*/4);
  const at::Tensor maps = many_maps();
  const int threads = at::get_num_threads();
  const at::Tensor batch = warp_affine(image, maps, 112, 112);
  at::set_num_threads(1);
  for (int64_t n = 0; n < maps.size(0); ++n) {
    EXPECT_TRUE(warp_affine(image, maps.slice(0, n, n + 1), 112, 112)[0].equal(batch[n]));
  }
  at::set_num_threads(threads);
}

TEST(WarpAffine, FlatElementsEqualRowLoops) {
  const at::Tensor image = random_image(37, 53, /*seed=*/5);
  const at::Tensor maps = many_maps();
  at::Tensor crops = at::empty({maps.size(0), 9, 7, 3}, at::kByte);
  const ops::WarpAffineArgs args{image.const_data_ptr<uint8_t>(),
                                 maps.const_data_ptr<double>(),
                                 crops.mutable_data_ptr<uint8_t>(),
                                 37,
                                 53,
                                 maps.size(0),
                                 9,
                                 7};
  for (int64_t i = 0; i < ops::warp_affine_element_count(args); ++i) {
    ops::warp_affine_element(args, i);
  }
  EXPECT_TRUE(crops.equal(warp_affine(image, maps, 9, 7)));
}

TEST(WarpAffine, TakesViews) {
  const at::Tensor image = random_image(40, 30, /*seed=*/6).transpose(0, 1);
  const at::Tensor maps = many_maps();
  EXPECT_TRUE(warp_affine(image, maps, 8, 8).equal(warp_affine(image.contiguous(), maps, 8, 8)));
}

TEST(WarpAffine, EmptyInputs) {
  const at::Tensor image = random_image(8, 8, /*seed=*/7);
  EXPECT_EQ(warp_affine(image, at::empty({0, 2, 3}, at::kDouble), 4, 5).sizes(),
            at::IntArrayRef({0, 4, 5, 3}));
  const at::Tensor nothing = at::empty({0, 0, 3}, at::kByte);
  EXPECT_EQ(warp_affine(nothing, make_map(1, 0, 0, 0, 1, 0), 4, 5).max().item<int>(), 0);
}

TEST(WarpAffine, RefusesWrongArguments) {
  const at::Tensor image = random_image(8, 8, /*seed=*/8);
  const at::Tensor map = make_map(1, 0, 0, 0, 1, 0);
  const double nan = std::numeric_limits<double>::quiet_NaN();
  EXPECT_THROW(warp_affine(image.to(at::kFloat), map, 4, 4), std::invalid_argument);
  EXPECT_THROW(warp_affine(image.permute({2, 0, 1}), map, 4, 4), std::invalid_argument);
  EXPECT_THROW(warp_affine(at::Tensor(), map, 4, 4), std::invalid_argument);
  EXPECT_THROW(warp_affine(image, map[0], 4, 4), std::invalid_argument);
  EXPECT_THROW(warp_affine(image, map.to(at::kFloat), 4, 4), std::invalid_argument);
  EXPECT_THROW(warp_affine(image, make_map(nan, 0, 0, 0, 1, 0), 4, 4), std::invalid_argument);
  EXPECT_THROW(warp_affine(image, map, 0, 4), std::invalid_argument);
  EXPECT_THROW(warp_affine(image, map, 4, 70000), std::invalid_argument);
  EXPECT_THROW(warp_affine(at::empty({8, 8, 3}, at::device(at::kMeta).dtype(at::kByte)), map, 4, 4),
               std::invalid_argument);
}

TEST(WarpAffine, MessageSaysWhatMustHoldWhatCameAndWhatToDo) {
  try {
    warp_affine(at::zeros({3, 4}, at::kFloat), make_map(1, 0, 0, 0, 1, 0), 4, 4);
    FAIL() << "a float image was accepted";
  } catch (const std::invalid_argument& error) {
    EXPECT_STREQ(error.what(),
                 "warp_affine: image must be a dense Byte tensor [H, W, 3]; got Float [3, 4] on "
                 "cpu; convert its dtype and permute its axes first");
  }
}

TEST(CudaWarpAffine, EqualsCpuWithinOneLevel) {
  GUISE_SKIP_WITHOUT_CUDA();
  const at::Tensor image = random_image(37, 53, /*seed=*/9);
  const at::Tensor maps = many_maps();
  const at::Tensor crops = warp_affine(image.to(at::kCUDA), maps.to(at::kCUDA), 112, 112);
  EXPECT_LE(testing::largest_difference(crops, warp_affine(image, maps, 112, 112)), 1);
  EXPECT_LE(testing::share_different(crops, warp_affine(image, maps, 112, 112)), 0.002);
}

}  // namespace
}  // namespace guise
