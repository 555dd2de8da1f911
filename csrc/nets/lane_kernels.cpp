// GNU vector types of 16 floats; each function is compiled for three processors and the loader
// picks. Compiled with -ffp-contract=fast.
#include "nets/lane_kernels.h"

#include <cmath>
#include <cstring>
#include <limits>

#if defined(__x86_64__) && defined(__GLIBC__) && defined(__GNUC__) && !defined(__clang__) && \
    !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
#define GUISE_LANE_CLONES __attribute__((target_clones("avx512f", "avx2", "default")))
#else
#define GUISE_LANE_CLONES
#endif

#define GUISE_INLINE inline __attribute__((always_inline))

namespace guise::nets {

namespace {

typedef float Lanes __attribute__((vector_size(64), aligned(4), may_alias));
typedef uint32_t Bits __attribute__((vector_size(64)));
typedef uint16_t HalfBits __attribute__((vector_size(32)));

GUISE_INLINE void load(Lanes& lanes, const float* from) {
  std::memcpy(&lanes, from, sizeof(Lanes));
}

GUISE_INLINE void store(float* to, const Lanes& lanes) {
  std::memcpy(to, &lanes, sizeof(Lanes));
}

// Channels `at` and the 15 after it; bfloat16 is rounded to the nearest, ties to even.
template <bool Pairs>
GUISE_INLINE void store_operand(float* units, int64_t at, const Lanes& lanes) {
  if constexpr (Pairs) {
    Bits bits;
    std::memcpy(&bits, &lanes, sizeof(Bits));
    bits += 0x7fffu + ((bits >> 16) & 1u);
    const HalfBits halves = __builtin_convertvector(bits >> 16, HalfBits);
    std::memcpy(units + at / 2, &halves, sizeof(HalfBits));
  } else {
    store(units + at, lanes);
  }
}

// Within 2e-7 of e^x, relative; x is taken as -87 to 88.
GUISE_INLINE void exponential(Lanes& x) {
  const Lanes low = Lanes{} - 87.0f, high = Lanes{} + 88.0f;
  x = x < low ? low : x;
  x = x > high ? high : x;
  // Added to a number below 2^22, 1.5 * 2^23 leaves its nearest integer in the low bits.
  const float rounder = 12582912.0f;
  const Lanes shifted = x * 1.44269504088896341f + rounder;
  const Lanes whole = shifted - rounder;
  Lanes r = x - whole * 0.693359375f;  // ln 2 in two parts, the first exact in 10 bits
  r = r + whole * 2.12194440e-4f;
  // Taylor's series around 0; |r| is at most ln(2) / 2.
  Lanes y = r * (1.0f / 5040.0f) + 1.0f / 720.0f;
  y = y * r + 1.0f / 120.0f;
  y = y * r + 1.0f / 24.0f;
  y = y * r + 1.0f / 6.0f;
  y = y * r + 0.5f;
  y = y * (r * r) + r + 1.0f;
  Bits exponent, bits;
  std::memcpy(&exponent, &shifted, sizeof(Bits));
  std::memcpy(&bits, &y, sizeof(Bits));
  bits += exponent << 23;  // what the rounder itself has there is shifted out
  std::memcpy(&x, &bits, sizeof(Bits));
}

GUISE_INLINE float total(const Lanes& lanes) {
  float sum = 0.0f;
  for (int i = 0; i < kLanes; ++i) sum += lanes[i];
  return sum;
}

template <bool Pairs>
GUISE_INLINE void layer_norm_row(const float* in, int64_t width, const float* gain,
                                 const float* bias, double eps, float* out) {
  const int64_t stride = padded(width);
  Lanes x, sum{}, squares{};
  for (int64_t i = 0; i < stride; i += kLanes) {
    load(x, in + i);
    sum += x;
  }
  const float mean = total(sum) / static_cast<float>(width);
  for (int64_t i = 0; i < stride; i += kLanes) {
    load(x, in + i);
    x = x - mean;
    squares += x * x;
  }
  const float padding = static_cast<float>(stride - width) * (mean * mean);
  const float variance = (total(squares) - padding) / static_cast<float>(width);
  const float scale = static_cast<float>(1.0 / std::sqrt(static_cast<double>(variance) + eps));
  for (int64_t i = 0; i < stride; i += kLanes) {
    Lanes g, b;
    load(x, in + i);
    load(g, gain + i);
    load(b, bias + i);
    store_operand<Pairs>(out, i, ((x - mean) * scale) * g + b);
  }
}

// The error function by formula 7.1.26 of Abramowitz and Stegun's handbook: within 1.5e-7.
template <bool Pairs>
GUISE_INLINE void gelu_lanes(const float* in, int64_t i, float* out) {
  Lanes x, zero{};
  load(x, in + i);
  const Lanes z = (x < zero ? -x : x) * 0.70710678118654752f;
  const Lanes t = 1.0f / (z * 0.3275911f + 1.0f);
  Lanes poly = t * 1.061405429f - 1.453152027f;
  poly = poly * t + 1.421413741f;
  poly = poly * t - 0.284496736f;
  poly = poly * t + 0.254829592f;
  Lanes tail = -(z * z);
  exponential(tail);
  const Lanes half = poly * t * tail * 0.5f;  // (1 - erf(z)) / 2
  store_operand<Pairs>(out, i, x * (x < zero ? half : 1.0f - half));
}

template <bool Pairs>
GUISE_INLINE void silu_lanes(const float* in, int64_t c, const float* scale, const float* shift,
                             float* out) {
  Lanes x, a, b;
  load(x, in + c);
  load(a, scale + c);
  load(b, shift + c);
  x = x * a + b;
  Lanes tail = -x;
  exponential(tail);
  store_operand<Pairs>(out, c, x / (tail + 1.0f));
}

template <bool Pairs>
GUISE_INLINE void silu_row(const float* in, int64_t columns, int64_t channels, const float* scale,
                           const float* shift, float* out) {
  for (int64_t x = 0; x < columns; ++x) {
    for (int64_t c = 0; c < channels; c += kLanes) silu_lanes<Pairs>(in, c, scale, shift, out);
    in += channels;
    out += Pairs ? channels / 2 : channels;
  }
}

}  // namespace

GUISE_LANE_CLONES
void layer_norm_rows(const float* in, int64_t rows, int64_t width, const float* gain,
                     const float* bias, double eps, Operand out) {
  const int64_t step = units_of(width, out.precision);
  for (int64_t y = 0; y < rows; ++y, in += padded(width)) {
    float* to = out.units + y * step;
    if (out.precision == Precision::kBFloat16) {
      layer_norm_row<true>(in, width, gain, bias, eps, to);
    } else {
      layer_norm_row<false>(in, width, gain, bias, eps, to);
    }
  }
}

GUISE_LANE_CLONES
void gelu(const float* in, int64_t count, Operand out) {
  if (out.precision == Precision::kBFloat16) {
    for (int64_t i = 0; i < count; i += kLanes) gelu_lanes<true>(in, i, out.units);
  } else {
    for (int64_t i = 0; i < count; i += kLanes) gelu_lanes<false>(in, i, out.units);
  }
}

GUISE_LANE_CLONES
void softmax_row(float* row, int64_t count, float scale) {
  float most = row[0];
  for (int64_t i = 1; i < count; ++i) most = row[i] > most ? row[i] : most;
  for (int64_t i = count; i < padded(count); ++i) row[i] = -std::numeric_limits<float>::infinity();
  Lanes x, sum{};
  for (int64_t i = 0; i < count; i += kLanes) {
    load(x, row + i);
    x = (x - most) * scale;
    exponential(x);
    sum += x;
    store(row + i, x);
  }
  const float factor = 1.0f / total(sum);
  for (int64_t i = 0; i < count; ++i) row[i] *= factor;
}

GUISE_LANE_CLONES
void add_moments(const float* in, int64_t columns, int64_t channels, double* sums,
                 double* squares) {
  for (int64_t c = 0; c < channels; c += kLanes) {
    Lanes x, sum{}, square{};
    for (int64_t column = 0; column < columns; ++column) {
      load(x, in + column * channels + c);
      sum += x;
      square += x * x;
    }
    for (int64_t i = 0; i < kLanes; ++i) {
      sums[c + i] += static_cast<double>(sum[i]);
      squares[c + i] += static_cast<double>(square[i]);
    }
  }
}

GUISE_LANE_CLONES
void scale_shift_silu(const float* in, int64_t columns, int64_t channels, const float* scale,
                      const float* shift, Operand out) {
  if (out.precision == Precision::kBFloat16) {
    silu_row<true>(in, columns, channels, scale, shift, out.units);
  } else {
    silu_row<false>(in, columns, channels, scale, shift, out.units);
  }
}

GUISE_LANE_CLONES
void copy_numbers(const float* in, int64_t count, Operand out) {
  Lanes x;
  for (int64_t i = 0; i < count; i += kLanes) {
    load(x, in + i);
    if (out.precision == Precision::kBFloat16) {
      store_operand<true>(out.units, i, x);
    } else {
      store_operand<false>(out.units, i, x);
    }
  }
}

}  // namespace guise::nets
