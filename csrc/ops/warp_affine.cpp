#include "ops/warp_affine.h"

#include <ATen/ATen.h>
#include <c10/core/DeviceGuard.h>

#include "core/check.h"
#include "ops/argument_checks.h"
#include "ops/cuda_support.h"
#include "ops/warp_affine_element.h"

namespace guise::ops {
namespace {

constexpr int64_t kMaxCropSidePx = 65535;

void check_arguments(const at::Tensor& image, const at::Tensor& crop_to_image, int64_t height_px,
                     int64_t width_px) {
  constexpr const char* kOp = "warp_affine";
  check_tensor(kOp, {"image", image}, at::kByte, {-1, -1, 3}, "[H, W, 3]");
  check_tensor(kOp, {"crop_to_image", crop_to_image}, at::kDouble, {-1, 2, 3}, "[N, 2, 3]");
  check_devices(kOp, {{"image", image}, {"crop_to_image", crop_to_image}});
  GUISE_CHECK_ARG(
      height_px >= 1 && height_px <= kMaxCropSidePx && width_px >= 1 && width_px <= kMaxCropSidePx,
      kOp, ": the crop's height and width must be 1 to ", kMaxCropSidePx, " px; got ", height_px,
      " x ", width_px, "; choose a size such as 112 x 112");
  GUISE_CHECK_ARG(at::isfinite(crop_to_image).all().item<bool>(), kOp,
                  ": crop_to_image must be finite; got NaN or infinity; check the landmarks the "
                  "map was fitted to");
}

}  // namespace

at::Tensor warp_affine(const at::Tensor& image, const at::Tensor& crop_to_image, int64_t height_px,
                       int64_t width_px) {
  check_arguments(image, crop_to_image, height_px, width_px);
  const at::Tensor pixels = image.contiguous();
  const at::Tensor maps = crop_to_image.detach().contiguous();
  at::Tensor crops = at::empty({maps.size(0), height_px, width_px, 3}, pixels.options());
  if (crops.numel() == 0) return crops;

  const WarpAffineArgs args{pixels.const_data_ptr<uint8_t>(),
                            maps.const_data_ptr<double>(),
                            crops.mutable_data_ptr<uint8_t>(),
                            pixels.size(0),
                            pixels.size(1),
                            maps.size(0),
                            height_px,
                            width_px};
  if (pixels.is_cuda()) {
    const c10::DeviceGuard guard(pixels.device());
    launch_warp_affine_cuda(args, current_cuda_stream(pixels.device()));
  } else {
    warp_affine_cpu(args);
  }
  return crops;
}

}  // namespace guise::ops
