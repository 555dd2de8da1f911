// EXIF orientation tag -> pixels turned the way the photographer saw them.
//
// Exif 2.32, tag 0x0112 of IFD0 in a TIFF structure (both byte orders). Value v says where the
// first stored row and column belong in the picture:
//   1 as stored   2 mirrored        3 turned 180      4 flipped top to bottom
//   5 transposed  6 turn 90 right   7 transversed     8 turn 90 left       (5..8 swap the sides)
// The trap: metadata is dropped on writing, so a picture that is not turned here lies on its side.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstddef>
#include <cstdint>

namespace guise::io {

// Orientation 1..8 stated in the TIFF structure tiff[0, size) (with or without "Exif\0\0" before
// it); 1 where it is absent, malformed or out of range. Never reads outside the bytes, never
// throws.
int exif_orientation(const uint8_t* tiff, size_t size);

// True for orientations 5..8, which swap width and height.
bool orientation_swaps_sides(int orientation);

// pixels: [H, W, 3] uint8 CPU as stored -> upright [H, W, 3] or [W, H, 3], contiguous. Orientation
// 1 gives a contiguous input back without a copy.
// Throws std::invalid_argument for another shape, dtype or device, or an orientation outside 1..8.
at::Tensor turn_upright(const at::Tensor& pixels, int orientation);

// Puts stored rows [first_row, first_row + row_count) of a stored picture of width x height pixels
// where they belong in `upright`, which has room for the whole turned picture. `rows` holds
// row_count * width RGB pixels without padding. Unchecked: for decoders that work strip by strip.
void place_rows_upright(const uint8_t* rows, int64_t first_row, int64_t row_count, int64_t width,
                        int64_t height, int orientation, uint8_t* upright);

}  // namespace guise::io
