// The three inner loops of networks made of pointwise and depthwise convolutions, one row of pixels
// at a time. Compiled for AVX-512, AVX2 and plain x86-64 (or any other processor) and chosen when
// the program runs. Multiply-adds are fused where the processor can: the last bit may differ
// between processors.
//
// Rows are [columns, channels] float32; channel counts of outputs are multiples of 16.
#pragma once

#include <cstdint>

namespace guise::nets {

inline constexpr int64_t kRowChannelMultiple = 16;

// out[x, o] = bias[o] + sum over i of in[x, i] * weight[i, o]
void pointwise_row(const float* in, int64_t columns, int64_t in_channels, const float* weight,
                   const float* bias, int64_t out_channels, float* out);

// 3x3, stride 1: out[x, c] = bias[c] + sum over j, k of above/here/below[x + k - 1, c] * weight[3 j
// + k, c], then max(0, .) where `relu`. The three rows have one column more at each end: x = -1 is
// their start.
void depthwise_row(const float* above, const float* here, const float* below, int64_t columns,
                   int64_t channels, const float* weight, const float* bias, bool relu, float* out);

// 3x3 over 3 channels, stride 2, then max(0, .): column x of the output takes columns 2 x - 1 .. 2
// x + 1. weight [27, out_channels]: row, column, channel of the window. The rows start at column
// -1.
void stem_row(const float* above, const float* here, const float* below, int64_t out_columns,
              const float* weight, const float* bias, int64_t out_channels, float* out);

}  // namespace guise::nets
