// The margin losses from C++; tests/python/test_margin_losses.py compares them with slow twins.
#include "nets/margin_loss.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <cmath>

#include "nets/sampled_classes.h"
#include "nets/weights.h"
#include "support/naive_ops.h"

namespace guise::nets {
namespace {

// The loss at scale 1 of an embedding at `degrees` to its class, beside one class at a right angle.
template <typename Loss, typename Options>
double loss_at(double degrees, Options options) {
  options.scale = 1.0;
  Loss loss(2, 3, options);
  loss->eval();
  const double angle = degrees * M_PI / 180;
  loss->weight.set_data(at::tensor({5.0F, 0.F, 0.F, 0.F, 0.F, 1.F}).view({2, 3}));
  const at::Tensor x = at::tensor({20 * std::cos(angle), 20 * std::sin(angle), 0.0}, at::kFloat);
  return loss->forward(x.view({1, 3}), at::zeros({1}, at::kLong)).template item<double>();
}

double softmax_of(double target) {
  return std::log1p(std::exp(-target));
}

TEST(MarginLoss, HasTheClosedFormsOfThePapers) {
  const double third = M_PI / 3;
  EXPECT_NEAR(loss_at<ArcFaceLoss>(60, ArcFaceOptions()), softmax_of(std::cos(third + 0.5)), 1e-5);
  EXPECT_NEAR(loss_at<CosFaceLoss>(60, CosFaceOptions()), softmax_of(0.5 - 0.35), 1e-5);
  EXPECT_NEAR(loss_at<CombinedMarginLoss>(60, CombinedMarginOptions()),
              softmax_of(std::cos(third + 0.3) - 0.2), 1e-5);
  EXPECT_NEAR(loss_at<AdaFaceLoss>(60, AdaFaceOptions()), softmax_of(0.5 - 0.4), 1e-5)
      << "a length of 20 is the mean it starts with";
  const double margin = 0.45 + 0.35 * 10 / 100;
  EXPECT_NEAR(loss_at<MagFaceLoss>(60, MagFaceOptions()),
              softmax_of(std::cos(third + margin)) + 35 * (20.0 / (110 * 110) + 1.0 / 20), 1e-4);
}

TEST(MarginLoss, NamesItsTensors) {
  const AdaFaceLoss loss(5, 4);
  const auto tensors = state_dict(*loss);
  ASSERT_EQ(tensors.size(), 3U);
  EXPECT_EQ(tensors[0].first, "weight");
  EXPECT_EQ(tensors[0].second.sizes(), (std::vector<int64_t>{5, 4}));
  EXPECT_EQ(tensors[1].first, "batch_mean");
  EXPECT_EQ(tensors[2].first, "batch_std");
}

TEST(MarginLoss, DependsOnTheSeedAndTheStepAlone) {
  CosFaceOptions options;
  options.seed = 9;
  options.class_share = 0.2;
  CosFaceLoss loss(100, 8, options), again(100, 8, options);
  const at::Tensor x = testing::random_floats({6, 8}, -1, 1, 3);
  const at::Tensor labels = at::arange(6);
  EXPECT_TRUE(loss->forward(x, labels, 4).equal(again->forward(x, labels, 4)));
  EXPECT_FALSE(loss->forward(x, labels, 4).equal(loss->forward(x, labels, 5)));
  options.seed = 10;
  EXPECT_FALSE(CosFaceLoss(100, 8, options)->weight.equal(loss->weight));
}

TEST(MarginLoss, RefusesLabelsOfNoClass) {
  ArcFaceLoss loss(3, 2);
  EXPECT_THROW(loss->forward(at::ones({1, 2}), at::full({1}, 3, at::kLong)), std::invalid_argument);
  EXPECT_THROW(loss->forward(at::ones({1, 2}), at::full({1}, -1, at::kLong)),
               std::invalid_argument);
  EXPECT_THROW(loss->forward(at::full({1, 2}, NAN), at::zeros({1}, at::kLong)),
               std::invalid_argument);
}

TEST(SampledClasses, HoldTheBatchOnceAndRise) {
  const at::Tensor labels = at::tensor({41, 7, 41, 0}, at::kLong);
  for (int64_t wanted = 0; wanted <= 50; ++wanted) {
    const SampledClasses chosen = sample_classes(labels, 50, wanted, 3, 17);
    EXPECT_EQ(chosen.classes.numel(), std::max<int64_t>(3, wanted));
    EXPECT_TRUE(chosen.classes.index_select(0, chosen.labels).equal(labels));
    const at::Tensor steps = chosen.classes.slice(0, 1) - chosen.classes.slice(0, 0, -1);
    EXPECT_TRUE(steps.gt(0).all().item<bool>()) << wanted;
    EXPECT_LT(chosen.classes[-1].item<int64_t>(), 50);
  }
}

}  // namespace
}  // namespace guise::nets
