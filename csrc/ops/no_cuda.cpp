// Stands in for with_cuda.cpp and every *_cuda.cu in a build without CUDA: asking for the GPU is an
// error that says what to do, never a silent detour over the processor.
#include "core/check.h"
#include "ops/cuda_support.h"
#include "ops/feather_blend_element.h"
#include "ops/gaussian_blur_element.h"
#include "ops/nms_element.h"
#include "ops/pixelate_element.h"
#include "ops/warp_affine_element.h"

namespace guise::ops {
namespace {

[[noreturn]] void refuse() {
  throw Unavailable(
      "a tensor on a CUDA device needs a guise built with CUDA; this build has no CUDA kernels; "
      "move the tensor to the CPU or install guise built against a CUDA torch");
}

}  // namespace

bool built_with_cuda() {
  return false;
}

void* current_cuda_stream(c10::Device /*device*/) {
  refuse();
}

void launch_warp_affine_cuda(const WarpAffineArgs& /*args*/, void* /*stream*/) {
  refuse();
}

void launch_feather_blend_cuda(const FeatherBlendArgs& /*args*/, void* /*stream*/) {
  refuse();
}

void launch_pixelate_cuda(const PixelateArgs& /*args*/, void* /*stream*/) {
  refuse();
}

void launch_blur_rows_cuda(const GaussianBlurArgs& /*args*/, void* /*stream*/) {
  refuse();
}

void launch_blur_columns_cuda(const GaussianBlurArgs& /*args*/, void* /*stream*/) {
  refuse();
}

void launch_nms_cuda(const NmsArgs& /*args*/, void* /*stream*/) {
  refuse();
}

}  // namespace guise::ops
