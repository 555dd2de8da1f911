#include "ops/gaussian_blur.h"

#include <ATen/ATen.h>
#include <c10/core/DeviceGuard.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <vector>

#include "core/check.h"
#include "ops/argument_checks.h"
#include "ops/cuda_support.h"
#include "ops/gaussian_blur_element.h"

namespace guise::ops {
namespace {

constexpr const char* kOp = "gaussian_blur";
constexpr double kMaxSigmaPx = 1000.0;
constexpr double kCutOffSigmas = 3.0;

void check_arguments(const at::Tensor& image, const at::Tensor& mask, double sigma_px) {
  check_tensor(kOp, {"image", image}, at::kByte, {-1, -1, 3}, "[H, W, 3]");
  check_tensor(kOp, {"mask", mask}, at::kBool, {-1, -1}, "[H, W]");
  check_devices(kOp, {{"image", image}, {"mask", mask}});
  GUISE_CHECK_ARG(mask.size(0) == image.size(0) && mask.size(1) == image.size(1), kOp,
                  ": mask must have the height and width of image, ", image.size(0), " x ",
                  image.size(1), "; got ", mask.size(0), " x ", mask.size(1),
                  "; draw the mask at the size of the image");
  GUISE_CHECK_ARG(sigma_px > 0.0 && sigma_px <= kMaxSigmaPx, kOp,
                  ": sigma_px must be above 0 and at most ", kMaxSigmaPx, "; got ", sigma_px,
                  "; scale the image down first if more blur is needed");
}

// [radius + 1] float32 on the CPU: the centre, then one side of the symmetric taps.
at::Tensor gaussian_taps(double sigma_px) {
  const int64_t radius_px = static_cast<int64_t>(std::ceil(kCutOffSigmas * sigma_px));
  std::vector<double> weights(radius_px + 1);
  double total = 0.0;
  for (int64_t k = 0; k <= radius_px; ++k) {
    const double distance = static_cast<double>(k) / sigma_px;
    weights[k] = std::exp(-0.5 * distance * distance);
    total += k == 0 ? weights[k] : 2.0 * weights[k];
  }
  at::Tensor taps = at::empty({radius_px + 1}, at::kFloat);
  float* values = taps.mutable_data_ptr<float>();
  for (int64_t k = 0; k <= radius_px; ++k) values[k] = static_cast<float>(weights[k] / total);
  return taps;
}

// The first index in [0, size) whose byte is not 0, or size. Skips eight zeros at a time.
int64_t first_set(const uint8_t* bytes, int64_t size) {
  int64_t i = 0;
  for (uint64_t word = 0; i + 8 <= size; i += 8) {
    std::memcpy(&word, bytes + i, sizeof(word));
    if (word != 0) break;
  }
  while (i < size && bytes[i] == 0) ++i;
  return i;
}

// One past the last index in [0, size) whose byte is not 0, given that there is one.
int64_t end_of_set(const uint8_t* bytes, int64_t size) {
  uint64_t word = 0;
  while (size >= 8) {
    std::memcpy(&word, bytes + size - 8, sizeof(word));
    if (word != 0) break;
    size -= 8;
  }
  while (bytes[size - 1] == 0) --size;
  return size;
}

// Fills the bounds of args and returns row_needed, [row_end - row_begin] uint8 on the CPU. The
// bounds stay empty for a mask without a true pixel.
at::Tensor find_bounds(const at::Tensor& mask_cpu, GaussianBlurArgs& args) {
  const uint8_t* mask = static_cast<const uint8_t*>(mask_cpu.const_data_ptr());
  at::Tensor needed = at::zeros({args.height_px}, at::kByte);
  uint8_t* flags = needed.mutable_data_ptr<uint8_t>();
  args.row_begin = args.row_end = args.mask_row_begin = args.mask_row_end = 0;
  args.col_begin = args.width_px;
  args.col_end = 0;
  for (int64_t y = 0; y < args.height_px; ++y) {
    const uint8_t* row = mask + y * args.width_px;
    const int64_t first = first_set(row, args.width_px);
    if (first == args.width_px) continue;
    args.col_begin = std::min(args.col_begin, first);
    args.col_end = std::max(args.col_end, end_of_set(row, args.width_px));
    if (args.mask_row_end == 0) {
      args.mask_row_begin = y;
      args.row_begin = std::max<int64_t>(0, y - args.radius_px);
    }
    args.mask_row_end = y + 1;
    const int64_t reach_begin = std::max(args.row_end, y - args.radius_px);
    args.row_end = std::min(args.height_px, y + args.radius_px + 1);
    std::fill(flags + reach_begin, flags + args.row_end, uint8_t{1});
  }
  return needed.slice(/*dim=*/0, args.row_begin, args.row_end);
}

}  // namespace

at::Tensor gaussian_blur(const at::Tensor& image, const at::Tensor& mask, double sigma_px) {
  check_arguments(image, mask, sigma_px);
  const at::Tensor pixels = image.contiguous();
  const at::Tensor wanted = mask.contiguous();
  at::Tensor out = pixels.clone();
  if (out.numel() == 0) return out;

  const at::Tensor taps = gaussian_taps(sigma_px).to(pixels.device());
  GaussianBlurArgs args{};
  args.height_px = pixels.size(0);
  args.width_px = pixels.size(1);
  args.radius_px = taps.size(0) - 1;
  const at::Tensor row_needed = find_bounds(wanted.cpu(), args).to(pixels.device());
  if (args.row_begin == args.row_end) return out;

  at::Tensor rows =
      at::empty({args.row_end - args.row_begin, args.col_end - args.col_begin, 3}, taps.options());
  args.image = pixels.const_data_ptr<uint8_t>();
  args.mask = static_cast<const uint8_t*>(wanted.const_data_ptr());
  args.taps = taps.const_data_ptr<float>();
  args.row_needed = row_needed.const_data_ptr<uint8_t>();
  args.rows = rows.mutable_data_ptr<float>();
  args.out = out.mutable_data_ptr<uint8_t>();
  if (pixels.is_cuda()) {
    const c10::DeviceGuard guard(pixels.device());
    void* stream = current_cuda_stream(pixels.device());
    launch_blur_rows_cuda(args, stream);
    launch_blur_columns_cuda(args, stream);
  } else {
    blur_rows_cpu(args);
    blur_columns_cpu(args);
  }
  return out;
}

}  // namespace guise::ops
