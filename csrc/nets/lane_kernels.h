// What stands between the products of an inference net: norms, activations, softmax, 16 channels at
// a time on the calling thread. Channels in memory are padded with zeros to a multiple of 16.
#pragma once

#include <cstdint>

#include "nets/packed_product.h"

namespace guise::nets {

// Where a function writes what a product will read.
struct Operand {
  float* units;
  Precision precision;
};

// Rows of `width` channels: (x - mean) / sqrt(variance + eps) * gain + bias.
void layer_norm_rows(const float* in, int64_t rows, int64_t width, const float* gain,
                     const float* bias, double eps, Operand out);

// x * (1 + erf(x / sqrt(2))) / 2 of `count` numbers, a multiple of 16.
void gelu(const float* in, int64_t count, Operand out);

// The first `count` of a row become exp(scale * x), divided by their sum.
void softmax_row(float* row, int64_t count, float scale);

// Adds a row of pixels [columns, channels] and its squares to a sum for each channel.
void add_moments(const float* in, int64_t columns, int64_t channels, double* sums, double* squares);

// y = scale * x + shift for each channel, then y / (1 + exp(-y)); pixels [columns, channels].
void scale_shift_silu(const float* in, int64_t columns, int64_t channels, const float* scale,
                      const float* shift, Operand out);

// `count` numbers as they are, a multiple of 16.
void copy_numbers(const float* in, int64_t count, Operand out);

}  // namespace guise::nets
