// Vec2Face's generator for inference on the CPU.
//
// A picture has the same bytes in any batch, at any place in it and with any number of threads:
// each is drawn on one thread, and no sum depends on what is computed beside it. The last bits may
// differ between processors.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "nets/packed_product.h"
#include "nets/picture_decoder.h"
#include "nets/vec2face.h"

namespace guise::nets {

class Vec2FaceInference {
 public:
  // Copies the weights; later changes of `net` do not reach it. With at::kBFloat16 the inputs of
  // products are rounded to bfloat16, sums and all else stay float32. Throws ValueError for another
  // type, guise::Unavailable where the processor does not multiply bfloat16.
  Vec2FaceInference(const Vec2FaceImpl& net, at::ScalarType dtype);

  // As Vec2FaceImpl::forward, the images alone: float32 [N, 3, 112, 112]. Several are shared out
  // over the threads. Not changed by use: one object serves all threads.
  at::Tensor operator()(const at::Tensor& vectors, const Vec2FaceMask& mask,
                        const std::optional<at::Tensor>& condition = std::nullopt) const;

  const Vec2FaceConfig& config() const { return config_; }

 private:
  struct Norm {
    at::Tensor gain, bias;  // padded
  };
  struct Block {
    Norm norm1, norm2;
    PackedProduct qkv, projection, fc1, fc2;
    int64_t heads;
  };
  // A few samples that go through the blocks together.
  struct Chunk {
    const float* vectors;
    const bool* masked;
    const bool* dropped;
    const float* condition;  // or null
    float* images;
    int64_t samples;
  };
  struct Buffers;

  Vec2FaceInference(const NamedTensors& weights, const Vec2FaceConfig& config, Precision precision);
  Block block(const NamedTensors& weights, const std::string& path, int64_t heads) const;

  void draw(const Chunk& chunk) const;
  void embed(const Chunk& chunk, int64_t kept, Buffers& buffers) const;
  void fill(const Chunk& chunk, int64_t kept, Buffers& buffers) const;
  void run(const Block& block, int64_t tokens, int64_t samples, Buffers& buffers) const;
  void attend(const Block& block, int64_t tokens, int64_t samples, Buffers& buffers) const;
  void normalise(const Norm& norm, const float* in, int64_t rows, float* out,
                 Precision precision) const;
  const float* operand(const float* in, int64_t count, Buffers& buffers) const;

  Vec2FaceConfig config_;
  Precision precision_;
  PackedProduct vector_projection_, decoder_embed_, picture_projection_;
  at::Tensor token_scale_, token_shift_;      // of the grid's tokens, [49]
  at::Tensor positions_, decoder_positions_;  // [50, padded width]
  Norm token_norm_, norm_, decoder_norm_;
  std::vector<Block> blocks_, decoder_blocks_;
  PictureDecoder picture_;
};

}  // namespace guise::nets
