// The passes of gaussian_blur, whole rows at a time so that the compiler can vectorise across the
// row. Each output is summed in the order of the element functions and therefore has their bytes.
#include <ATen/Parallel.h>

#include <algorithm>
#include <vector>

#include "ops/gaussian_blur_element.h"
#include "ops/simd_clones.h"

namespace guise::ops {
namespace {

// Eight floats that are added and multiplied together; may lie at any address of a float array.
// Explicit, because compilers give up on vectorising the plain loop over lanes.
typedef float Lanes __attribute__((vector_size(32), aligned(4), may_alias));
constexpr int64_t kFloatsPerLanes = 8;
// Floats summed side by side: 16 pixels, which fit the vector registers of AVX2.
constexpr int64_t kLanes = 6;
constexpr int64_t kBlock = kLanes * kFloatsPerLanes;
constexpr int64_t kBlockPixels = kBlock / 3;
constexpr int64_t kMultiplicationsPerTask = 1 << 18;

int64_t rows_per_task(const GaussianBlurArgs& args) {
  const int64_t per_row = blur_row_stride(args) * (args.radius_px + 1);
  return std::max<int64_t>(1, kMultiplicationsPerTask / per_row);
}

// Sums one block: side(k, left, right) names the floats at distance k on both sides of `centre`.
template <typename Side>
inline __attribute__((always_inline)) void filter_block(const float* centre, const float* taps,
                                                        int64_t radius_px, const Side& side,
                                                        float* sums) {
  const Lanes* middle = reinterpret_cast<const Lanes*>(centre);
  Lanes lanes[kLanes];
  for (int64_t v = 0; v < kLanes; ++v) lanes[v] = taps[0] * middle[v];
  for (int64_t k = 1; k <= radius_px; ++k) {
    const float* left_floats;
    const float* right_floats;
    side(k, left_floats, right_floats);
    const Lanes* left = reinterpret_cast<const Lanes*>(left_floats);
    const Lanes* right = reinterpret_cast<const Lanes*>(right_floats);
    for (int64_t v = 0; v < kLanes; ++v) lanes[v] += taps[k] * (left[v] + right[v]);
  }
  for (int64_t v = 0; v < kLanes; ++v) reinterpret_cast<Lanes*>(sums)[v] = lanes[v];
}

// Along a padded row; neighbours of a channel are three floats apart.
GUISE_SIMD_CLONES
void filter_row(const float* padded, const float* taps, int64_t radius_px, int64_t count,
                float* sums) {
  int64_t i = 0;
  for (; i + kBlock <= count; i += kBlock) {
    const float* centre = padded + i;
    const auto side = [centre](int64_t k, const float*& left, const float*& right) {
      left = centre - 3 * k;
      right = centre + 3 * k;
    };
    filter_block(centre, taps, radius_px, side, sums + i);
  }
  for (; i < count; ++i) {
    float sum = taps[0] * padded[i];
    for (int64_t k = 1; k <= radius_px; ++k) {
      sum += taps[k] * (padded[i - 3 * k] + padded[i + 3 * k]);
    }
    sums[i] = sum;
  }
}

// Down the columns: row_at[d] is the row d below the centre row, also for negative d.
GUISE_SIMD_CLONES
void filter_columns(const float* const* row_at, const float* taps, int64_t radius_px,
                    int64_t offset, float* sums) {
  const auto side = [row_at, offset](int64_t k, const float*& above, const float*& below) {
    above = row_at[-k] + offset;
    below = row_at[k] + offset;
  };
  filter_block(row_at[0] + offset, taps, radius_px, side, sums);
}

// Columns [col_begin - radius, col_end + radius) of a row as floats, the border repeated.
void pad_row(const GaussianBlurArgs& args, const uint8_t* row, std::vector<float>& padded) {
  const int64_t first = args.col_begin - args.radius_px;
  const int64_t last = args.col_end + args.radius_px;
  const int64_t inside_begin = std::max<int64_t>(first, 0);
  const int64_t inside_end = std::min(last, args.width_px);
  float* out = padded.data();
  for (int64_t x = first; x < inside_begin; ++x) out = std::copy(row, row + 3, out);
  out = std::copy(row + 3 * inside_begin, row + 3 * inside_end, out);
  const uint8_t* border = row + 3 * (args.width_px - 1);
  for (int64_t x = inside_end; x < last; ++x) out = std::copy(border, border + 3, out);
}

// Blurs the 16 pixels from `x` of the bounding box on, or fewer at its right edge, where masked.
void blur_columns_block(const GaussianBlurArgs& args, const float* const* row_at, int64_t y,
                        int64_t x) {
  const int64_t columns = args.col_end - args.col_begin;
  const int64_t wide = std::min(kBlockPixels, columns - x);
  const int64_t pixel = y * args.width_px + args.col_begin + x;
  const uint8_t* mask = args.mask + pixel;
  if (std::all_of(mask, mask + wide, [](uint8_t wanted) { return wanted == 0; })) return;
  if (wide < kBlockPixels) {
    const int64_t first = ((y - args.mask_row_begin) * columns + x) * 3;
    for (int64_t i = first; i < first + 3 * wide; ++i) blur_columns_element(args, i);
    return;
  }
  float sums[kBlock];
  filter_columns(row_at, args.taps, args.radius_px, 3 * x, sums);
  uint8_t* out = args.out + pixel * 3;
  for (int64_t i = 0; i < kBlock; ++i) {
    if (mask[i / 3]) out[i] = round_to_byte(sums[i]);
  }
}

}  // namespace

void blur_rows_cpu(const GaussianBlurArgs& args) {
  const int64_t stride = blur_row_stride(args);
  const int64_t row_count = args.row_end - args.row_begin;
  at::parallel_for(0, row_count, rows_per_task(args), [&](int64_t begin, int64_t end) {
    std::vector<float> padded(stride + 6 * args.radius_px);
    for (int64_t row = begin; row < end; ++row) {
      if (!args.row_needed[row]) continue;
      pad_row(args, args.image + (args.row_begin + row) * args.width_px * 3, padded);
      filter_row(padded.data() + 3 * args.radius_px, args.taps, args.radius_px, stride,
                 args.rows + row * stride);
    }
  });
}

void blur_columns_cpu(const GaussianBlurArgs& args) {
  const int64_t columns = args.col_end - args.col_begin;
  const int64_t rows = args.mask_row_end - args.mask_row_begin;
  at::parallel_for(0, rows, rows_per_task(args), [&](int64_t begin, int64_t end) {
    std::vector<const float*> row_at;
    for (int64_t row = begin - args.radius_px; row < end + args.radius_px; ++row) {
      row_at.push_back(blurred_row(args, args.mask_row_begin + row));
    }
    // Down one strip of columns after the other: the rows a strip needs stay in the cache.
    for (int64_t x = 0; x < columns; x += kBlockPixels) {
      for (int64_t row = begin; row < end; ++row) {
        const float* const* centre = row_at.data() + (row - begin) + args.radius_px;
        blur_columns_block(args, centre, args.mask_row_begin + row, x);
      }
    }
  });
}

}  // namespace guise::ops
