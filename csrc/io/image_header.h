// First bytes of a picture file -> its format and size, before any decoder sees a byte.
//
// JPEG (ITU T.81 B.2), PNG (W3C PNG, 5.2 and 11.2.2), WebP (RFC 9649, RIFF container) and BMP
// (BITMAPINFOHEADER to BITMAPV5HEADER). The file name plays no part: only the bytes decide.
// The trap: a header is a claim made by whoever wrote the file. It is compared with ReadLimits
// here, and each codec compares its own reading with ours again, so that the two can never differ.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

namespace guise::io {

enum class ImageFormat { jpeg, png, webp, bmp };

// "JPEG", "PNG", "WebP", "BMP".
const char* format_name(ImageFormat format);

// ".jpg", ".png", ".webp", ".bmp".
const char* format_extension(ImageFormat format);

// "jpeg", "png", "webp" or "bmp" (as in options). Throws std::invalid_argument for another word.
ImageFormat format_named(const std::string& name);

// The format that the first bytes claim (12 are enough), or nothing.
std::optional<ImageFormat> format_of(const uint8_t* data, size_t size);

// What a picture file may ask for before it is refused with CorruptFile.
struct ReadLimits {
  // Bytes of the whole file. No camera writes more than about 200 MB.
  int64_t max_file_bytes = int64_t{512} << 20;
  // Longest side. 65,500 is the most libjpeg accepts; PNG headers can claim 2^31 - 1.
  int64_t max_side_px = 65'500;
  // Width times height. 256 MP decode to 768 MB of RGB; the largest phone sensors have 200 MP.
  int64_t max_pixels = 256'000'000;
  // Scans of a JPEG. Usual progressive files have about 10; each scan costs a pass over the
  // picture.
  int max_jpeg_scans = 64;
};

struct ImageHeader {
  ImageFormat format;
  int64_t width_px;   // as stored, before any EXIF orientation
  int64_t height_px;  // as stored
  int channels;       // channels the file stores: 1 grey, 2 grey + alpha, 3 colour or palette, 4
  int bit_depth;      // bits per channel (PNG palette and BMP palette: bits per index)
};

// Reads the header of the picture in data[0, size) and holds it against the limits.
// Throws CorruptFile where the first bytes are of none of the four formats, where the header is
// truncated or malformed, where it asks for more than a limit, and where the file holds more than
// one picture (animated PNG or WebP), because only one of them would be handled.
// Throws std::invalid_argument for a limit below 1.
ImageHeader parse_image_header(const uint8_t* data, size_t size, const ReadLimits& limits = {});

}  // namespace guise::io
