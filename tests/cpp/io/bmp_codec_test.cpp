// BMP variants written by hand, and what the strict reader refuses.
#include "io/bmp_codec.h"

#include <gtest/gtest.h>

#include "core/check.h"
#include "io/read_image.h"
#include "support/image_fixtures.h"

namespace guise::io {
namespace {

using test::Bytes;

struct BmpParts {
  uint32_t header_bytes = 40;
  int32_t width = 2;
  int32_t height = 1;
  uint32_t bits = 24;
  uint32_t compression = 0;
  uint32_t colours = 0;
  Bytes masks = {};    // behind the first 40 bytes of the header
  Bytes palette = {};  // behind the whole header
  Bytes rows = {};
};

Bytes bmp_file(const BmpParts& parts) {
  Bytes info = test::little_endian(parts.header_bytes, 4);
  test::append(info, test::little_endian(static_cast<uint32_t>(parts.width), 4));
  test::append(info, test::little_endian(static_cast<uint32_t>(parts.height), 4));
  test::append(info, test::little_endian(1, 2));
  test::append(info, test::little_endian(parts.bits, 2));
  test::append(info, test::little_endian(parts.compression, 4));
  info.resize(32, 0);
  test::append(info, test::little_endian(parts.colours, 4));
  info.resize(40, 0);
  test::append(info, parts.masks);
  if (info.size() < parts.header_bytes) info.resize(parts.header_bytes, 0);
  test::append(info, parts.palette);
  Bytes file = test::text_bytes("BM");
  test::append(file, Bytes(8, 0));
  test::append(file, test::little_endian(static_cast<uint32_t>(14 + info.size()), 4));
  test::append(file, info);
  test::append(file, parts.rows);
  return file;
}

DecodedImage decode(const BmpParts& parts) {
  const Bytes file = bmp_file(parts);
  return decode_image(file.data(), file.size());
}

Bytes masks(std::initializer_list<uint32_t> values) {
  Bytes bytes;
  for (const uint32_t value : values) test::append(bytes, test::little_endian(value, 4));
  return bytes;
}

TEST(BmpCodec, RowsFromBelowAndFromAbove) {
  BmpParts parts;
  parts.width = 1;
  parts.height = 2;
  parts.rows = {3, 2, 1, 0, 6, 5, 4, 0};
  EXPECT_EQ(test::bytes_of(decode(parts).pixels), (Bytes{4, 5, 6, 1, 2, 3}));
  parts.height = -2;
  EXPECT_EQ(test::bytes_of(decode(parts).pixels), (Bytes{1, 2, 3, 4, 5, 6}));
}

TEST(BmpCodec, Palettes) {
  BmpParts parts;
  parts.width = 3;
  parts.bits = 1;
  parts.colours = 2;
  parts.palette = {3, 2, 1, 0, 6, 5, 4, 0};
  parts.rows = {0xA0, 0, 0, 0};
  EXPECT_EQ(test::bytes_of(decode(parts).pixels), (Bytes{4, 5, 6, 1, 2, 3, 4, 5, 6}));
  EXPECT_FALSE(decode(parts).grey);
  parts.bits = 4;
  parts.rows = {0x10, 0x10, 0, 0};
  EXPECT_EQ(test::bytes_of(decode(parts).pixels), (Bytes{4, 5, 6, 1, 2, 3, 4, 5, 6}));
  parts.palette = {3, 3, 3, 0, 6, 6, 6, 0};
  EXPECT_TRUE(decode(parts).grey);
  parts.rows = {0x12, 0x10, 0, 0};  // colour 2 does not exist
  EXPECT_THROW(decode(parts), CorruptFile);
  parts.colours = 17;
  EXPECT_THROW(decode(parts), CorruptFile);
}

TEST(BmpCodec, WidePixels) {
  BmpParts parts;
  parts.bits = 16;
  parts.rows = {0x00, 0x7C, 0x1F, 0x00};  // 5-5-5 red, blue
  EXPECT_EQ(test::bytes_of(decode(parts).pixels), (Bytes{255, 0, 0, 0, 0, 255}));
  parts.compression = 3;
  parts.masks = masks({0xF800, 0x07E0, 0x001F});
  parts.rows = {0x00, 0xF8, 0xE0, 0x07};  // 5-6-5 red, green
  EXPECT_EQ(test::bytes_of(decode(parts).pixels), (Bytes{255, 0, 0, 0, 255, 0}));
  parts.bits = 32;
  parts.compression = 0;
  parts.masks = {};
  parts.rows = {3, 2, 1, 0, 6, 5, 4, 99};  // the fourth byte means nothing
  EXPECT_EQ(test::bytes_of(decode(parts).pixels), (Bytes{1, 2, 3, 4, 5, 6}));
}

TEST(BmpCodec, DeclaredAlphaIsFlattened) {
  BmpParts parts;
  parts.header_bytes = 56;
  parts.bits = 32;
  parts.compression = 3;
  parts.masks = masks({0xFF0000, 0xFF00, 0xFF, 0xFF000000});
  parts.rows = {3, 2, 200, 0, 6, 5, 4, 255};
  EXPECT_EQ(test::bytes_of(decode(parts).pixels), (Bytes{255, 255, 255, 4, 5, 6}));
}

TEST(BmpCodec, RefusesWhatItDoesNotKnow) {
  const auto refused = [](const std::function<void(BmpParts&)>& spoil) {
    BmpParts parts;
    parts.rows = Bytes(16, 0);
    EXPECT_NO_THROW(decode(parts));
    spoil(parts);
    EXPECT_THROW(decode(parts), CorruptFile);
  };
  refused([](BmpParts& parts) { parts.header_bytes = 12; });
  refused([](BmpParts& parts) {
    parts.colours = 0;
    parts.bits = 8;
  });
  refused([](BmpParts& parts) { parts.compression = 1; });
  refused([](BmpParts& parts) { parts.compression = 4; });
  refused([](BmpParts& parts) { parts.bits = 2; });
  refused([](BmpParts& parts) { parts.bits = 0; });
  refused([](BmpParts& parts) { parts.width = 0; });
  refused([](BmpParts& parts) { parts.width = -2; });
  refused([](BmpParts& parts) { parts.height = 0; });
  refused([](BmpParts& parts) { parts.height = INT32_MIN; });
  refused([](BmpParts& parts) { parts.rows.resize(7); });
  const auto with_masks = [&](std::initializer_list<uint32_t> values) {
    refused([&](BmpParts& parts) {
      parts.bits = 32;
      parts.compression = 3;
      parts.masks = masks(values);
    });
  };
  with_masks({0xFF, 0xFF, 0xFF00});
  with_masks({0xF0F, 0xF000, 0xF0000});
  with_masks({0, 0xF000, 0xF0000});
}

}  // namespace
}  // namespace guise::io
