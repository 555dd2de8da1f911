// A picture file -> upright RGB pixels, its ICC profile and nothing else.
//
// JPEG, PNG, WebP and BMP, recognised by their first bytes. Orientation is applied, alpha is
// flattened over white, CMYK becomes RGB, 16 bits become 8. All other metadata ends here. The trap:
// damage is never repaired by guessing. A picture that is half there is CorruptFile, as the missing
// half may hold the face that had to be found.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "io/image_header.h"
#include "io/image_types.h"

namespace guise::io {

// data[0, size): a whole file. The profile is kept where its colour space is that of the pixels
// given back ("RGB ", or "GRAY" for grey pictures), else dropped; CMYK profiles always are. Throws
// CorruptFile for content that is damaged, not one of the four formats, or beyond the limits;
// Unavailable when a decoder runs out of memory; std::invalid_argument for a limit below 1.
DecodedImage decode_image(const uint8_t* data, size_t size, const ReadLimits& limits = {});

// The same for a file; messages name the path. Throws Unavailable also where the path cannot be
// opened or is not a regular file (a FIFO or device is refused without waiting on it). Links are
// followed: whether they may be is the caller's decision.
DecodedImage read_image(const std::string& path, const ReadLimits& limits = {});

}  // namespace guise::io
