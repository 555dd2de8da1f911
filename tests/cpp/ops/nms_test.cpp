#include "ops/nms.h"

#include <gtest/gtest.h>

#include <limits>
#include <stdexcept>

#include "cuda_only.h"
#include "ops/nms_element.h"
#include "ops/nms_greedy.h"
#include "support/naive_ops.h"

namespace guise {
namespace {

using ops::nms;
using testing::naive_nms;
using testing::random_floats;

std::vector<int64_t> to_vector(const at::Tensor& indices) {
  const at::Tensor host = indices.cpu();
  return {host.const_data_ptr<int64_t>(), host.const_data_ptr<int64_t>() + host.numel()};
}

// Boxes crowded enough that most overlap another one.
at::Tensor crowded_boxes(int64_t count, uint32_t seed) {
  const at::Tensor corner = random_floats({count, 2}, 0.f, 200.f, seed);
  const at::Tensor size = random_floats({count, 2}, 5.f, 60.f, seed + 1);
  return at::cat({corner, corner + size}, /*dim=*/1);
}

// Few distinct values, so that ties are common.
at::Tensor tied_scores(int64_t count, uint32_t seed) {
  return (random_floats({count}, 0.f, 20.f, seed).floor() / 20.0).contiguous();
}

TEST(Nms, EqualsNaiveTwin) {
  for (const int64_t count : {1, 2, 63, 64, 65, 300, 1000}) {
    const at::Tensor boxes = crowded_boxes(count, /*seed=*/1);
    const at::Tensor scores = tied_scores(count, /*seed=*/2);
    for (const double threshold : {0.0, 0.3, 0.5, 0.9, 1.0}) {
      EXPECT_EQ(to_vector(nms(boxes, scores, threshold)), naive_nms(boxes, scores, threshold))
          << count << " boxes, threshold " << threshold;
    }
  }
}

TEST(Nms, ComparisonNoticesAnotherThreshold) {
  const at::Tensor boxes = crowded_boxes(300, /*seed=*/1);
  const at::Tensor scores = tied_scores(300, /*seed=*/2);
  EXPECT_NE(to_vector(nms(boxes, scores, 0.3)), naive_nms(boxes, scores, 0.35));
}

TEST(Nms, ExactlyAtTheThresholdStays) {
  const at::Tensor boxes = at::tensor({0.f, 0.f, 2.f, 1.f, 0.f, 0.f, 1.f, 1.f}).view({2, 4});
  const at::Tensor scores = at::tensor({0.9f, 0.8f});
  EXPECT_EQ(to_vector(nms(boxes, scores, 0.5)), (std::vector<int64_t>{0, 1}));
  EXPECT_EQ(to_vector(nms(boxes, scores, 0.499)), (std::vector<int64_t>{0}));
}

TEST(Nms, EqualScoresKeepTheLowerIndex) {
  const at::Tensor boxes = at::tensor({0.f, 0.f, 4.f, 4.f}).repeat({3, 1});
  EXPECT_EQ(to_vector(nms(boxes, at::tensor({0.5f, 0.5f, 0.5f}), 0.4)), (std::vector<int64_t>{0}));
  EXPECT_EQ(to_vector(nms(boxes, at::tensor({0.5f, 0.5f, 0.7f}), 1.0)),
            (std::vector<int64_t>{2, 0, 1}));
}

TEST(Nms, ADroppedBoxDropsNothing) {
  // The middle box overlaps both others, which do not overlap each other.
  const at::Tensor boxes =
      at::tensor({0.f, 0.f, 10.f, 1.f, 4.f, 0.f, 14.f, 1.f, 9.f, 0.f, 19.f, 1.f}).view({3, 4});
  EXPECT_EQ(to_vector(nms(boxes, at::tensor({0.9f, 0.8f, 0.7f}), 0.3)),
            (std::vector<int64_t>{0, 2}));
}

TEST(Nms, BoxesWithoutAreaAndHugeBoxes) {
  const at::Tensor flat = at::tensor({5.f, 5.f, 5.f, 9.f, 9.f, 9.f, 2.f, 2.f}).view({2, 4});
  EXPECT_EQ(nms(flat, at::tensor({0.1f, 0.2f}), 0.0).numel(), 2);
  const at::Tensor huge = at::tensor({-3e38f, -3e38f, 3e38f, 3e38f}).repeat({2, 1});
  EXPECT_EQ(nms(huge, at::tensor({0.1f, 0.2f}), 0.5).numel(), 1);
}

TEST(Nms, ResultDoesNotDependOnRowsPerStep) {
  const int64_t count = 333;
  const at::Tensor scores = at::arange(count, 0, -1, at::kFloat);
  const at::Tensor boxes = crowded_boxes(count, /*seed=*/3);
  const at::Tensor planar = boxes.t().contiguous();
  const std::vector<int64_t> expected = naive_nms(boxes, scores, 0.4);
  for (const int64_t rows_per_step : {1, 2, 64, 100, 333, 1000}) {
    std::vector<uint64_t> words;
    ops::NmsArgs args{};
    args.boxes = planar.const_data_ptr<float>();
    args.count = count;
    args.words_per_row = (count + 63) / 64;
    args.iou_threshold = 0.4;
    const auto rows = [&](int64_t row_begin, int64_t row_end) {
      words.assign((row_end - row_begin) * args.words_per_row, ~uint64_t{0});
      args.words = words.data();
      args.row_begin = row_begin;
      args.row_end = row_end;
      for (int64_t i = 0; i < ops::nms_element_count(args); ++i) ops::nms_element(args, i);
      return words.data();
    };
    EXPECT_EQ(ops::keep_greedily(count, rows_per_step, rows), expected) << rows_per_step;
  }
}

TEST(Nms, WordRunsEqualElements) {
  const int64_t count = 500;
  const at::Tensor planar = crowded_boxes(count, /*seed=*/10).t().contiguous();
  ops::NmsArgs args{};
  args.boxes = planar.const_data_ptr<float>();
  args.count = count;
  args.words_per_row = (count + 63) / 64;
  args.row_begin = 3;
  args.row_end = 490;
  args.iou_threshold = 0.2;
  std::vector<uint64_t> by_run(ops::nms_element_count(args), 0);
  std::vector<uint64_t> by_element(by_run.size(), ~uint64_t{0});
  args.words = by_run.data();
  ops::nms_cpu(args);
  args.words = by_element.data();
  for (int64_t i = 0; i < ops::nms_element_count(args); ++i) ops::nms_element(args, i);
  EXPECT_EQ(by_run, by_element);
  EXPECT_NE(by_run, std::vector<uint64_t>(by_run.size(), 0));
}

TEST(Nms, TakesViewsAndNoBoxes) {
  const at::Tensor boxes = crowded_boxes(50, /*seed=*/4);
  const at::Tensor scores = tied_scores(50, /*seed=*/5);
  const at::Tensor strided = boxes.t().contiguous().t();
  EXPECT_EQ(to_vector(nms(strided, scores, 0.4)), naive_nms(boxes, scores, 0.4));
  const at::Tensor none = nms(at::empty({0, 4}), at::empty({0}), 0.4);
  EXPECT_EQ(none.sizes(), at::IntArrayRef({0}));
  EXPECT_EQ(none.scalar_type(), at::kLong);
}

TEST(Nms, RefusesWrongArguments) {
  const at::Tensor boxes = crowded_boxes(5, /*seed=*/6);
  const at::Tensor scores = tied_scores(5, /*seed=*/7);
  const float nan = std::numeric_limits<float>::quiet_NaN();
  at::Tensor holed_boxes = boxes.clone();
  holed_boxes[2][1] = nan;
  at::Tensor holed_scores = scores.clone();
  holed_scores[4] = nan;
  EXPECT_THROW(nms(holed_boxes, scores, 0.4), std::invalid_argument);
  EXPECT_THROW(nms(boxes, holed_scores, 0.4), std::invalid_argument);
  EXPECT_THROW(nms(boxes / 0.0, scores, 0.4), std::invalid_argument);
  EXPECT_THROW(nms(boxes, scores.slice(0, 0, 4), 0.4), std::invalid_argument);
  EXPECT_THROW(nms(boxes, scores, -0.1), std::invalid_argument);
  EXPECT_THROW(nms(boxes, scores, 1.1), std::invalid_argument);
  EXPECT_THROW(nms(boxes, scores, nan), std::invalid_argument);
  EXPECT_THROW(nms(boxes.to(at::kDouble), scores, 0.4), std::invalid_argument);
  EXPECT_THROW(nms(boxes.slice(1, 0, 3), scores, 0.4), std::invalid_argument);
}

TEST(CudaNms, EqualsCpu) {
  GUISE_SKIP_WITHOUT_CUDA();
  const at::Tensor boxes = crowded_boxes(3000, /*seed=*/8);
  const at::Tensor scores = tied_scores(3000, /*seed=*/9);
  EXPECT_EQ(to_vector(nms(boxes.to(at::kCUDA), scores.to(at::kCUDA), 0.4)),
            to_vector(nms(boxes, scores, 0.4)));
}

}  // namespace
}  // namespace guise
