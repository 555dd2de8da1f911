// PNG files out of single chunks, with any colour type, depth and extra chunk.
//
// The trap: nothing is checked; these are meant to make odd files.
#pragma once

#include <zlib.h>

#include <string>

#include "support/image_fixtures.h"

namespace guise::test {

inline Bytes png_chunk(const std::string& type, const Bytes& payload) {
  Bytes body = text_bytes(type);
  append(body, payload);
  Bytes chunk = big_endian(static_cast<uint32_t>(payload.size()), 4);
  append(chunk, body);
  const auto crc = crc32(0, body.data(), static_cast<uInt>(body.size()));
  append(chunk, big_endian(static_cast<uint32_t>(crc), 4));
  return chunk;
}

struct PngParts {
  int width = 0;
  int height = 0;
  int depth = 8;
  int colour_type = 2;
  bool interlaced = false;
  Bytes rows;        // every row led by its filter byte
  Bytes before;      // chunks between IHDR and IDAT
  Bytes after = {};  // chunks between IDAT and IEND
};

inline Bytes png_file(const PngParts& parts) {
  Bytes file = {0x89, 'P', 'N', 'G', '\r', '\n', 0x1A, '\n'};
  Bytes header = big_endian(static_cast<uint32_t>(parts.width), 4);
  append(header, big_endian(static_cast<uint32_t>(parts.height), 4));
  append(header, {static_cast<uint8_t>(parts.depth), static_cast<uint8_t>(parts.colour_type), 0, 0,
                  static_cast<uint8_t>(parts.interlaced)});
  append(file, png_chunk("IHDR", header));
  append(file, parts.before);
  uLongf packed_size = compressBound(static_cast<uLong>(parts.rows.size()));
  Bytes packed(packed_size);
  compress(packed.data(), &packed_size, parts.rows.data(), static_cast<uLong>(parts.rows.size()));
  packed.resize(packed_size);
  append(file, png_chunk("IDAT", packed));
  append(file, parts.after);
  append(file, png_chunk("IEND", {}));
  return file;
}

// Rows of `row_bytes` each, led by filter 0.
inline Bytes unfiltered(const Bytes& samples, size_t row_bytes) {
  Bytes rows;
  for (size_t at = 0; at < samples.size(); at += row_bytes) {
    rows.push_back(0);
    rows.insert(rows.end(), samples.begin() + static_cast<std::ptrdiff_t>(at),
                samples.begin() + static_cast<std::ptrdiff_t>(at + row_bytes));
  }
  return rows;
}

inline PngParts png_parts(int width, int height, int depth, int colour_type, const Bytes& samples) {
  PngParts parts;
  parts.width = width;
  parts.height = height;
  parts.depth = depth;
  parts.colour_type = colour_type;
  parts.rows = unfiltered(samples, samples.size() / static_cast<size_t>(height));
  return parts;
}

}  // namespace guise::test
