// Damage of every kind and odd files are refused; the content decides, not the name.
#include "io/read_image.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include "core/check.h"
#include "io/atomic_file.h"
#include "io/write_image.h"
#include "support/decode_checks.h"
#include "support/image_fixtures.h"
#include "support/png_fixtures.h"
#include "support/scratch_folder.h"

namespace guise::io {
namespace {

using test::Bytes;
using test::decode;
using test::expect_every_cut_refused;
using test::pixels_of;
using test::png_parts;
using test::PngParts;

TEST(DecodeImage, RefusesEveryTruncation) {
  const at::Tensor pixels = test::pattern(61, 83);
  const Bytes samples = test::bytes_of(pixels);
  for (const auto format :
       {ImageFormat::jpeg, ImageFormat::png, ImageFormat::webp, ImageFormat::bmp}) {
    expect_every_cut_refused(encode_image(pixels, format, false, {}), format_name(format));
  }
  WriteOptions lossless;
  lossless.webp_lossless = true;
  expect_every_cut_refused(encode_image(pixels, ImageFormat::webp, false, {}, lossless), "VP8L");
  const Bytes progressive =
      test::jpeg_file(samples, 83, 61, 3, [](auto& cinfo) { jpeg_simple_progression(&cinfo); });
  expect_every_cut_refused(progressive, "progressive");
  const Bytes cmyk = test::jpeg_file(Bytes(40 * 40 * 4, 99), 40, 40, 4);
  expect_every_cut_refused(cmyk, "CMYK");
}

// A cut that someone has closed with a proper end marker must not pass either.
TEST(DecodeImage, RefusesACutJpegWithAnEndMarkerPutOn) {
  const Bytes samples = test::bytes_of(test::pattern(61, 83));
  const Bytes baseline = test::jpeg_file(samples, 83, 61, 3);
  for (const double part : {0.5, 0.7, 0.9}) {
    Bytes cut(baseline.begin(),
              baseline.begin() +
                  static_cast<std::ptrdiff_t>(static_cast<double>(baseline.size()) * part));
    if (cut.back() == 0xFF) cut.pop_back();
    test::append(cut, {0xFF, 0xD9});
    EXPECT_THROW(decode(cut), CorruptFile) << part;
  }
}

// Keeps the first `count` scans of a JPEG and closes it.
Bytes first_scans(const Bytes& jpeg, int count) {
  Bytes cut;
  int scans = 0;
  for (size_t i = 0; i < jpeg.size(); ++i) {
    const bool scan = i + 1 < jpeg.size() && jpeg[i] == 0xFF && jpeg[i + 1] == 0xDA;
    if (scan && ++scans > count) break;
    cut.push_back(jpeg[i]);
  }
  test::append(cut, {0xFF, 0xD9});
  return cut;
}

TEST(DecodeImage, RefusesAJpegWithAComponentLeftOut) {
  static const jpeg_scan_info kOneEach[] = {{1, {0, 0, 0, 0}, 0, 63, 0, 0},
                                            {1, {1, 0, 0, 0}, 0, 63, 0, 0},
                                            {1, {2, 0, 0, 0}, 0, 63, 0, 0}};
  const Bytes samples = test::bytes_of(test::pattern(40, 40));
  const Bytes file = test::jpeg_file(samples, 40, 40, 3, [](auto& cinfo) {
    cinfo.scan_info = kOneEach;
    cinfo.num_scans = 3;
  });
  EXPECT_NO_THROW(decode(file));
  EXPECT_THROW(decode(first_scans(file, 2)), CorruptFile);
  const Bytes progressive =
      test::jpeg_file(samples, 40, 40, 3, [](auto& cinfo) { jpeg_simple_progression(&cinfo); });
  EXPECT_THROW(decode(first_scans(progressive, 1)), CorruptFile);
}

TEST(DecodeImage, RefusesDamagedBytes) {
  Bytes png = encode_image(test::pattern(30, 30), ImageFormat::png, false, {});
  png[png.size() / 2] ^= 1;
  EXPECT_THROW(decode(png), CorruptFile);

  PngParts parts = png_parts(1, 1, 8, 2, {1, 2, 3});
  parts.before = test::png_chunk("tEXt", test::text_bytes("Comment"));
  Bytes text = test::png_file(parts);
  EXPECT_NO_THROW(decode(text));
  text[41] ^= 1;  // inside the text: its CRC no longer holds
  EXPECT_THROW(decode(text), CorruptFile);

  Bytes jpeg = encode_image(test::pattern(64, 64), ImageFormat::jpeg, false, {});
  for (size_t i = jpeg.size() * 2 / 3; i < jpeg.size() - 2; ++i) jpeg[i] = 0xFF;
  EXPECT_THROW(decode(jpeg), CorruptFile);
}

TEST(DecodeImage, HoldsTheScanLimit) {
  const Bytes file = test::jpeg_file(test::bytes_of(test::pattern(40, 40)), 40, 40, 3,
                                     [](auto& cinfo) { jpeg_simple_progression(&cinfo); });
  ReadLimits limits;
  limits.max_jpeg_scans = 10;  // jpeg_simple_progression makes 10 for colour
  EXPECT_NO_THROW(decode_image(file.data(), file.size(), limits));
  limits.max_jpeg_scans = 9;
  EXPECT_THROW(decode_image(file.data(), file.size(), limits), CorruptFile);
}

TEST(DecodeImage, IgnoresWhatFollowsThePicture) {
  for (const auto format :
       {ImageFormat::jpeg, ImageFormat::png, ImageFormat::webp, ImageFormat::bmp}) {
    Bytes file = encode_image(test::pattern(20, 20), format, false, {});
    const Bytes before = pixels_of(file);
    test::append(file, test::text_bytes("a motion photo or an old tail"));
    EXPECT_EQ(pixels_of(file), before) << format_name(format);
  }
}

TEST(ReadImage, NamesThePath) {
  const test::ScratchFolder folder;
  const Bytes text = test::text_bytes("not a picture");
  write_file_atomically(folder / "a.jpg", text.data(), text.size());
  try {
    read_image(folder / "a.jpg");
    FAIL();
  } catch (const CorruptFile& error) {
    EXPECT_NE(std::string(error.what()).find("a.jpg"), std::string::npos);
  }
}

TEST(ReadImage, DecidesByContentAndRefusesOddFiles) {
  const test::ScratchFolder folder;
  write_image(folder / "png.jpg", test::pattern(4, 4), ImageFormat::png, false, {});
  EXPECT_EQ(read_image(folder / "png.jpg").format, ImageFormat::png);
  EXPECT_THROW(read_image(folder / "absent.jpg"), Unavailable);
  EXPECT_THROW(read_image(folder.path()), Unavailable);
  ASSERT_EQ(::mkfifo((folder / "fifo.jpg").c_str(), 0600), 0);
  EXPECT_THROW(read_image(folder / "fifo.jpg"), Unavailable);
}

}  // namespace
}  // namespace guise::io
