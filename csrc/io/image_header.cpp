// First bytes -> ImageHeader, one strict walker per format.
//
// Each walker reads no further than it must: JPEG to the first frame header, PNG to the first IDAT,
// WebP over the chunk list, BMP over the two fixed headers.
// The trap: every length in these files is hostile; compare it with what is left, never add first.
#include "io/image_header.h"

#include <cstring>

#include "core/check.h"
#include "io/bmp_codec.h"
#include "io/byte_reader.h"
#include "io/webp_codec.h"

namespace guise::io {
namespace {

[[noreturn]] void refuse(ImageFormat format, const char* what) {
  throw CorruptFile(core::message("a ", format_name(format), " file that ", what,
                                  " is not accepted; save the picture again and retry"));
}

// SOF markers are C0..CF without DHT (C4), JPG (C8) and DAC (CC).
bool is_jpeg_frame_header(uint8_t marker) {
  return marker >= 0xC0 && marker <= 0xCF && marker != 0xC4 && marker != 0xC8 && marker != 0xCC;
}

ImageHeader parse_jpeg_frame(const uint8_t* segment, size_t length, uint8_t marker) {
  constexpr auto kFormat = ImageFormat::jpeg;
  // Baseline, extended and progressive, Huffman (C0, C1, C2) or arithmetic (C9, CA).
  const bool decodable = marker <= 0xC2 || marker == 0xC9 || marker == 0xCA;
  if (!decodable) refuse(kFormat, "uses lossless or hierarchical coding");
  if (length < 8 || length != 8 + 3 * size_t{segment[7]}) refuse(kFormat, "has a bad frame header");
  ImageHeader header{kFormat, load_be16(segment + 5), load_be16(segment + 3), segment[7],
                     segment[2]};
  if (header.bit_depth != 8) refuse(kFormat, "has a sample depth other than 8 bits");
  if (header.channels != 1 && header.channels != 3 && header.channels != 4) {
    refuse(kFormat, "has other than 1, 3 or 4 components");
  }
  return header;
}

ImageHeader parse_jpeg(const uint8_t* data, size_t size) {
  constexpr auto kFormat = ImageFormat::jpeg;
  size_t at = 2;  // after SOI
  while (true) {
    if (at >= size) refuse(kFormat, "ends before its frame header");
    if (data[at] != 0xFF) refuse(kFormat, "has stray bytes between its segments");
    while (at < size && data[at] == 0xFF) ++at;  // any number of fill bytes
    if (size - at < 3) refuse(kFormat, "ends before its frame header");
    const uint8_t marker = data[at++];
    const bool bare = marker <= 0x01 || (marker >= 0xD0 && marker <= 0xD9);
    if (bare || marker == 0xDA) refuse(kFormat, "has no frame header before its data");
    const size_t length = load_be16(data + at);
    if (length < 2 || length > size - at)
      refuse(kFormat, "has a segment that reaches past its end");
    if (is_jpeg_frame_header(marker)) return parse_jpeg_frame(data + at, length, marker);
    at += length;
  }
}

bool png_depth_is_legal(uint8_t colour_type, uint8_t depth) {
  switch (colour_type) {
    case 0:
      return depth == 1 || depth == 2 || depth == 4 || depth == 8 || depth == 16;
    case 3:
      return depth == 1 || depth == 2 || depth == 4 || depth == 8;
    case 2:
    case 4:
    case 6:
      return depth == 8 || depth == 16;
    default:
      return false;
  }
}

// acTL must come before the first IDAT (PNG third edition, 11.3.6.1), so the walk ends there.
void refuse_animated_png(const uint8_t* data, size_t size) {
  constexpr auto kFormat = ImageFormat::png;
  size_t at = 8;
  while (true) {
    if (size - at < 12) refuse(kFormat, "ends before its picture data");
    const size_t length = load_be32(data + at);
    if (length > size - at - 12) refuse(kFormat, "has a chunk that reaches past its end");
    if (std::memcmp(data + at + 4, "acTL", 4) == 0) refuse(kFormat, "holds more than one picture");
    if (std::memcmp(data + at + 4, "IEND", 4) == 0) refuse(kFormat, "has no picture data");
    if (std::memcmp(data + at + 4, "IDAT", 4) == 0) return;
    at += length + 12;
  }
}

ImageHeader parse_png(const uint8_t* data, size_t size) {
  constexpr auto kFormat = ImageFormat::png;
  if (size < 33) refuse(kFormat, "ends inside its header");
  if (load_be32(data + 8) != 13 || std::memcmp(data + 12, "IHDR", 4) != 0) {
    refuse(kFormat, "does not begin with IHDR");
  }
  const uint8_t* ihdr = data + 16;
  if (!png_depth_is_legal(ihdr[9], ihdr[8])) refuse(kFormat, "has an illegal colour type or depth");
  if (ihdr[10] != 0 || ihdr[11] != 0 || ihdr[12] > 1) refuse(kFormat, "uses an unknown method");
  constexpr int kChannelsOfColourType[] = {1, 0, 3, 3, 2, 0, 4};
  refuse_animated_png(data, size);
  return {kFormat, load_be32(ihdr), load_be32(ihdr + 4), kChannelsOfColourType[ihdr[9]], ihdr[8]};
}

ImageHeader parse_webp(const uint8_t* data, size_t size) {
  const WebpChunks chunks = parse_webp_chunks(data, size);
  return {ImageFormat::webp, chunks.width_px, chunks.height_px, chunks.has_alpha ? 4 : 3,
          /*bit_depth=*/8};
}

ImageHeader parse_bmp(const uint8_t* data, size_t size) {
  const BmpLayout layout = parse_bmp_layout(data, size);
  const int channels = layout.channel[3].mask != 0 ? 4 : 3;
  const int bit_depth = layout.bits_per_pixel >= 16 ? 8 : layout.bits_per_pixel;
  return {ImageFormat::bmp, layout.width_px, layout.height_px, channels, bit_depth};
}

ImageHeader parse_by_signature(const uint8_t* data, size_t size) {
  const std::optional<ImageFormat> format = format_of(data, size);
  if (!format) {
    throw CorruptFile(core::message("the file must be a JPEG, PNG, WebP or BMP picture; its first ",
                                    size < 12 ? size : 12,
                                    " bytes are of none of these; convert it to one of them"));
  }
  switch (*format) {
    case ImageFormat::jpeg:
      return parse_jpeg(data, size);
    case ImageFormat::png:
      return parse_png(data, size);
    case ImageFormat::webp:
      return parse_webp(data, size);
    case ImageFormat::bmp:
      break;
  }
  return parse_bmp(data, size);
}

void check_limits(const ImageHeader& header, const ReadLimits& limits) {
  const int64_t width = header.width_px;
  const int64_t height = header.height_px;
  if (width < 1 || height < 1) refuse(header.format, "has a width or height of zero");
  if (width > limits.max_side_px || height > limits.max_side_px ||
      width > limits.max_pixels / height) {
    throw CorruptFile(core::message("a picture must have sides of at most ", limits.max_side_px,
                                    " px and at most ", limits.max_pixels, " pixels; this ",
                                    format_name(header.format), " claims ", width, " x ", height,
                                    "; scale it down or raise the limit"));
  }
}

}  // namespace

ImageFormat format_named(const std::string& name) {
  for (const ImageFormat format :
       {ImageFormat::jpeg, ImageFormat::png, ImageFormat::webp, ImageFormat::bmp}) {
    if ("." + name == format_extension(format) || (name == "jpeg" && format == ImageFormat::jpeg)) {
      return format;
    }
  }
  throw std::invalid_argument(
      core::message("the format must be 'jpeg', 'png', 'webp' or 'bmp'; got '", name, "'"));
}

std::optional<ImageFormat> format_of(const uint8_t* data, size_t size) {
  static constexpr uint8_t kPng[] = {0x89, 'P', 'N', 'G', '\r', '\n', 0x1A, '\n'};
  if (size >= 3 && data[0] == 0xFF && data[1] == 0xD8 && data[2] == 0xFF) return ImageFormat::jpeg;
  if (size >= 8 && std::memcmp(data, kPng, 8) == 0) return ImageFormat::png;
  if (size >= 12 && std::memcmp(data, "RIFF", 4) == 0 && std::memcmp(data + 8, "WEBP", 4) == 0) {
    return ImageFormat::webp;
  }
  if (size >= 2 && data[0] == 'B' && data[1] == 'M') return ImageFormat::bmp;
  return std::nullopt;
}

const char* format_name(ImageFormat format) {
  switch (format) {
    case ImageFormat::jpeg:
      return "JPEG";
    case ImageFormat::png:
      return "PNG";
    case ImageFormat::webp:
      return "WebP";
    case ImageFormat::bmp:
      return "BMP";
  }
  return "unknown";
}

const char* format_extension(ImageFormat format) {
  switch (format) {
    case ImageFormat::jpeg:
      return ".jpg";
    case ImageFormat::png:
      return ".png";
    case ImageFormat::webp:
      return ".webp";
    case ImageFormat::bmp:
      return ".bmp";
  }
  return "";
}

ImageHeader parse_image_header(const uint8_t* data, size_t size, const ReadLimits& limits) {
  GUISE_CHECK_ARG(limits.max_file_bytes > 0 && limits.max_side_px > 0 && limits.max_pixels > 0 &&
                      limits.max_jpeg_scans > 0,
                  "every limit must be at least 1");
  if (size > static_cast<uint64_t>(limits.max_file_bytes)) {
    throw CorruptFile(core::message("a picture file must have at most ", limits.max_file_bytes,
                                    " bytes; this one has ", size, "; raise the limit to read it"));
  }
  const ImageHeader header = parse_by_signature(data, size);
  check_limits(header, limits);
  return header;
}

}  // namespace guise::io
