#include "nets/vec2face_inference.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <c10/core/InferenceMode.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <utility>

#include "core/check.h"
#include "core/run_tasks.h"
#include "nets/lane_kernels.h"

namespace guise::nets {

namespace {

constexpr double kEps = 1e-6;  // of every norm
constexpr int64_t kGridTokens = Vec2FaceImpl::kGridTokens;
constexpr int64_t kTokens = kGridTokens + 1;
constexpr int64_t kChunkSamples = 4;  // that share what it costs to read the blocks' weights

at::Tensor with_padding(const at::Tensor& values) {
  return at::constant_pad_nd(values.detach(), {0, padded(values.size(-1)) - values.size(-1)})
      .contiguous();
}

PackedProduct linear(const NamedTensors& weights, const std::string& path, Precision precision) {
  return {weights[path + ".weight"].unsqueeze(1), weights[path + ".bias"], precision};
}

Precision checked_precision(at::ScalarType dtype) {
  GUISE_CHECK_ARG(dtype == at::kFloat || dtype == at::kBFloat16,
                  "dtype must be float32 or bfloat16; got ", c10::toString(dtype));
  if (dtype == at::kFloat) return Precision::kFloat32;
  if (!has_fast_bfloat16()) {
    throw Unavailable("this processor does not multiply bfloat16 (AVX512-BF16): use float32");
  }
  return Precision::kBFloat16;
}

// One head of one sample: softmax(Q K^T / sqrt(size)) V. The keys and the values become weights of
// products.
class AttentionHead {
 public:
  AttentionHead(int64_t tokens, int64_t size)
      : tokens_(tokens),
        size_(size),
        columns_(padded(tokens)),
        outputs_(padded(size)),
        numbers_(at::zeros(size * columns_ + tokens * (columns_ + 2 * outputs_))),
        keys_(numbers_.mutable_data_ptr<float>()),
        scores_(keys_ + size * columns_),
        values_(scores_ + tokens * columns_),
        mixed_(values_ + tokens * outputs_) {}

  // query: the first of the rows, `step` numbers apart; keys, values: `width` after it and so on.
  void run(const float* query, int64_t step, int64_t width, float* out, int64_t out_step) {
    for (int64_t t = 0; t < tokens_; ++t) {
      const float* key = query + t * step + width;
      const float* value = key + width;
      for (int64_t i = 0; i < size_; ++i) {
        keys_[panel_place(i, t, size_, columns_)] = key[i];
        values_[panel_place(t, i, tokens_, outputs_)] = value[i];
      }
    }
    product(query, step, keys_, size_, columns_, scores_);
    const float scale = 1.0f / std::sqrt(static_cast<float>(size_));
    for (int64_t t = 0; t < tokens_; ++t) softmax_row(scores_ + t * columns_, tokens_, scale);
    product(scores_, columns_, values_, tokens_, outputs_, mixed_);
    for (int64_t t = 0; t < tokens_; ++t) {
      std::copy_n(mixed_ + t * outputs_, size_, out + t * out_step);
    }
  }

 private:
  void product(const float* in, int64_t step, const float* weight, int64_t units, int64_t outputs,
               float* out) const {
    const int64_t no_offset = 0;
    multiply({.values = weight,
              .bias = nullptr,
              .taps = 1,
              .units = units,
              .outputs = outputs,
              .precision = Precision::kFloat32},
             {.in = in,
              .in_step = step,
              .in_row_step = 0,
              .offsets = &no_offset,
              .out = out,
              .out_step = outputs,
              .out_row_step = 0,
              .addend = nullptr,
              .rows = 1,
              .columns = tokens_});
  }

  int64_t tokens_, size_, columns_, outputs_;
  at::Tensor numbers_;
  float *keys_, *scores_, *values_, *mixed_;
};

}  // namespace

// What a thread writes to; rows of tokens, sample by sample.
struct Vec2FaceInference::Buffers {
  Buffers(int64_t rows, int64_t width, int64_t picture_channels) {
    const int64_t widest = std::max(4 * width, picture_channels);
    // Zeros: products read the padding of rows, which not all that writes them writes.
    numbers = at::zeros({rows, 3 * width + 2 * widest});
    x = numbers.mutable_data_ptr<float>();
    normed = x + rows * width;
    attended = normed + rows * width;
    units = attended + rows * width;
    wide = units + rows * widest;
  }

  at::Tensor numbers;
  float *x, *normed, *attended;
  float* units;  // what a product reads
  float* wide;   // what a product gives
};

Vec2FaceInference::Block Vec2FaceInference::block(const NamedTensors& weights,
                                                  const std::string& path, int64_t heads) const {
  const auto norm = [&](const std::string& name) {
    return Norm{with_padding(weights[path + name + ".weight"]),
                with_padding(weights[path + name + ".bias"])};
  };
  return {.norm1 = norm(".norm1"),
          .norm2 = norm(".norm2"),
          .qkv = linear(weights, path + ".attn.qkv", precision_),
          .projection = linear(weights, path + ".attn.proj", precision_),
          .fc1 = linear(weights, path + ".mlp.fc1", precision_),
          .fc2 = linear(weights, path + ".mlp.fc2", precision_),
          .heads = heads};
}

Vec2FaceInference::Vec2FaceInference(const Vec2FaceImpl& net, at::ScalarType dtype)
    : Vec2FaceInference(net.named_parameters(), net.config(), checked_precision(dtype)) {}

Vec2FaceInference::Vec2FaceInference(const NamedTensors& weights, const Vec2FaceConfig& config,
                                     Precision precision)
    : config_(config), precision_(precision), picture_(weights, config, precision) {
  const auto norm = [&](const std::string& path) {
    return Norm{with_padding(weights[path + ".weight"]), with_padding(weights[path + ".bias"])};
  };
  // The vector itself is not rounded.
  vector_projection_ = linear(weights, "latent_prior_proj_f", Precision::kFloat32);
  decoder_embed_ = linear(weights, "decoder_embed", precision);
  picture_projection_ = linear(weights, "im_decoder_proj", precision);
  token_scale_ = weights["feature_token.weight"].detach().flatten().clone();
  token_shift_ = weights["feature_token.bias"].detach().clone();
  positions_ = with_padding(weights["token_emb.position_embeddings.weight"]);
  decoder_positions_ = with_padding(weights["decoder_pos_embed_learned"][0]);
  token_norm_ = norm("token_emb.LayerNorm");
  norm_ = norm("norm");
  decoder_norm_ = norm("decoder_norm");
  for (int64_t i = 0; i < config.blocks; ++i) {
    blocks_.push_back(block(weights, "blocks." + std::to_string(i), config.heads));
  }
  for (int64_t i = 0; i < config.decoder_blocks; ++i) {
    decoder_blocks_.push_back(
        block(weights, "decoder_blocks." + std::to_string(i), config.decoder_heads));
  }
}

void Vec2FaceInference::normalise(const Norm& norm, const float* in, int64_t rows, float* out,
                                  Precision precision) const {
  layer_norm_rows(in, rows, config_.width, norm.gain.const_data_ptr<float>(),
                  norm.bias.const_data_ptr<float>(), kEps, {out, precision});
}

const float* Vec2FaceInference::operand(const float* in, int64_t count, Buffers& buffers) const {
  if (precision_ == Precision::kFloat32) return in;
  copy_numbers(in, count, {buffers.units, precision_});
  return buffers.units;
}

void Vec2FaceInference::attend(const Block& block, int64_t tokens, int64_t samples,
                               Buffers& buffers) const {
  const int64_t width = config_.width, size = width / block.heads, step = block.qkv.outputs();
  AttentionHead head(tokens, size);
  for (int64_t s = 0; s < samples; ++s) {
    for (int64_t h = 0; h < block.heads; ++h) {
      head.run(buffers.wide + s * tokens * step + h * size, step, width,
               buffers.attended + s * tokens * padded(width) + h * size, padded(width));
    }
  }
}

void Vec2FaceInference::run(const Block& block, int64_t tokens, int64_t samples,
                            Buffers& buffers) const {
  const int64_t rows = samples * tokens;
  normalise(block.norm1, buffers.x, rows, buffers.units, precision_);
  block.qkv.run(buffers.units, rows, buffers.wide);
  attend(block, tokens, samples, buffers);
  block.projection.run(operand(buffers.attended, rows * padded(config_.width), buffers), rows,
                       buffers.x, buffers.x);
  normalise(block.norm2, buffers.x, rows, buffers.units, precision_);
  block.fc1.run(buffers.units, rows, buffers.wide);
  gelu(buffers.wide, rows * block.fc1.outputs(), {buffers.units, precision_});
  block.fc2.run(buffers.units, rows, buffers.x, buffers.x);
}

// The tokens that are not dropped, normed: buffers.x.
void Vec2FaceInference::embed(const Chunk& chunk, int64_t kept, Buffers& buffers) const {
  const int64_t width = config_.width, stride = padded(width);
  const auto* scale = token_scale_.const_data_ptr<float>();
  const auto* shift = token_shift_.const_data_ptr<float>();
  const auto* positions = positions_.const_data_ptr<float>();
  std::vector<float> vector(vector_projection_.units(), 0.0f), own(stride);
  float* row = buffers.normed;
  for (int64_t s = 0; s < chunk.samples; ++s) {
    std::copy_n(chunk.vectors + s * config_.vector_size, config_.vector_size, vector.data());
    vector_projection_.run(vector.data(), 1, own.data());
    for (int64_t t = 0; t < kTokens; ++t) {
      const int64_t j = t - 1, place = s * kGridTokens + j;  // in the grid
      if (t > 0 && chunk.dropped[place]) continue;
      const bool is_own = t == 0 || chunk.masked[place];
      for (int64_t i = 0; i < width; ++i) {
        row[i] = (is_own ? own[i] : scale[j] * own[i] + shift[j]) + positions[t * stride + i];
      }
      std::fill(row + width, row + stride, 0.0f);
      row += stride;
    }
  }
  normalise(token_norm_, buffers.normed, chunk.samples * kept, buffers.x, Precision::kFloat32);
}

// What the encoder made of the tokens, and what fills the masked places: buffers.x.
void Vec2FaceInference::fill(const Chunk& chunk, int64_t kept, Buffers& buffers) const {
  const int64_t width = config_.width, stride = padded(width), rows = chunk.samples * kept;
  normalise(norm_, buffers.x, rows, buffers.normed, Precision::kFloat32);
  if (chunk.condition == nullptr) {
    decoder_embed_.run(operand(buffers.normed, rows * stride, buffers), rows, buffers.attended);
    std::swap(buffers.normed, buffers.attended);
  }
  const auto* positions = decoder_positions_.const_data_ptr<float>();
  const float* from = buffers.normed;
  float* to = buffers.x;
  for (int64_t s = 0; s < chunk.samples; ++s) {
    const float* filling = chunk.condition == nullptr ? from : chunk.condition + s * width;
    for (int64_t t = 0; t < kTokens; ++t) {
      const int64_t place = s * kGridTokens + t - 1;
      const bool is_masked = t > 0 && chunk.masked[place];
      const float* value = is_masked ? filling : from;
      for (int64_t i = 0; i < width; ++i) to[i] = value[i] + positions[t * stride + i];
      std::fill(to + width, to + stride, 0.0f);
      to += stride;
      if (t == 0 || !chunk.dropped[place]) from += stride;
    }
  }
}

void Vec2FaceInference::draw(const Chunk& chunk) const {
  const int64_t kept = kTokens - std::count(chunk.dropped, chunk.dropped + kGridTokens, true);
  const int64_t rows = chunk.samples * kTokens, channels = picture_projection_.outputs();
  Buffers buffers(rows, padded(config_.width), channels);
  embed(chunk, kept, buffers);
  for (const Block& each : blocks_) run(each, kept, chunk.samples, buffers);
  fill(chunk, kept, buffers);
  for (const Block& each : decoder_blocks_) run(each, kTokens, chunk.samples, buffers);
  normalise(decoder_norm_, buffers.x, rows, buffers.units, precision_);
  picture_projection_.run(buffers.units, rows, buffers.wide);
  const PictureDecoder::Buffers turns = picture_.make_buffers();
  constexpr int64_t kImage = 3 * PictureDecoder::kSide * PictureDecoder::kSide;
  for (int64_t s = 0; s < chunk.samples; ++s) {
    picture_.draw(buffers.wide + (s * kTokens + 1) * channels, chunk.images + s * kImage, turns);
  }
}

at::Tensor Vec2FaceInference::operator()(const at::Tensor& vectors, const Vec2FaceMask& mask,
                                         const std::optional<at::Tensor>& condition) const {
  Vec2FaceImpl::check_inputs(config_, vectors, mask, condition);
  for (const at::Tensor& each : {vectors, condition.value_or(vectors)}) {
    GUISE_CHECK_ARG(each.scalar_type() == at::kFloat && each.device().is_cpu(),
                    "vectors and condition must be float32 on the CPU; got ",
                    c10::toString(each.scalar_type()), " on ", each.device().str());
  }
  const int64_t count = vectors.size(0);
  at::Tensor images = at::empty({count, 3, PictureDecoder::kSide, PictureDecoder::kSide});
  if (count == 0) return images;
  const at::Tensor inputs = vectors.contiguous(), masked = mask.masked.contiguous(),
                   dropped = mask.dropped.contiguous(),
                   conditions = condition ? condition->contiguous() : at::Tensor();
  const int64_t threads = at::get_num_threads();
  const int64_t rounds = (count + threads * kChunkSamples - 1) / (threads * kChunkSamples);
  const int64_t tasks = std::min(count, rounds * threads);
  core::run_tasks(tasks, threads, [&](int64_t task, int64_t) {
    const c10::InferenceMode no_autograd;
    const int64_t i = count * task / tasks;
    draw({.vectors = inputs.const_data_ptr<float>() + i * config_.vector_size,
          .masked = masked.const_data_ptr<bool>() + i * kGridTokens,
          .dropped = dropped.const_data_ptr<bool>() + i * kGridTokens,
          .condition = condition ? conditions.const_data_ptr<float>() + i * config_.width : nullptr,
          .images = images.mutable_data_ptr<float>() + i * images[0].numel(),
          .samples = count * (task + 1) / tasks - i});
  });
  return images;
}

}  // namespace guise::nets
