// Vec2Face's convolutions for inference on the CPU: from the 7 x 7 grid to a picture of 112 px.
//
// Channels last. What happens between a norm and the next convolution is one pass; a doubling of
// the side and the 3x3 convolution after it are four 2x2 convolutions of the small picture, one for
// each parity of the pixel; the 1x1 convolution of a shortcut is part of the one before it.
#pragma once

#include <ATen/core/Tensor.h>
#include <torch/ordered_dict.h>

#include <array>
#include <cstdint>
#include <string>

#include "nets/packed_product.h"
#include "nets/vec2face.h"

namespace guise::nets {

using NamedTensors = torch::OrderedDict<std::string, at::Tensor>;

class PictureDecoder {
 public:
  static constexpr int64_t kSide = 112;

  // What one thread writes to while it draws; may be used again.
  struct Buffers {
    at::Tensor picture, other, operand;
  };

  PictureDecoder(const NamedTensors& weights, const Vec2FaceConfig& config, Precision precision);

  Buffers make_buffers() const;

  // grid: float32 [49, padded(picture_channels)]; image: float32 [3, 112, 112].
  void draw(const float* grid, float* image, const Buffers& buffers) const;

 private:
  struct Norm {
    at::Tensor gain, bias;  // padded
    int64_t channels, groups;
  };
  struct Residual {
    Norm norm1, norm2;
    PackedProduct conv1, conv2;
    bool adds_input;
  };
  struct Level {
    std::array<Residual, 2> blocks;
    std::array<PackedProduct, 4> upsample;  // by parity of row and column; unused at 112 px
  };

  Residual residual(const NamedTensors& weights, const std::string& path) const;
  Norm norm(const NamedTensors& weights, const std::string& path) const;

  static void activate(const Norm& norm, const float* picture, int64_t side, Precision precision,
                       float* operand);
  static void run(const Residual& block, int64_t side, const Buffers& buffers);
  static void upsample(const Level& level, int64_t side, const Buffers& buffers);

  Precision precision_;
  int64_t groups_;
  int64_t picture_numbers_ = 0, operand_units_ = 0;
  PackedProduct conv_in_, conv_out_;
  std::array<Residual, 2> middle_;
  std::array<Level, 5> levels_;  // from 112 px to 7 px
  Norm norm_out_;
};

}  // namespace guise::nets
