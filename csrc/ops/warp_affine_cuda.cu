#include "ops/cuda_launch.cuh"
#include "ops/warp_affine_element.h"

namespace guise::ops {
namespace {

__global__ void warp_affine_kernel(WarpAffineArgs args, int64_t count) {
  const int64_t index = element_index();
  if (index < count) warp_affine_element(args, index);
}

}  // namespace

void launch_warp_affine_cuda(const WarpAffineArgs& args, void* stream) {
  const int64_t count = warp_affine_element_count(args);
  warp_affine_kernel<<<blocks_for(count), kThreadsPerBlock, 0, static_cast<cudaStream_t>(stream)>>>(
      args, count);
  check_launch("warp_affine_kernel");
}

}  // namespace guise::ops
