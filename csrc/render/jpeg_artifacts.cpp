#include "render/jpeg_artifacts.h"

#include <algorithm>
#include <vector>

#include "io/image_header.h"
#include "io/jpeg_codec.h"

namespace guise::render {

void add_jpeg_artifacts(uint8_t* rgb, int size_px, int quality) {
  io::WriteOptions options;
  options.jpeg_quality = quality;
  const std::vector<uint8_t> bytes = io::encode_jpeg(rgb, size_px, size_px, false, {}, options);
  const io::ReadLimits limits;
  const io::ImageHeader header = io::parse_image_header(bytes.data(), bytes.size(), limits);
  const io::DecodedImage decoded = io::decode_jpeg(bytes.data(), bytes.size(), header, limits);
  std::copy_n(decoded.pixels.const_data_ptr<uint8_t>(), decoded.pixels.numel(), rgb);
}

}  // namespace guise::render
