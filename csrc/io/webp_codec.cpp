// WebP bytes <-> RGB pixels. The walker reads the container, libwebp only the pixels.
//
// Sizes come from VP8X (24-bit canvas), VP8 (14-bit sides after the start code 9D 01 2A) or VP8L
// (14-bit sides after 2F), and must agree where a file has two of them.
// The trap: MODE_RGB makes libwebp drop alpha and show what was hidden below it; pictures with
// alpha are decoded as RGBA and flattened.
#include "io/webp_codec.h"

#include <ATen/ops/empty.h>
#include <webp/decode.h>
#include <webp/encode.h>

#include <cstring>

#include "core/check.h"
#include "io/byte_reader.h"
#include "io/exif_orientation.h"
#include "io/pixel_rows.h"

namespace guise::io {
namespace {

constexpr uint8_t kAnimationFlag = 0x02;
constexpr uint8_t kAlphaFlag = 0x10;
constexpr uint8_t kIccFlag = 0x20;

[[noreturn]] void refuse(const char* what) {
  throw CorruptFile(core::message("a WebP file that ", what,
                                  " is not accepted; save the picture again and retry"));
}

// What the walk over the chunks has met so far.
struct Walk {
  WebpChunks found;
  bool extended = false;
  bool has_pixels = false;
};

void read_canvas(Walk& walk, const ByteSpan& chunk) {
  if (chunk.size < 10) refuse("ends inside its header");
  if ((chunk.data[0] & kAnimationFlag) != 0) refuse("holds more than one picture");
  walk.extended = true;
  walk.found.has_alpha = (chunk.data[0] & kAlphaFlag) != 0;
  walk.found.width_px = int64_t{load_le24(chunk.data + 4)} + 1;
  walk.found.height_px = int64_t{load_le24(chunk.data + 7)} + 1;
}

void take_size(Walk& walk, int64_t width, int64_t height) {
  if (walk.has_pixels) refuse("holds more than one picture");
  if (walk.extended && (walk.found.width_px != width || walk.found.height_px != height)) {
    refuse("states two different sizes");
  }
  walk.found.width_px = width;
  walk.found.height_px = height;
  walk.has_pixels = true;
}

void read_lossy(Walk& walk, const ByteSpan& chunk) {
  static constexpr uint8_t kStartCode[] = {0x9D, 0x01, 0x2A};
  if (chunk.size < 10) refuse("ends inside its header");
  if ((chunk.data[0] & 1) != 0 || std::memcmp(chunk.data + 3, kStartCode, 3) != 0) {
    refuse("does not begin with a key frame");
  }
  take_size(walk, load_le16(chunk.data + 6) & 0x3FFF, load_le16(chunk.data + 8) & 0x3FFF);
}

void read_lossless(Walk& walk, const ByteSpan& chunk) {
  if (chunk.size < 5) refuse("ends inside its header");
  if (chunk.data[0] != 0x2F) refuse("has a bad lossless header");
  const uint32_t bits = load_le32(chunk.data + 1);
  take_size(walk, (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1);
  if ((bits >> 28 & 1) != 0) walk.found.has_alpha = true;
}

void visit(Walk& walk, const uint8_t* tag, const ByteSpan& chunk, bool first) {
  const auto is = [&](const char* name) { return std::memcmp(tag, name, 4) == 0; };
  if (first && !is("VP8X") && !is("VP8 ") && !is("VP8L")) refuse("begins with an unknown chunk");
  if (is("VP8X")) {
    if (!first) refuse("has two headers");
    read_canvas(walk, chunk);
  } else if (is("VP8 ")) {
    read_lossy(walk, chunk);
  } else if (is("VP8L")) {
    read_lossless(walk, chunk);
  } else if (is("ANIM") || is("ANMF")) {
    refuse("holds more than one picture");
  } else if (is("ALPH")) {
    walk.found.has_alpha = true;
  } else if (is("ICCP") && walk.found.icc_profile.data == nullptr) {
    walk.found.icc_profile = chunk;
  } else if (is("EXIF") && walk.found.exif.data == nullptr) {
    walk.found.exif = chunk;
  }
}

void decode_into(const ByteSpan& riff, bool with_alpha, uint8_t* pixels, int64_t width,
                 int64_t height) {
  const auto stride = static_cast<int>((with_alpha ? 4 : 3) * width);
  const size_t room = static_cast<size_t>(stride) * static_cast<size_t>(height);
  const uint8_t* done = with_alpha ? WebPDecodeRGBAInto(riff.data, riff.size, pixels, room, stride)
                                   : WebPDecodeRGBInto(riff.data, riff.size, pixels, room, stride);
  if (done == nullptr) {
    throw CorruptFile("the WebP data must be complete and undamaged; restore the file");
  }
}

WebPConfig make_config(const WriteOptions& options) {
  WebPConfig config;
  const bool ready = WebPConfigInit(&config) != 0;
  config.quality = static_cast<float>(options.webp_lossless ? 75 : options.webp_quality);
  config.lossless = options.webp_lossless ? 1 : 0;
  config.method = options.webp_effort;
  config.thread_level = 0;
  if (!ready || WebPValidateConfig(&config) == 0)
    throw Unavailable("libwebp does not fit its header");
  return config;
}

// Owns libwebp's picture and its output.
struct Encoder {
  WebPPicture picture;
  WebPMemoryWriter output;

  Encoder() {
    if (WebPPictureInit(&picture) == 0) throw Unavailable("libwebp does not fit its header");
    WebPMemoryWriterInit(&output);
    picture.writer = WebPMemoryWrite;
    picture.custom_ptr = &output;
  }
  Encoder(const Encoder&) = delete;
  Encoder& operator=(const Encoder&) = delete;
  ~Encoder() {
    WebPPictureFree(&picture);
    WebPMemoryWriterClear(&output);
  }
};

void append_chunk(std::vector<uint8_t>& file, const char* tag, const uint8_t* data, size_t size) {
  uint8_t head[8];
  std::memcpy(head, tag, 4);
  store_le32(head + 4, static_cast<uint32_t>(size));
  file.insert(file.end(), head, head + 8);
  file.insert(file.end(), data, data + size);
  if (size % 2 != 0) file.push_back(0);
}

// libwebp writes RIFF + one pixel chunk; a profile needs VP8X and ICCP before that chunk.
std::vector<uint8_t> add_profile(const uint8_t* riff, size_t size, int64_t width, int64_t height,
                                 const std::vector<uint8_t>& icc_profile) {
  std::vector<uint8_t> file(riff, riff + 12);
  uint8_t canvas[10] = {kIccFlag};
  store_le16(canvas + 4, static_cast<uint32_t>(width - 1));
  store_le16(canvas + 7, static_cast<uint32_t>(height - 1));
  append_chunk(file, "VP8X", canvas, sizeof(canvas));
  append_chunk(file, "ICCP", icc_profile.data(), icc_profile.size());
  file.insert(file.end(), riff + 12, riff + size);
  store_le32(file.data() + 4, static_cast<uint32_t>(file.size() - 8));
  return file;
}

}  // namespace

WebpChunks parse_webp_chunks(const uint8_t* data, size_t size) {
  if (size < 20) refuse("ends inside its header");
  const size_t riff_bytes = load_le32(data + 4);
  if (riff_bytes < 12 || riff_bytes > size - 8) refuse("is shorter than its header says");
  Walk walk;
  const size_t end = riff_bytes + 8;
  size_t at = 12;
  while (at < end) {
    if (end - at < 8) refuse("ends inside a chunk header");
    const size_t length = load_le32(data + at + 4);
    if (length > end - at - 8) refuse("has a chunk that reaches past its end");
    visit(walk, data + at, {data + at + 8, length}, /*first=*/at == 12);
    at += 8 + length;
    if (length % 2 != 0 && at < end) ++at;  // some writers leave the last padding byte out
  }
  if (!walk.has_pixels) refuse("has no picture data");
  walk.found.riff = {data, end};
  return walk.found;
}

DecodedImage decode_webp(const uint8_t* data, size_t size) {
  const WebpChunks chunks = parse_webp_chunks(data, size);
  const int64_t width = chunks.width_px;
  const int64_t height = chunks.height_px;
  DecodedImage image;
  image.format = ImageFormat::webp;
  image.pixels = at::empty({height, width, 3}, at::kByte);
  auto* rgb = image.pixels.mutable_data_ptr<uint8_t>();
  if (chunks.has_alpha) {
    std::vector<uint8_t> rgba(static_cast<size_t>(4 * width * height));
    decode_into(chunks.riff, /*with_alpha=*/true, rgba.data(), width, height);
    flatten_rgba(rgba.data(), width * height, rgb);
  } else {
    decode_into(chunks.riff, /*with_alpha=*/false, rgb, width, height);
  }
  const auto& profile = chunks.icc_profile;
  image.icc_profile.assign(profile.data, profile.data + profile.size);
  image.orientation = exif_orientation(chunks.exif.data, chunks.exif.size);
  image.pixels = turn_upright(image.pixels, image.orientation);
  return image;
}

std::vector<uint8_t> encode_webp(const uint8_t* rgb, int64_t width, int64_t height, bool grey,
                                 const std::vector<uint8_t>& icc_profile,
                                 const WriteOptions& options) {
  const WebPConfig config = make_config(options);
  std::vector<uint8_t> grey_rgb;
  if (grey) {
    grey_rgb.resize(static_cast<size_t>(3 * width * height));
    for (int64_t i = 0; i < width * height; ++i) {
      uint8_t luma = 0;
      luma_row(rgb + 3 * i, 1, &luma);
      std::memset(&grey_rgb[3 * i], luma, 3);
    }
  }
  Encoder encoder;
  encoder.picture.width = static_cast<int>(width);
  encoder.picture.height = static_cast<int>(height);
  encoder.picture.use_argb = config.lossless;
  const uint8_t* source = grey ? grey_rgb.data() : rgb;
  const bool done = WebPPictureImportRGB(&encoder.picture, source, static_cast<int>(3 * width)) &&
                    WebPEncode(&config, &encoder.picture);
  if (!done) {
    throw Unavailable(core::message("the WebP encoder gave up with error ",
                                    static_cast<int>(encoder.picture.error_code)));
  }
  const uint8_t* riff = encoder.output.mem;
  const size_t size = encoder.output.size;
  if (icc_profile.empty()) return std::vector<uint8_t>(riff, riff + size);
  return add_profile(riff, size, width, height, icc_profile);
}

}  // namespace guise::io
