// Bytes or a file -> SHA-256 in 64 lower-case hexadecimal digits.
//
// FIPS 180-4, computed by OpenSSL libcrypto.
// The trap: a checksum says that bytes are the ones named, not that they are safe to parse.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

namespace guise::io {

// Throws Unavailable where libcrypto offers no SHA-256.
std::string sha256_hex(const uint8_t* data, size_t size);

// Reads in pieces, so that the file may be larger than memory. Throws Unavailable where it cannot
// be read or is not a regular file.
std::string sha256_file(const std::string& path);

}  // namespace guise::io
