#include "nets/vec2face.h"

#include <ATen/ATen.h>
#include <torch/nn/init.h>

#include "core/check.h"

namespace guise::nets {

namespace {

constexpr double kEps = 1e-6;  // of every norm
constexpr int64_t kMlpRatio = 4;

torch::nn::LayerNorm layer_norm(int64_t width) {
  return torch::nn::LayerNorm(torch::nn::LayerNormOptions({width}).eps(kEps));
}

torch::nn::GroupNorm group_norm(int64_t groups, int64_t channels) {
  return torch::nn::GroupNorm(torch::nn::GroupNormOptions(groups, channels).eps(kEps));
}

torch::nn::Conv2d three_by_three(int64_t in_channels, int64_t channels, bool has_bias) {
  return torch::nn::Conv2d(
      torch::nn::Conv2dOptions(in_channels, channels, 3).padding(1).bias(has_bias));
}

// The published files hold the positions 0 to 49 beside what was learned for each.
class TokenEmbeddingImpl : public torch::nn::Module {
 public:
  explicit TokenEmbeddingImpl(int64_t tokens, int64_t width) {
    position_embeddings =
        register_module("position_embeddings", torch::nn::Embedding(tokens, width));
    norm = register_module("LayerNorm", layer_norm(width));
    register_buffer("position_ids", at::arange(tokens, at::kLong).unsqueeze(0));
  }

  torch::nn::Embedding position_embeddings{nullptr};
  torch::nn::LayerNorm norm{nullptr};
};
TORCH_MODULE(TokenEmbedding);

}  // namespace

Vec2FaceConfig Vec2FaceConfig::preset(const std::string& name) {
  Vec2FaceConfig config;
  if (name == "large") {
    config.width = 1024;
    config.blocks = 24;
    config.heads = 16;
  } else if (name == "huge") {
    config.width = 1280;
    config.blocks = 32;
    config.heads = 16;
  } else if (name == "house") {
    config.width = 256;
    config.blocks = config.decoder_blocks = 4;
    config.heads = config.decoder_heads = 8;
    config.picture_channels = 128;
    config.channels = {32, 32, 64, 128, 192};
    config.groups = 8;
    config.dropout = 0.0;
    config.has_unused_layers = false;
  } else {
    GUISE_CHECK_ARG(name == "base", "preset must be 'base', 'large', 'huge' or 'house'; got '",
                    name, "'");
  }
  return config;
}

Vec2FaceImpl::Vec2FaceImpl(const Vec2FaceConfig& config) : config_(config) {
  for (const int64_t size :
       {config.vector_size, config.width, config.blocks, config.heads, config.decoder_blocks,
        config.decoder_heads, config.picture_channels, config.groups}) {
    GUISE_CHECK_ARG(size >= 1, "every size of a Vec2Face must be 1 or more; got ", size);
  }
  GUISE_CHECK_ARG(config.width % config.heads == 0 && config.width % config.decoder_heads == 0,
                  "heads must divide the width; got ", config.heads, " and ", config.decoder_heads,
                  " of ", config.width);
  for (const int64_t channels : config.channels) {
    GUISE_CHECK_ARG(channels > 0 && channels % config.groups == 0,
                    "channels must be multiples of the groups, ", config.groups, "; got ",
                    channels);
  }
  GUISE_CHECK_ARG(config.dropout >= 0.0 && config.dropout < 1.0,
                  "dropout must be 0 or more and below 1; got ", config.dropout);
  ModuleTree tree(*this);
  add_tokens(tree);
  for (int64_t i = 0; i < config.blocks; ++i) {
    blocks_.push_back(add_block(tree, "blocks." + std::to_string(i), config.width, config.heads));
  }
  norm_ = tree.add("norm", layer_norm(config.width));
  decoder_embed_ = tree.add("decoder_embed", torch::nn::Linear(config.width, config.width));
  decoder_positions_ = register_parameter("decoder_pos_embed_learned",
                                          at::zeros({1, kGridTokens + 1, config.width}));
  for (int64_t i = 0; i < config.decoder_blocks; ++i) {
    decoder_blocks_.push_back(
        add_block(tree, "decoder_blocks." + std::to_string(i), config.width, config.decoder_heads));
  }
  decoder_norm_ = tree.add("decoder_norm", layer_norm(config.width));
  picture_projection_ =
      tree.add("im_decoder_proj", torch::nn::Linear(config.width, config.picture_channels));
  add_picture_decoder(tree);
}

void Vec2FaceImpl::add_tokens(ModuleTree& tree) {
  const int64_t width = config_.width;
  vector_projection_ =
      tree.add("latent_prior_proj_f", torch::nn::Linear(config_.vector_size, width));
  feature_token_ = tree.add("feature_token", torch::nn::Linear(1, kGridTokens));
  const TokenEmbedding embedding = tree.add("token_emb", TokenEmbedding(kGridTokens + 1, width));
  positions_ = embedding->position_embeddings;
  token_norm_ = embedding->norm;
  torch::nn::init::normal_(positions_->weight, 0.0, 0.02);
  if (config_.has_unused_layers) {
    tree.add("center_token", torch::nn::Linear(width, kGridTokens));
    tree.add("patch_embed.proj",
             torch::nn::Conv2d(torch::nn::Conv2dOptions(3, width, 16).stride(16)));
  }
}

Vec2FaceImpl::Block Vec2FaceImpl::add_block(ModuleTree& tree, const std::string& path,
                                            int64_t width, int64_t heads) {
  Block block;
  block.norm1 = tree.add(path + ".norm1", layer_norm(width));
  block.qkv = tree.add(path + ".attn.qkv", torch::nn::Linear(width, 3 * width));
  block.projection = tree.add(path + ".attn.proj", torch::nn::Linear(width, width));
  block.norm2 = tree.add(path + ".norm2", layer_norm(width));
  block.fc1 = tree.add(path + ".mlp.fc1", torch::nn::Linear(width, kMlpRatio * width));
  block.fc2 = tree.add(path + ".mlp.fc2", torch::nn::Linear(kMlpRatio * width, width));
  block.heads = heads;
  return block;
}

Vec2FaceImpl::ResidualBlock Vec2FaceImpl::add_residual_block(ModuleTree& tree,
                                                             const std::string& path,
                                                             int64_t in_channels,
                                                             int64_t channels) const {
  ResidualBlock block;
  block.norm1 = tree.add(path + ".norm1", group_norm(config_.groups, in_channels));
  block.conv1 = tree.add(path + ".conv1", three_by_three(in_channels, channels, false));
  block.norm2 = tree.add(path + ".norm2", group_norm(config_.groups, channels));
  block.conv2 = tree.add(path + ".conv2", three_by_three(channels, channels, false));
  if (in_channels != channels) {
    block.shortcut =
        tree.add(path + ".nin_shortcut",
                 torch::nn::Conv2d(torch::nn::Conv2dOptions(channels, channels, 1).bias(false)));
  }
  return block;
}

void Vec2FaceImpl::add_picture_decoder(ModuleTree& tree) {
  const auto& channels = config_.channels;
  int64_t in_channels = channels.back();
  conv_in_ =
      tree.add("im_decoder.conv_in", three_by_three(config_.picture_channels, in_channels, true));
  for (size_t i = 0; i < middle_.size(); ++i) {
    middle_[i] = add_residual_block(tree, "im_decoder.mid.block_" + std::to_string(i + 1),
                                    in_channels, in_channels);
  }
  for (size_t level = levels_.size(); level-- > 0;) {
    const std::string path = "im_decoder.up." + std::to_string(level);
    for (size_t i = 0; i < levels_[level].blocks.size(); ++i) {
      levels_[level].blocks[i] = add_residual_block(tree, path + ".block." + std::to_string(i),
                                                    in_channels, channels[level]);
      in_channels = channels[level];
    }
    if (level > 0) {
      levels_[level].upsample =
          tree.add(path + ".upsample.conv", three_by_three(in_channels, in_channels, true));
    }
  }
  norm_out_ = tree.add("im_decoder.norm_out", group_norm(config_.groups, in_channels));
  conv_out_ = tree.add("im_decoder.conv_out", three_by_three(in_channels, 3, true));
}

at::Tensor Vec2FaceImpl::drop(const at::Tensor& x) const {
  return at::dropout(x, config_.dropout, is_training());
}

at::Tensor Vec2FaceImpl::run(Block& block, const at::Tensor& x) const {
  const int64_t count = x.size(0), tokens = x.size(1), width = x.size(2);
  const std::vector<at::Tensor> parts =
      block.qkv(block.norm1(x))
          .view({count, tokens, 3, block.heads, width / block.heads})
          .permute({2, 0, 3, 1, 4})
          .unbind(0);
  const at::Tensor mixed = at::scaled_dot_product_attention(parts[0], parts[1], parts[2],
                                                            /*attn_mask=*/std::nullopt,
                                                            is_training() ? config_.dropout : 0.0);
  const at::Tensor attended =
      x + drop(block.projection(mixed.transpose(1, 2).reshape({count, tokens, width})));
  const at::Tensor hidden = drop(at::gelu(block.fc1(block.norm2(attended))));
  return attended + drop(block.fc2(hidden));
}

at::Tensor Vec2FaceImpl::ResidualBlock::forward(const at::Tensor& x) {
  const at::Tensor y = conv2(at::silu(norm2(conv1(at::silu(norm1(x))))));
  // As published: where the channels change, what is added is not the input.
  return y + (shortcut.is_empty() ? x : shortcut(y));
}

at::Tensor Vec2FaceImpl::draw(const at::Tensor& grid) {
  at::Tensor y = conv_in_(grid);
  for (ResidualBlock& block : middle_) y = block.forward(y);
  for (size_t level = levels_.size(); level-- > 0;) {
    for (ResidualBlock& block : levels_[level].blocks) y = block.forward(y);
    if (level > 0) {
      y = levels_[level].upsample(at::upsample_nearest2d(y, {2 * y.size(2), 2 * y.size(3)}));
    }
  }
  return conv_out_(at::silu(norm_out_(y)));
}

void Vec2FaceImpl::check_inputs(const Vec2FaceConfig& config, const at::Tensor& vectors,
                                const Vec2FaceMask& mask,
                                const std::optional<at::Tensor>& condition) {
  GUISE_CHECK_ARG(vectors.dim() == 2 && vectors.size(1) == config.vector_size,
                  "vectors must be [N, ", config.vector_size, "]; got ", vectors.sizes());
  const int64_t count = vectors.size(0);
  for (const at::Tensor& each : {mask.masked, mask.dropped}) {
    GUISE_CHECK_ARG(
        each.sizes() == at::IntArrayRef({count, kGridTokens}) && each.scalar_type() == at::kBool,
        "masks must be bool [", count, ", ", kGridTokens, "]; got ", each.scalar_type(), " ",
        each.sizes());
  }
  GUISE_CHECK_ARG(!(mask.dropped & ~mask.masked).any().item<bool>(),
                  "every dropped token must be masked too");
  const at::Tensor dropped = mask.dropped.sum(1);
  GUISE_CHECK_ARG(count == 0 || dropped.eq(dropped[0]).all().item<bool>(),
                  "every vector must have as many dropped tokens; got ", dropped.min().item(),
                  " to ", dropped.max().item());
  GUISE_CHECK_ARG(!condition || condition->sizes() == at::IntArrayRef({count, 1, config.width}),
                  "condition must be [", count, ", 1, ", config.width, "]; got ",
                  condition ? condition->sizes() : at::IntArrayRef());
}

Vec2FaceOutput Vec2FaceImpl::forward(const at::Tensor& vectors, const Vec2FaceMask& mask,
                                     const std::optional<at::Tensor>& condition) {
  check_inputs(config_, vectors, mask, condition);
  const int64_t count = vectors.size(0), width = config_.width;
  const at::Tensor own = vector_projection_(vectors).unsqueeze(1);
  const at::Tensor grid = feature_token_(own.transpose(1, 2)).transpose(1, 2);
  at::Tensor tokens = at::where(mask.masked.unsqueeze(2), own, grid);
  tokens = drop(token_norm_(at::cat({own, tokens}, 1) + positions_->weight));

  // Token 0 is neither masked nor dropped.
  const at::Tensor first = at::zeros({count, 1}, mask.masked.options());
  const at::Tensor kept = (~at::cat({first, mask.dropped}, 1)).nonzero().select(1, 1);
  const at::Tensor places =
      kept.view({count, count == 0 ? kGridTokens + 1 : -1, 1}).expand({-1, -1, width});
  at::Tensor x = tokens.gather(1, places);
  for (Block& block : blocks_) x = run(block, x);
  x = norm_(x);

  if (!condition) x = decoder_embed_(x);
  const at::Tensor filling =
      (condition ? *condition : x.narrow(1, 0, 1)).expand({count, kGridTokens + 1, width});
  const at::Tensor filled = filling.scatter(1, places, x);
  x = at::where(at::cat({first, mask.masked}, 1).unsqueeze(2), filling, filled);
  x = x + decoder_positions_;
  for (Block& block : decoder_blocks_) x = run(block, x);
  x = decoder_norm_(x).narrow(1, 1, kGridTokens);

  const at::Tensor picture = picture_projection_(x)
                                 .view({count, kGridSide, kGridSide, config_.picture_channels})
                                 .permute({0, 3, 1, 2});
  return {draw(picture.contiguous()), x, grid.detach()};
}

}  // namespace guise::nets
