// One source for all processors: GNU vector types of 16 floats, which the compiler maps to one
// AVX-512, two AVX or four SSE registers. How many accumulators fit differs, so the block sizes are
// template arguments. This file alone is compiled with -ffp-contract=fast.
#include "nets/row_kernels.h"

#include <cstring>

namespace guise::nets {

namespace {

typedef float Lanes __attribute__((vector_size(64), aligned(4), may_alias));

#define GUISE_INLINE inline __attribute__((always_inline))

GUISE_INLINE void load(Lanes& lanes, const float* from) {
  std::memcpy(&lanes, from, sizeof(Lanes));
}

GUISE_INLINE void store(float* to, const Lanes& lanes) {
  std::memcpy(to, &lanes, sizeof(Lanes));
}

// `Pixels` x 16 `Blocks` outputs, all in registers. in: pixel p, value i at in[p * step + i].
template <int Pixels, int Blocks>
GUISE_INLINE void multiply_block(const float* in, int64_t step, int64_t values, const float* weight,
                                 const float* bias, int64_t out_channels, bool relu, float* out) {
  Lanes sums[Pixels][Blocks];
#pragma GCC unroll 16
  for (int b = 0; b < Blocks; ++b) {
    Lanes start;
    load(start, bias + 16 * b);
#pragma GCC unroll 16
    for (int p = 0; p < Pixels; ++p) {
      sums[p][b] = start;
    }
  }
  for (int64_t i = 0; i < values; ++i) {
    Lanes weights[Blocks];
#pragma GCC unroll 16
    for (int b = 0; b < Blocks; ++b) {
      load(weights[b], weight + i * out_channels + 16 * b);
    }
#pragma GCC unroll 16
    for (int p = 0; p < Pixels; ++p) {
      const Lanes value = in[p * step + i] - Lanes{};
#pragma GCC unroll 16
      for (int b = 0; b < Blocks; ++b) {
        sums[p][b] += value * weights[b];
      }
    }
  }
#pragma GCC unroll 16
  for (int p = 0; p < Pixels; ++p) {
#pragma GCC unroll 16
    for (int b = 0; b < Blocks; ++b) {
      const Lanes zero{};
      const Lanes sum = sums[p][b];
      store(out + p * out_channels + 16 * b, relu ? (sum > zero ? sum : zero) : sum);
    }
  }
}

template <int Pixels, int Blocks>
GUISE_INLINE void pointwise(const float* in, int64_t columns, int64_t in_channels,
                            const float* weight, const float* bias, int64_t out_channels,
                            float* out) {
  int64_t x = 0;
  for (; x + Pixels <= columns; x += Pixels) {
    for (int64_t o = 0; o < out_channels; o += 16 * Blocks) {
      multiply_block<Pixels, Blocks>(in + x * in_channels, in_channels, in_channels, weight + o,
                                     bias + o, out_channels, false, out + x * out_channels + o);
    }
  }
  for (; x < columns; ++x) {
    for (int64_t o = 0; o < out_channels; o += 16 * Blocks) {
      multiply_block<1, Blocks>(in + x * in_channels, in_channels, in_channels, weight + o,
                                bias + o, out_channels, false, out + x * out_channels + o);
    }
  }
}

// Two neighbouring outputs share six of their nine inputs.
template <int Pixels>
GUISE_INLINE void depthwise_block(const float* const rows[3], int64_t channels,
                                  const Lanes weights[9], const Lanes& bias, bool relu,
                                  float* out) {
  Lanes sums[Pixels];
#pragma GCC unroll 4
  for (int p = 0; p < Pixels; ++p) {
    sums[p] = bias;
  }
#pragma GCC unroll 3
  for (int j = 0; j < 3; ++j) {
#pragma GCC unroll 6
    for (int c = 0; c < Pixels + 2; ++c) {
      Lanes value;
      load(value, rows[j] + c * channels);
#pragma GCC unroll 4
      for (int p = 0; p < Pixels; ++p) {
        if (c - p >= 0 && c - p < 3) {
          sums[p] += value * weights[3 * j + c - p];
        }
      }
    }
  }
#pragma GCC unroll 4
  for (int p = 0; p < Pixels; ++p) {
    const Lanes zero{};
    store(out + p * channels, relu ? (sums[p] > zero ? sums[p] : zero) : sums[p]);
  }
}

GUISE_INLINE void depthwise(const float* above, const float* here, const float* below,
                            int64_t columns, int64_t channels, const float* weight,
                            const float* bias, bool relu, float* out) {
  for (int64_t c = 0; c < channels; c += 16) {
    Lanes weights[9], start;
    for (int k = 0; k < 9; ++k) {
      load(weights[k], weight + k * channels + c);
    }
    load(start, bias + c);
    int64_t x = 0;
    for (; x + 4 <= columns; x += 4) {
      const float* rows[3] = {above + x * channels + c, here + x * channels + c,
                              below + x * channels + c};
      depthwise_block<4>(rows, channels, weights, start, relu, out + x * channels + c);
    }
    for (; x < columns; ++x) {
      const float* rows[3] = {above + x * channels + c, here + x * channels + c,
                              below + x * channels + c};
      depthwise_block<1>(rows, channels, weights, start, relu, out + x * channels + c);
    }
  }
}

// The window of `Pixels` outputs is gathered to [Pixels, 27], then it is a pointwise convolution.
template <int Pixels>
GUISE_INLINE void stem_block(const float* const rows[3], int64_t x, const float* weight,
                             const float* bias, int64_t out_channels, float* out) {
  float windows[Pixels * 27];
  for (int p = 0; p < Pixels; ++p) {
    for (int j = 0; j < 3; ++j) {
      std::memcpy(windows + p * 27 + j * 9, rows[j] + (x + p) * 6, 9 * sizeof(float));
    }
  }
  for (int64_t o = 0; o < out_channels; o += 16) {
    multiply_block<Pixels, 1>(windows, 27, 27, weight + o, bias + o, out_channels, true,
                              out + x * out_channels + o);
  }
}

template <int Pixels>
GUISE_INLINE void stem(const float* const rows[3], int64_t columns, const float* weight,
                       const float* bias, int64_t out_channels, float* out) {
  int64_t x = 0;
  for (; x + Pixels <= columns; x += Pixels) {
    stem_block<Pixels>(rows, x, weight, bias, out_channels, out);
  }
  for (; x < columns; ++x) {
    stem_block<1>(rows, x, weight, bias, out_channels, out);
  }
}

#if defined(__x86_64__)
#define GUISE_AVX512 __attribute__((target("avx512f,avx512vl,avx512dq,avx512bw,fma")))
#define GUISE_AVX2 __attribute__((target("avx2,fma")))

GUISE_AVX512 void pointwise_avx512(const float* in, int64_t columns, int64_t in_channels,
                                   const float* weight, const float* bias, int64_t out_channels,
                                   float* out) {
  if (out_channels % 64 == 0) {
    pointwise<6, 4>(in, columns, in_channels, weight, bias, out_channels, out);
  } else if (out_channels % 32 == 0) {
    pointwise<8, 2>(in, columns, in_channels, weight, bias, out_channels, out);
  } else {
    pointwise<12, 1>(in, columns, in_channels, weight, bias, out_channels, out);
  }
}

GUISE_AVX2 void pointwise_avx2(const float* in, int64_t columns, int64_t in_channels,
                               const float* weight, const float* bias, int64_t out_channels,
                               float* out) {
  pointwise<6, 1>(in, columns, in_channels, weight, bias, out_channels, out);
}

GUISE_AVX512 void depthwise_avx512(const float* above, const float* here, const float* below,
                                   int64_t columns, int64_t channels, const float* weight,
                                   const float* bias, bool relu, float* out) {
  depthwise(above, here, below, columns, channels, weight, bias, relu, out);
}

GUISE_AVX2 void depthwise_avx2(const float* above, const float* here, const float* below,
                               int64_t columns, int64_t channels, const float* weight,
                               const float* bias, bool relu, float* out) {
  depthwise(above, here, below, columns, channels, weight, bias, relu, out);
}

GUISE_AVX512 void stem_avx512(const float* const rows[3], int64_t columns, const float* weight,
                              const float* bias, int64_t out_channels, float* out) {
  stem<12>(rows, columns, weight, bias, out_channels, out);
}

GUISE_AVX2 void stem_avx2(const float* const rows[3], int64_t columns, const float* weight,
                          const float* bias, int64_t out_channels, float* out) {
  stem<6>(rows, columns, weight, bias, out_channels, out);
}

enum class Processor { plain, avx2, avx512 };

Processor processor() {
  static const Processor found = [] {
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl") &&
        __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512bw")) {
      return Processor::avx512;
    }
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") ? Processor::avx2
                                                                           : Processor::plain;
  }();
  return found;
}
#endif

}  // namespace

void pointwise_row(const float* in, int64_t columns, int64_t in_channels, const float* weight,
                   const float* bias, int64_t out_channels, float* out) {
#if defined(__x86_64__)
  switch (processor()) {
    case Processor::avx512:
      return pointwise_avx512(in, columns, in_channels, weight, bias, out_channels, out);
    case Processor::avx2:
      return pointwise_avx2(in, columns, in_channels, weight, bias, out_channels, out);
    case Processor::plain:
      break;
  }
#endif
  pointwise<2, 1>(in, columns, in_channels, weight, bias, out_channels, out);
}

void depthwise_row(const float* above, const float* here, const float* below, int64_t columns,
                   int64_t channels, const float* weight, const float* bias, bool relu,
                   float* out) {
#if defined(__x86_64__)
  switch (processor()) {
    case Processor::avx512:
      return depthwise_avx512(above, here, below, columns, channels, weight, bias, relu, out);
    case Processor::avx2:
      return depthwise_avx2(above, here, below, columns, channels, weight, bias, relu, out);
    case Processor::plain:
      break;
  }
#endif
  depthwise(above, here, below, columns, channels, weight, bias, relu, out);
}

void stem_row(const float* above, const float* here, const float* below, int64_t out_columns,
              const float* weight, const float* bias, int64_t out_channels, float* out) {
  const float* rows[3] = {above, here, below};
#if defined(__x86_64__)
  switch (processor()) {
    case Processor::avx512:
      return stem_avx512(rows, out_columns, weight, bias, out_channels, out);
    case Processor::avx2:
      return stem_avx2(rows, out_columns, weight, bias, out_channels, out);
    case Processor::plain:
      break;
  }
#endif
  stem<2>(rows, out_columns, weight, bias, out_channels, out);
}

}  // namespace guise::nets
