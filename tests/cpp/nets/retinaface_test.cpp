// RetinaFace: its published sizes, folding, and the decoding of hand-made outputs.
#include "nets/retinaface.h"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>
#include <gtest/gtest.h>

#include <cmath>

#include "nets/retinaface_detector.h"
#include "nets/weights.h"
#include "support/naive_ops.h"

namespace guise::nets {
namespace {

// Weights and statistics that a trained net could have: no layer is the identity.
void randomize(RetinaFace& net) {
  const c10::NoGradGuard no_grad;
  uint32_t seed = 3;
  for (auto& [key, tensor] : state_dict(*net)) {
    if (tensor.scalar_type() != at::kFloat) continue;
    const bool is_scale =
        key.ends_with("running_var") || (tensor.dim() == 1 && key.ends_with("weight"));
    const double fan_in = tensor.dim() == 4 ? static_cast<double>(tensor[0].numel()) : 10.0;
    const auto bound = static_cast<float>(std::sqrt(6.0 / fan_in));
    tensor.copy_(is_scale ? testing::random_floats(tensor.sizes(), 0.6F, 1.4F, ++seed)
                          : testing::random_floats(tensor.sizes(), -bound, bound, ++seed));
  }
}

TEST(RetinaFace, HasThePublishedTensors) {
  for (const char* preset : {"mnet025-leaky", "mnet025-relu"}) {
    const RetinaFace net(RetinaFaceConfig::preset(preset));
    int64_t elements = 0;
    for (const auto& [key, tensor] : state_dict(*net)) elements += tensor.numel();
    EXPECT_EQ(elements, 433'343) << preset;
    EXPECT_EQ(state_dict(*net).size(), 300U);
  }
  EXPECT_THROW(RetinaFaceConfig::preset("leaky"), std::invalid_argument);
}

TEST(RetinaFace, FoldedAgreesAndTakesTheStatistics) {
  RetinaFace net(RetinaFaceConfig::preset("mnet025-leaky"));
  randomize(net);
  net->eval();
  const c10::NoGradGuard no_grad;
  const at::Tensor x = testing::random_floats({1, 3, 70, 90}, -100, 100, 5);
  const RetinaFaceOutput slow = net->forward(x), fast = net->layers().folded()(x);
  const auto close = [](const at::Tensor& a, const at::Tensor& b) {
    return ((a - b).abs().max() / a.abs().max()).item<double>();
  };
  EXPECT_LT(close(slow.classes, fast.classes), 1e-5);
  EXPECT_LT(close(slow.boxes, fast.boxes), 1e-5);
  EXPECT_LT(close(slow.landmarks, fast.landmarks), 1e-5);
  for (auto& [key, tensor] : state_dict(*net)) {
    if (key == "fpn.merge1.1.running_mean") tensor.add_(0.5);
  }
  EXPECT_GT(close(net->layers().folded()(x).boxes, fast.boxes), 1e-5);
}

// One prior of the second level of a picture of 40 x 30 px has a face.
TEST(DecodeRetinaFace, PlacesABoxByHand) {
  const RetinaFaceConfig config = RetinaFaceConfig::preset("mnet025-relu");
  const int64_t fine = 5 * 4 * 2, all = fine + 3 * 2 * 2 + 2 * 1 * 2;
  RetinaFaceOutput output{at::zeros({1, all, 2}), at::zeros({1, all, 4}), at::zeros({1, all, 10})};
  output.classes.select(2, 0).fill_(10);
  // Row 1, column 2 of the middle level, its larger prior: 64 px around (40, 24).
  const int64_t prior = fine + (1 * 3 + 2) * 2 + 1;
  output.classes[0][prior][0] = 0;
  output.classes[0][prior][1] = std::log(3.0);
  output.boxes[0][prior].copy_(at::tensor({1.0F, -1.0F, 0.0F, 5.0F * std::log(2.0F)}));
  output.landmarks[0][prior].copy_(at::arange(10) * 0.5);
  const auto faces = decode_retinaface(output, config, 30, 40, 0.5F);
  ASSERT_EQ(faces.size(), 1U);
  EXPECT_NEAR(faces[0].score, 0.75, 1e-6);
  EXPECT_NEAR(faces[0].box.x0, 40 + 6.4 - 32, 1e-4);
  EXPECT_NEAR(faces[0].box.x1, 40 + 6.4 + 32, 1e-4);
  EXPECT_NEAR(faces[0].box.y0, 24 - 6.4 - 64, 1e-4);
  EXPECT_NEAR(faces[0].box.y1, 24 - 6.4 + 64, 1e-4);
  for (size_t k = 0; k < 5; ++k) {
    EXPECT_NEAR(faces[0].landmarks[k].x, 40 + static_cast<double>(k) * 6.4, 1e-4);
    EXPECT_NEAR(faces[0].landmarks[k].y, 24 + (static_cast<double>(k) + 0.5) * 6.4, 1e-4);
  }
  EXPECT_TRUE(decode_retinaface(output, config, 30, 40, 0.76F).empty());
  EXPECT_EQ(decode_retinaface(output, config, 30, 40, 0.0F).size(), static_cast<size_t>(all));
}

TEST(RetinaFaceDetector, ReadsViewsAndSmallPicturesAndClonesAlike) {
  RetinaFace net(RetinaFaceConfig::preset("mnet025-relu"));
  randomize(net);
  const auto detector = make_retinaface_detector("mnet025-relu", state_dict(*net), "test");
  EXPECT_EQ(detector->traits().name, "retinaface-mnet025-relu");
  const at::Tensor image = testing::random_image(90, 100, 3);
  const at::Tensor view = image.slice(0, 5, 70).slice(1, 9, 96);
  const auto faces = detector->propose(view, 0.0F);
  const auto again = detector->clone()->propose(view.contiguous(), 0.0F);
  ASSERT_EQ(faces.size(), 2U * (9 * 11 + 5 * 6 + 3 * 3));
  ASSERT_EQ(again.size(), faces.size());
  for (size_t i = 0; i < faces.size(); ++i) {
    EXPECT_EQ(faces[i].score, again[i].score);
    EXPECT_EQ(faces[i].box.x0, again[i].box.x0);
  }
  EXPECT_EQ(detector->propose(testing::random_image(1, 1, 4), 0.0F).size(), 6U);
}

}  // namespace
}  // namespace guise::nets
