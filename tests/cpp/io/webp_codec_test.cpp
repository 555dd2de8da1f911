// WebP with alpha, orientation, profile; two pictures in one file.
#include "io/webp_codec.h"

#include <gtest/gtest.h>
#include <webp/encode.h>

#include "core/check.h"
#include "io/exif_orientation.h"
#include "io/write_image.h"
#include "support/decode_checks.h"
#include "support/image_fixtures.h"

namespace guise::io {
namespace {

using test::Bytes;
using test::decode;
using test::pixels_of;

Bytes webp_rgba(const Bytes& rgba, int width, int height) {
  uint8_t* memory = nullptr;
  const size_t size = WebPEncodeLosslessRGBA(rgba.data(), width, height, 4 * width, &memory);
  const Bytes file(memory, memory + size);
  WebPFree(memory);
  return file;
}

// A lossless WebP of `pixels` in an extended container with more chunks.
Bytes webp_extended(const at::Tensor& pixels, uint8_t flags, const Bytes& before,
                    const Bytes& after) {
  WriteOptions options;
  options.webp_lossless = true;
  const Bytes plain = encode_image(pixels, ImageFormat::webp, false, {}, options);
  Bytes canvas = {flags, 0, 0, 0};
  test::append(canvas, test::little_endian(static_cast<uint32_t>(pixels.size(1) - 1), 3));
  test::append(canvas, test::little_endian(static_cast<uint32_t>(pixels.size(0) - 1), 3));
  Bytes chunks = test::riff_chunk("VP8X", canvas);
  test::append(chunks, before);
  chunks.insert(chunks.end(), plain.begin() + 12, plain.end());
  test::append(chunks, after);
  return test::webp_container(chunks);
}

TEST(DecodeWebp, LosslessAlphaIsFlattened) {
  const Bytes rgba = {200, 10, 10, 0, 200, 10, 10, 255, 0, 0, 0, 128};
  EXPECT_EQ(pixels_of(webp_rgba(rgba, 3, 1)), (Bytes{255, 255, 255, 200, 10, 10, 127, 127, 127}));
}

TEST(DecodeWebp, AppliesOrientationAndKeepsTheProfile) {
  const at::Tensor stored = test::pattern(6, 11);
  const Bytes profile = test::icc_profile("RGB ", 145);
  for (int value = 1; value <= 8; ++value) {
    const Bytes file = webp_extended(stored, 0x28, test::riff_chunk("ICCP", profile),
                                     test::riff_chunk("EXIF", test::tiff_orientation(value, true)));
    const DecodedImage image = decode(file);
    EXPECT_EQ(image.orientation, value);
    EXPECT_EQ(image.icc_profile, profile);
    EXPECT_TRUE(at::equal(image.pixels, turn_upright(stored, value))) << value;
  }
}

TEST(DecodeWebp, RefusesTwoPictures) {
  const at::Tensor stored = test::pattern(6, 11);
  const Bytes plain = encode_image(stored, ImageFormat::webp, false, {});
  const Bytes second(plain.begin() + 12, plain.end());
  EXPECT_NO_THROW(decode(webp_extended(stored, 0, {}, {})));
  EXPECT_THROW(decode(webp_extended(stored, 0, {}, second)), CorruptFile);
  EXPECT_THROW(decode(webp_extended(stored, 0x02, {}, {})), CorruptFile);
}

}  // namespace
}  // namespace guise::io
