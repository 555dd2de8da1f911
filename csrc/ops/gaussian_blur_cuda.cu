#include "ops/cuda_launch.cuh"
#include "ops/gaussian_blur_element.h"

namespace guise::ops {
namespace {

__global__ void blur_rows_kernel(GaussianBlurArgs args, int64_t count) {
  const int64_t index = element_index();
  if (index < count) blur_rows_element(args, index);
}

__global__ void blur_columns_kernel(GaussianBlurArgs args, int64_t count) {
  const int64_t index = element_index();
  if (index < count) blur_columns_element(args, index);
}

}  // namespace

void launch_blur_rows_cuda(const GaussianBlurArgs& args, void* stream) {
  const int64_t count = blur_rows_element_count(args);
  blur_rows_kernel<<<blocks_for(count), kThreadsPerBlock, 0, static_cast<cudaStream_t>(stream)>>>(
      args, count);
  check_launch("blur_rows_kernel");
}

void launch_blur_columns_cuda(const GaussianBlurArgs& args, void* stream) {
  const int64_t count = blur_columns_element_count(args);
  blur_columns_kernel<<<blocks_for(count), kThreadsPerBlock, 0,
                        static_cast<cudaStream_t>(stream)>>>(args, count);
  check_launch("blur_columns_kernel");
}

}  // namespace guise::ops
