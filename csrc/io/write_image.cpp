// Argument checks and dispatch from pixels to the encoder of a format.
//
// The trap: encoders take what they are given; every limit of a format is checked here.
#include "io/write_image.h"

#include <c10/util/Exception.h>

#include "core/check.h"
#include "io/atomic_file.h"
#include "io/bmp_codec.h"
#include "io/jpeg_codec.h"
#include "io/pixel_rows.h"
#include "io/png_codec.h"
#include "io/webp_codec.h"

namespace guise::io {
namespace {

constexpr size_t kMaxProfileBytes = size_t{255} * 65'519;  // what the segments of a JPEG can hold

int64_t max_side_px(ImageFormat format) {
  switch (format) {
    case ImageFormat::jpeg:
      return 65'500;
    case ImageFormat::webp:
      return 16'383;
    case ImageFormat::png:
    case ImageFormat::bmp:
      return 0x7FFFFFFF;
  }
  return 0;
}

void check_range(const char* name, int value, int low, int high) {
  GUISE_CHECK_ARG(value >= low && value <= high, name, " must be ", low, " to ", high, "; got ",
                  value);
}

void check_options(const WriteOptions& options) {
  check_range("jpeg_quality", options.jpeg_quality, 1, 100);
  check_range("png_compression", options.png_compression, 0, 9);
  check_range("webp_quality", options.webp_quality, 1, 100);
  check_range("webp_effort", options.webp_effort, 0, 6);
}

void check_pixels(const at::Tensor& pixels, ImageFormat format) {
  GUISE_CHECK_ARG(pixels.defined() && pixels.dim() == 3 && pixels.size(2) == 3 &&
                      pixels.scalar_type() == at::kByte && pixels.device().is_cpu(),
                  "pixels must be a uint8 CPU tensor [H, W, 3]");
  const int64_t height = pixels.size(0);
  const int64_t width = pixels.size(1);
  const int64_t limit = max_side_px(format);
  GUISE_CHECK_ARG(height >= 1 && width >= 1 && height <= limit && width <= limit, "a ",
                  format_name(format), " must have sides of 1 to ", limit, " px; got ", width,
                  " x ", height);
}

}  // namespace

std::vector<uint8_t> encode_image(const at::Tensor& pixels, ImageFormat format, bool grey,
                                  const std::vector<uint8_t>& icc_profile,
                                  const WriteOptions& options) {
  check_pixels(pixels, format);
  check_options(options);
  GUISE_CHECK_ARG(icc_profile.size() <= kMaxProfileBytes, "an ICC profile must have at most ",
                  kMaxProfileBytes, " bytes; got ", icc_profile.size());
  const at::Tensor packed = pixels.contiguous();
  const auto* rgb = packed.const_data_ptr<uint8_t>();
  const int64_t height = packed.size(0);
  const int64_t width = packed.size(1);
  const bool stored_grey = grey && format != ImageFormat::webp;
  const bool fits = icc_profile_fits(icc_profile, stored_grey);
  const std::vector<uint8_t> profile = fits ? icc_profile : std::vector<uint8_t>();
  switch (format) {
    case ImageFormat::jpeg:
      return encode_jpeg(rgb, width, height, grey, profile, options);
    case ImageFormat::png:
      return encode_png(rgb, width, height, grey, profile, options);
    case ImageFormat::webp:
      return encode_webp(rgb, width, height, grey, profile, options);
    case ImageFormat::bmp:
      return encode_bmp(rgb, width, height, grey);
  }
  TORCH_INTERNAL_ASSERT(false, "image format without an encoder");
}

void write_image(const std::string& path, const at::Tensor& pixels, ImageFormat format, bool grey,
                 const std::vector<uint8_t>& icc_profile, const WriteOptions& options) {
  const auto file = encode_image(pixels, format, grey, icc_profile, options);
  write_file_atomically(path, file.data(), file.size());
}

}  // namespace guise::io
