// Vec2Face's generator (Wu et al., "Vec2Face: Scaling Face Dataset Generation with Loosely
// Constrained Vectors", ICLR 2025, arXiv 2409.02979): from an identity vector to an aligned face of
// 112 px by a feature-masked autoencoder. Child names are the keys of the authors' checkpoints, of
// Vec2Face and of Vec2Face+ (Wu et al. 2025) alike. 174.1 M parameters.
//
// The vector becomes 50 tokens: itself, and 49 scaled copies, a 7 x 7 grid. Of the grid some tokens
// are masked (overwritten by the vector), some of these dropped before the encoder. The decoder
// fills the masked ones with what the encoder made of token 0, and convolutions draw the picture.
#pragma once

#include <ATen/core/Tensor.h>
#include <torch/nn/module.h>
#include <torch/nn/modules/conv.h>
#include <torch/nn/modules/embedding.h>
#include <torch/nn/modules/linear.h>
#include <torch/nn/modules/normalization.h>
#include <torch/nn/pimpl.h>

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "nets/module_tree.h"

namespace guise::nets {

struct Vec2FaceConfig {
  int64_t vector_size = 512;  // of an identity vector
  int64_t width = 768;        // of a token
  int64_t blocks = 12, heads = 12;
  int64_t decoder_blocks = 8, decoder_heads = 16;
  int64_t picture_channels = 256;  // of the 7 x 7 grid as a picture
  // Of the convolutions at 112, 56, 28, 14 and 7 px; multiples of `groups`.
  std::array<int64_t, 5> channels = {128, 128, 256, 256, 512};
  int64_t groups = 32;   // that the norms of the convolutions make of their channels
  double dropout = 0.1;  // while it is trained
  // Whether the layers that the published files hold and nothing uses are there too.
  bool has_unused_layers = true;

  // "base", for which weights are published, "large", "huge", and "house", which guise trains
  // itself. Throws ValueError for another name.
  static Vec2FaceConfig preset(const std::string& name);
};

// Which tokens of the grid are masked and which of these are dropped.
struct Vec2FaceMask {
  at::Tensor masked;   // bool [N, 49]
  at::Tensor dropped;  // bool [N, 49], in every row as many, each of them masked too
};

struct Vec2FaceOutput {
  at::Tensor images;   // float [N, 3, 112, 112] RGB, about -1..1
  at::Tensor tokens;   // float [N, 49, width]: the grid that the decoder gives
  at::Tensor targets;  // float [N, 49, width]: the grid before masking, without a gradient
};

class Vec2FaceImpl : public torch::nn::Module {
 public:
  static constexpr int64_t kGridSide = 7;
  static constexpr int64_t kGridTokens = kGridSide * kGridSide;

  // Throws ValueError where a size is not positive, heads do not divide the width or channels are
  // no multiples of the groups.
  explicit Vec2FaceImpl(const Vec2FaceConfig& config = {});

  // vectors: float [N, vector_size], raw embeddings of the recogniser it was trained with.
  // condition: Vec2Face+'s embedded pose, [N, 1, width]; it takes the place of the encoder's token
  // 0 as what masked tokens are filled with. Throws ValueError for other shapes or masks.
  Vec2FaceOutput forward(const at::Tensor& vectors, const Vec2FaceMask& mask,
                         const std::optional<at::Tensor>& condition = std::nullopt);

  // Throws as forward does.
  static void check_inputs(const Vec2FaceConfig& config, const at::Tensor& vectors,
                           const Vec2FaceMask& mask, const std::optional<at::Tensor>& condition);

  const Vec2FaceConfig& config() const { return config_; }

 private:
  struct Block {
    torch::nn::LayerNorm norm1{nullptr}, norm2{nullptr};
    torch::nn::Linear qkv{nullptr}, projection{nullptr}, fc1{nullptr}, fc2{nullptr};
    int64_t heads;
  };
  struct ResidualBlock {
    torch::nn::GroupNorm norm1{nullptr}, norm2{nullptr};
    torch::nn::Conv2d conv1{nullptr}, conv2{nullptr}, shortcut{nullptr};

    at::Tensor forward(const at::Tensor& x);
  };
  struct Level {
    std::array<ResidualBlock, 2> blocks;
    torch::nn::Conv2d upsample{nullptr};  // empty at 112 px
  };

  void add_tokens(ModuleTree& tree);
  void add_picture_decoder(ModuleTree& tree);
  static Block add_block(ModuleTree& tree, const std::string& path, int64_t width, int64_t heads);
  ResidualBlock add_residual_block(ModuleTree& tree, const std::string& path, int64_t in_channels,
                                   int64_t channels) const;

  at::Tensor drop(const at::Tensor& x) const;  // dropout while it is trained
  at::Tensor run(Block& block, const at::Tensor& x) const;
  at::Tensor draw(const at::Tensor& grid);

  Vec2FaceConfig config_;
  torch::nn::Linear vector_projection_{nullptr}, feature_token_{nullptr}, decoder_embed_{nullptr},
      picture_projection_{nullptr};
  torch::nn::Embedding positions_{nullptr};
  torch::nn::LayerNorm token_norm_{nullptr}, norm_{nullptr}, decoder_norm_{nullptr};
  at::Tensor decoder_positions_;
  std::vector<Block> blocks_, decoder_blocks_;
  torch::nn::Conv2d conv_in_{nullptr}, conv_out_{nullptr};
  std::array<ResidualBlock, 2> middle_;
  std::array<Level, 5> levels_;  // from 112 px to 7 px, as the channels
  torch::nn::GroupNorm norm_out_{nullptr};
};
TORCH_MODULE(Vec2Face);

}  // namespace guise::nets
