// WebP bytes <-> RGB pixels through libwebp, with a RIFF walker of our own.
//
// RFC 9649: RIFF chunks "VP8 " (lossy), "VP8L" (lossless), "VP8X" with ALPH, ICCP, EXIF. Animation
// is refused, XMP and unknown chunks are passed over. The trap: libwebp is content with a file
// shorter than its RIFF size says; the walker is not.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "io/image_types.h"

namespace guise::io {

struct ByteSpan {
  const uint8_t* data = nullptr;
  size_t size = 0;
};

// A checked chunk list: spans lie inside the file.
struct WebpChunks {
  int64_t width_px = 0;
  int64_t height_px = 0;
  bool has_alpha = false;
  ByteSpan riff;  // from "RIFF" to the end of the last chunk
  ByteSpan icc_profile;
  ByteSpan exif;
};

// Throws CorruptFile for anything truncated or malformed, and for animations.
WebpChunks parse_webp_chunks(const uint8_t* data, size_t size);

// Decodes data[0, size), whose header parse_image_header accepted, upright, alpha flattened over
// white. `grey` is always false: WebP has no grey pictures. Throws CorruptFile.
DecodedImage decode_webp(const uint8_t* data, size_t size);

// rgb: [height, width, 3] packed, sides at most 16,383. grey: the three channels all hold BT.601
// luma. Writes the profile (may be empty) and the pixels; nothing else.
std::vector<uint8_t> encode_webp(const uint8_t* rgb, int64_t width, int64_t height, bool grey,
                                 const std::vector<uint8_t>& icc_profile,
                                 const WriteOptions& options);

}  // namespace guise::io
