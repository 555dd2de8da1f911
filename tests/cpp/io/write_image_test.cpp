// What is written holds the pixels and the profile, and nothing else.
#include "io/write_image.h"

#include <gtest/gtest.h>

#include "core/check.h"
#include "io/read_image.h"
#include "support/image_fixtures.h"
#include "support/scratch_folder.h"

namespace guise::io {
namespace {

using test::Bytes;

constexpr ImageFormat kFormats[] = {ImageFormat::jpeg, ImageFormat::png, ImageFormat::webp,
                                    ImageFormat::bmp};

DecodedImage decode(const Bytes& file) {
  return decode_image(file.data(), file.size());
}

WriteOptions lossless() {
  WriteOptions options;
  options.webp_lossless = true;
  return options;
}

TEST(WriteImage, LosslessFormatsGiveTheSamePixels) {
  for (const auto& [height, width] : {std::pair{1, 1}, {7, 5}, {33, 64}}) {
    const at::Tensor pixels = test::pattern(height, width);
    for (const auto format : {ImageFormat::png, ImageFormat::webp, ImageFormat::bmp}) {
      const DecodedImage image = decode(encode_image(pixels, format, false, {}, lossless()));
      EXPECT_TRUE(at::equal(image.pixels, pixels)) << format_name(format);
      EXPECT_FALSE(image.grey);
    }
  }
}

TEST(WriteImage, LossyFormatsComeClose) {
  const at::Tensor pixels = test::pattern(90, 120);
  for (const auto format : {ImageFormat::jpeg, ImageFormat::webp}) {
    const at::Tensor back = decode(encode_image(pixels, format, false, {})).pixels;
    const double mean = (back.to(at::kFloat) - pixels.to(at::kFloat)).abs().mean().item<double>();
    EXPECT_LT(mean, 3.0) << format_name(format);
  }
}

TEST(WriteImage, TheSameInputGivesTheSameBytes) {
  const at::Tensor pixels = test::pattern(50, 70);
  for (const auto format : kFormats) {
    EXPECT_EQ(encode_image(pixels, format, false, {}),
              encode_image(pixels.clone(), format, false, {}));
  }
}

TEST(WriteImage, StridedPixelsAreTakenAsTheyLook) {
  const at::Tensor turned = test::pattern(20, 30).transpose(0, 1);
  EXPECT_EQ(encode_image(turned, ImageFormat::png, false, {}),
            encode_image(turned.contiguous(), ImageFormat::png, false, {}));
}

TEST(WriteImage, GreyIsOneChannelOfLuma) {
  at::Tensor grey = test::pattern(16, 16).select(2, 0).unsqueeze(2).expand({16, 16, 3});
  for (const auto format : kFormats) {
    const DecodedImage image = decode(encode_image(grey, format, true, {}, lossless()));
    EXPECT_EQ(image.grey, format != ImageFormat::webp) << format_name(format);
    EXPECT_TRUE(format == ImageFormat::jpeg || at::equal(image.pixels, grey));
  }
  const at::Tensor red = at::tensor({255, 0, 0}, at::kByte).expand({2, 2, 3});
  const DecodedImage image = decode(encode_image(red, ImageFormat::png, true, {}));
  EXPECT_EQ(test::bytes_of(image.pixels), Bytes(12, 77));  // 0.299 * 255 in 8 bits
}

TEST(WriteImage, ProfilesComeBackByteForByte) {
  // 400: libpng overlooks profiles that pack to less than 92 bytes. 70,000: two segments of a JPEG.
  for (const size_t size : {400u, 4096u, 70000u}) {
    const Bytes colour = test::icc_profile("RGB ", size);
    const Bytes grey = test::icc_profile("GRAY", size);
    for (const auto format : {ImageFormat::jpeg, ImageFormat::png, ImageFormat::webp}) {
      const at::Tensor pixels = test::pattern(9, 9);
      EXPECT_EQ(decode(encode_image(pixels, format, false, colour)).icc_profile, colour)
          << format_name(format);
      EXPECT_TRUE(decode(encode_image(pixels, format, false, grey)).icc_profile.empty());
      EXPECT_TRUE(decode(encode_image(pixels, format, true, colour)).icc_profile.empty() ||
                  format == ImageFormat::webp);
      if (format == ImageFormat::webp) continue;
      EXPECT_EQ(decode(encode_image(pixels, format, true, grey)).icc_profile, grey);
    }
    EXPECT_TRUE(decode(encode_image(test::pattern(3, 3), ImageFormat::bmp, false, colour))
                    .icc_profile.empty());
  }
}

TEST(WriteImage, MalformedProfilesAreLeftOutOfPng) {
  Bytes profile = test::icc_profile("RGB ", 200);
  profile[36] = 'x';  // not "acsp"
  const at::Tensor pixels = test::pattern(4, 4);
  EXPECT_NO_THROW(decode(encode_image(pixels, ImageFormat::png, false, profile)));
  EXPECT_NO_THROW(decode(encode_image(pixels, ImageFormat::png, false, Bytes(5, 1))));
}

// Type names of the chunks of a PNG, or tags of a WebP, or markers of a JPEG up to its data.
std::string parts_of(const Bytes& file, ImageFormat format) {
  std::string names;
  if (format == ImageFormat::png) {
    for (size_t at = 8; at + 8 <= file.size();) {
      names += std::string(&file[at + 4], &file[at + 8]) + " ";
      at += 12 + (size_t{file[at + 2]} << 8 | file[at + 3]) + (size_t{file[at + 1]} << 16);
    }
  } else if (format == ImageFormat::webp) {
    for (size_t at = 12; at + 8 <= file.size();) {
      names += std::string(&file[at], &file[at + 4]) + " ";
      const size_t size = file[at + 4] | size_t{file[at + 5]} << 8 | size_t{file[at + 6]} << 16;
      at += 8 + size + size % 2;
    }
  } else {
    for (size_t at = 2; file[at + 1] != 0xDA;) {
      names += std::to_string(file[at + 1]) + " ";
      at += 2 + (size_t{file[at + 2]} << 8 | file[at + 3]);
    }
  }
  return names;
}

TEST(WriteImage, WritesOnlyTheAllowedParts) {
  const at::Tensor pixels = test::pattern(40, 40);
  const Bytes profile = test::icc_profile("RGB ");
  const auto parts = [&](ImageFormat format, const Bytes& icc) {
    return parts_of(encode_image(pixels, format, false, icc), format);
  };
  EXPECT_EQ(parts(ImageFormat::png, {}), "IHDR IDAT IEND ");
  EXPECT_EQ(parts(ImageFormat::png, profile), "IHDR iCCP IDAT IEND ");
  EXPECT_EQ(parts(ImageFormat::webp, {}), "VP8  ");
  EXPECT_EQ(parts(ImageFormat::webp, profile), "VP8X ICCP VP8  ");
  // JFIF, two DQT, SOF0, four DHT; and APP2 for the profile.
  EXPECT_EQ(parts(ImageFormat::jpeg, {}), "224 219 219 192 196 196 196 196 ");
  EXPECT_EQ(parts(ImageFormat::jpeg, profile), "224 226 219 219 192 196 196 196 196 ");
}

// Metadata of every kind goes in; nothing of it may come out.
TEST(WriteImage, NoMetadataSurvives) {
  Bytes file = test::jpeg_file(test::bytes_of(test::pattern(40, 40)), 40, 40, 3);
  Bytes exif = test::text_bytes(std::string("Exif\0\0", 6));
  test::append(exif, test::tiff_orientation(3, true));
  test::append(exif, test::text_bytes("GPSLatitude thumbnail secret-owner"));
  file = test::with_jpeg_segment(file, 0xED, test::text_bytes("Photoshop 3.0 8BIM secret-iptc"));
  file = test::with_jpeg_segment(file, 0xFE, test::text_bytes("comment secret-comment"));
  file = test::with_jpeg_segment(
      file, 0xE1, test::text_bytes("http://ns.adobe.com/xap/1.0/ <x:xmpmeta> secret-xmp"));
  file = test::with_jpeg_segment(file, 0xE1, exif);
  test::append(file, test::text_bytes("ftypmp42 secret-motion"));
  const DecodedImage image = decode(file);
  EXPECT_EQ(image.orientation, 3);
  for (const auto format : kFormats) {
    const Bytes written = encode_image(image.pixels, format, image.grey, image.icc_profile);
    for (const std::string word : {"Exif", "EXIF", "eXIf", "GPS", "secret", "xmp", "XMP", "8BIM",
                                   "Photoshop", "ftyp", "tEXt", "iTXt", "tIME", "Adobe", "Lavc"}) {
      EXPECT_FALSE(test::contains(written, word)) << word << " in " << format_name(format);
    }
    EXPECT_EQ(decode(written).orientation, 1);
  }
}

TEST(WriteImage, ChecksItsArguments) {
  const at::Tensor pixels = test::pattern(4, 4);
  const auto encode = [](const at::Tensor& tensor, ImageFormat format,
                         const WriteOptions& options) {
    return encode_image(tensor, format, false, {}, options);
  };
  EXPECT_THROW(encode(at::zeros({4, 4, 3}), ImageFormat::png, {}), std::invalid_argument);
  EXPECT_THROW(encode(at::zeros({4, 4}, at::kByte), ImageFormat::png, {}), std::invalid_argument);
  EXPECT_THROW(encode(at::zeros({0, 4, 3}, at::kByte), ImageFormat::png, {}),
               std::invalid_argument);
  EXPECT_THROW(encode(at::Tensor(), ImageFormat::png, {}), std::invalid_argument);
  EXPECT_THROW(encode(at::zeros({1, 16384, 3}, at::kByte), ImageFormat::webp, {}),
               std::invalid_argument);
  EXPECT_THROW(encode(at::zeros({65501, 1, 3}, at::kByte), ImageFormat::jpeg, {}),
               std::invalid_argument);
  WriteOptions options;
  options.jpeg_quality = 0;
  EXPECT_THROW(encode(pixels, ImageFormat::jpeg, options), std::invalid_argument);
  options = {};
  options.png_compression = 10;
  EXPECT_THROW(encode(pixels, ImageFormat::png, options), std::invalid_argument);
  options = {};
  options.webp_effort = 7;
  EXPECT_THROW(encode(pixels, ImageFormat::webp, options), std::invalid_argument);
}

TEST(WriteImage, ChromaOptionChangesTheSampling) {
  const at::Tensor pixels = test::pattern(64, 64);
  WriteOptions full;
  full.jpeg_subsample_chroma = false;
  EXPECT_GT(encode_image(pixels, ImageFormat::jpeg, false, {}, full).size(), 0u);
  EXPECT_NE(encode_image(pixels, ImageFormat::jpeg, false, {}, full),
            encode_image(pixels, ImageFormat::jpeg, false, {}));
}

TEST(WriteImage, WritesWholeFilesOnly) {
  const test::ScratchFolder folder;
  write_image(folder / "a.png", test::pattern(8, 8), ImageFormat::png, false, {});
  EXPECT_TRUE(at::equal(read_image(folder / "a.png").pixels, test::pattern(8, 8)));
  EXPECT_THROW(write_image(folder / "no/a.png", test::pattern(8, 8), ImageFormat::png, false, {}),
               Unavailable);
  EXPECT_EQ(folder.count(), 1u);
}

}  // namespace
}  // namespace guise::io
