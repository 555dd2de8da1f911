// RGB pixels -> a picture file that holds the pixels, an ICC profile, and no other metadata.
//
// The same pixels and options give the same bytes, on any number of threads.
// The trap: a profile for other colours than those written is worse than none, so it is left out.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <string>
#include <vector>

#include "io/image_types.h"

namespace guise::io {

// pixels: [H, W, 3] uint8 CPU, RGB.
// grey: writes one channel, BT.601 luma, which leaves pixels with R == G == B as they are. WebP has
// no grey and gets three equal channels. icc_profile: written byte for byte where it fits what is
// written ("GRAY" for grey, else "RGB "; in PNG also where libpng finds it well formed), otherwise
// left out. BMP has none. Throws std::invalid_argument for other pixels, an empty picture, sides
// above the format's limit (JPEG 65,500, WebP 16,383), a profile above 16 MB, or options out of
// range; Unavailable when an encoder runs out of memory.
std::vector<uint8_t> encode_image(const at::Tensor& pixels, ImageFormat format, bool grey,
                                  const std::vector<uint8_t>& icc_profile,
                                  const WriteOptions& options = {});

// encode_image, then write_file_atomically: the path holds the whole picture or is left as it was.
// The extension of the path is not looked at.
void write_image(const std::string& path, const at::Tensor& pixels, ImageFormat format, bool grey,
                 const std::vector<uint8_t>& icc_profile, const WriteOptions& options = {});

}  // namespace guise::io
