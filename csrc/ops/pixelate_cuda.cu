#include "ops/cuda_launch.cuh"
#include "ops/pixelate_element.h"

namespace guise::ops {
namespace {

__global__ void pixelate_kernel(PixelateArgs args, int64_t count) {
  const int64_t index = element_index();
  if (index < count) pixelate_element(args, index);
}

}  // namespace

void launch_pixelate_cuda(const PixelateArgs& args, void* stream) {
  const int64_t count = pixelate_element_count(args);
  pixelate_kernel<<<blocks_for(count), kThreadsPerBlock, 0, static_cast<cudaStream_t>(stream)>>>(
      args, count);
  check_launch("pixelate_kernel");
}

}  // namespace guise::ops
