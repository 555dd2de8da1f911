// JPEG of every colour model, orientation and ICC layout.
#include "io/jpeg_codec.h"

#include <gtest/gtest.h>

#include "core/check.h"
#include "io/exif_orientation.h"
#include "support/decode_checks.h"
#include "support/image_fixtures.h"

namespace guise::io {
namespace {

using test::Bytes;
using test::decode;
using test::max_difference;

TEST(DecodeJpeg, BaselineAndProgressiveAreCloseToTheSource) {
  const at::Tensor pixels = test::pattern(61, 83);
  const Bytes samples = test::bytes_of(pixels);
  for (const bool progressive : {false, true}) {
    const Bytes file = test::jpeg_file(samples, 83, 61, 3, [&](auto& cinfo) {
      if (progressive) jpeg_simple_progression(&cinfo);
    });
    const DecodedImage image = decode(file);
    EXPECT_LE(max_difference(image.pixels, pixels), 12);
    EXPECT_TRUE(image.pixels.is_contiguous());
    EXPECT_FALSE(image.grey);
    EXPECT_EQ(image.format, ImageFormat::jpeg);
  }
}

TEST(DecodeJpeg, GreyIsGrey) {
  const DecodedImage image = decode(test::jpeg_file(Bytes(20 * 10, 77), 20, 10, 1));
  EXPECT_TRUE(image.grey);
  EXPECT_EQ(test::bytes_of(image.pixels), Bytes(20 * 10 * 3, 77));
}

TEST(DecodeJpeg, CmykAndYcckInBothConventions) {
  Bytes ink;  // cyan 60, magenta 0, yellow 120, black 51 of 255
  for (int i = 0; i < 32 * 16; ++i) test::append(ink, {60, 0, 120, 51});
  Bytes inverted = ink;
  for (uint8_t& value : inverted) value = static_cast<uint8_t>(255 - value);
  const at::Tensor expected =
      at::tensor({156, 204, 108}, at::kInt).expand({16, 32, 3});  // (255 - ink) * 204 / 255
  for (const bool ycck : {false, true}) {
    for (const bool adobe : {false, true}) {
      if (ycck && !adobe) continue;  // the marker alone tells YCCK
      const auto file = test::jpeg_file(adobe ? inverted : ink, 32, 16, 4, [&](auto& cinfo) {
        if (ycck) jpeg_set_colorspace(&cinfo, JCS_YCCK);
        cinfo.write_Adobe_marker = adobe ? TRUE : FALSE;
      });
      EXPECT_LE(max_difference(decode(file).pixels, expected), 3) << ycck << adobe;
    }
  }
}

TEST(DecodeJpeg, AppliesAllEightOrientations) {
  const Bytes samples = test::bytes_of(test::pattern(37, 53));
  const Bytes plain = test::jpeg_file(samples, 53, 37, 3);
  const at::Tensor stored = decode(plain).pixels;
  for (int value = 1; value <= 8; ++value) {
    Bytes exif = test::text_bytes(std::string("Exif\0\0", 6));
    test::append(exif, test::tiff_orientation(value, value % 2 == 0));
    const DecodedImage image = decode(test::with_jpeg_segment(plain, 0xE1, exif));
    EXPECT_EQ(image.orientation, value);
    EXPECT_TRUE(at::equal(image.pixels, turn_upright(stored, value))) << value;
  }
}

TEST(DecodeJpeg, TurnedCmykIsTurnedToo) {
  Bytes ink = Bytes(40 * 24 * 4, 200);
  for (size_t i = 0; i < 40 * 12 * 4; ++i) ink[i] = 90;
  const Bytes plain = test::jpeg_file(ink, 40, 24, 4);
  const Bytes exif = test::tiff_orientation(6, true);
  Bytes payload = test::text_bytes(std::string("Exif\0\0", 6));
  test::append(payload, exif);
  const at::Tensor turned = decode(test::with_jpeg_segment(plain, 0xE1, payload)).pixels;
  EXPECT_TRUE(at::equal(turned, turn_upright(decode(plain).pixels, 6)));
}

Bytes icc_segment(int number, int count, const Bytes& part) {
  Bytes payload = test::text_bytes(std::string("ICC_PROFILE\0", 12));
  test::append(payload, {static_cast<uint8_t>(number), static_cast<uint8_t>(count)});
  test::append(payload, part);
  return payload;
}

TEST(DecodeJpeg, AssemblesIccPartsStrictly) {
  const Bytes plain = test::jpeg_file(Bytes(8 * 8 * 3, 9), 8, 8, 3);
  const Bytes profile = test::icc_profile("RGB ", 200);
  const Bytes first(profile.begin(), profile.begin() + 90);
  const Bytes second(profile.begin() + 90, profile.end());
  const auto two = [&](int n1, int c1, int n2, int c2) {
    const Bytes one = test::with_jpeg_segment(plain, 0xE2, icc_segment(n1, c1, first));
    return test::with_jpeg_segment(one, 0xE2, icc_segment(n2, c2, second));
  };
  EXPECT_EQ(decode(two(1, 2, 2, 2)).icc_profile, profile);
  EXPECT_THROW(decode(two(1, 2, 1, 2)), CorruptFile);
  EXPECT_THROW(decode(two(1, 2, 2, 3)), CorruptFile);
  EXPECT_THROW(decode(two(0, 2, 1, 2)), CorruptFile);
  EXPECT_THROW(decode(two(1, 3, 2, 3)), CorruptFile);
  EXPECT_THROW(decode(two(1, 0, 2, 0)), CorruptFile);
}

TEST(DecodeJpeg, DropsProfilesOfOtherColours) {
  const Bytes colour = test::jpeg_file(Bytes(8 * 8 * 3, 9), 8, 8, 3);
  const Bytes grey = test::jpeg_file(Bytes(8 * 8, 9), 8, 8, 1);
  const Bytes cmyk = test::jpeg_file(Bytes(8 * 8 * 4, 9), 8, 8, 4);
  const auto with = [](const Bytes& file, const std::string& space) {
    return decode(test::with_jpeg_segment(file, 0xE2, icc_segment(1, 1, test::icc_profile(space))))
        .icc_profile.size();
  };
  EXPECT_EQ(with(colour, "RGB "), 144u);
  EXPECT_EQ(with(colour, "GRAY"), 0u);
  EXPECT_EQ(with(grey, "GRAY"), 144u);
  EXPECT_EQ(with(grey, "RGB "), 0u);
  EXPECT_EQ(with(cmyk, "CMYK"), 0u);
  EXPECT_EQ(with(cmyk, "RGB "), 0u);
}

}  // namespace
}  // namespace guise::io
