#include "nets/picture_decoder.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <utility>
#include <vector>

#include "nets/lane_kernels.h"

namespace guise::nets {

namespace {

constexpr double kEps = 1e-6;  // of every norm

at::Tensor with_padding(const at::Tensor& values) {
  return at::constant_pad_nd(values.detach(), {0, padded(values.size(0)) - values.size(0)});
}

// [O, I, H, W] -> [O, H * W, I]
at::Tensor taps_of(const at::Tensor& weight) {
  return weight.detach().permute({0, 2, 3, 1}).flatten(1, 2);
}

// What the three taps along `dim` are on the small picture, for the even or the odd pixels of one
// that is twice as large.
at::Tensor two_taps(const at::Tensor& weight, int64_t dim, int64_t parity) {
  const std::vector<at::Tensor> w = weight.unbind(dim);
  return parity == 0 ? at::stack({w[0], w[1] + w[2]}, dim) : at::stack({w[0] + w[1], w[2]}, dim);
}

// A picture with a frame of zeros, as products read it.
struct Framed {
  float* units;
  int64_t side, step;  // step: units of a pixel

  int64_t row_step() const { return (side + 2) * step; }
  float* row(int64_t y) const { return units + (y + 1) * row_step() + step; }

  void clear_frame() const {
    const auto clear = [](float* from, int64_t count) {
      std::memset(from, 0, static_cast<size_t>(count) * sizeof(float));
    };
    clear(units, row_step() + step);
    for (int64_t y = 0; y + 1 < side; ++y) clear(row(y) + side * step, 2 * step);
    clear(row(side - 1) + side * step, row_step() + step);
  }
};

void convolve(const PackedProduct& conv, const Framed& in, float* out, const float* addend) {
  std::array<int64_t, 9> offsets;
  for (int64_t t = 0; t < 9; ++t) offsets[t] = t / 3 * in.row_step() + t % 3 * in.step;
  conv.run({.in = in.units,
            .in_step = in.step,
            .in_row_step = in.row_step(),
            .offsets = offsets.data(),
            .out = out,
            .out_step = conv.outputs(),
            .out_row_step = in.side * conv.outputs(),
            .addend = addend,
            .rows = in.side,
            .columns = in.side});
}

Framed framed_copy(const float* picture, int64_t side, int64_t channels, Precision precision,
                   float* operand) {
  const Framed framed{operand, side, units_of(channels, precision)};
  framed.clear_frame();
  for (int64_t y = 0; y < side; ++y) {
    copy_numbers(picture + y * side * channels, side * channels, {framed.row(y), precision});
  }
  return framed;
}

// A group norm of one picture as a factor and a number to add for each channel.
struct ScaleShift {
  std::vector<float> scale, shift;
};

ScaleShift group_norm(const float* picture, int64_t pixels, int64_t channels, int64_t groups,
                      const float* gain, const float* bias) {
  const int64_t stride = padded(channels), per_group = channels / groups;
  std::vector<double> sums(stride, 0.0), squares(stride, 0.0);
  // Short runs are summed up in float32, and these in float64.
  constexpr int64_t kRun = 112;
  for (int64_t i = 0; i < pixels; i += kRun) {
    add_moments(picture + i * stride, std::min(kRun, pixels - i), stride, sums.data(),
                squares.data());
  }
  ScaleShift found{std::vector<float>(stride, 0.0f), std::vector<float>(stride, 0.0f)};
  for (int64_t g = 0; g < groups; ++g) {
    double sum = 0.0, square = 0.0;
    for (int64_t c = g * per_group; c < (g + 1) * per_group; ++c) {
      sum += sums[c];
      square += squares[c];
    }
    const auto count = static_cast<double>(pixels * per_group);
    const double mean = sum / count, variance = std::max(square / count - mean * mean, 0.0);
    const double factor = 1.0 / std::sqrt(variance + kEps);
    for (int64_t c = g * per_group; c < (g + 1) * per_group; ++c) {
      const double scale = factor * static_cast<double>(gain[c]);
      found.scale[c] = static_cast<float>(scale);
      found.shift[c] = static_cast<float>(static_cast<double>(bias[c]) - mean * scale);
    }
  }
  return found;
}

}  // namespace

PictureDecoder::Norm PictureDecoder::norm(const NamedTensors& weights,
                                          const std::string& path) const {
  const at::Tensor& gain = weights[path + ".weight"];
  return {with_padding(gain), with_padding(weights[path + ".bias"]), gain.size(0), groups_};
}

PictureDecoder::Residual PictureDecoder::residual(const NamedTensors& weights,
                                                  const std::string& path) const {
  at::Tensor last = taps_of(weights[path + ".conv2.weight"]);
  const at::Tensor* shortcut = weights.find(path + ".nin_shortcut.weight");
  if (shortcut != nullptr) {  // of what the last convolution gives, to which it is added
    const at::Tensor mixing = shortcut->detach().flatten(1).to(at::kDouble);
    const at::Tensor whole = mixing + at::eye(mixing.size(0), mixing.options());
    last = at::matmul(whole, last.flatten(1).to(at::kDouble)).to(at::kFloat).view(last.sizes());
  }
  return {.norm1 = norm(weights, path + ".norm1"),
          .norm2 = norm(weights, path + ".norm2"),
          .conv1 = PackedProduct(taps_of(weights[path + ".conv1.weight"]), {}, precision_),
          .conv2 = PackedProduct(last, {}, precision_),
          .adds_input = shortcut == nullptr};
}

PictureDecoder::PictureDecoder(const NamedTensors& weights, const Vec2FaceConfig& config,
                               Precision precision)
    : precision_(precision), groups_(config.groups) {
  const std::string root = "im_decoder.";
  conv_in_ = PackedProduct(taps_of(weights[root + "conv_in.weight"]),
                           weights[root + "conv_in.bias"], precision);
  for (size_t i = 0; i < middle_.size(); ++i) {
    middle_[i] = residual(weights, root + "mid.block_" + std::to_string(i + 1));
  }
  for (size_t i = 0; i < levels_.size(); ++i) {
    const std::string path = root + "up." + std::to_string(i);
    for (size_t j = 0; j < 2; ++j) {
      levels_[i].blocks[j] = residual(weights, path + ".block." + std::to_string(j));
    }
    for (int64_t parity = 0; i > 0 && parity < 4; ++parity) {
      const at::Tensor whole = weights[path + ".upsample.conv.weight"].detach();
      const at::Tensor part = two_taps(two_taps(whole, 2, parity / 2), 3, parity % 2);
      levels_[i].upsample[parity] =
          PackedProduct(taps_of(part), weights[path + ".upsample.conv.bias"], precision);
    }
    const int64_t side = kSide >> i;
    const int64_t widest = std::max(
        {config.channels[i], config.channels[std::min<size_t>(i + 1, 4)], config.picture_channels});
    picture_numbers_ = std::max(picture_numbers_, side * side * padded(widest));
    operand_units_ = std::max(operand_units_, (side + 2) * (side + 2) * padded(widest));
  }
  norm_out_ = norm(weights, root + "norm_out");
  // In float32 always: what is left of a picture's 256 levels is decided here.
  conv_out_ = PackedProduct(taps_of(weights[root + "conv_out.weight"]),
                            weights[root + "conv_out.bias"], Precision::kFloat32);
}

PictureDecoder::Buffers PictureDecoder::make_buffers() const {
  return {at::empty(picture_numbers_), at::empty(picture_numbers_), at::empty(operand_units_)};
}

void PictureDecoder::activate(const Norm& norm, const float* picture, int64_t side,
                              Precision precision, float* operand) {
  const int64_t channels = padded(norm.channels);
  const ScaleShift found =
      group_norm(picture, side * side, norm.channels, norm.groups,
                 norm.gain.const_data_ptr<float>(), norm.bias.const_data_ptr<float>());
  const Framed framed{operand, side, units_of(channels, precision)};
  framed.clear_frame();
  for (int64_t y = 0; y < side; ++y) {
    scale_shift_silu(picture + y * side * channels, side, channels, found.scale.data(),
                     found.shift.data(), {framed.row(y), precision});
  }
}

void PictureDecoder::run(const Residual& block, int64_t side, const Buffers& buffers) {
  auto* picture = buffers.picture.mutable_data_ptr<float>();
  auto* other = buffers.other.mutable_data_ptr<float>();
  auto* operand = buffers.operand.mutable_data_ptr<float>();
  const Precision precision = block.conv1.precision();
  activate(block.norm1, picture, side, precision, operand);
  convolve(block.conv1, {operand, side, block.conv1.units()}, other, nullptr);
  activate(block.norm2, other, side, precision, operand);
  convolve(block.conv2, {operand, side, block.conv2.units()}, picture,
           block.adds_input ? picture : nullptr);
}

void PictureDecoder::upsample(const Level& level, int64_t side, const Buffers& buffers) {
  const PackedProduct& first = level.upsample[0];
  const int64_t channels = first.outputs();
  const Framed in = framed_copy(buffers.picture.const_data_ptr<float>(), side, channels,
                                first.precision(), buffers.operand.mutable_data_ptr<float>());
  for (int64_t parity = 0; parity < 4; ++parity) {
    const int64_t down = parity / 2, right = parity % 2;
    std::array<int64_t, 4> offsets;
    for (int64_t t = 0; t < 4; ++t) {
      offsets[t] = (down + t / 2) * in.row_step() + (right + t % 2) * in.step;
    }
    level.upsample[parity].run(
        {.in = in.units,
         .in_step = in.step,
         .in_row_step = in.row_step(),
         .offsets = offsets.data(),
         .out = buffers.other.mutable_data_ptr<float>() + (down * 2 * side + right) * channels,
         .out_step = 2 * channels,
         .out_row_step = 4 * side * channels,
         .addend = nullptr,
         .rows = side,
         .columns = side});
  }
}

void PictureDecoder::draw(const float* grid, float* image, const Buffers& buffers) const {
  Buffers turns = buffers;
  auto* operand = turns.operand.mutable_data_ptr<float>();
  int64_t side = kSide >> (levels_.size() - 1);
  const Framed start =
      framed_copy(grid, side, conv_in_.units() * (precision_ == Precision::kFloat32 ? 1 : 2),
                  precision_, operand);
  convolve(conv_in_, start, turns.picture.mutable_data_ptr<float>(), nullptr);
  for (const Residual& block : middle_) run(block, side, turns);
  for (size_t level = levels_.size(); level-- > 0;) {
    for (const Residual& block : levels_[level].blocks) run(block, side, turns);
    if (level > 0) {
      upsample(levels_[level], side, turns);
      std::swap(turns.picture, turns.other);
      side *= 2;
    }
  }
  activate(norm_out_, turns.picture.const_data_ptr<float>(), side, Precision::kFloat32, operand);
  auto* drawn = turns.other.mutable_data_ptr<float>();
  convolve(conv_out_, {operand, side, conv_out_.units()}, drawn, nullptr);
  for (int64_t c = 0; c < 3; ++c) {
    for (int64_t i = 0; i < side * side; ++i) *image++ = drawn[i * conv_out_.outputs() + c];
  }
}

}  // namespace guise::nets
