// BMP bytes <-> RGB pixels. Layout first, with every offset checked; the pixel loops trust it.
//
// Spec: Microsoft, "Bitmap Header Types" (BITMAPINFOHEADER, BITMAPV4HEADER, BITMAPV5HEADER).
// The trap: 32-bit files without masks carry rubbish in the fourth byte; it is alpha only where a
// mask declares it.
#include "io/bmp_codec.h"

#include <ATen/ops/empty.h>

#include <algorithm>
#include <cstring>

#include "core/check.h"
#include "io/byte_reader.h"
#include "io/pixel_rows.h"

namespace guise::io {
namespace {

constexpr size_t kFileHeader = 14;
constexpr uint32_t kPlain = 0;
constexpr uint32_t kMasks = 3;
constexpr uint32_t kMasksWithAlpha = 6;

[[noreturn]] void refuse(const char* what) {
  throw CorruptFile(core::message("a BMP file that ", what,
                                  " is not accepted; save the picture again and retry"));
}

BmpChannel channel_of(uint32_t mask) {
  BmpChannel channel;
  channel.mask = mask;
  if (mask == 0) return channel;
  while ((mask >> channel.shift & 1) == 0) ++channel.shift;
  channel.max = mask >> channel.shift;
  if ((channel.max & (channel.max + 1)) != 0) refuse("has a channel mask with gaps");
  return channel;
}

void read_masks(const uint8_t* data, size_t size, uint32_t header_bytes, uint32_t compression,
                BmpLayout& layout) {
  uint32_t masks[4] = {0, 0, 0, 0};
  if (compression == kPlain) {
    const bool five_bits = layout.bits_per_pixel == 16;
    masks[0] = five_bits ? 0x7C00 : 0xFF0000;
    masks[1] = five_bits ? 0x03E0 : 0x00FF00;
    masks[2] = five_bits ? 0x001F : 0x0000FF;
  } else {
    const bool alpha = header_bytes >= 56 || compression == kMasksWithAlpha;
    const size_t count = alpha ? 4 : 3;
    if (size < kFileHeader + 40 + 4 * count) refuse("ends inside its channel masks");
    for (size_t i = 0; i < count; ++i) masks[i] = load_le32(data + kFileHeader + 40 + 4 * i);
  }
  uint32_t seen = 0;
  for (int i = 0; i < 4; ++i) {
    if ((seen & masks[i]) != 0) refuse("has channel masks that overlap");
    seen |= masks[i];
    layout.channel[i] = channel_of(masks[i]);
  }
  if (masks[0] == 0 || masks[1] == 0 || masks[2] == 0) refuse("lacks a colour channel");
  if (layout.bits_per_pixel == 16 && seen > 0xFFFF) refuse("has channel masks beyond 16 bits");
}

void check_pixels_inside(size_t size, BmpLayout& layout) {
  // Sides are below 2^31 and a pixel has at most 32 bits, so a row fits easily in 64 bits.
  layout.row_bytes = (layout.width_px * layout.bits_per_pixel + 31) / 32 * 4;
  if (layout.pixels_at > size) refuse("ends before its pixels");
  const auto room = static_cast<int64_t>(size - layout.pixels_at);
  if (layout.height_px > room / layout.row_bytes) refuse("ends before its last pixel");
}

uint8_t scale_to_byte(uint32_t pixel, const BmpChannel& channel) {
  const uint64_t value = (pixel & channel.mask) >> channel.shift;
  return static_cast<uint8_t>((value * 255 + channel.max / 2) / channel.max);
}

void decode_palette_row(const BmpLayout& layout, const uint8_t* palette, const uint8_t* row,
                        uint8_t* rgb) {
  const int bits = layout.bits_per_pixel;
  const int per_byte = 8 / bits;
  const uint32_t mask = (1u << bits) - 1;
  for (int64_t x = 0; x < layout.width_px; ++x) {
    const int shift = 8 - bits * (1 + static_cast<int>(x % per_byte));
    const uint32_t index = row[x / per_byte] >> shift & mask;
    if (index >= layout.palette_size) refuse("uses a colour that its palette lacks");
    const uint8_t* entry = palette + 4 * index;
    for (int c = 0; c < 3; ++c) rgb[3 * x + c] = entry[2 - c];
  }
}

void decode_masked_row(const BmpLayout& layout, const uint8_t* row, uint8_t* rgb) {
  const bool wide = layout.bits_per_pixel == 32;
  for (int64_t x = 0; x < layout.width_px; ++x) {
    const uint32_t pixel = wide ? load_le32(row + 4 * x) : load_le16(row + 2 * x);
    const bool has_alpha = layout.channel[3].mask != 0;
    const uint8_t alpha = has_alpha ? scale_to_byte(pixel, layout.channel[3]) : 255;
    for (int c = 0; c < 3; ++c) {
      rgb[3 * x + c] = over_white(scale_to_byte(pixel, layout.channel[c]), alpha);
    }
  }
}

void decode_row(const BmpLayout& layout, const uint8_t* data, const uint8_t* row, uint8_t* rgb) {
  if (layout.bits_per_pixel <= 8) {
    decode_palette_row(layout, data + layout.palette_at, row, rgb);
  } else if (layout.bits_per_pixel == 24) {
    for (int64_t x = 0; x < layout.width_px; ++x) {
      for (int c = 0; c < 3; ++c) rgb[3 * x + c] = row[3 * x + 2 - c];
    }
  } else {
    decode_masked_row(layout, row, rgb);
  }
}

bool palette_is_grey(const BmpLayout& layout, const uint8_t* data) {
  if (layout.bits_per_pixel > 8) return false;
  for (size_t i = 0; i < layout.palette_size; ++i) {
    const uint8_t* entry = data + layout.palette_at + 4 * i;
    if (entry[0] != entry[1] || entry[1] != entry[2]) return false;
  }
  return true;
}

}  // namespace

BmpLayout parse_bmp_layout(const uint8_t* data, size_t size) {
  if (size < kFileHeader + 40) refuse("ends inside its header");
  const uint8_t* info = data + kFileHeader;
  const uint32_t header_bytes = load_le32(info);
  const bool known = header_bytes == 40 || header_bytes == 52 || header_bytes == 56 ||
                     header_bytes == 108 || header_bytes == 124;
  if (!known) refuse("has an unknown kind of header");
  if (header_bytes > size - kFileHeader) refuse("ends inside its header");
  BmpLayout layout;
  layout.width_px = static_cast<int32_t>(load_le32(info + 4));
  const int64_t height = static_cast<int32_t>(load_le32(info + 8));
  layout.top_down = height < 0;
  layout.height_px = height < 0 ? -height : height;
  if (layout.width_px < 1 || layout.height_px < 1) refuse("has a width or height of zero");
  layout.bits_per_pixel = load_le16(info + 14);
  const uint32_t compression = load_le32(info + 16);
  layout.pixels_at = load_le32(data + 10);
  const int bits = layout.bits_per_pixel;
  const bool masked = compression == kMasks || compression == kMasksWithAlpha;
  if (!masked && compression != kPlain) refuse("is compressed");
  if (masked && bits != 16 && bits != 32) refuse("has channel masks without wide pixels");
  size_t headers_end = kFileHeader + header_bytes;
  if (masked && header_bytes == 40) headers_end += compression == kMasks ? 12 : 16;
  if (bits == 16 || bits == 32) {
    read_masks(data, size, header_bytes, compression, layout);
  } else if (bits == 1 || bits == 4 || bits == 8) {
    const uint32_t used = load_le32(info + 32);
    if (used > 1u << bits) refuse("has more palette colours than its pixels can name");
    layout.palette_at = headers_end;
    layout.palette_size = used == 0 ? size_t{1} << bits : used;
    headers_end += 4 * layout.palette_size;
  } else if (bits != 24) {
    refuse("has an unknown number of bits per pixel");
  }
  if (layout.pixels_at < headers_end) refuse("has pixels inside its header");
  check_pixels_inside(size, layout);
  return layout;
}

DecodedImage decode_bmp(const uint8_t* data, size_t size) {
  const BmpLayout layout = parse_bmp_layout(data, size);
  DecodedImage image;
  image.format = ImageFormat::bmp;
  image.grey = palette_is_grey(layout, data);
  image.pixels = at::empty({layout.height_px, layout.width_px, 3}, at::kByte);
  auto* rgb = image.pixels.mutable_data_ptr<uint8_t>();
  for (int64_t y = 0; y < layout.height_px; ++y) {
    const int64_t stored = layout.top_down ? y : layout.height_px - 1 - y;
    const uint8_t* row = data + layout.pixels_at + stored * layout.row_bytes;
    decode_row(layout, data, row, rgb + 3 * y * layout.width_px);
  }
  return image;
}

std::vector<uint8_t> encode_bmp(const uint8_t* rgb, int64_t width, int64_t height, bool grey) {
  const int64_t row_bytes = (width * (grey ? 8 : 24) + 31) / 32 * 4;
  const size_t pixels_at = kFileHeader + 40 + (grey ? 4 * 256 : 0);
  GUISE_CHECK_ARG(height <= (int64_t{0xFFFFFFFF} - static_cast<int64_t>(pixels_at)) / row_bytes,
                  "a BMP must stay below 4 GB; got ", width, " x ", height, "; write a PNG");
  const size_t total = pixels_at + static_cast<size_t>(row_bytes * height);
  std::vector<uint8_t> file(total, 0);
  file[0] = 'B';
  file[1] = 'M';
  store_le32(&file[2], static_cast<uint32_t>(total));
  store_le32(&file[10], static_cast<uint32_t>(pixels_at));
  store_le32(&file[14], 40);
  store_le32(&file[18], static_cast<uint32_t>(width));
  store_le32(&file[22], static_cast<uint32_t>(height));
  store_le16(&file[26], 1);  // planes
  store_le16(&file[28], grey ? 8 : 24);
  store_le32(&file[34], static_cast<uint32_t>(total - pixels_at));
  for (size_t i = 0; grey && i < 256; ++i) {
    std::fill_n(&file[kFileHeader + 40 + 4 * i], 3, static_cast<uint8_t>(i));
  }
  for (int64_t y = 0; y < height; ++y) {
    const uint8_t* from = rgb + 3 * y * width;
    uint8_t* to = file.data() + pixels_at + (height - 1 - y) * row_bytes;
    if (grey) {
      luma_row(from, width, to);
      continue;
    }
    for (int64_t x = 0; x < width; ++x) {
      for (int c = 0; c < 3; ++c) to[3 * x + c] = from[3 * x + 2 - c];
    }
  }
  return file;
}

}  // namespace guise::io
