// What parse_image_header takes and refuses, by first bytes alone.
#include "io/image_header.h"

#include <gtest/gtest.h>

#include "core/check.h"
#include "io/write_image.h"
#include "support/image_fixtures.h"
#include "support/png_fixtures.h"

namespace guise::io {
namespace {

using test::Bytes;

ImageHeader parse(const Bytes& file, const ReadLimits& limits = {}) {
  return parse_image_header(file.data(), file.size(), limits);
}

TEST(ImageHeader, ReadsSizeAndFormatOfEveryFormat) {
  for (const auto format :
       {ImageFormat::jpeg, ImageFormat::png, ImageFormat::webp, ImageFormat::bmp}) {
    const Bytes file = encode_image(test::pattern(21, 34), format, /*grey=*/false, {});
    const ImageHeader header = parse(file);
    EXPECT_EQ(header.format, format);
    EXPECT_EQ(header.width_px, 34);
    EXPECT_EQ(header.height_px, 21);
    EXPECT_EQ(header.channels, 3);
  }
}

TEST(ImageHeader, KnowsDepthAndChannels) {
  test::PngParts parts;
  parts.width = 2;
  parts.height = 1;
  parts.depth = 16;
  parts.colour_type = 4;
  parts.rows = Bytes(9, 0);
  const ImageHeader header = parse(test::png_file(parts));
  EXPECT_EQ(header.bit_depth, 16);
  EXPECT_EQ(header.channels, 2);
}

// The size fields are patched into valid files; no decoder may be asked.
TEST(ImageHeader, RefusesHugeClaimsBeforeDecoding) {
  Bytes png = encode_image(test::pattern(8, 8), ImageFormat::png, false, {});
  const Bytes side = test::big_endian(60000, 4);
  std::copy(side.begin(), side.end(), png.begin() + 16);
  std::copy(side.begin(), side.end(), png.begin() + 20);
  EXPECT_THROW(parse(png), CorruptFile);

  Bytes jpeg = encode_image(test::pattern(8, 8), ImageFormat::jpeg, false, {});
  for (size_t i = 0; i + 9 < jpeg.size(); ++i) {
    if (jpeg[i] == 0xFF && jpeg[i + 1] == 0xC0) {
      for (const size_t at : {i + 5, i + 7}) {
        jpeg[at] = 0xEA;  // 60000
        jpeg[at + 1] = 0x60;
      }
    }
  }
  EXPECT_THROW(parse(jpeg), CorruptFile);

  Bytes bmp = encode_image(test::pattern(8, 8), ImageFormat::bmp, false, {});
  const Bytes bmp_side = test::little_endian(60000, 4);
  std::copy(bmp_side.begin(), bmp_side.end(), bmp.begin() + 18);
  std::copy(bmp_side.begin(), bmp_side.end(), bmp.begin() + 22);
  EXPECT_THROW(parse(bmp), CorruptFile);

  const Bytes canvas = {0, 0, 0, 0, 0x5F, 0xEA, 0, 0x5F, 0xEA, 0};
  Bytes chunks = test::riff_chunk("VP8X", canvas);
  test::append(chunks, test::riff_chunk("VP8L", {0x2F, 0, 0, 0, 0}));
  EXPECT_THROW(parse(test::webp_container(chunks)), CorruptFile);
}

TEST(ImageHeader, HoldsEachLimit) {
  const Bytes file = encode_image(test::pattern(20, 30), ImageFormat::png, false, {});
  ReadLimits limits;
  limits.max_side_px = 30;
  limits.max_pixels = 600;
  limits.max_file_bytes = static_cast<int64_t>(file.size());
  EXPECT_NO_THROW(parse(file, limits));
  --limits.max_side_px;
  EXPECT_THROW(parse(file, limits), CorruptFile);
  limits.max_side_px = 30;
  --limits.max_pixels;
  EXPECT_THROW(parse(file, limits), CorruptFile);
  limits.max_pixels = 600;
  --limits.max_file_bytes;
  EXPECT_THROW(parse(file, limits), CorruptFile);
  limits.max_file_bytes = 0;
  EXPECT_THROW(parse(file, limits), std::invalid_argument);
}

TEST(ImageHeader, NamesTheAllowedFormats) {
  for (const std::string text : {"", "GIF89a............", "II*\0............", "<svg xmlns=",
                                 "\x76\x2f\x31\x01 exr......", "RIFF....AVI ........"}) {
    try {
      parse(test::text_bytes(text));
      FAIL() << text;
    } catch (const CorruptFile& error) {
      EXPECT_NE(std::string(error.what()).find("JPEG, PNG, WebP or BMP"), std::string::npos);
    }
  }
}

TEST(ImageHeader, RefusesAnimations) {
  test::PngParts parts;
  parts.width = parts.height = 1;
  parts.rows = {0, 1, 2, 3};
  EXPECT_NO_THROW(parse(test::png_file(parts)));
  parts.before = test::png_chunk("acTL", Bytes(8, 1));
  EXPECT_THROW(parse(test::png_file(parts)), CorruptFile);

  Bytes chunks = test::riff_chunk("VP8X", {0x02, 0, 0, 0, 7, 0, 0, 7, 0, 0});
  test::append(chunks, test::riff_chunk("ANIM", Bytes(6, 0)));
  EXPECT_THROW(parse(test::webp_container(chunks)), CorruptFile);
}

TEST(ImageHeader, RefusesEveryCutInsideTheHeader) {
  for (const auto format :
       {ImageFormat::jpeg, ImageFormat::png, ImageFormat::webp, ImageFormat::bmp}) {
    const Bytes file = encode_image(test::pattern(8, 8), format, false, {});
    for (size_t size = 0; size < 33; ++size) {
      EXPECT_THROW(parse_image_header(file.data(), size), CorruptFile)
          << format_name(format) << " cut to " << size;
    }
  }
}

TEST(ImageHeader, NamesAndExtensions) {
  EXPECT_STREQ(format_name(ImageFormat::webp), "WebP");
  EXPECT_STREQ(format_extension(ImageFormat::jpeg), ".jpg");
  EXPECT_EQ(format_named("jpeg"), ImageFormat::jpeg);
  EXPECT_EQ(format_named("webp"), ImageFormat::webp);
  for (const std::string word : {"", ".png", "PNG", "gif", "jpegs"}) {
    EXPECT_THROW(format_named(word), std::invalid_argument) << word;
  }
}

TEST(ImageHeader, FirstBytesClaimAFormat) {
  for (const auto format :
       {ImageFormat::jpeg, ImageFormat::png, ImageFormat::webp, ImageFormat::bmp}) {
    const Bytes file = encode_image(test::pattern(8, 8), format, false, {});
    EXPECT_EQ(format_of(file.data(), 12), format);
  }
  EXPECT_FALSE(format_of(nullptr, 0).has_value());
}

}  // namespace
}  // namespace guise::io
