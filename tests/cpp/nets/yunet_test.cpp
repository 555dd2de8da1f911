// YuNet: its published sizes, folding, and the decoding of hand-made maps.
#include "nets/yunet.h"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>
#include <gtest/gtest.h>

#include <cmath>
#include <set>

#include "nets/weights.h"
#include "nets/yunet_detector.h"
#include "support/naive_ops.h"

namespace guise::nets {
namespace {

int64_t parameter_count(const YuNet& net) {
  int64_t count = 0;
  for (const at::Tensor& parameter : net->parameters()) count += parameter.numel();
  return count;
}

// Weights and statistics that a trained net could have: no layer is the identity.
void randomize(YuNet& net, uint32_t seed) {
  const c10::NoGradGuard no_grad;
  for (auto& [key, tensor] : state_dict(*net)) {
    const bool is_scale = key.find("running_var") != std::string::npos ||
                          (key.find("bn") != std::string::npos && key.find("weight") != key.npos);
    if (tensor.scalar_type() != at::kFloat) continue;
    const double fan_in = tensor.dim() == 4 ? tensor[0].numel() : 10.0;
    const auto bound = static_cast<float>(std::sqrt(3.0 / fan_in));
    tensor.copy_(is_scale ? testing::random_floats(tensor.sizes(), 0.4F, 1.6F, ++seed)
                          : testing::random_floats(tensor.sizes(), -bound, bound, ++seed));
  }
}

TEST(YuNet, HasThePublishedTensorsAndParameters) {
  const YuNet n(YuNetConfig::n()), s(YuNetConfig::s());
  EXPECT_EQ(state_dict(*n).size(), 208U);
  EXPECT_EQ(parameter_count(n), 75'856);
  EXPECT_EQ(parameter_count(s), 54'608);
  std::set<std::string> keys;
  for (const auto& [key, tensor] : state_dict(*n)) keys.insert(key);
  for (const char* key :
       {"backbone.model0.conv1.weight", "backbone.model0.bn1.running_var",
        "backbone.model0.conv2.bn.weight", "backbone.model5.conv2.conv2.bias",
        "neck.lateral_convs.2.conv1.weight", "bbox_head.multi_level_share_convs.0.0.conv1.weight",
        "bbox_head.multi_level_cls.1.conv2.bias", "bbox_head.multi_level_kps.2.conv2.weight"}) {
    EXPECT_TRUE(keys.contains(key)) << key;
  }
}

TEST(YuNet, RecognisesItsLayoutByTheKeys) {
  EXPECT_TRUE(YuNetConfig::of(state_dict(*YuNet(YuNetConfig::n()))).has_shared_units);
  EXPECT_FALSE(YuNetConfig::of(state_dict(*YuNet(YuNetConfig::s()))).has_shared_units);
}

TEST(YuNet, AnswersWithThreeLevels) {
  YuNet net;
  net->eval();
  const c10::NoGradGuard no_grad;
  const YuNetOutput levels = net->forward(at::zeros({2, 3, 64, 96}));
  for (size_t i = 0; i < levels.size(); ++i) {
    EXPECT_EQ(levels[i].sizes(),
              (std::vector<int64_t>{2, 16, 64 / kYuNetStrides[i], 96 / kYuNetStrides[i]}));
  }
  EXPECT_THROW(net->forward(at::zeros({1, 3, 60, 96})), std::invalid_argument);
  EXPECT_THROW(net->forward(at::zeros({1, 4, 64, 96})), std::invalid_argument);
  EXPECT_THROW(net->forward(at::zeros({3, 64, 96})), std::invalid_argument);
  EXPECT_THROW(net->forward(at::zeros({0, 3, 64, 96})), std::invalid_argument);
}

// What the module computes from a uint8 RGB image: BGR, zero padded to multiples of 32, NCHW.
YuNetOutput slow_output(YuNet& net, const at::Tensor& image) {
  const c10::NoGradGuard no_grad;
  const auto padded = [](int64_t size) { return (size + 31) / 32 * 32; };
  at::Tensor x = at::zeros({1, 3, padded(image.size(0)), padded(image.size(1))});
  x.slice(2, 0, image.size(0))
      .slice(3, 0, image.size(1))
      .copy_(image.flip(2).permute({2, 0, 1}).to(at::kFloat));
  return net->forward(x);
}

// Largest difference over the largest value.
double relative_difference(const YuNetOutput& slow, const std::array<Map, 3>& fast) {
  double difference = 0, largest = 0;
  for (size_t i = 0; i < fast.size(); ++i) {
    const Map& map = fast[i];
    const at::Tensor values =
        at::from_blob(const_cast<float*>(map.values.data()), {map.rows, map.columns, map.channels})
            .permute({2, 0, 1});
    difference = std::max(difference, (slow[i][0] - values).abs().max().item<double>());
    largest = std::max(largest, slow[i].abs().max().item<double>());
  }
  EXPECT_GT(largest, 0.1) << "the comparison needs values to compare";
  return difference / largest;
}

TEST(YuNet, StreamedAgreesWithTheModule) {
  for (const YuNetConfig& config : {YuNetConfig::n(), YuNetConfig::s()}) {
    YuNet net(config);
    randomize(net, 17);
    net->eval();
    const StreamedYuNet streamed(*net);
    // Whole, one pixel, and sizes that leave remainders in every loop.
    const std::vector<std::pair<int64_t, int64_t>> sizes = {
        {96, 64}, {1, 1}, {33, 97}, {150, 211}, {32, 500}};
    for (const auto& [height, width] : sizes) {
      const at::Tensor image =
          (testing::random_floats({height, width, 3}, 0.F, 255.F, 5)).to(at::kByte);
      EXPECT_LT(relative_difference(slow_output(net, image), streamed(image)), 1e-5)
          << height << " x " << width;
    }
  }
}

TEST(YuNet, StreamedReadsStridedRows) {
  YuNet net;
  randomize(net, 17);
  net->eval();
  const at::Tensor image = (testing::random_floats({80, 120, 3}, 0.F, 255.F, 7)).to(at::kByte);
  const at::Tensor part = image.slice(0, 8, 72).slice(1, 16, 112);
  const auto strided = StreamedYuNet(*net)(part), whole = StreamedYuNet(*net)(part.contiguous());
  for (size_t i = 0; i < strided.size(); ++i) {
    EXPECT_EQ(strided[i].values, whole[i].values);
  }
}

TEST(YuNet, FoldingTakesTheStatistics) {
  YuNet net;
  randomize(net, 17);
  net->eval();
  const StreamedYuNet before(*net);
  {
    const c10::NoGradGuard no_grad;
    for (auto& [key, tensor] : state_dict(*net)) {
      if (key == "backbone.model3.conv1.bn.running_mean") tensor.add_(0.5);
    }
  }
  const at::Tensor image = (testing::random_floats({64, 64, 3}, 0.F, 255.F, 6)).to(at::kByte);
  EXPECT_GT(relative_difference(slow_output(net, image), before(image)), 1e-5)
      << "one changed mean must be seen by the comparison above";
}

// A level of 2 x 3 cells in the layout of the ONNX outputs.
struct HandMadeLevel {
  std::vector<float> cls = std::vector<float>(6), obj = std::vector<float>(6),
                     box = std::vector<float>(24), landmarks = std::vector<float>(60);

  std::vector<FaceCandidate> decoded(float min_score, bool is_logit = false) const {
    std::vector<FaceCandidate> faces;
    decode_yunet_level(
        {16, 2, 3, cls.data(), obj.data(), box.data(), landmarks.data(), 1, 4, 10, 1, 1, is_logit},
        min_score, faces);
    return faces;
  }
};

TEST(DecodeYuNet, PlacesABoxByHand) {
  HandMadeLevel level;
  const size_t cell = 5;  // row 1, column 2
  level.cls[cell] = 0.64F;
  level.obj[cell] = 0.25F;
  const float regression[4] = {0.5F, -0.25F, std::log(2.0F), std::log(3.0F)};
  std::copy(regression, regression + 4, level.box.begin() + 4 * cell);
  for (size_t k = 0; k < 10; ++k) level.landmarks[10 * cell + k] = 0.1F * static_cast<float>(k);
  const auto faces = level.decoded(0.3F);
  ASSERT_EQ(faces.size(), 1U);
  EXPECT_NEAR(faces[0].score, 0.4, 1e-6);
  EXPECT_NEAR(faces[0].box.x0, 2.5 * 16 - 16, 1e-4);
  EXPECT_NEAR(faces[0].box.x1, 2.5 * 16 + 16, 1e-4);
  EXPECT_NEAR(faces[0].box.y0, 0.75 * 16 - 24, 1e-4);
  EXPECT_NEAR(faces[0].box.y1, 0.75 * 16 + 24, 1e-4);
  for (size_t k = 0; k < 5; ++k) {
    EXPECT_NEAR(faces[0].landmarks[k].x, (2 + 0.2 * static_cast<double>(k)) * 16, 1e-4);
    EXPECT_NEAR(faces[0].landmarks[k].y, (1 + 0.2 * static_cast<double>(k) + 0.1) * 16, 1e-4);
  }
  EXPECT_TRUE(level.decoded(0.41F).empty()) << "below the lowest score";
}

TEST(DecodeYuNet, ClampsScoresAndAppliesTheSigmoid) {
  HandMadeLevel level;
  level.cls[0] = 1.5F;
  level.obj[0] = 1.2F;
  level.cls[1] = -0.5F;
  level.obj[1] = 0.9F;
  ASSERT_EQ(level.decoded(0.5F).size(), 1U);
  EXPECT_EQ(level.decoded(0.5F)[0].score, 1.0F);
  const auto from_logits = level.decoded(0.0F, /*is_logit=*/true);
  ASSERT_EQ(from_logits.size(), 6U);
  EXPECT_NEAR(from_logits[5].score, 0.5, 1e-6) << "both logits 0";
  EXPECT_NEAR(from_logits[0].score, std::sqrt(1 / (1 + std::exp(-1.5)) / (1 + std::exp(-1.2))),
              1e-6);
}

TEST(DecodeYuNet, ReadsInterleavedMapsLikeSeparateOnes) {
  HandMadeLevel level;
  level.cls = {0.9F, 0.1F, 0.5F, 0.7F, 0.3F, 0.8F};
  level.obj = {0.8F, 0.9F, 0.6F, 0.7F, 0.2F, 0.9F};
  for (size_t i = 0; i < 24; ++i) level.box[i] = 0.01F * static_cast<float>(i);
  for (size_t i = 0; i < 60; ++i) level.landmarks[i] = 0.02F * static_cast<float>(i);
  std::vector<float> joined;
  for (size_t cell = 0; cell < 6; ++cell) {
    joined.push_back(level.cls[cell]);
    for (size_t k = 0; k < 4; ++k) joined.push_back(level.box[4 * cell + k]);
    joined.push_back(level.obj[cell]);
    for (size_t k = 0; k < 10; ++k) joined.push_back(level.landmarks[10 * cell + k]);
  }
  std::vector<FaceCandidate> faces;
  const float* values = joined.data();
  decode_yunet_level(
      {16, 2, 3, values, values + 5, values + 1, values + 6, 16, 16, 16, 1, 1, false}, 0.4F, faces);
  const auto separate = level.decoded(0.4F);
  ASSERT_EQ(faces.size(), separate.size());
  ASSERT_EQ(faces.size(), 4U);
  for (size_t i = 0; i < faces.size(); ++i) {
    EXPECT_EQ(faces[i].score, separate[i].score);
    EXPECT_EQ(faces[i].box.x0, separate[i].box.x0);
    EXPECT_EQ(faces[i].landmarks[4].y, separate[i].landmarks[4].y);
  }
}

}  // namespace
}  // namespace guise::nets
