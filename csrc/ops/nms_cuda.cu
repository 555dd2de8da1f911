#include "ops/cuda_launch.cuh"
#include "ops/nms_element.h"

namespace guise::ops {
namespace {

__global__ void nms_kernel(NmsArgs args, int64_t count) {
  const int64_t index = element_index();
  if (index < count) nms_element(args, index);
}

}  // namespace

void launch_nms_cuda(const NmsArgs& args, void* stream) {
  const int64_t count = nms_element_count(args);
  nms_kernel<<<blocks_for(count), kThreadsPerBlock, 0, static_cast<cudaStream_t>(stream)>>>(args,
                                                                                            count);
  check_launch("nms_kernel");
}

}  // namespace guise::ops
