// The twin sums in float64 over the square, the op in float32 over rows and columns: they may
// round differently where the exact value lies within about 1e-4 of a half. Bound: 1 level, on
// fewer than 0.2 % of the bytes. Row loops and element functions must agree exactly.
#include "ops/gaussian_blur.h"

#include <ATen/Parallel.h>
#include <gtest/gtest.h>

#include <limits>
#include <stdexcept>

#include "cuda_only.h"
#include "ops/gaussian_blur_element.h"
#include "support/naive_ops.h"

namespace guise {
namespace {

using ops::gaussian_blur;
using testing::ellipse_mask;
using testing::largest_difference;
using testing::naive_gaussian_blur;
using testing::random_image;
using testing::share_different;

void expect_close(const at::Tensor& actual, const at::Tensor& expected) {
  EXPECT_LE(largest_difference(actual, expected), 1);
  EXPECT_LE(share_different(actual, expected), 0.002);
}

TEST(GaussianBlur, CloseToNaiveTwinForManySigmas) {
  const at::Tensor image = random_image(45, 70, /*seed=*/1);
  const at::Tensor mask = at::ones({45, 70}, at::kBool);
  for (const double sigma_px : {0.05, 0.4, 1.0, 2.7, 9.0}) {
    SCOPED_TRACE(sigma_px);
    expect_close(gaussian_blur(image, mask, sigma_px), naive_gaussian_blur(image, mask, sigma_px));
  }
}

TEST(GaussianBlur, BoundNoticesAnotherSigma) {
  const at::Tensor image = random_image(45, 70, /*seed=*/1);
  const at::Tensor mask = at::ones({45, 70}, at::kBool);
  const at::Tensor other = naive_gaussian_blur(image, mask, /*sigma_px=*/2.6);
  EXPECT_GT(share_different(gaussian_blur(image, mask, /*sigma_px=*/2.5), other), 0.01);
}

TEST(GaussianBlur, TouchesNothingOutsideTheMask) {
  const at::Tensor image = random_image(64, 80, /*seed=*/2);
  const at::Tensor mask = ellipse_mask(64, 80, 30, 41, 20, 17);
  const at::Tensor blurred = gaussian_blur(image, mask, /*sigma_px=*/3.0);
  EXPECT_TRUE(
      blurred.masked_select(~mask.unsqueeze(2)).equal(image.masked_select(~mask.unsqueeze(2))));
  expect_close(blurred, naive_gaussian_blur(image, mask, /*sigma_px=*/3.0));
}

TEST(GaussianBlur, MaskedPixelsDoNotDependOnTheRestOfTheMask) {
  const at::Tensor image = random_image(90, 75, /*seed=*/3);
  // Two regions with rows between them that neither reaches, both at borders.
  const at::Tensor mask =
      ellipse_mask(90, 75, 2, 70, 8, 30).logical_or(ellipse_mask(90, 75, 88, 3, 6, 9));
  const at::Tensor all = gaussian_blur(image, at::ones({90, 75}, at::kBool), /*sigma_px=*/2.0);
  const at::Tensor expected = at::where(mask.unsqueeze(2), all, image);
  EXPECT_TRUE(gaussian_blur(image, mask, /*sigma_px=*/2.0).equal(expected));
}

TEST(GaussianBlur, ConstantImageStaysConstantEvenAtTheWidestSigma) {
  const at::Tensor mask = at::ones({9, 40}, at::kBool);
  for (const int level : {0, 1, 127, 254, 255}) {
    const at::Tensor image = at::full({9, 40, 3}, level, at::kByte);
    EXPECT_TRUE(gaussian_blur(image, mask, /*sigma_px=*/1000.0).equal(image)) << level;
    EXPECT_TRUE(gaussian_blur(image, mask, /*sigma_px=*/1e-300).equal(image)) << level;
  }
}

// Runs the two element functions over everything, as the CUDA kernels do.
at::Tensor blur_by_elements(const at::Tensor& image, const at::Tensor& mask,
                            const std::vector<float>& taps) {
  at::Tensor out = image.clone();
  const int64_t height = image.size(0);
  const int64_t width = image.size(1);
  const std::vector<uint8_t> needed(height, 1);
  at::Tensor rows = at::empty({height, width, 3}, at::kFloat);
  ops::GaussianBlurArgs args{};
  args.image = image.const_data_ptr<uint8_t>();
  args.mask = static_cast<const uint8_t*>(mask.const_data_ptr());
  args.taps = taps.data();
  args.row_needed = needed.data();
  args.rows = rows.mutable_data_ptr<float>();
  args.out = out.mutable_data_ptr<uint8_t>();
  args.height_px = args.row_end = args.mask_row_end = height;
  args.width_px = args.col_end = width;
  args.radius_px = static_cast<int64_t>(taps.size()) - 1;
  for (int64_t i = 0; i < ops::blur_rows_element_count(args); ++i) ops::blur_rows_element(args, i);
  for (int64_t i = 0; i < ops::blur_columns_element_count(args); ++i) {
    ops::blur_columns_element(args, i);
  }
  return out;
}

std::vector<float> taps_for(double sigma_px) {
  std::vector<double> weights;
  for (int64_t k = 0; k <= static_cast<int64_t>(std::ceil(3.0 * sigma_px)); ++k) {
    const double distance = static_cast<double>(k) / sigma_px;
    weights.push_back(std::exp(-0.5 * distance * distance));
  }
  double total = weights[0];
  for (size_t k = 1; k < weights.size(); ++k) total += 2.0 * weights[k];
  std::vector<float> taps;
  for (const double weight : weights) taps.push_back(static_cast<float>(weight / total));
  return taps;
}

TEST(GaussianBlur, RowLoopsHaveTheBytesOfTheElements) {
  for (const int64_t width : {1, 5, 15, 16, 17, 48, 95}) {
    const at::Tensor image = random_image(50, width, /*seed=*/4);
    const at::Tensor mask = ellipse_mask(50, width, 22, 0.4 * width, 21, 0.5 * width + 1);
    for (const double sigma_px : {0.7, 4.3, 20.0}) {
      EXPECT_TRUE(gaussian_blur(image, mask, sigma_px)
                      .equal(blur_by_elements(image, mask, taps_for(sigma_px))))
          << width << " px wide, sigma " << sigma_px;
    }
  }
}

TEST(GaussianBlur, DoesNotDependOnThreads) {
  const at::Tensor image = random_image(200, 220, /*seed=*/5);
  const at::Tensor mask = ellipse_mask(200, 220, 90, 100, 80, 70);
  const int threads = at::get_num_threads();
  const at::Tensor blurred = gaussian_blur(image, mask, /*sigma_px=*/8.0);
  at::set_num_threads(1);
  EXPECT_TRUE(gaussian_blur(image, mask, /*sigma_px=*/8.0).equal(blurred));
  at::set_num_threads(threads);
}

TEST(GaussianBlur, EmptyMaskReturnsACopy) {
  const at::Tensor image = random_image(20, 30, /*seed=*/6);
  const at::Tensor out = gaussian_blur(image, at::zeros({20, 30}, at::kBool), /*sigma_px=*/2.0);
  EXPECT_TRUE(out.equal(image));
  EXPECT_NE(out.const_data_ptr(), image.const_data_ptr());
}

TEST(GaussianBlur, TakesViewsAndEmptyImages) {
  const at::Tensor image = random_image(30, 20, /*seed=*/7).transpose(0, 1);
  const at::Tensor mask = ellipse_mask(30, 20, 15, 10, 12, 7).t();
  EXPECT_TRUE(gaussian_blur(image, mask, 1.5)
                  .equal(gaussian_blur(image.contiguous(), mask.contiguous(), 1.5)));
  const at::Tensor nothing = at::empty({0, 7, 3}, at::kByte);
  EXPECT_EQ(gaussian_blur(nothing, at::empty({0, 7}, at::kBool), 1.0).numel(), 0);
}

TEST(GaussianBlur, RefusesWrongArguments) {
  const at::Tensor image = random_image(8, 9, /*seed=*/8);
  const at::Tensor mask = at::ones({8, 9}, at::kBool);
  EXPECT_THROW(gaussian_blur(image, mask, 0.0), std::invalid_argument);
  EXPECT_THROW(gaussian_blur(image, mask, -1.0), std::invalid_argument);
  EXPECT_THROW(gaussian_blur(image, mask, 1000.5), std::invalid_argument);
  EXPECT_THROW(gaussian_blur(image, mask, std::numeric_limits<double>::quiet_NaN()),
               std::invalid_argument);
  EXPECT_THROW(gaussian_blur(image, mask.t(), 1.0), std::invalid_argument);
  EXPECT_THROW(gaussian_blur(image, mask.to(at::kByte), 1.0), std::invalid_argument);
  EXPECT_THROW(gaussian_blur(image.to(at::kFloat), mask, 1.0), std::invalid_argument);
}

TEST(CudaGaussianBlur, EqualsCpuWithinOneLevel) {
  GUISE_SKIP_WITHOUT_CUDA();
  const at::Tensor image = random_image(90, 75, /*seed=*/9);
  const at::Tensor mask = ellipse_mask(90, 75, 40, 33, 30, 20);
  for (const double sigma_px : {0.4, 3.0, 20.0}) {
    expect_close(gaussian_blur(image.to(at::kCUDA), mask.to(at::kCUDA), sigma_px),
                 gaussian_blur(image, mask, sigma_px));
  }
}

}  // namespace
}  // namespace guise
