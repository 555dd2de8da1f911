// Dispatch from checked header to codec, and the one rule that all formats share: which ICC profile
// still tells the truth about the pixels.
//
// The order is: size on disk, header, limits, decoder.
// The trap: no decoder may be reached by a file whose header was not parsed here first.
#include "io/read_image.h"

#include <c10/util/Exception.h>

#include <vector>

#include "core/check.h"
#include "io/atomic_file.h"
#include "io/bmp_codec.h"
#include "io/jpeg_codec.h"
#include "io/pixel_rows.h"
#include "io/png_codec.h"
#include "io/webp_codec.h"

namespace guise::io {
namespace {

DecodedImage decode_by_format(const uint8_t* data, size_t size, const ImageHeader& header,
                              const ReadLimits& limits) {
  switch (header.format) {
    case ImageFormat::jpeg:
      return decode_jpeg(data, size, header, limits);
    case ImageFormat::png:
      return decode_png(data, size, header, limits);
    case ImageFormat::webp:
      return decode_webp(data, size);
    case ImageFormat::bmp:
      return decode_bmp(data, size);
  }
  TORCH_INTERNAL_ASSERT(false, "image format without a decoder");
}

}  // namespace

DecodedImage decode_image(const uint8_t* data, size_t size, const ReadLimits& limits) {
  const ImageHeader header = parse_image_header(data, size, limits);
  DecodedImage image = decode_by_format(data, size, header, limits);
  if (!icc_profile_fits(image.icc_profile, image.grey)) image.icc_profile.clear();
  return image;
}

DecodedImage read_image(const std::string& path, const ReadLimits& limits) {
  const std::vector<uint8_t> file = read_file(path, limits.max_file_bytes);
  try {
    return decode_image(file.data(), file.size(), limits);
  } catch (const CorruptFile& error) {
    throw CorruptFile(core::message(path, ": ", error.what()));
  }
}

}  // namespace guise::io
