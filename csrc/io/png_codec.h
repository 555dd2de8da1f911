// PNG bytes <-> RGB pixels through libpng.
//
// W3C PNG: every colour type and depth, interlaced or not, tRNS; iCCP and eXIf are read, text and
// time chunks are skipped unread. 16 bits become 8 by rounding, alpha is flattened over white.
// The trap: an eXIf chunk may follow the pixels, so a turned picture is turned after decoding.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "io/image_types.h"

namespace guise::io {

// Decodes data[0, size), whose header is `header`, upright. The profile is returned as libpng
// accepts it. Throws CorruptFile for damage of any kind (a wrong CRC in any chunk, missing rows or
// IEND, a palette index out of range); Unavailable when memory runs out.
DecodedImage decode_png(const uint8_t* data, size_t size, const ImageHeader& header,
                        const ReadLimits& limits);

// rgb: [height, width, 3] packed. grey: one 8-bit channel, BT.601 luma. Writes IHDR, iCCP (where
// the profile is not empty and libpng finds it well formed), IDAT, IEND; nothing else.
std::vector<uint8_t> encode_png(const uint8_t* rgb, int64_t width, int64_t height, bool grey,
                                const std::vector<uint8_t>& icc_profile,
                                const WriteOptions& options);

}  // namespace guise::io
