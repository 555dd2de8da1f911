// PNG of every colour type and depth, transparency, interlacing, orientation.
#include "io/png_codec.h"

#include <gtest/gtest.h>

#include "core/check.h"
#include "io/exif_orientation.h"
#include "support/decode_checks.h"
#include "support/png_fixtures.h"

namespace guise::io {
namespace {

using test::Bytes;
using test::decode;
using test::expect_every_cut_refused;
using test::pixels_of;
using test::png_parts;
using test::PngParts;

TEST(DecodePng, SixteenBitsAreRounded) {
  // 0x0081 / 257 = 0.502 and 0x7FFF / 257 = 127.498: the low byte decides.
  const Bytes samples = {0x00, 0x80, 0x00, 0x81, 0xFF, 0xFF, 0x80, 0xFF, 0x7F, 0xFF, 0x12, 0x34};
  const Bytes expected = {0, 1, 255, 128, 127, 18};
  EXPECT_EQ(pixels_of(test::png_file(png_parts(2, 1, 16, 2, samples))), expected);
}

TEST(DecodePng, GreyOfEveryDepth) {
  const std::vector<std::tuple<int, Bytes, Bytes>> cases = {
      {1, {0xA0}, {255, 0, 255}},
      {2, {0x18}, {0, 85, 170}},
      {4, {0x0F, 0x80}, {0, 255, 136}},
      {8, {1, 2, 250}, {1, 2, 250}},
      {16, {0, 0, 0x80, 0x80, 0xFF, 0xFF}, {0, 128, 255}}};
  for (const auto& [depth, samples, expected] : cases) {
    const DecodedImage image = decode(test::png_file(png_parts(3, 1, depth, 0, samples)));
    EXPECT_TRUE(image.grey);
    for (size_t i = 0; i < 9; ++i) {
      EXPECT_EQ(test::bytes_of(image.pixels)[i], expected[i / 3]) << depth;
    }
  }
}

TEST(DecodePng, PaletteWithAndWithoutTransparency) {
  PngParts parts = png_parts(4, 1, 2, 3, {0x1B});
  const Bytes colours = test::png_chunk("PLTE", {10, 20, 30, 40, 50, 60, 70, 80, 90, 1, 2, 3});
  parts.before = colours;
  EXPECT_EQ(pixels_of(test::png_file(parts)), (Bytes{10, 20, 30, 40, 50, 60, 70, 80, 90, 1, 2, 3}));
  test::append(parts.before, test::png_chunk("tRNS", {0, 255, 51}));
  EXPECT_EQ(pixels_of(test::png_file(parts)),
            (Bytes{255, 255, 255, 40, 50, 60, 218, 220, 222, 1, 2, 3}));
  EXPECT_FALSE(decode(test::png_file(parts)).grey);
  parts.before = test::png_chunk("PLTE", {10, 20, 30, 40, 50, 60});
  EXPECT_THROW(decode(test::png_file(parts)), CorruptFile);  // indices 2 and 3 do not exist
}

TEST(DecodePng, ColourUnderTransparencyIsGone) {
  const Bytes rgba = {200, 10, 10, 0, 200, 10, 10, 255, 0, 0, 0, 128};
  EXPECT_EQ(pixels_of(test::png_file(png_parts(3, 1, 8, 6, rgba))),
            (Bytes{255, 255, 255, 200, 10, 10, 127, 127, 127}));
  const DecodedImage grey = decode(test::png_file(png_parts(2, 1, 8, 4, {9, 0, 9, 255})));
  EXPECT_TRUE(grey.grey);
  EXPECT_EQ(test::bytes_of(grey.pixels), (Bytes{255, 255, 255, 9, 9, 9}));
  PngParts keyed = png_parts(2, 1, 8, 2, {1, 2, 3, 4, 5, 6});
  keyed.before = test::png_chunk("tRNS", {0, 1, 0, 2, 0, 3});
  EXPECT_EQ(pixels_of(test::png_file(keyed)), (Bytes{255, 255, 255, 4, 5, 6}));
}

// Rows of the seven Adam7 passes of an 8-bit picture.
Bytes adam7(const Bytes& samples, int width, int height, int channels) {
  static constexpr int kStart[7][2] = {{0, 0}, {4, 0}, {0, 4}, {2, 0}, {0, 2}, {1, 0}, {0, 1}};
  static constexpr int kStep[7][2] = {{8, 8}, {8, 8}, {4, 8}, {4, 4}, {2, 4}, {2, 2}, {1, 2}};
  Bytes rows;
  for (int pass = 0; pass < 7; ++pass) {
    for (int y = kStart[pass][1]; y < height; y += kStep[pass][1]) {
      if (kStart[pass][0] >= width) continue;
      rows.push_back(0);
      for (int x = kStart[pass][0]; x < width; x += kStep[pass][0]) {
        const auto* pixel = &samples[static_cast<size_t>(channels) * (y * width + x)];
        rows.insert(rows.end(), pixel, pixel + channels);
      }
    }
  }
  return rows;
}

TEST(DecodePng, InterlacedEqualsPlain) {
  const Bytes rgb = test::bytes_of(test::pattern(21, 13));
  Bytes rgba;
  for (size_t i = 0; i < rgb.size(); i += 3) {
    test::append(rgba, {rgb[i], rgb[i + 1], rgb[i + 2], static_cast<uint8_t>(i)});
  }
  for (const auto& [type, samples] : {std::pair{2, rgb}, {6, rgba}}) {
    PngParts parts = png_parts(13, 21, 8, type, samples);
    const Bytes plain = pixels_of(test::png_file(parts));
    parts.interlaced = true;
    parts.rows = adam7(samples, 13, 21, type == 2 ? 3 : 4);
    const Bytes file = test::png_file(parts);
    EXPECT_EQ(pixels_of(file), plain);
    expect_every_cut_refused(file, "interlaced");
  }
}

TEST(DecodePng, AppliesOrientationBeforeAndAfterThePixels) {
  const at::Tensor stored = test::pattern(5, 9);
  for (int value = 1; value <= 8; ++value) {
    PngParts parts = png_parts(9, 5, 8, 2, test::bytes_of(stored));
    const Bytes exif = test::png_chunk("eXIf", test::tiff_orientation(value, false));
    (value % 2 == 0 ? parts.before : parts.after) = exif;
    const DecodedImage image = decode(test::png_file(parts));
    EXPECT_EQ(image.orientation, value);
    EXPECT_TRUE(at::equal(image.pixels, turn_upright(stored, value))) << value;
  }
}

TEST(DecodePng, DoesNotUnpackTextBombs) {
  Bytes bomb(size_t{64} << 20, 'a');
  uLongf size = compressBound(static_cast<uLong>(bomb.size()));
  Bytes packed(size);
  compress(packed.data(), &size, bomb.data(), static_cast<uLong>(bomb.size()));
  packed.resize(size);
  Bytes payload = test::text_bytes(std::string("key\0\0", 5));
  test::append(payload, packed);
  PngParts parts = png_parts(1, 1, 8, 2, {1, 2, 3});
  for (int i = 0; i < 50; ++i) test::append(parts.before, test::png_chunk("zTXt", payload));
  EXPECT_EQ(pixels_of(test::png_file(parts)), (Bytes{1, 2, 3}));
}

}  // namespace
}  // namespace guise::io
