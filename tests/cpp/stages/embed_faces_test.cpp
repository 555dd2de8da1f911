// Every crop is held against the recogniser's contract, and embeddings do not depend on the batch.
#include "stages/embed_faces.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <cmath>
#include <memory>

#include "core/check.h"
#include "stages/align_face.h"
#include "support/fake_embedder.h"

namespace guise::stages {
namespace {

using test::FakeEmbedder;
using test::FakeEmbedderOptions;
using Sizes = std::vector<int64_t>;

std::shared_ptr<FakeEmbedder> fake(const FakeEmbedderOptions& options = {}) {
  return std::make_shared<FakeEmbedder>(options);
}

// Pixels that differ from crop to crop and from left to right.
at::Tensor pattern(int64_t count, int64_t size_px) {
  at::Tensor crops = at::empty({count, size_px, size_px, 3}, at::kByte);
  auto pixels = crops.accessor<uint8_t, 4>();
  for (int64_t i = 0; i < count; ++i) {
    for (int64_t y = 0; y < size_px; ++y) {
      for (int64_t x = 0; x < size_px; ++x) {
        for (int64_t c = 0; c < 3; ++c) {
          pixels[i][y][x][c] = static_cast<uint8_t>((17 * i + 3 * x + 5 * y + 40 * c) % 251);
        }
      }
    }
  }
  return crops;
}

// What operator() says it does, crop by crop and with nothing clever.
at::Tensor slow_raw(const nets::FaceEmbedder& net, const at::Tensor& crops, bool flip) {
  std::vector<at::Tensor> rows;
  for (int64_t i = 0; i < crops.size(0); ++i) {
    const at::Tensor crop = crops.slice(0, i, i + 1).contiguous();
    at::Tensor raw = net.embed(crop).vectors;
    if (flip) raw = (raw + net.embed(crop.flip(2).contiguous()).vectors) / 2;
    rows.push_back(raw);
  }
  return at::cat(rows);
}

std::string why(const EmbedFaces& embed, const AlignedFaces& faces) {
  try {
    embed(faces);
  } catch (const std::exception& error) {
    return error.what();
  }
  return "";
}

TEST(EmbedFaces, AgreesWithTheSlowTwinInAnyBatch) {
  const auto net = fake();
  const at::Tensor crops = pattern(7, 32);
  for (const bool flip : {false, true}) {
    const at::Tensor raw = slow_raw(*net, crops, flip);
    for (const int64_t batch : {1, 3, 7, 32}) {
      const Embeddings found =
          EmbedFaces(net, {.flip = flip, .batch_size = batch})({.crops = crops});
      EXPECT_LT((found.norms - raw.norm(2, 1)).abs().max().item<float>(), 1e-3);
      EXPECT_LT((found.vectors - raw / raw.norm(2, 1, true)).abs().max().item<float>(), 1e-6);
      EXPECT_LT((found.vectors.norm(2, 1) - 1).abs().max().item<float>(), 1e-6);
      EXPECT_FALSE(found.quality.defined());
    }
  }
  const at::Tensor one = EmbedFaces(net, {.flip = false})({.crops = crops}).vectors;
  const at::Tensor both = EmbedFaces(net, {.flip = true})({.crops = crops}).vectors;
  EXPECT_GT((one - both).abs().max().item<float>(), 1e-4) << "the twin can tell";
}

TEST(EmbedFaces, BatchesAreAsLargeAsAskedFor) {
  const auto net = fake();
  EmbedFaces(net, {.flip = true, .batch_size = 3})({.crops = pattern(4, 32)});
  EXPECT_EQ(net->passes(),
            (std::vector<Sizes>{{3, 32, 32, 3}, {3, 32, 32, 3}, {1, 32, 32, 3}, {1, 32, 32, 3}}));
}

TEST(EmbedFaces, RawWhereAsked) {
  const at::Tensor crops = pattern(2, 32);
  const auto net = fake();
  const Embeddings found = EmbedFaces(net, {.flip = false, .normalise = false})({.crops = crops});
  EXPECT_TRUE(found.vectors.equal(net->embed(crops).vectors));
  EXPECT_TRUE(found.norms.allclose(found.vectors.norm(2, 1)));
}

TEST(EmbedFaces, QualityTravelsAlong) {
  const at::Tensor crops = pattern(3, 32);
  const Embeddings found =
      EmbedFaces(fake({.has_quality = true}), {.flip = false, .batch_size = 2})({.crops = crops});
  EXPECT_TRUE(
      found.quality.allclose(crops.select(3, 0).select(2, 0).select(1, 0).to(at::kFloat) / 255));
}

TEST(EmbedFaces, NoFacesGiveNoEmbeddings) {
  for (const bool has_quality : {false, true}) {
    const auto net = fake({.has_quality = has_quality});
    const Embeddings none = EmbedFaces(net)({.crops = at::empty({0, 32, 32, 3}, at::kByte)});
    EXPECT_EQ(none.vectors.sizes(), (Sizes{0, 6}));
    EXPECT_EQ(none.vectors.scalar_type(), at::kFloat);
    EXPECT_EQ(none.norms.sizes(), (Sizes{0}));
    EXPECT_EQ(none.quality.defined(), has_quality);
    EXPECT_TRUE(net->passes().empty());
  }
}

TEST(EmbedFaces, TakesTheMiddleForACropThatIsNotSquare) {
  const auto net = fake({.crop = {.crop_template = "arcface", .height_px = 112, .width_px = 96}});
  const EmbedFaces embed(net, {.flip = false, .normalise = false});
  EXPECT_EQ(embed.crop_size_px(), 112);
  const at::Tensor crops = pattern(1, 112);
  const at::Tensor middle = crops.slice(2, 8, 104).contiguous();
  EXPECT_TRUE(embed({.crops = crops}).vectors.equal(net->embed(middle).vectors));
}

TEST(EmbedFaces, WhatIsNotTheContractIsRefused) {
  const EmbedFaces embed(fake());
  EXPECT_NE(why(embed, {}).find("uint8 [N, S, S, 3]"), std::string::npos);
  for (const Sizes& sizes :
       {Sizes{32, 32}, {32, 32, 3}, {1, 32, 32}, {1, 32, 32, 1}, {1, 32, 32, 4}, {1, 3, 32, 32}}) {
    EXPECT_NE(why(embed, {.crops = at::zeros(sizes, at::kByte)}).find("uint8 [N, S, S, 3]"),
              std::string::npos)
        << sizes;
  }
  EXPECT_NE(why(embed, {.crops = at::zeros({1, 32, 32, 3})}).find("uint8"), std::string::npos);
  for (const Sizes& sizes : {Sizes{1, 31, 31, 3}, {1, 3, 3, 3}, {1, 32, 40, 3}, {1, 40, 32, 3}}) {
    const std::string reason = why(embed, {.crops = at::zeros(sizes, at::kByte)});
    EXPECT_NE(reason.find("the model fake needs square crops of 32 px"), std::string::npos);
    EXPECT_NE(reason.find("size_px=32"), std::string::npos);
  }
  const std::string other =
      why(embed, {.crops = at::zeros({1, 32, 32, 3}, at::kByte), .crop_template = "ffhq"});
  EXPECT_NE(other.find("'arcface'; got 'ffhq'"), std::string::npos);
  // 128 px have a wider border: smaller, they would not be what 32 px are.
  EXPECT_NE(why(embed, {.crops = pattern(1, 128)}).find("same layout"), std::string::npos);
  EXPECT_EQ(why(embed, {.crops = pattern(1, 112)}), "");
}

TEST(EmbedFaces, AFaceOfThreePixelsIsRefused) {
  core::Landmarks5 face = core::arcface_template(112);
  for (core::Point& point : face) point = {point.x * 3 / 112 + 20, point.y * 3 / 112 + 20};
  const at::Tensor image = at::full({64, 64, 3}, 90, at::kByte);
  const AlignedFaces aligned = AlignFace({.size_px = 32})(image, {face});
  const std::string reason = why(EmbedFaces(fake()), aligned);
  EXPECT_NE(reason.find("face 0 must fill at least 16 px of the picture; its crop shows 3"),
            std::string::npos)
      << reason;
  EXPECT_EQ(why(EmbedFaces(fake(), {.smallest_source_px = 0}), aligned), "");
  AlignedFaces odd = aligned;
  odd.image_to_crop.push_back(odd.image_to_crop[0]);
  EXPECT_NE(why(EmbedFaces(fake()), odd).find("a map for each crop"), std::string::npos);
}

TEST(EmbedFaces, WhatIsNotFiniteNamesTheModel) {
  const at::Tensor crops = at::full({2, 32, 32, 3}, 255, at::kByte);
  for (const float spoilt : {std::nanf(""), INFINITY, 0.0F}) {
    const EmbedFaces embed(fake({.spoil_from = 200, .spoilt = spoilt}));
    EXPECT_THROW(embed({.crops = crops}), CorruptFile);
    EXPECT_NE(why(embed, {.crops = crops}).find("the model fake"), std::string::npos);
    EXPECT_EQ(why(embed, {.crops = at::full({2, 32, 32, 3}, 9, at::kByte)}), "");
  }
}

TEST(EmbedFaces, OptionsOutOfRange) {
  EXPECT_THROW(EmbedFaces(nullptr), std::invalid_argument);
  EXPECT_THROW(EmbedFaces(fake(), {.batch_size = 0}), std::invalid_argument);
  EXPECT_THROW(EmbedFaces(fake(), {.smallest_source_px = -1}), std::invalid_argument);
}

TEST(ShrinkCrops, EachPixelIsTheMeanOfWhatItCovers) {
  const at::Tensor crops = pattern(2, 48);
  const at::Tensor small = shrink_crops(crops, 20);
  const auto pixels = crops.accessor<uint8_t, 4>();
  const auto found = small.accessor<uint8_t, 4>();
  // Forty-nine points a side and pixel.
  const double step = 48.0 / 20.0;
  for (int64_t y = 0; y < 20; ++y) {
    for (int64_t x = 0; x < 20; ++x) {
      double sum = 0, count = 0;
      for (int v = -24; v <= 24; ++v) {
        for (int u = -24; u <= 24; ++u) {
          const auto row = std::llround((static_cast<double>(y) + v / 49.0) * step);
          const auto column = std::llround((static_cast<double>(x) + u / 49.0) * step);
          if (row < 0 || column < 0 || row >= 48 || column >= 48) continue;
          sum += pixels[1][row][column][2];
          count += 1;
        }
      }
      EXPECT_NEAR(found[1][y][x][2], sum / count, 4.0) << x << " " << y;
    }
  }
  EXPECT_TRUE(shrink_crops(crops, 48).equal(crops));
  EXPECT_TRUE(shrink_crops(at::full({1, 30, 30, 3}, 77, at::kByte), 16).eq(77).all().item<bool>());
  EXPECT_THROW(shrink_crops(crops, 49), std::invalid_argument);
}

// The whole point of the half pixel: what is shrunk lies where what is aligned at that size lies.
TEST(ShrinkCrops, LandmarksLieWhereTheTemplateWantsThem) {
  const int64_t large_px = 112, small_px = 64;
  at::Tensor large = at::zeros({1, large_px, large_px, 3}, at::kByte);
  const core::Point nose = core::arcface_template(large_px)[2];
  auto pixels = large.accessor<uint8_t, 4>();
  for (int64_t y = 0; y < large_px; ++y) {
    for (int64_t x = 0; x < large_px; ++x) {
      const double away =
          std::hypot(static_cast<double>(x) - nose.x, static_cast<double>(y) - nose.y);
      pixels[0][y][x][0] = static_cast<uint8_t>(255 * std::clamp(8.5 - away, 0.0, 1.0));
    }
  }
  const at::Tensor small = shrink_crops(large, small_px)[0].select(2, 0).to(at::kDouble);
  const at::Tensor along = at::arange(small_px, at::kDouble);
  const double mass = small.sum().item<double>();
  const core::Point wanted = core::arcface_template(small_px)[2];
  EXPECT_NEAR((small.sum(0) * along).sum().item<double>() / mass, wanted.x, 0.02);
  EXPECT_NEAR((small.sum(1) * along).sum().item<double>() / mass, wanted.y, 0.02);
}

}  // namespace
}  // namespace guise::stages
