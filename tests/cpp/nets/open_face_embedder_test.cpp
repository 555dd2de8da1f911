// Recognisers from files: what is refused, float16, and where range and colours are applied.
#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <map>

#include "core/check.h"
#include "io/safetensors.h"
#include "io/sha256.h"
#include "nets/face_embedder.h"
#include "nets/house_recogniser.h"
#include "nets/mobilefacenet.h"
#include "support/random_weights.h"
#include "support/scratch_folder.h"

namespace guise::nets {
namespace {

class OpenFaceEmbedder : public ::testing::Test {
 protected:
  OpenFaceEmbedder()
      : net_(HouseRecogniserConfig{
            .channels = {8, 12, 16, 20}, .dimension = 32, .has_quality = true}) {
    testing::randomize_weights(*net_, 3);
    net_->eval();
    file_ = {"toy", "house-recogniser", "v1", path("toy"), "", {}};
    file_.crop.height_px = file_.crop.width_px = 64;
    write(file_.path, at::kFloat);
  }

  std::string path(const std::string& name) const { return folder_ / (name + ".safetensors"); }

  void write(const std::string& path, at::ScalarType dtype) const {
    std::map<std::string, at::Tensor> tensors;
    for (const auto& [key, tensor] : state_dict(*net_)) {
      tensors[key] = tensor.is_floating_point() ? tensor.detach().to(dtype) : tensor;
    }
    io::write_safetensors(path, tensors, {});
  }

  static at::Tensor crops(int64_t count) {
    return testing::random_floats({count, 64, 64, 3}, 0.F, 256.F, 5).to(at::kByte);
  }

  at::Tensor slow_embeddings(const at::Tensor& planes) {
    const c10::NoGradGuard no_grad;
    return net_->forward(planes);
  }

  test::ScratchFolder folder_;
  HouseRecogniser net_;
  EmbedderFile file_;
};

double difference(const at::Tensor& a, const at::Tensor& b) {
  return (a - b).abs().max().item<double>();
}

TEST_F(OpenFaceEmbedder, AppliesTheRangeAndGivesRawEmbeddingsAndQuality) {
  file_.crop.mean = {100.F, 110.F, 120.F};
  file_.crop.std = {50.F, 60.F, 70.F};
  const auto embedder = open_face_embedder(file_);
  EXPECT_EQ(embedder->traits().name, "toy");
  EXPECT_EQ(embedder->traits().dimension, 32);
  EXPECT_TRUE(embedder->traits().has_quality);
  const at::Tensor pixels = crops(3), before = pixels.clone();
  const RawEmbeddings got = embedder->embed(pixels);
  EXPECT_TRUE(pixels.equal(before));
  const at::Tensor mean = at::tensor({100.F, 110.F, 120.F}), std = at::tensor({50.F, 60.F, 70.F});
  const at::Tensor planes = ((pixels.to(at::kFloat) - mean) / std).permute({0, 3, 1, 2});
  const at::Tensor wanted = slow_embeddings(planes.contiguous());
  EXPECT_LT(difference(got.vectors, wanted), 1e-4);
  EXPECT_LT(difference(got.quality, net_->estimate_quality(wanted).detach()), 1e-5);
  EXPECT_GT(difference(got.vectors, slow_embeddings(planes.flip(1).contiguous())), 1e-2)
      << "the comparison must see the order of the colours";
}

TEST_F(OpenFaceEmbedder, TurnsColoursRoundForBgr) {
  const auto rgb = open_face_embedder(file_);
  file_.crop.is_bgr = true;
  file_.crop.mean = {127.5F, 127.5F, 127.5F};
  const auto bgr = open_face_embedder(file_);
  const at::Tensor pixels = crops(2);
  EXPECT_TRUE(bgr->embed(pixels).vectors.equal(rgb->embed(pixels.flip(3).contiguous()).vectors));
  EXPECT_FALSE(bgr->embed(pixels).vectors.equal(rgb->embed(pixels).vectors));
}

TEST_F(OpenFaceEmbedder, WidensFloat16) {
  const auto whole = open_face_embedder(file_);
  file_.path = path("half");
  write(file_.path, at::kHalf);
  const auto half = open_face_embedder(file_);
  const at::Tensor pixels = crops(2);
  const at::Tensor a = whole->embed(pixels).vectors, b = half->embed(pixels).vectors;
  EXPECT_EQ(b.scalar_type(), at::kFloat);
  EXPECT_FALSE(a.equal(b));
  EXPECT_LT(difference(a, b), 0.02 * a.abs().max().item<double>());
}

TEST_F(OpenFaceEmbedder, ChecksTheSum) {
  file_.sha256 = io::sha256_file(file_.path);
  EXPECT_NO_THROW(open_face_embedder(file_));
  file_.sha256[0] = file_.sha256[0] == 'a' ? 'b' : 'a';
  EXPECT_THROW(open_face_embedder(file_), CorruptFile);
  file_.path = path("absent");
  EXPECT_THROW(open_face_embedder(file_), Unavailable);
}

TEST_F(OpenFaceEmbedder, ListsTheKeysOfAnotherArchitecture) {
  file_.architecture = "mobilefacenet";
  file_.crop.height_px = file_.crop.width_px = 112;
  file_.preset = "foamliu";
  try {
    open_face_embedder(file_);
    FAIL() << "another architecture must be refused";
  } catch (const CorruptFile& error) {
    const std::string text = error.what();
    for (const char* part : {"307 missing: ", "unexpected: ", "toy.safetensors"}) {
      EXPECT_NE(text.find(part), std::string::npos) << part << " in: " << text;
    }
  }
}

TEST_F(OpenFaceEmbedder, RefusesWhatTheNetCannotTake) {
  EmbedderFile wrong = file_;
  wrong.crop.width_px = 112;
  EXPECT_THROW(open_face_embedder(wrong), std::invalid_argument);
  wrong = file_;
  wrong.crop.std[1] = 0.F;
  EXPECT_THROW(open_face_embedder(wrong), std::invalid_argument);
  wrong = file_;
  wrong.preset = "v7";
  EXPECT_THROW(open_face_embedder(wrong), std::invalid_argument);
  wrong = file_;
  wrong.architecture = "vgg";
  EXPECT_THROW(open_face_embedder(wrong), std::invalid_argument);
  const auto embedder = open_face_embedder(file_);
  EXPECT_THROW(embedder->embed(at::zeros({1, 112, 112, 3}, at::kByte)), std::invalid_argument);
  EXPECT_THROW(embedder->embed(at::zeros({1, 64, 64, 3})), std::invalid_argument);
}

}  // namespace
}  // namespace guise::nets
