// XMP packets that say a picture is synthetic, put into JPEG and PNG files and found again.
//
// Adobe XMP part 3 (a JPEG's APP1 segment, a PNG's iTXt chunk) and the IPTC property
// DigitalSourceType. The compressed picture data is copied byte for byte.
// The trap: a JPEG segment ends at 65,535 bytes; packets are held to that in both formats.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace guise::io {

// Longest packet, in bytes.
inline constexpr size_t kMaxXmpBytes = 65'502;

struct Provenance {
  std::string generator;                      // "guise 0.1.0 render"
  std::map<std::string, std::string> models;  // name -> SHA-256, 64 lower-case hexadecimal digits
};

// A packet with the source type trainedAlgorithmicMedia, the generator as xmp:CreatorTool and the
// models in the namespace urn:guise:provenance:1. It holds no time, so the same facts give the same
// bytes. Throws std::invalid_argument for an empty generator or name, characters that are not
// printable ASCII, a malformed SHA-256, or more models than a packet of kMaxXmpBytes can name.
std::string provenance_xmp(const Provenance& provenance);

// The JPEG or PNG file with `packet` in it: in a JPEG behind the leading APP0 (JFIF) and Exif
// segments, in a PNG right before its first IDAT. Throws std::invalid_argument for other formats, a
// packet that is empty, too long or has a zero byte, and a picture that already has one;
// CorruptFile where the picture's segments or chunks are damaged.
std::vector<uint8_t> with_xmp(const std::vector<uint8_t>& picture, const std::string& packet);

// The packet of a JPEG or PNG file, or "" where it has none. A compressed packet in a PNG, against
// the standard, counts as none. Throws std::invalid_argument for other formats, CorruptFile where
// the segments or chunks are damaged.
std::string find_xmp(const std::vector<uint8_t>& picture);

}  // namespace guise::io
