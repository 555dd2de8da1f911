#include "ops/pixelate.h"

#include <ATen/ATen.h>
#include <c10/core/DeviceGuard.h>

#include <algorithm>

#include "core/check.h"
#include "ops/argument_checks.h"
#include "ops/cuda_support.h"
#include "ops/pixelate_element.h"

namespace guise::ops {

at::Tensor pixelate(const at::Tensor& image, int64_t block_px) {
  constexpr const char* kOp = "pixelate";
  check_tensor(kOp, {"image", image}, at::kByte, {-1, -1, 3}, "[H, W, 3]");
  check_devices(kOp, {{"image", image}});
  GUISE_CHECK_ARG(block_px >= 1, kOp, ": block_px must be at least 1; got ", block_px,
                  "; choose a side such as a tenth of the face");
  const at::Tensor pixels = image.contiguous();
  at::Tensor out = at::empty(pixels.sizes(), pixels.options());
  if (out.numel() == 0) return out;

  const int64_t longer_side_px = std::max(pixels.size(0), pixels.size(1));
  const PixelateArgs args{pixels.const_data_ptr<uint8_t>(), out.mutable_data_ptr<uint8_t>(),
                          pixels.size(0), pixels.size(1), std::min(block_px, longer_side_px)};
  if (pixels.is_cuda()) {
    const c10::DeviceGuard guard(pixels.device());
    launch_pixelate_cuda(args, current_cuda_stream(pixels.device()));
  } else {
    pixelate_cpu(args);
  }
  return out;
}

}  // namespace guise::ops
