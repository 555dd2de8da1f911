// The two structs that pictures travel in between files and the rest of the engine.
//
// Kept apart from the functions so that each codec sees them without seeing the dispatch.
// The trap: `icc_profile` describes `pixels`; whoever converts the colours must drop it.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <vector>

#include "io/image_header.h"

namespace guise::io {

// A picture as it should be seen, and what is needed to write it back in the same manner.
struct DecodedImage {
  at::Tensor pixels;                 // [H, W, 3] uint8, RGB, contiguous, CPU, upright
  std::vector<uint8_t> icc_profile;  // byte for byte as in the file; empty: none that fits `pixels`
  ImageFormat format = ImageFormat::jpeg;  // of the file
  bool grey = false;                       // the file stored one colour channel; then R == G == B
  int orientation = 1;                     // EXIF value 1..8 that was applied to `pixels`
};

// How pictures are compressed. BMP has no options.
struct WriteOptions {
  // 1..100. 92 keeps a face free of visible blocks at about a quarter of the bytes of 100.
  int jpeg_quality = 92;
  // true: 4:2:0, as cameras do; a third fewer bytes and faster. false: 4:4:4, full colour detail.
  bool jpeg_subsample_chroma = true;
  // zlib level 0..9. Photos get a few per cent smaller above 2, for two to five times the time.
  int png_compression = 2;
  // 1..100, lossy. Not used when webp_lossless is true.
  int webp_quality = 90;
  // true: WebP keeps every pixel value.
  bool webp_lossless = false;
  // 0 (fast) .. 6 (small): how long WebP searches.
  int webp_effort = 3;
};

}  // namespace guise::io
