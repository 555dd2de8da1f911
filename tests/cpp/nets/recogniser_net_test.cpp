// Recognisers: published sizes, and the form for inference against the module.
#include "nets/recogniser_net.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <c10/core/GradMode.h>
#include <gtest/gtest.h>

#include <map>
#include <set>

#include "core/check.h"
#include "core/device.h"
#include "nets/house_recogniser.h"
#include "nets/ir_backbone.h"
#include "nets/iresnet.h"
#include "nets/mobilefacenet.h"
#include "nets/recogniser_presets.h"
#include "support/random_weights.h"

namespace guise::nets {
namespace {

using Tensors = std::vector<std::pair<std::string, at::Tensor>>;

struct Published {
  const char *architecture, *preset;
  size_t tensors;
  int64_t parameters;  // those that learn
};

// Where the figures come from: the authors' own nets, built; elements of foamliu's file.
const std::vector<Published> kPublished = {
    {"iresnet", "r18", 187, 24'025'088},
    {"iresnet", "r34", 331, 34'138'816},
    {"iresnet", "r50", 475, 43'590'336},
    {"iresnet", "r100", 925, 65'155'648},
    {"ir-backbone", "treb1en-ir-se-50", 397, 43'797'696},
    {"ir-backbone", "adaface-ir-18", 179, 24'020'352},
    {"ir-backbone", "adaface-ir-50", 467, 43'585'600},
    {"ir-backbone", "adaface-ir-101", 917, 65'150'912},
    {"mobilefacenet", "mbf", 333, 2'059'520},
    {"mobilefacenet", "mbf-large", 606, 6'314'880},
    {"mobilefacenet", "treb1en", 333, 1'200'512},
    {"mobilefacenet", "xiaoccer", 333, 999'552},
    {"mobilefacenet", "foamliu", 307, 999'936},
    {"inception-resnet", "v1", 714, 23'482'624},
};

std::shared_ptr<RecogniserNet> make(const std::string& architecture, const std::string& preset) {
  return make_recogniser(architecture, preset, {}, "no file");
}

std::shared_ptr<RecogniserNet> shortened(const std::string& name) {
  using Ir = IrBackboneConfig::Layout;
  using Mobile = MobileFaceNetConfig::Layout;
  constexpr std::array<int64_t, 4> kBlocks = {1, 2, 1, 1};
  if (name == "iresnet") return std::make_shared<IResNetImpl>(IResNetConfig{kBlocks, false, false});
  if (name == "iresnet-se-fiqa") {
    return std::make_shared<IResNetImpl>(IResNetConfig{kBlocks, true, true});
  }
  if (name == "treb1en-ir-se") {
    return std::make_shared<IrBackboneImpl>(IrBackboneConfig{Ir::kTreb1en, kBlocks, true});
  }
  if (name == "adaface-ir") {
    return std::make_shared<IrBackboneImpl>(IrBackboneConfig{Ir::kAdaface, kBlocks, false});
  }
  if (name == "adaface-ir-se") {
    return std::make_shared<IrBackboneImpl>(IrBackboneConfig{Ir::kAdaface, kBlocks, true});
  }
  if (name == "mbf-large") {
    return std::make_shared<MobileFaceNetImpl>(
        MobileFaceNetConfig{Mobile::kInsightface, 4, {2, 1, 1, 1}});
  }
  if (name == "house") {
    return std::make_shared<HouseRecogniserImpl>(
        HouseRecogniserConfig{.channels = {8, 12, 20, 24}, .dimension = 48, .has_quality = true});
  }
  return name == "inception" ? make("inception-resnet", "v1") : make("mobilefacenet", name);
}

// One of each kind of block; the published depths are more of the same.
constexpr std::array<const char*, 12> kOneOfEach = {
    "iresnet",   "iresnet-se-fiqa", "treb1en-ir-se", "adaface-ir", "adaface-ir-se", "mbf",
    "mbf-large", "treb1en",         "xiaoccer",      "foamliu",    "inception",     "house"};

// Random weights, in eval(); made once.
RecogniserNet& random_net(const std::string& name) {
  static std::map<std::string, std::shared_ptr<RecogniserNet>> nets;
  std::shared_ptr<RecogniserNet>& net = nets[name];
  if (!net) {
    net = shortened(name);
    testing::randomize_weights(*net, 7);
    net->eval();
  }
  return *net;
}

at::Tensor random_crops(const RecogniserNet& net, int64_t count, uint32_t seed) {
  const CropSize size = net.crop_size();
  return testing::random_floats({count, 3, size.height_px, size.width_px}, -1.F, 1.F, seed);
}

double relative_difference(const at::Tensor& got, const at::Tensor& wanted) {
  EXPECT_EQ(got.sizes(), wanted.sizes());
  const double largest = wanted.abs().max().item<double>();
  EXPECT_GT(largest, 0.1) << "the comparison needs values to compare";
  EXPECT_LT(largest, 1e3) << "values must not explode on their way";
  return (got - wanted).abs().max().item<double>() / largest;
}

TEST(Recognisers, HaveThePublishedTensorsAndParameters) {
  for (const Published& published : kPublished) {
    const auto net = make(published.architecture, published.preset);
    int64_t parameters = 0;
    for (const at::Tensor& parameter : net->parameters()) {
      if (parameter.requires_grad()) parameters += parameter.numel();
    }
    EXPECT_EQ(state_dict(*net).size(), published.tensors) << published.preset;
    EXPECT_EQ(parameters, published.parameters) << published.preset;
  }
}

TEST(Recognisers, FoamliuHasTheElementsOfItsFile) {
  int64_t elements = 0;
  for (const auto& [key, tensor] : state_dict(*make("mobilefacenet", "foamliu"))) {
    elements += tensor.numel();
  }
  EXPECT_EQ(elements, 1'019'699);
}

TEST(Recognisers, FoldedAgreesWithTheModule) {
  const core::SingleThreadScope one_thread;
  for (const char* name : kOneOfEach) {
    RecogniserNet& net = random_net(name);
    const at::Tensor crops = random_crops(net, 1, 11);
    const c10::NoGradGuard no_grad;
    const at::Tensor wanted = net.forward(crops);
    const InferenceNet folded = net.folded();
    const InferenceOutputs packed = folded(crops), plain = folded.plain()(crops);
    EXPECT_LT(relative_difference(packed[0], wanted), 1e-5) << name;
    EXPECT_LT(relative_difference(plain[0], wanted), 1e-5) << name;
    ASSERT_EQ(packed.size(), net.has_quality() ? 2U : 1U);
    if (net.has_quality()) {
      EXPECT_LT(relative_difference(packed[1].squeeze(1), net.estimate_quality(wanted)), 1e-5);
    }
  }
}

TEST(Recognisers, TheComparisonSeesAChangedNorm) {
  const core::SingleThreadScope one_thread;
  RecogniserNet& net = random_net("iresnet");
  const InferenceNet before = net.folded();
  const at::Tensor crops = random_crops(net, 1, 11), embedding = before(crops)[0];
  const std::set<std::string> keys = {"layer2.1.bn1.running_mean",
                                      "layer2.1.bn1.bias",
                                      "layer3.0.bn3.weight",
                                      "bn2.bias",
                                      "layer4.0.downsample.1.running_mean",
                                      "features.running_var"};
  size_t found = 0;
  const c10::NoGradGuard no_grad;
  for (auto& [key, tensor] : state_dict(net)) {
    if (!keys.contains(key)) continue;
    ++found;
    tensor.add_(0.2);
    EXPECT_GT(relative_difference(embedding, net.forward(crops)), 1e-4) << key;
    EXPECT_TRUE(before(crops)[0].equal(embedding)) << "a folded net keeps what it was made of";
    tensor.sub_(0.2);
  }
  EXPECT_EQ(found, keys.size());
}

TEST(Recognisers, BytesDependNeitherOnTheBatchNorOnTheThreads) {
  const int threads = at::get_num_threads();
  for (const char* name : {"iresnet", "adaface-ir-se", "foamliu", "inception", "house"}) {
    const InferenceNet folded = random_net(name).folded();
    const at::Tensor crops = random_crops(random_net(name), 3, 13);
    at::set_num_threads(1);
    const at::Tensor together = folded(crops)[0];
    EXPECT_TRUE(folded(crops.slice(0, 1, 2))[0].equal(together.slice(0, 1, 2))) << name;
    at::set_num_threads(2);
    EXPECT_TRUE(folded(crops)[0].equal(together)) << name << " on two threads";
    EXPECT_TRUE(folded(crops.slice(0, 1, 2))[0].equal(together.slice(0, 1, 2)))
        << name << " alone on two threads";
  }
  at::set_num_threads(threads);
}

TEST(Recognisers, InferenceLeavesTheInputAndTakesAnyLayout) {
  const InferenceNet folded = random_net("foamliu").folded();
  const at::Tensor crops = random_crops(random_net("foamliu"), 2, 17), before = crops.clone();
  const at::Tensor channels_last = crops.contiguous(at::MemoryFormat::ChannelsLast);
  const at::Tensor embeddings = folded(crops)[0];
  EXPECT_TRUE(crops.equal(before));
  EXPECT_TRUE(folded(channels_last)[0].equal(embeddings));
  EXPECT_TRUE(channels_last.equal(before));
  EXPECT_FALSE(embeddings.is_inference()) << "gradients of what follows must be possible";
}

TEST(Recognisers, RefuseOtherInputs) {
  const auto net = make("mobilefacenet", "xiaoccer");
  const InferenceNet folded = net->folded();
  for (const at::Tensor& wrong :
       {at::zeros({1, 3, 112, 112}), at::zeros({0, 3, 112, 96}), at::zeros({1, 1, 112, 96}),
        at::zeros({3, 112, 96}), at::zeros({1, 3, 112, 96}, at::kByte)}) {
    EXPECT_THROW(net->forward(wrong), std::invalid_argument) << wrong.sizes();
    EXPECT_THROW(folded(wrong), std::invalid_argument) << wrong.sizes();
  }
  EXPECT_THROW(net->estimate_quality(at::zeros({1, 128})), std::invalid_argument);
  for (const auto& [architecture, preset] :
       std::vector<std::pair<const char*, const char*>>{{"iresnet", "r49"},
                                                        {"iresnet", "r50-fiqa-se"},
                                                        {"ir-backbone", "adaface-ir-100"},
                                                        {"ir-backbone", "treb1en-50"},
                                                        {"ir-backbone", "ir-50"},
                                                        {"mobilefacenet", "MBF"},
                                                        {"inception-resnet", "v2"},
                                                        {"house-recogniser", "v2"},
                                                        {"resnet", "v1"}}) {
    EXPECT_THROW(make(architecture, preset), std::invalid_argument) << preset;
  }
}

TEST(HouseRecogniser, ReadsItsConfigFromTheShapes) {
  const HouseRecogniserConfig config{
      .channels = {4, 6, 6, 8}, .blocks = {2, 1, 3, 1}, .dimension = 10, .has_quality = true};
  const auto read = HouseRecogniserConfig::of(state_dict(HouseRecogniserImpl(config)), "file");
  EXPECT_EQ(read.channels, config.channels);
  EXPECT_EQ(read.blocks, config.blocks);
  EXPECT_EQ(read.dimension, 10);
  EXPECT_TRUE(read.has_quality);
  EXPECT_THROW(HouseRecogniserImpl({.channels = {4, 0, 6, 8}}), std::invalid_argument);
  EXPECT_THROW(HouseRecogniserImpl({.dimension = 0}), std::invalid_argument);
}

// Sizes in a file become memory: each must be one that the file has paid for.
TEST(HouseRecogniser, RefusesShapesThatLie) {
  const Tensors tensors = state_dict(HouseRecogniserImpl({.channels = {4, 6, 6, 8}}));
  const auto with = [&](const std::string& key, at::IntArrayRef sizes) {
    Tensors changed = tensors;
    for (auto& [name, tensor] : changed) {
      if (name == key) tensor = at::zeros(sizes);
    }
    return changed;
  };
  const std::vector<Tensors> hostile = {
      {},
      with("stem.0.weight", {1'000'000'000'000, 3, 0, 3}),
      with("stem.0.weight", {4, 3, 3}),
      with("stages.1.0.conv1.weight", {1'000'000, 4, 1, 1}),
      with("stages.1.0.conv2.weight", {6, 6, 3, 1}),
      with("stages.2.1.conv1.weight", {6, 5, 3, 3}),
      with("linear.weight", {100'000, 1}),
  };
  for (const Tensors& each : hostile) {
    EXPECT_THROW(HouseRecogniserConfig::of(each, "file"), CorruptFile);
  }
  EXPECT_NO_THROW(HouseRecogniserConfig::of(tensors, "file"));
}

}  // namespace
}  // namespace guise::nets
