// BMP bytes <-> RGB pixels, without any library.
//
// Windows bitmap with BITMAPINFOHEADER (40 bytes) up to BITMAPV5HEADER (124): 1, 4, 8 bits with
// palette, 16, 24, 32 bits plain or with channel masks. Run-length coding and embedded JPEG or PNG
// are refused.
// The trap: a positive height means that the bottom row comes first.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "io/image_types.h"

namespace guise::io {

// Where one channel lies in a 16- or 32-bit pixel; mask 0: not there.
struct BmpChannel {
  uint32_t mask = 0;
  int shift = 0;
  uint32_t max = 0;  // largest value, mask >> shift
};

// A checked BMP header: every offset below lies inside the file.
struct BmpLayout {
  int64_t width_px = 0;
  int64_t height_px = 0;
  bool top_down = false;
  int bits_per_pixel = 0;
  size_t pixels_at = 0;   // first byte of the first stored row
  int64_t row_bytes = 0;  // with padding to 4
  size_t palette_at = 0;  // entries of 4 bytes: blue, green, red, unused
  size_t palette_size = 0;
  BmpChannel channel[4];  // red, green, blue, alpha; 16 and 32 bits only
};

// Throws CorruptFile for anything malformed, truncated or not supported.
BmpLayout parse_bmp_layout(const uint8_t* data, size_t size);

// Decodes data[0, size), whose header parse_image_header accepted. Declared alpha is flattened over
// white. `grey` is true where the palette holds only greys. Throws CorruptFile.
DecodedImage decode_bmp(const uint8_t* data, size_t size);

// rgb: [height, width, 3] packed. grey: writes an 8-bit file with a grey palette and BT.601 luma,
// which leaves grey pixels as they are. Throws std::invalid_argument above 4 GB.
std::vector<uint8_t> encode_bmp(const uint8_t* rgb, int64_t width, int64_t height, bool grey);

}  // namespace guise::io
