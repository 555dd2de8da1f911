// Matrix products and convolutions on the calling thread, for inference: weights laid out once,
// sums kept in registers, a kernel for AVX-512, AVX2 and any other processor chosen when the
// program runs.
//
// The order in which an output is summed up follows from the shape of the weight alone. Its bytes
// do not depend on what is computed beside it: not on the number of columns, nor on its place among
// them. Multiply-adds are fused where the processor can: the last bit may differ between
// processors.
//
// Numbers are read in units of 4 bytes: a float32, or two bfloat16 of neighbouring channels, whose
// products are summed up in float32. Outputs are float32. Channels in memory are padded with zeros
// to a multiple of 16.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>

namespace guise::nets {

enum class Precision { kFloat32, kBFloat16 };

// Whether the processor multiplies bfloat16 itself.
bool has_fast_bfloat16();

inline constexpr int64_t kLanes = 16;

constexpr int64_t padded(int64_t channels) {
  return (channels + kLanes - 1) / kLanes * kLanes;
}

// Units that so many padded channels take.
constexpr int64_t units_of(int64_t channels, Precision precision) {
  return padded(channels) / (precision == Precision::kFloat32 ? 1 : 2);
}

// Weights in panels of 64 outputs, the last one of what is left: panel, tap, unit, output.
struct ProductWeight {
  const float* values;
  const float* bias;  // or null
  int64_t taps, units, outputs;
  Precision precision;
};

// out[y, x, o] = bias[o] + addend[y, x, o] + sum over t, i of
// in[y * in_row_step + x * in_step + offsets[t] + i] * weight[t, i, o]
struct ProductRows {
  const float* in;
  int64_t in_step, in_row_step;  // units
  const int64_t* offsets;        // one a tap, units
  float* out;
  int64_t out_step, out_row_step;
  const float* addend;  // as out, and may be out; or null
  int64_t rows, columns;
};

void multiply(const ProductWeight& weight, const ProductRows& rows);

inline constexpr int64_t kPanel = 64;

// Where output o of unit i lies among the values of a weight with one tap.
constexpr int64_t panel_place(int64_t i, int64_t o, int64_t units, int64_t outputs) {
  const int64_t start = o / kPanel * kPanel;
  const int64_t width = outputs - start < kPanel ? outputs - start : kPanel;
  return start * units + i * width + o - start;
}

// A ProductWeight that owns its numbers.
class PackedProduct {
 public:
  PackedProduct() = default;
  // weight: float32 [outputs, taps, channels]; bias: [outputs], or undefined.
  PackedProduct(const at::Tensor& weight, const at::Tensor& bias, Precision precision);

  // One row of `columns` inputs close together, of which there is one tap.
  void run(const float* in, int64_t columns, float* out, const float* addend = nullptr) const;
  void run(const ProductRows& rows) const { multiply(weight_, rows); }

  int64_t units() const { return weight_.units; }      // of an input
  int64_t outputs() const { return weight_.outputs; }  // padded
  Precision precision() const { return weight_.precision; }

 private:
  at::Tensor values_, bias_;
  ProductWeight weight_{};
};

}  // namespace guise::nets
