#include "ops/cuda_launch.cuh"
#include "ops/feather_blend_element.h"

namespace guise::ops {
namespace {

__global__ void feather_blend_kernel(FeatherBlendArgs args) {
  const int64_t index = element_index();
  if (index < args.pixel_count) feather_blend_element(args, index);
}

}  // namespace

void launch_feather_blend_cuda(const FeatherBlendArgs& args, void* stream) {
  feather_blend_kernel<<<blocks_for(args.pixel_count), kThreadsPerBlock, 0,
                         static_cast<cudaStream_t>(stream)>>>(args);
  check_launch("feather_blend_kernel");
}

}  // namespace guise::ops
