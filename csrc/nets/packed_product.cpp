// One source for all processors, as in row_kernels.cpp: GNU vector types of 16 floats, and as many
// accumulators as fit. Compiled with -ffp-contract=fast.
#include "nets/packed_product.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <cstring>
#include <vector>

namespace guise::nets {

namespace {

typedef float Lanes __attribute__((vector_size(64), aligned(4), may_alias));

#define GUISE_INLINE inline __attribute__((always_inline))

constexpr int64_t kChunkUnits = 128;  // of a panel's weights, 32 KiB: what stays in a level 1 cache
constexpr int64_t kStripColumns = 224;  // that take turns with such a chunk

// So many columns by so many outputs, over a part of the sums.
struct Block {
  const float* in;
  int64_t in_step;
  const int64_t* offsets;
  int64_t taps, units;
  const float* weight;
  int64_t width;  // of the panel
  const float* bias;
  const float* addend;
  float* out;
  int64_t out_step;
  bool is_first;
};

GUISE_INLINE void load(Lanes& lanes, const float* from) {
  std::memcpy(&lanes, from, sizeof(Lanes));
}

template <bool Pairs>
GUISE_INLINE void multiply_add(Lanes& sum, const Lanes& value, const Lanes& weight) {
#if defined(__x86_64__)
  if constexpr (Pairs) {
    // Written out: the compiler's own name for it changes with its version.
    asm("vdpbf16ps %2, %1, %0" : "+v"(sum) : "v"(value), "v"(weight));
    return;
  }
#endif
  sum += value * weight;
}

// What the sums of a block are added to. They start at 0 themselves: next to a large addend the
// small products would lose their last bits one by one.
GUISE_INLINE void add_to(Lanes& sum, const Block& block, int64_t out, int64_t part) {
  Lanes before;
  if (!block.is_first) {
    load(before, block.out + out);
    sum += before;
    return;
  }
  if (block.bias != nullptr) {
    load(before, block.bias + part);
    sum += before;
  }
  if (block.addend != nullptr) {
    load(before, block.addend + out);
    sum += before;
  }
}

template <bool Pairs, int Columns, int Parts>
GUISE_INLINE void multiply_block(const Block& block) {
  Lanes sums[Columns][Parts] = {};
  const float* weight = block.weight;
  for (int64_t t = 0; t < block.taps; ++t) {
    const float* in = block.in + block.offsets[t];
    for (int64_t i = 0; i < block.units; ++i, weight += block.width) {
      Lanes weights[Parts];
#pragma GCC unroll 16
      for (int p = 0; p < Parts; ++p) load(weights[p], weight + 16 * p);
#pragma GCC unroll 16
      for (int c = 0; c < Columns; ++c) {
        const Lanes value = in[c * block.in_step + i] - Lanes{};
#pragma GCC unroll 16
        for (int p = 0; p < Parts; ++p) multiply_add<Pairs>(sums[c][p], value, weights[p]);
      }
    }
  }
#pragma GCC unroll 16
  for (int c = 0; c < Columns; ++c) {
#pragma GCC unroll 16
    for (int p = 0; p < Parts; ++p) {
      const int64_t out = c * block.out_step + 16 * p;
      add_to(sums[c][p], block, out, 16 * p);
      std::memcpy(block.out + out, &sums[c][p], sizeof(Lanes));
    }
  }
}

// What fits the registers: at most kParts lanes of outputs, by columns(parts).
struct Plain {
  static constexpr int kParts = 1;
  static constexpr int columns(int) { return 2; }
  template <bool Pairs, int Columns, int Parts>
  static void run(const Block& block) {
    multiply_block<Pairs, Columns, Parts>(block);
  }
};

#if defined(__x86_64__)
struct Avx2 {
  static constexpr int kParts = 1;
  static constexpr int columns(int) { return 6; }
  template <bool Pairs, int Columns, int Parts>
  __attribute__((target("avx2,fma"))) static void run(const Block& block) {
    multiply_block<Pairs, Columns, Parts>(block);
  }
};

struct Avx512 {
  static constexpr int kParts = 4;
  static constexpr int columns(int parts) { return parts == 4 ? 6 : parts == 3 ? 8 : 12; }
  template <bool Pairs, int Columns, int Parts>
  __attribute__((target("avx512f,avx512vl,avx512dq,avx512bw,fma"))) static void run(
      const Block& block) {
    multiply_block<Pairs, Columns, Parts>(block);
  }
};
#endif

template <class Processor, bool Pairs, int Columns, int Parts>
void run_block(const Block& block, int64_t columns) {
  if (columns == Columns) {
    Processor::template run<Pairs, Columns, Parts>(block);
  } else if constexpr (Columns > 1) {
    run_block<Processor, Pairs, Columns - 1, Parts>(block, columns);
  }
}

// A row of columns in blocks of about equal size.
template <class Processor, bool Pairs, int Parts>
void run_columns(Block block, int64_t columns) {
  constexpr int kMost = Processor::columns(Parts);
  const int64_t blocks = (columns + kMost - 1) / kMost;
  for (int64_t i = 0; i < blocks; ++i) {
    const int64_t size = columns * (i + 1) / blocks - columns * i / blocks;
    run_block<Processor, Pairs, kMost, Parts>(block, size);
    block.in += size * block.in_step;
    block.out += size * block.out_step;
    if (block.addend != nullptr) block.addend += size * block.out_step;
  }
}

template <class Processor, bool Pairs, int Parts>
void run_parts(const Block& block, int64_t columns, int64_t parts) {
  if (parts == Parts) {
    run_columns<Processor, Pairs, Parts>(block, columns);
  } else if constexpr (Parts > 1) {
    run_parts<Processor, Pairs, Parts - 1>(block, columns, parts);
  }
}

// One panel over some rows; `block` says where both begin.
template <class Processor, bool Pairs>
void run_panel(Block block, const ProductRows& rows, int64_t count) {
  constexpr int64_t kWidth = kLanes * Processor::kParts;
  for (int64_t start = 0; start < block.width; start += kWidth) {
    Block row = block;
    for (int64_t y = 0; y < count; ++y) {
      run_parts<Processor, Pairs, Processor::kParts>(
          row, rows.columns, std::min(kWidth, block.width - start) / kLanes);
      row.in += rows.in_row_step;
      row.out += rows.out_row_step;
      if (row.addend != nullptr) row.addend += rows.out_row_step;
    }
    block.weight += kWidth;
    block.out += kWidth;
    if (block.bias != nullptr) block.bias += kWidth;
    if (block.addend != nullptr) block.addend += kWidth;
  }
}

// The rows y to y + count: panel by panel, and of a panel chunk by chunk.
template <class Processor, bool Pairs>
void run_strip(const ProductWeight& weight, const ProductRows& rows, int64_t y, int64_t count) {
  const int64_t pieces = (weight.units + kChunkUnits - 1) / kChunkUnits;
  const int64_t units = (weight.units + pieces - 1) / pieces;
  const int64_t taps = pieces > 1 ? 1 : std::max<int64_t>(1, kChunkUnits / weight.units);
  for (int64_t o = 0; o < weight.outputs; o += kPanel) {
    const int64_t width = std::min(kPanel, weight.outputs - o);
    const float* panel = weight.values + o * weight.taps * weight.units;
    const int64_t out = y * rows.out_row_step + o;
    for (int64_t t = 0; t < weight.taps; t += taps) {
      for (int64_t i = 0; i < weight.units; i += units) {
        const Block block = {
            .in = rows.in + y * rows.in_row_step + i,
            .in_step = rows.in_step,
            .offsets = rows.offsets + t,
            .taps = std::min(taps, weight.taps - t),
            .units = std::min(units, weight.units - i),
            .weight = panel + (t * weight.units + i) * width,
            .width = width,
            .bias = weight.bias == nullptr ? nullptr : weight.bias + o,
            .addend = rows.addend == nullptr ? nullptr : rows.addend + out,
            .out = rows.out + out,
            .out_step = rows.out_step,
            .is_first = t == 0 && i == 0,
        };
        run_panel<Processor, Pairs>(block, rows, count);
      }
    }
  }
}

template <class Processor, bool Pairs>
void run_product(const ProductWeight& weight, const ProductRows& rows) {
  const int64_t strip = std::max<int64_t>(1, kStripColumns / rows.columns);
  for (int64_t y = 0; y < rows.rows; y += strip) {
    run_strip<Processor, Pairs>(weight, rows, y, std::min(strip, rows.rows - y));
  }
}

#if defined(__x86_64__)
bool has_avx512() {
  static const bool found =
      __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl") &&
      __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512bw");
  return found;
}

bool has_avx2() {
  static const bool found = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
  return found;
}
#endif

at::Tensor padded_to(const at::Tensor& x, int64_t dim, int64_t size) {
  std::vector<int64_t> shape = x.sizes().vec();
  shape[dim] = size - shape[dim];
  return at::cat({x, at::zeros(shape, x.options())}, dim);
}

}  // namespace

bool has_fast_bfloat16() {
#if defined(__x86_64__)
  static const bool found = has_avx512() && __builtin_cpu_supports("avx512bf16");
  return found;
#else
  return false;
#endif
}

void multiply(const ProductWeight& weight, const ProductRows& rows) {
#if defined(__x86_64__)
  if (weight.precision == Precision::kBFloat16) {
    TORCH_INTERNAL_ASSERT(has_fast_bfloat16());
    return run_product<Avx512, true>(weight, rows);
  }
  if (has_avx512()) return run_product<Avx512, false>(weight, rows);
  if (has_avx2()) return run_product<Avx2, false>(weight, rows);
#endif
  TORCH_INTERNAL_ASSERT(weight.precision == Precision::kFloat32);
  run_product<Plain, false>(weight, rows);
}

PackedProduct::PackedProduct(const at::Tensor& weight, const at::Tensor& bias,
                             Precision precision) {
  const int64_t outputs = padded(weight.size(0)), channels = padded(weight.size(2));
  at::Tensor whole = padded_to(padded_to(weight.detach(), 0, outputs), 2, channels);
  if (precision == Precision::kBFloat16) whole = whole.to(at::kBFloat16);
  const int64_t in_unit = precision == Precision::kBFloat16 ? 2 : 1;
  std::vector<at::Tensor> panels;
  for (int64_t o = 0; o < outputs; o += kPanel) {
    panels.push_back(whole.slice(0, o, std::min(o + kPanel, outputs))
                         .unflatten(2, {channels / in_unit, in_unit})
                         .permute({1, 2, 0, 3})
                         .flatten());
  }
  values_ = at::cat(panels);
  if (bias.defined()) bias_ = padded_to(bias.detach(), 0, outputs);
  weight_ = {.values = static_cast<const float*>(values_.const_data_ptr()),
             .bias = bias.defined() ? bias_.const_data_ptr<float>() : nullptr,
             .taps = weight.size(1),
             .units = channels / in_unit,
             .outputs = outputs,
             .precision = precision};
}

void PackedProduct::run(const float* in, int64_t columns, float* out, const float* addend) const {
  const int64_t no_offset = 0;
  multiply(weight_, {.in = in,
                     .in_step = weight_.units,
                     .in_row_step = 0,
                     .offsets = &no_offset,
                     .out = out,
                     .out_step = weight_.outputs,
                     .out_row_step = 0,
                     .addend = addend,
                     .rows = 1,
                     .columns = columns});
}

}  // namespace guise::nets
