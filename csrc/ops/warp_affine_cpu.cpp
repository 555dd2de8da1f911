// warp_affine on the CPU. Along a row of a crop, the pixels whose neighbours all lie inside the
// image form one run, nearly always the whole row. On x86-64 that run is computed two coordinates
// and three channels at a time, with the operations of warp_affine_pixel in the same order and
// therefore its bytes; all other pixels call warp_affine_pixel.
#include <ATen/Parallel.h>

#include <algorithm>
#include <cstring>
#include <limits>

#include "ops/warp_affine_element.h"

#if defined(__SSE2__)
#include <emmintrin.h>

#include "ops/simd_clones.h"
#endif

namespace guise::ops {
namespace {

// A pixel costs a few nanoseconds; smaller shares than this do not pay for a thread.
constexpr int64_t kPixelsPerTask = 16384;

void warp_pixels(const WarpAffineArgs& args, int64_t n, int64_t y, int64_t begin, int64_t end) {
  for (int64_t x = begin; x < end; ++x) warp_affine_pixel(args, n, y, x);
}

#if defined(__SSE2__)

// The map of one row of a crop: image x in the low half, image y in the high half.
struct RowMap {
  __m128d step;
  __m128d start;
  __m128d end;  // coordinates must be below this for the loads of mix_pixel to stay in the image
};

RowMap map_row(const WarpAffineArgs& args, int64_t n, int64_t y) {
  constexpr int64_t kMaxIndex = std::numeric_limits<int32_t>::max();
  const double* m = args.crop_to_image + n * 6;
  const double row = static_cast<double>(y);
  // The loads take four bytes for three channels, so the last column but one is out as well.
  const int64_t end_x = std::min(args.image_width_px - 2, kMaxIndex);
  const int64_t end_y = std::min(args.image_height_px - 1, kMaxIndex);
  return {_mm_set_pd(m[3], m[0]), _mm_set_pd(m[4] * row + m[5], m[1] * row + m[2]),
          _mm_set_pd(static_cast<double>(end_y), static_cast<double>(end_x))};
}

inline __m128d source_of(const RowMap& map, int64_t x) {
  return _mm_add_pd(_mm_mul_pd(map.step, _mm_set1_pd(static_cast<double>(x))), map.start);
}

bool is_inside(const RowMap& map, int64_t x) {
  const __m128d source = source_of(map, x);
  const __m128d inside =
      _mm_and_pd(_mm_cmpge_pd(source, _mm_setzero_pd()), _mm_cmplt_pd(source, map.end));
  return _mm_movemask_pd(inside) == 3;
}

// A pixel as floats; the fourth is a byte of the next pixel.
inline __m128 load_channels(const uint8_t* pixel) {
  int32_t bytes;
  std::memcpy(&bytes, pixel, sizeof(bytes));
  const __m128i zero = _mm_setzero_si128();
  const __m128i words = _mm_unpacklo_epi8(_mm_cvtsi32_si128(bytes), zero);
  return _mm_cvtepi32_ps(_mm_unpacklo_epi16(words, zero));
}

inline __m128 mix(__m128 a, __m128 weight_a, __m128 b, __m128 weight_b) {
  return _mm_add_ps(_mm_mul_ps(a, weight_a), _mm_mul_ps(b, weight_b));
}

// Pixels [begin, end), all inside. Writes one byte more than they have.
GUISE_SIMD_CLONES
void warp_inside(const RowMap& map, const uint8_t* image, int64_t image_stride, int64_t begin,
                 int64_t end, uint8_t* out) {
  const __m128 one = _mm_set1_ps(1.f);
  const __m128 half = _mm_set1_ps(0.5f);
  for (int64_t x = begin; x < end; ++x, out += 3) {
    const __m128d source = source_of(map, x);
    // Not negative, so that truncation is the floor.
    const __m128i corner = _mm_cvttpd_epi32(source);
    const __m128 f = _mm_cvtpd_ps(_mm_sub_pd(source, _mm_cvtepi32_pd(corner)));
    const __m128 rest = _mm_sub_ps(one, f);
    const __m128 fx = _mm_shuffle_ps(f, f, _MM_SHUFFLE(0, 0, 0, 0));
    const __m128 fy = _mm_shuffle_ps(f, f, _MM_SHUFFLE(1, 1, 1, 1));
    const __m128 rest_x = _mm_shuffle_ps(rest, rest, _MM_SHUFFLE(0, 0, 0, 0));
    const __m128 rest_y = _mm_shuffle_ps(rest, rest, _MM_SHUFFLE(1, 1, 1, 1));
    const int64_t x0 = _mm_cvtsi128_si32(corner);
    const int64_t y0 = _mm_cvtsi128_si32(_mm_srli_si128(corner, 4));
    const uint8_t* above = image + y0 * image_stride + x0 * 3;
    const uint8_t* below = above + image_stride;
    const __m128 upper = mix(load_channels(above), rest_x, load_channels(above + 3), fx);
    const __m128 lower = mix(load_channels(below), rest_x, load_channels(below + 3), fx);
    const __m128 rounded = _mm_add_ps(mix(upper, rest_y, lower, fy), half);
    const __m128i words = _mm_packs_epi32(_mm_cvttps_epi32(rounded), _mm_setzero_si128());
    const int32_t bytes = _mm_cvtsi128_si32(_mm_packus_epi16(words, words));
    std::memcpy(out, &bytes, sizeof(bytes));
  }
}

// Rounding keeps coordinates monotonic along the row, so that the inside is one run.
void warp_row(const WarpAffineArgs& args, int64_t n, int64_t y) {
  const RowMap map = map_row(args, n, y);
  int64_t begin = 0;
  int64_t end = args.width_px;
  while (begin < end && !is_inside(map, begin)) ++begin;
  while (begin < end && !is_inside(map, end - 1)) --end;
  // The last pixel of the run is left to warp_affine_pixel, after the spill over it.
  const int64_t last = std::max(begin, end - 1);
  uint8_t* row = args.crops + (n * args.height_px + y) * args.width_px * 3;
  warp_inside(map, args.image, args.image_width_px * 3, begin, last, row + begin * 3);
  warp_pixels(args, n, y, 0, begin);
  warp_pixels(args, n, y, last, args.width_px);
}

#else

void warp_row(const WarpAffineArgs& args, int64_t n, int64_t y) {
  warp_pixels(args, n, y, 0, args.width_px);
}

#endif

}  // namespace

void warp_affine_cpu(const WarpAffineArgs& args) {
  const int64_t rows = args.count * args.height_px;
  const int64_t grain = std::max<int64_t>(1, kPixelsPerTask / args.width_px);
  at::parallel_for(0, rows, grain, [&args](int64_t begin, int64_t end) {
    for (int64_t row = begin; row < end; ++row) {
      warp_row(args, row / args.height_px, row % args.height_px);
    }
  });
}

}  // namespace guise::ops
