// 6DRepNet: its layout and its rotations; tests/python/test_detector_nets.py compares whole nets.
#include "nets/six_d_rep_net.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <map>

#include "nets/weights.h"
#include "support/naive_ops.h"

namespace guise::nets {
namespace {

TEST(SixDRepNet, HasTheLayoutOfTheDeployForm) {
  const SixDRepNet net(SixDRepNetConfig{{4, 6, 8, 10, 12}, {2, 3, 2, 1}});
  std::map<std::string, std::vector<int64_t>> shapes;
  for (const auto& [key, tensor] : state_dict(*net)) shapes[key] = tensor.sizes().vec();
  EXPECT_EQ(shapes.size(), 2U * 9 + 2);
  const std::vector<std::pair<std::string, std::vector<int64_t>>> some = {
      {"layer0.rbr_reparam.weight", {4, 3, 3, 3}},
      {"layer1.0.rbr_reparam.weight", {6, 4, 3, 3}},
      {"layer1.1.rbr_reparam.weight", {6, 3, 3, 3}},  // the second block: two groups
      {"layer2.0.rbr_reparam.weight", {8, 6, 3, 3}},
      {"layer4.0.rbr_reparam.bias", {12}},  // the eighth
      {"linear_reg.weight", {6, 12}}};
  for (const auto& [key, shape] : some) EXPECT_EQ(shapes[key], shape) << key;
}

TEST(SixDRepNet, GivesRotations) {
  SixDRepNet net(SixDRepNetConfig{{4, 6, 8, 10, 12}, {2, 3, 2, 1}});
  const at::Tensor r = net->forward(testing::random_floats({3, 3, 64, 64}, -2, 2, 5));
  ASSERT_EQ(r.sizes(), (std::vector<int64_t>{3, 3, 3}));
  EXPECT_LT((r.matmul(r.transpose(1, 2)) - at::eye(3)).abs().max().item<double>(), 1e-5);
  EXPECT_THROW(net->forward(at::zeros({3, 64, 64})), std::invalid_argument);
}

TEST(RotationsOfSix, PutsTheVectorsInPlace) {
  // a along y, b between y and -x: x = y, z = y cross -x = +z, y = z cross x = -x.
  const at::Tensor r =
      rotations_of_six(at::tensor({0.F, 2.F, 0.F, -1.F, 1.F, 0.F}).view({1, 6}))[0];
  const at::Tensor wanted = at::tensor({0.F, -1.F, 0.F, 1.F, 0.F, 0.F, 0.F, 0.F, 1.F}).view({3, 3});
  EXPECT_LT((r - wanted).abs().max().item<double>(), 1e-6);
  const at::Tensor angles = euler_degrees(r.unsqueeze(0))[0];
  EXPECT_NEAR(angles[0].item<double>(), 0, 1e-4);
  EXPECT_NEAR(angles[1].item<double>(), 0, 1e-4);
  EXPECT_NEAR(angles[2].item<double>(), 90, 1e-4) << "a quarter turn in the picture";
}

}  // namespace
}  // namespace guise::nets
