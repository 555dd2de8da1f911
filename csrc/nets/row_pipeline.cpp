#include "nets/row_pipeline.h"

#include <algorithm>

#include "core/check.h"
#include "nets/row_kernels.h"

namespace guise::nets {

Map whole_map(RowSource& source) {
  Map map{source.rows(), source.columns(), source.channels(), {}};
  const int64_t step = map.columns * map.channels;
  map.values.resize(static_cast<size_t>(map.rows * step));
  for (int64_t y = 0; y < map.rows; ++y) {
    std::copy_n(source.row(y), step, map.values.data() + y * step);
  }
  return map;
}

StemRows::StemRows(const at::Tensor& image, int64_t rows, int64_t columns,
                   const StemWeights& weights)
    : RowSource(rows / 2, columns / 2, weights.channels),
      image_(image),
      weights_(weights),
      above_(static_cast<size_t>(3 * (columns + 2))),
      here_(above_.size()),
      below_(above_.size()),
      out_(static_cast<size_t>(columns / 2 * weights.channels)) {
  GUISE_CHECK_ARG(
      rows % 2 == 0 && columns % 2 == 0 && rows >= image.size(0) && columns >= image.size(1),
      "the padded size must be even and hold the image; got ", rows, " x ", columns);
}

void StemRows::convert(int64_t y, std::vector<float>& out) const {
  if (y < 0 || y >= image_.size(0)) {
    std::fill(out.begin(), out.end(), 0.0F);
    return;
  }
  const uint8_t* from = image_.const_data_ptr<uint8_t>() + y * image_.stride(0);
  float* to = out.data() + 3;
  for (int64_t i = 0; i < 3 * image_.size(1); i += 3) {
    to[i] = from[i + 2];
    to[i + 1] = from[i + 1];
    to[i + 2] = from[i];
  }
}

const float* StemRows::row(int64_t y) {
  // The row below becomes the row above of the next window.
  std::swap(above_, below_);
  if (y == 0) {
    convert(-1, above_);
  }
  convert(2 * y, here_);
  convert(2 * y + 1, below_);
  stem_row(above_.data(), here_.data(), below_.data(), columns(), weights_.weight.data(),
           weights_.bias.data(), channels(), out_.data());
  return out_.data();
}

SeparableRows::SeparableRows(RowSource& source, const SeparableWeights& weights)
    : RowSource(source.rows(), source.columns(), weights.out_channels),
      source_(source),
      weights_(weights),
      ring_(static_cast<size_t>(3 * (source.columns() + 2) * weights.out_channels)),
      nothing_(static_cast<size_t>((source.columns() + 2) * weights.out_channels)),
      out_(static_cast<size_t>(source.columns() * weights.out_channels)) {
  TORCH_INTERNAL_ASSERT(source.channels() == weights.in_channels &&
                        weights.out_channels % kRowChannelMultiple == 0);
}

float* SeparableRows::ring(int64_t y) {
  return ring_.data() + y % 3 * (columns() + 2) * channels();
}

const float* SeparableRows::row(int64_t y) {
  for (; next_ <= std::min(y + 1, rows() - 1); ++next_) {
    pointwise_row(source_.row(next_), columns(), weights_.in_channels, weights_.pointwise.data(),
                  weights_.pointwise_bias.data(), channels(), ring(next_) + channels());
  }
  depthwise_row(y > 0 ? ring(y - 1) : nothing_.data(), ring(y),
                y + 1 < rows() ? ring(y + 1) : nothing_.data(), columns(), channels(),
                weights_.depthwise.data(), weights_.depthwise_bias.data(), weights_.relu,
                out_.data());
  return out_.data();
}

MaxPoolRows::MaxPoolRows(RowSource& source)
    : RowSource(source.rows() / 2, source.columns() / 2, source.channels()),
      source_(source),
      out_(static_cast<size_t>(source.columns() / 2 * source.channels())) {}

const float* MaxPoolRows::row(int64_t y) {
  const int64_t depth = channels();
  for (int64_t j = 0; j < 2; ++j) {
    const float* in = source_.row(2 * y + j);
    for (int64_t x = 0; x < columns(); ++x) {
      const float* left = in + 2 * x * depth;
      float* out = out_.data() + x * depth;
      for (int64_t c = 0; c < depth; ++c) {
        const float larger = std::max(left[c], left[depth + c]);
        out[c] = j == 0 ? larger : std::max(out[c], larger);
      }
    }
  }
  return out_.data();
}

AddDoubledRows::AddDoubledRows(const Map& fine, const Map& coarse)
    : RowSource(fine.rows, fine.columns, fine.channels),
      fine_(fine),
      coarse_(coarse),
      out_(static_cast<size_t>(fine.columns * fine.channels)) {
  TORCH_INTERNAL_ASSERT(fine.rows == 2 * coarse.rows && fine.columns == 2 * coarse.columns &&
                        fine.channels == coarse.channels);
}

const float* AddDoubledRows::row(int64_t y) {
  const int64_t depth = channels();
  const float* fine = fine_.values.data() + y * columns() * depth;
  const float* coarse = coarse_.values.data() + y / 2 * coarse_.columns * depth;
  for (int64_t x = 0; x < columns(); ++x) {
    for (int64_t c = 0; c < depth; ++c) {
      out_[static_cast<size_t>(x * depth + c)] = fine[x * depth + c] + coarse[x / 2 * depth + c];
    }
  }
  return out_.data();
}

}  // namespace guise::nets
