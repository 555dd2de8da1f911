#include <ATen/Parallel.h>

#include <algorithm>

#include "ops/pixelate_element.h"

namespace guise::ops {
namespace {

constexpr int64_t kPixelsPerTask = 32768;

}  // namespace

void pixelate_cpu(const PixelateArgs& args) {
  const int64_t grain = std::max<int64_t>(1, kPixelsPerTask / args.block_px / args.block_px);
  at::parallel_for(0, pixelate_element_count(args), grain, [&args](int64_t begin, int64_t end) {
    const PixelateArgs local = args;
    for (int64_t index = begin; index < end; ++index) pixelate_element(local, index);
  });
}

}  // namespace guise::ops
