// A recogniser whose embeddings say which pixels it was given, so that a test knows what the stage
// made of a crop.
#pragma once

#include <ATen/ATen.h>

#include <limits>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "nets/face_embedder.h"

namespace guise::test {

struct FakeEmbedderOptions {
  nets::CropContract crop = {.crop_template = "arcface", .height_px = 32, .width_px = 32};
  bool has_quality = false;
  double spoil_from = 256;  // a crop whose first pixel's red is at least this gives `spoilt`
  float spoilt = std::numeric_limits<float>::quiet_NaN();
};

// Embedding: mean of red, green, blue, of the left half, of the right half, and 1. Quality: red of
// the first pixel over 255.
class FakeEmbedder : public nets::FaceEmbedder {
 public:
  explicit FakeEmbedder(FakeEmbedderOptions options = {})
      : options_(std::move(options)),
        traits_{"fake", /*dimension=*/6, options_.crop, options_.has_quality} {}

  const nets::EmbedderTraits& traits() const override { return traits_; }

  nets::RawEmbeddings embed(const at::Tensor& crops) const override {
    {
      const std::lock_guard lock(mutex_);
      passes_.push_back(crops.sizes().vec());
    }
    const at::Tensor values = crops.to(at::kFloat);
    const int64_t half = crops.size(2) / 2;
    const at::Tensor colours = values.mean({1, 2});
    const at::Tensor left = values.slice(2, 0, half).mean({1, 2, 3});
    const at::Tensor right = values.slice(2, half).mean({1, 2, 3});
    const at::Tensor sides = at::stack({left, right, at::ones_like(left)}, 1);
    const at::Tensor first = values.select(3, 0).select(2, 0).select(1, 0);
    at::Tensor vectors = at::cat({colours, sides}, 1);
    vectors.masked_fill_(first.ge(options_.spoil_from).unsqueeze(1), options_.spoilt);
    return {vectors, options_.has_quality ? first / 255.0 : at::Tensor()};
  }

  // Sizes of what came, pass by pass.
  std::vector<std::vector<int64_t>> passes() const {
    const std::lock_guard lock(mutex_);
    return passes_;
  }

 private:
  FakeEmbedderOptions options_;
  nets::EmbedderTraits traits_;
  mutable std::mutex mutex_;
  mutable std::vector<std::vector<int64_t>> passes_;
};

}  // namespace guise::test
