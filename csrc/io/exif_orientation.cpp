// TIFF bytes -> orientation; stored rows -> upright pixels by one affine walk.
//
// Each of the eight orientations sends stored pixel (x, y) to start + x * step_x + y * step_y.
// The trap: for 5..8 neighbours of a row land a whole row apart; strips of 16 rows keep the lines
// that are written to in the cache.
#include "io/exif_orientation.h"

#include <ATen/ops/empty.h>

#include <algorithm>
#include <cstring>

#include "core/check.h"
#include "io/byte_reader.h"

namespace guise::io {
namespace {

constexpr int64_t kStripRows = 16;

// Destination of stored pixel (x, y), in pixels: start + x * step_x + y * step_y.
struct Walk {
  int64_t start, step_x, step_y;
};

Walk walk_for(int orientation, int64_t width, int64_t height) {
  const int64_t last_x = width - 1;
  const int64_t last_y = height - 1;
  switch (orientation) {
    case 2:
      return {last_x, -1, width};
    case 3:
      return {last_y * width + last_x, -1, -width};
    case 4:
      return {last_y * width, 1, -width};
    case 5:
      return {0, height, 1};
    case 6:
      return {last_y, height, -1};
    case 7:
      return {last_x * height + last_y, -height, -1};
    case 8:
      return {last_x * height, -height, 1};
    default:
      return {0, 1, width};
  }
}

inline void copy_pixel(const uint8_t* from, uint8_t* to) {
  to[0] = from[0];
  to[1] = from[1];
  to[2] = from[2];
}

void place_strip(const uint8_t* rows, int64_t row_count, int64_t width, const Walk& walk,
                 int64_t start, bool swaps, uint8_t* upright) {
  if (swaps) {
    for (int64_t x = 0; x < width; ++x) {
      uint8_t* to = upright + 3 * (start + x * walk.step_x);
      for (int64_t y = 0; y < row_count; ++y) {
        copy_pixel(rows + 3 * (y * width + x), to + 3 * y * walk.step_y);
      }
    }
    return;
  }
  for (int64_t y = 0; y < row_count; ++y) {
    const uint8_t* from = rows + 3 * y * width;
    uint8_t* to = upright + 3 * (start + y * walk.step_y);
    if (walk.step_x == 1) {
      std::memcpy(to, from, static_cast<size_t>(3 * width));
      continue;
    }
    for (int64_t x = 0; x < width; ++x) copy_pixel(from + 3 * x, to - 3 * x);
  }
}

}  // namespace

int exif_orientation(const uint8_t* tiff, size_t size) {
  if (size >= 6 && std::memcmp(tiff, "Exif\0\0", 6) == 0) {
    tiff += 6;
    size -= 6;
  }
  if (size < 8) return 1;
  const bool little = std::memcmp(tiff, "II*\0", 4) == 0;
  if (!little && std::memcmp(tiff, "MM\0*", 4) != 0) return 1;
  const auto u16 = [&](size_t at) { return little ? load_le16(tiff + at) : load_be16(tiff + at); };
  const auto u32 = [&](size_t at) { return little ? load_le32(tiff + at) : load_be32(tiff + at); };
  const size_t directory = u32(4);
  if (directory > size || size - directory < 2) return 1;
  const size_t room = (size - directory - 2) / 12;
  const size_t entries = std::min<size_t>(u16(directory), room);
  for (size_t i = 0; i < entries; ++i) {
    const size_t entry = directory + 2 + 12 * i;
    if (u16(entry) != 0x0112) continue;
    const uint16_t type = u16(entry + 2);
    if (u32(entry + 4) != 1 || (type != 3 && type != 4)) return 1;  // SHORT, or LONG by mistake
    const uint32_t value = type == 3 ? u16(entry + 8) : u32(entry + 8);
    return value >= 1 && value <= 8 ? static_cast<int>(value) : 1;
  }
  return 1;
}

bool orientation_swaps_sides(int orientation) {
  return orientation >= 5 && orientation <= 8;
}

at::Tensor turn_upright(const at::Tensor& pixels, int orientation) {
  GUISE_CHECK_ARG(pixels.defined() && pixels.dim() == 3 && pixels.size(2) == 3 &&
                      pixels.scalar_type() == at::kByte && pixels.device().is_cpu(),
                  "pixels must be a uint8 CPU tensor [H, W, 3]");
  GUISE_CHECK_ARG(orientation >= 1 && orientation <= 8, "orientation must be 1 to 8; got ",
                  orientation);
  const at::Tensor stored = pixels.contiguous();
  if (orientation == 1) return stored;
  const int64_t height = stored.size(0);
  const int64_t width = stored.size(1);
  const bool swaps = orientation_swaps_sides(orientation);
  at::Tensor upright = at::empty({swaps ? width : height, swaps ? height : width, 3}, at::kByte);
  place_rows_upright(stored.const_data_ptr<uint8_t>(), /*first_row=*/0, height, width, height,
                     orientation, upright.mutable_data_ptr<uint8_t>());
  return upright;
}

void place_rows_upright(const uint8_t* rows, int64_t first_row, int64_t row_count, int64_t width,
                        int64_t height, int orientation, uint8_t* upright) {
  const Walk walk = walk_for(orientation, width, height);
  const bool swaps = orientation_swaps_sides(orientation);
  for (int64_t done = 0; done < row_count; done += kStripRows) {
    const int64_t strip = std::min(kStripRows, row_count - done);
    const int64_t start = walk.start + (first_row + done) * walk.step_y;
    place_strip(rows + 3 * done * width, strip, width, walk, start, swaps, upright);
  }
}

}  // namespace guise::io
