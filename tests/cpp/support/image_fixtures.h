// Small picture files made in memory, with exactly the properties a test needs.
//
// JPEG variants come from libjpeg with its raw interface, PNG files from a chunk writer of our own,
// so that a fault of our encoders cannot hide a fault of our decoders. The trap: the writers here
// check nothing; they are meant to make odd files.
#pragma once

#include <ATen/ATen.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include <jpeglib.h>

namespace guise::test {

using Bytes = std::vector<uint8_t>;

// [height, width, 3] uint8: smooth, different in all four corners and channels.
inline at::Tensor pattern(int64_t height, int64_t width) {
  at::Tensor pixels = at::empty({height, width, 3}, at::kByte);
  auto view = pixels.accessor<uint8_t, 3>();
  for (int64_t y = 0; y < height; ++y) {
    for (int64_t x = 0; x < width; ++x) {
      view[y][x][0] = static_cast<uint8_t>(20 + 200 * x / width);
      view[y][x][1] = static_cast<uint8_t>(30 + 200 * y / height);
      view[y][x][2] = static_cast<uint8_t>(230 - 100 * (x + y) / (width + height));
    }
  }
  return pixels;
}

inline Bytes bytes_of(const at::Tensor& pixels) {
  const at::Tensor packed = pixels.contiguous();
  const auto* data = packed.const_data_ptr<uint8_t>();
  return Bytes(data, data + packed.numel());
}

// One by one: GCC 12 warns wrongly about inlined range inserts.
inline void append(Bytes& to, const Bytes& more) {
  for (const uint8_t byte : more) to.push_back(byte);
}

inline Bytes text_bytes(const std::string& text) {
  return Bytes(text.begin(), text.end());
}

inline bool contains(const Bytes& file, const std::string& needle) {
  const std::string text(file.begin(), file.end());
  return text.find(needle) != std::string::npos;
}

inline Bytes big_endian(uint32_t value, int count) {
  Bytes bytes;
  for (int i = count - 1; i >= 0; --i) bytes.push_back(static_cast<uint8_t>(value >> (8 * i)));
  return bytes;
}

inline Bytes little_endian(uint32_t value, int count) {
  Bytes bytes;
  for (int i = 0; i < count; ++i) bytes.push_back(static_cast<uint8_t>(value >> (8 * i)));
  return bytes;
}

// A TIFF structure with one entry, the orientation.
inline Bytes tiff_orientation(int value, bool little) {
  const auto number = [&](uint32_t v, int n) {
    return little ? little_endian(v, n) : big_endian(v, n);
  };
  Bytes tiff = text_bytes(little ? "II" : "MM");
  for (const auto& [v, n] : std::vector<std::pair<uint32_t, int>>{{42, 2},
                                                                  {8, 4},
                                                                  {1, 2},
                                                                  {0x0112, 2},
                                                                  {3, 2},
                                                                  {1, 4},
                                                                  {static_cast<uint32_t>(value), 2},
                                                                  {0, 2},
                                                                  {0, 4}}) {
    append(tiff, number(v, n));
  }
  return tiff;
}

// A profile that libpng accepts: header of 128 bytes, an empty tag table, then padding.
inline Bytes icc_profile(const std::string& space, size_t size = 144) {
  Bytes profile(size, 0);
  const auto put = [&](size_t at, const Bytes& bytes) {
    std::copy(bytes.begin(), bytes.end(), profile.begin() + static_cast<std::ptrdiff_t>(at));
  };
  put(0, big_endian(static_cast<uint32_t>(size), 4));
  put(8, {2, 0x10, 0, 0});
  put(12, text_bytes("mntr" + space + "XYZ "));
  put(36, text_bytes("acsp"));
  put(68, {0, 0, 0xF6, 0xD6, 0, 1, 0, 0, 0, 0, 0xD3, 0x2D});  // D50
  for (size_t i = 132; i < size; ++i) profile[i] = static_cast<uint8_t>(i * 31);
  return profile;
}

// Samples [height, width, channels] packed -> JPEG. `adjust` runs after jpeg_set_defaults.
inline Bytes jpeg_file(const Bytes& samples, int width, int height, int channels,
                       const std::function<void(jpeg_compress_struct&)>& adjust = {}) {
  jpeg_compress_struct cinfo;
  jpeg_error_mgr errors;
  cinfo.err = jpeg_std_error(&errors);
  jpeg_create_compress(&cinfo);
  unsigned char* memory = nullptr;
  unsigned long size = 0;
  jpeg_mem_dest(&cinfo, &memory, &size);
  cinfo.image_width = static_cast<JDIMENSION>(width);
  cinfo.image_height = static_cast<JDIMENSION>(height);
  cinfo.input_components = channels;
  cinfo.in_color_space = channels == 1 ? JCS_GRAYSCALE : channels == 3 ? JCS_RGB : JCS_CMYK;
  jpeg_set_defaults(&cinfo);
  jpeg_set_quality(&cinfo, 95, TRUE);
  if (adjust) adjust(cinfo);
  jpeg_start_compress(&cinfo, TRUE);
  while (cinfo.next_scanline < cinfo.image_height) {
    JSAMPROW row = const_cast<uint8_t*>(samples.data()) +
                   static_cast<size_t>(cinfo.next_scanline) * width * channels;
    jpeg_write_scanlines(&cinfo, &row, 1);
  }
  jpeg_finish_compress(&cinfo);
  jpeg_destroy_compress(&cinfo);
  Bytes file(memory, memory + size);
  std::free(memory);
  return file;
}

// Puts a segment right behind SOI.
inline Bytes with_jpeg_segment(const Bytes& jpeg, uint8_t marker, const Bytes& payload) {
  Bytes segment = {0xFF, marker};
  append(segment, big_endian(static_cast<uint32_t>(payload.size() + 2), 2));
  append(segment, payload);
  Bytes file = jpeg;
  file.insert(file.begin() + 2, segment.begin(), segment.end());
  return file;
}

// A RIFF chunk with its padding.
inline Bytes riff_chunk(const std::string& tag, const Bytes& payload) {
  Bytes chunk = text_bytes(tag);
  append(chunk, little_endian(static_cast<uint32_t>(payload.size()), 4));
  append(chunk, payload);
  if (payload.size() % 2 != 0) chunk.push_back(0);
  return chunk;
}

inline Bytes webp_container(const Bytes& chunks) {
  Bytes body = text_bytes("WEBP");
  append(body, chunks);
  return riff_chunk("RIFF", body);
}

}  // namespace guise::test
