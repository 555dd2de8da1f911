// One-line pixel conversions that several codecs share.
//
// The trap: colour below full transparency is often the original of a picture that was "erased" by
// painting on the alpha channel; over_white leaves nothing of it.
#pragma once

#include <cstdint>
#include <vector>

namespace guise::io {

// value * alpha + white * (1 - alpha), rounded to nearest; alpha 0 gives 255 whatever the value.
inline uint8_t over_white(uint32_t value, uint32_t alpha) {
  return static_cast<uint8_t>((value * alpha + 255 * (255 - alpha) + 127) / 255);
}

// count RGBA pixels -> count RGB pixels over white.
inline void flatten_rgba(const uint8_t* rgba, int64_t count, uint8_t* rgb) {
  for (int64_t i = 0; i < count; ++i) {
    const uint32_t alpha = rgba[4 * i + 3];
    for (int c = 0; c < 3; ++c) rgb[3 * i + c] = over_white(rgba[4 * i + c], alpha);
  }
}

// BT.601 luma in 8 bits; weights sum to 256, so that R == G == B comes back unchanged.
inline void luma_row(const uint8_t* rgb, int64_t count, uint8_t* grey) {
  for (int64_t i = 0; i < count; ++i) {
    const uint32_t sum = 77u * rgb[3 * i] + 150u * rgb[3 * i + 1] + 29u * rgb[3 * i + 2] + 128u;
    grey[i] = static_cast<uint8_t>(sum >> 8);
  }
}

// The colour space an ICC profile is for (bytes 16..19) must be that of the pixels it goes with.
inline bool icc_profile_fits(const std::vector<uint8_t>& profile, bool grey) {
  if (profile.size() < 128) return false;
  const char* wanted = grey ? "GRAY" : "RGB ";
  for (int i = 0; i < 4; ++i) {
    if (profile[16 + i] != static_cast<uint8_t>(wanted[i])) return false;
  }
  return true;
}

}  // namespace guise::io
