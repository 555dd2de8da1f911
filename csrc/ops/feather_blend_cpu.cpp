#include <ATen/Parallel.h>

#include "ops/feather_blend_element.h"
#include "ops/simd_clones.h"

namespace guise::ops {
namespace {

constexpr int64_t kPixelsPerTask = 32768;

// Same arithmetic as the element function, without aliasing between inputs and output.
GUISE_SIMD_CLONES
void blend_pixels(const uint8_t* __restrict background, const uint8_t* __restrict foreground,
                  const float* __restrict weight, uint8_t* __restrict blended, int64_t count) {
  for (int64_t i = 0; i < count; ++i) {
    blended[3 * i] = feather_blend_byte(background[3 * i], foreground[3 * i], weight[i]);
    blended[3 * i + 1] =
        feather_blend_byte(background[3 * i + 1], foreground[3 * i + 1], weight[i]);
    blended[3 * i + 2] =
        feather_blend_byte(background[3 * i + 2], foreground[3 * i + 2], weight[i]);
  }
}

}  // namespace

void feather_blend_cpu(const FeatherBlendArgs& args) {
  at::parallel_for(0, args.pixel_count, kPixelsPerTask, [&args](int64_t begin, int64_t end) {
    blend_pixels(args.background + begin * 3, args.foreground + begin * 3, args.weight + begin,
                 args.blended + begin * 3, end - begin);
  });
}

}  // namespace guise::ops
