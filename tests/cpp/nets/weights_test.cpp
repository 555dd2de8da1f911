// State dicts are loaded whole or not at all.
#include "nets/weights.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>
#include <torch/nn/modules/batchnorm.h>
#include <torch/nn/modules/conv.h>

#include "core/check.h"

namespace guise::nets {
namespace {

using Tensors = std::vector<std::pair<std::string, at::Tensor>>;

struct Net : torch::nn::Module {
  Net() {
    conv = register_module("conv", torch::nn::Conv2d(torch::nn::Conv2dOptions(3, 4, 1)));
    bn = register_module("bn", torch::nn::BatchNorm2d(4));
  }
  torch::nn::Conv2d conv{nullptr};
  torch::nn::BatchNorm2d bn{nullptr};
};

Tensors copied(const Net& net, double value) {
  Tensors tensors;
  for (const auto& [key, tensor] : state_dict(net)) {
    tensors.emplace_back(key, at::full_like(tensor, value));
  }
  return tensors;
}

std::string refusal(Net& net, const Tensors& tensors) {
  try {
    load_state_dict(net, tensors, "net.safetensors");
  } catch (const CorruptFile& error) {
    return error.what();
  }
  return "";
}

TEST(Weights, StateDictHasParametersAndBuffers) {
  std::vector<std::string> keys;
  for (const auto& [key, tensor] : state_dict(Net())) keys.push_back(key);
  EXPECT_EQ(keys, (std::vector<std::string>{"conv.weight", "conv.bias", "bn.weight", "bn.bias",
                                            "bn.running_mean", "bn.running_var",
                                            "bn.num_batches_tracked"}));
}

TEST(Weights, LoadsEveryTensorInAnyOrder) {
  Net net;
  Tensors tensors = copied(net, 3.0);
  std::reverse(tensors.begin(), tensors.end());
  load_state_dict(net, tensors, "net.safetensors");
  for (const auto& [key, tensor] : state_dict(net)) {
    EXPECT_TRUE(tensor.eq(3).all().item<bool>()) << key;
  }
  EXPECT_TRUE(net.conv->weight.requires_grad()) << "loading must not freeze the net";
}

TEST(Weights, ListsMissingUnexpectedAndMisshapenTogether) {
  Net net;
  Tensors tensors = copied(net, 3.0);
  tensors.erase(tensors.begin());
  tensors[0].second = at::zeros({5});
  tensors.emplace_back("head.weight", at::zeros({1}));
  const std::string text = refusal(net, tensors);
  for (const char* part : {"net.safetensors", "1 missing: conv.weight", "1 unexpected: head.weight",
                           "1 of another shape: conv.bias [5] for [4]"}) {
    EXPECT_NE(text.find(part), std::string::npos) << part << " in: " << text;
  }
}

TEST(Weights, ARefusedFileChangesNothing) {
  Net net;
  const at::Tensor before = net.bn->weight.detach().clone();
  Tensors tensors = copied(net, 42.0);
  tensors.pop_back();
  EXPECT_NE(refusal(net, tensors), "");
  EXPECT_TRUE(net.bn->weight.equal(before));
  EXPECT_FALSE(net.bn->weight.eq(42).any().item<bool>());
}

TEST(Weights, AKeyThatComesTwiceIsUnexpected) {
  Net net;
  Tensors tensors = copied(net, 1.0);
  tensors.push_back(tensors.front());
  EXPECT_NE(refusal(net, tensors).find("unexpected: conv.weight"), std::string::npos);
}

TEST(Weights, ListsTheFirstTenOfMany) {
  Net net;
  Tensors tensors = copied(net, 1.0);
  for (int i = 0; i < 30; ++i)
    tensors.emplace_back(std::string("x").append(std::to_string(i)), at::zeros({1}));
  const std::string text = refusal(net, tensors);
  EXPECT_NE(text.find("30 unexpected"), std::string::npos) << text;
  EXPECT_NE(text.find("x9 ..."), std::string::npos) << text;
  EXPECT_EQ(text.find("x10"), std::string::npos) << text;
}

}  // namespace
}  // namespace guise::nets
