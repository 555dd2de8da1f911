// The JSON header of a safetensors file <-> a checked list of entries.
//
// The trap: a JSON library that builds a map keeps one of two equal keys and says nothing; the
// header is read event by event, so that duplicates are seen.
#pragma once

#include <c10/core/ScalarType.h>

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace guise::io {

struct SafetensorsEntry {
  std::string name;
  at::ScalarType dtype = at::kFloat;
  std::vector<int64_t> shape;
  uint64_t begin = 0;  // offsets into the data behind the header
  uint64_t end = 0;
};

struct SafetensorsHeader {
  std::vector<SafetensorsEntry> entries;  // by offset: no holes, no overlaps, from 0 to data_bytes
  std::map<std::string, std::string> metadata;
};

// One row for each dtype that is read and written, smallest rank first. The rank is the order in
// which the reference writer sorts (largest first).
struct SafetensorsDtype {
  const char* name;
  at::ScalarType dtype;
  int rank;
};

// Row of `dtype`, or null.
const SafetensorsDtype* find_safetensors_dtype(at::ScalarType dtype);

// json: the N bytes of the header. data_bytes: bytes of the file behind it. Throws CorruptFile with
// a message that does not name the file.
SafetensorsHeader parse_safetensors_header(const char* json, size_t size, uint64_t data_bytes);

// JSON text for entries in the order given, padded with spaces to a multiple of 8. Throws
// std::invalid_argument for text that is not UTF-8.
std::string format_safetensors_header(const SafetensorsHeader& header);

}  // namespace guise::io
