// Integers of a given byte order out of raw bytes, as picture and tensor headers need them.
//
// The trap: nothing here checks bounds. The caller has made sure that the bytes are there.
#pragma once

#include <cstdint>

namespace guise::io {

inline uint16_t load_le16(const uint8_t* p) {
  return static_cast<uint16_t>(p[0] | p[1] << 8);
}
inline uint16_t load_be16(const uint8_t* p) {
  return static_cast<uint16_t>(p[0] << 8 | p[1]);
}

inline uint32_t load_le24(const uint8_t* p) {
  return load_le16(p) | uint32_t{p[2]} << 16;
}

inline uint32_t load_le32(const uint8_t* p) {
  return load_le24(p) | uint32_t{p[3]} << 24;
}
inline uint32_t load_be32(const uint8_t* p) {
  return uint32_t{load_be16(p)} << 16 | load_be16(p + 2);
}

inline uint64_t load_le64(const uint8_t* p) {
  return load_le32(p) | uint64_t{load_le32(p + 4)} << 32;
}

inline void store_le16(uint8_t* p, uint32_t value) {
  p[0] = static_cast<uint8_t>(value);
  p[1] = static_cast<uint8_t>(value >> 8);
}

inline void store_le32(uint8_t* p, uint32_t value) {
  store_le16(p, value & 0xFFFF);
  store_le16(p + 2, value >> 16);
}

}  // namespace guise::io
