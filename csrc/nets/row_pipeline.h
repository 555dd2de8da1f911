// A convolutional network as a chain of row sources: each computes a row when the next one asks for
// it and keeps only the few rows it needs again. Between two points where a whole map is wanted
// nothing is ever stored, so a megapixel runs through the processor's second-level cache.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <vector>

namespace guise::nets {

// Rows [columns, channels] float32, asked for in rising order, each once.
class RowSource {
 public:
  RowSource(int64_t rows, int64_t columns, int64_t channels)
      : rows_(rows), columns_(columns), channels_(channels) {}
  virtual ~RowSource() = default;
  RowSource(const RowSource&) = delete;
  RowSource& operator=(const RowSource&) = delete;

  // Valid until the next call.
  virtual const float* row(int64_t y) = 0;

  int64_t rows() const { return rows_; }
  int64_t columns() const { return columns_; }
  int64_t channels() const { return channels_; }

 private:
  int64_t rows_, columns_, channels_;
};

// A whole map in memory, [rows, columns, channels].
struct Map {
  int64_t rows = 0, columns = 0, channels = 0;
  std::vector<float> values;
};

Map whole_map(RowSource& source);

class MapRows : public RowSource {
 public:
  explicit MapRows(const Map& map) : RowSource(map.rows, map.columns, map.channels), map_(map) {}
  const float* row(int64_t y) override { return map_.values.data() + y * columns() * channels(); }

 private:
  const Map& map_;
};

// The stem: 3x3, stride 2, ReLU, over a uint8 [H, W, 3] RGB image taken as BGR 0..255 and padded
// with zeros to rows x columns (even, at least the image's).
struct StemWeights {
  int64_t channels;
  std::vector<float> weight;  // [27, channels]: row, column, channel (BGR) of the window
  std::vector<float> bias;    // [channels]
};

class StemRows : public RowSource {
 public:
  StemRows(const at::Tensor& image, int64_t rows, int64_t columns, const StemWeights& weights);
  const float* row(int64_t y) override;

 private:
  // Input row y with a zero pixel at each end; zeros outside the image.
  void convert(int64_t y, std::vector<float>& out) const;

  const at::Tensor& image_;
  const StemWeights& weights_;
  std::vector<float> above_, here_, below_, out_;
};

// Pointwise then depthwise 3x3 convolution, BatchNorm folded in, then ReLU unless it ends a head.
struct SeparableWeights {
  int64_t in_channels, out_channels;
  std::vector<float> pointwise;       // [in, out]
  std::vector<float> pointwise_bias;  // [out]
  std::vector<float> depthwise;       // [9, out]
  std::vector<float> depthwise_bias;  // [out]
  bool relu;
};

class SeparableRows : public RowSource {
 public:
  SeparableRows(RowSource& source, const SeparableWeights& weights);
  const float* row(int64_t y) override;

 private:
  float* ring(int64_t y);

  RowSource& source_;
  const SeparableWeights& weights_;
  int64_t next_ = 0;                         // first pointwise row not computed yet
  std::vector<float> ring_, nothing_, out_;  // three pointwise rows with zero ends; a row of zeros
};

// 2x2 maximum, stride 2.
class MaxPoolRows : public RowSource {
 public:
  explicit MaxPoolRows(RowSource& source);
  const float* row(int64_t y) override;

 private:
  RowSource& source_;
  std::vector<float> out_;
};

// A map plus another of half its size, each of whose values counts for 2x2.
class AddDoubledRows : public RowSource {
 public:
  AddDoubledRows(const Map& fine, const Map& coarse);
  const float* row(int64_t y) override;

 private:
  const Map& fine_;
  const Map& coarse_;
  std::vector<float> out_;
};

}  // namespace guise::nets
