#include "ops/feather_blend.h"

#include <ATen/ATen.h>
#include <c10/core/DeviceGuard.h>

#include "core/check.h"
#include "ops/argument_checks.h"
#include "ops/cuda_support.h"
#include "ops/feather_blend_element.h"

namespace guise::ops {
namespace {

constexpr const char* kOp = "feather_blend";

void check_arguments(const at::Tensor& background, const at::Tensor& foreground,
                     const at::Tensor& weight) {
  check_tensor(kOp, {"background", background}, at::kByte, {-1, -1, 3}, "[H, W, 3]");
  check_tensor(kOp, {"foreground", foreground}, at::kByte, {-1, -1, 3}, "[H, W, 3]");
  check_tensor(kOp, {"weight", weight}, at::kFloat, {-1, -1}, "[H, W]");
  check_devices(kOp, {{"background", background}, {"foreground", foreground}, {"weight", weight}});
  GUISE_CHECK_ARG(background.sizes() == foreground.sizes() &&
                      weight.size(0) == background.size(0) && weight.size(1) == background.size(1),
                  kOp, ": background, foreground and weight must agree in height and width; got ",
                  background.sizes(), ", ", foreground.sizes(), " and ", weight.sizes(),
                  "; warp the foreground and its weight to the size of the background first");
}

void check_weight_range(const at::Tensor& weight) {
  const auto [low, high] = at::aminmax(weight);
  const float low_value = low.item<float>();
  const float high_value = high.item<float>();
  GUISE_CHECK_ARG(low_value >= 0.f && high_value <= 1.f, kOp, ": weight must lie in [0, 1]; got ",
                  low_value, " to ", high_value, "; clamp it and replace NaN before blending");
}

}  // namespace

at::Tensor feather_blend(const at::Tensor& background, const at::Tensor& foreground,
                         const at::Tensor& weight) {
  check_arguments(background, foreground, weight);
  const at::Tensor below = background.contiguous();
  const at::Tensor above = foreground.contiguous();
  const at::Tensor mix = weight.detach().contiguous();
  at::Tensor blended = at::empty(below.sizes(), below.options());
  if (blended.numel() == 0) return blended;
  check_weight_range(mix);

  const FeatherBlendArgs args{below.const_data_ptr<uint8_t>(), above.const_data_ptr<uint8_t>(),
                              mix.const_data_ptr<float>(), blended.mutable_data_ptr<uint8_t>(),
                              mix.numel()};
  if (below.is_cuda()) {
    const c10::DeviceGuard guard(below.device());
    launch_feather_blend_cuda(args, current_cuda_stream(below.device()));
  } else {
    feather_blend_cpu(args);
  }
  return blended;
}

}  // namespace guise::ops
