// JPEG bytes <-> RGB pixels through libjpeg-turbo.
//
// ITU T.81 with JFIF, Exif (APP1, orientation only), ICC (APP2, several segments) and Adobe
// (APP14). CMYK and YCCK come back as RGB; Adobe writes ink values inverted, and its marker says
// so. The trap: libjpeg treats damage as a warning and hands out grey blocks. Here it is
// CorruptFile.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "io/image_types.h"

namespace guise::io {

// Decodes data[0, size), whose header is `header`, upright. The ICC profile is returned whatever
// its colour space, except for CMYK pictures, where it no longer fits and is dropped.
// Throws CorruptFile for damage of any kind, a missing EOI, a component without data, too many
// scans; Unavailable when memory runs out.
DecodedImage decode_jpeg(const uint8_t* data, size_t size, const ImageHeader& header,
                         const ReadLimits& limits);

// rgb: [height, width, 3] packed, sides at most 65,500. grey: one component, BT.601 luma.
// Writes JFIF, the profile (may be empty), tables and data; nothing else.
std::vector<uint8_t> encode_jpeg(const uint8_t* rgb, int64_t width, int64_t height, bool grey,
                                 const std::vector<uint8_t>& icc_profile,
                                 const WriteOptions& options);

}  // namespace guise::io
