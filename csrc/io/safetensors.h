// safetensors bytes <-> named tensors, strict in both directions.
//
// Format: 8-byte little-endian header length N, N bytes of JSON, then the tensors' bytes without
// holes (huggingface/safetensors). Read: anything the reference parser refuses, and also duplicate
// keys, unknown keys, a byte-order mark, BOOL bytes other than 0 and 1. White space before "{" is
// accepted. The trap: every number in the header is a claim; all are checked, with overflow, before
// memory is taken, and the last byte of the last tensor must be the last byte of the file.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

namespace guise::io {

// Largest JSON header that is read or written, as in the reference parser.
constexpr uint64_t kMaxSafetensorsHeaderBytes = 100'000'000;
// More tensors or dimensions than any published model has.
constexpr size_t kMaxSafetensorsTensors = 65'536;
constexpr size_t kMaxSafetensorsRank = 16;

// Dtypes: F64 F32 F16 BF16 I64 I32 I16 I8 U8 BOOL.
struct SafetensorsFile {
  std::vector<std::pair<std::string, at::Tensor>>
      tensors;                                  // in file order; CPU, contiguous, own memory
  std::map<std::string, std::string> metadata;  // "__metadata__"
};

// Parses data[0, size), a whole file. Throws CorruptFile, beginning with `name_for_errors`, for
// anything that breaks the rules above or has another dtype. Values (NaN, infinity) are not
// checked.
SafetensorsFile parse_safetensors(const uint8_t* data, size_t size,
                                  const std::string& name_for_errors);

// The same for a file, reading each tensor straight into its own memory. Throws Unavailable where
// the path cannot be read or is not a regular file.
SafetensorsFile read_safetensors(const std::string& path);

// Tensors of any device and stride -> bytes; order, padding and JSON as the reference writer makes
// them (larger dtypes first, then by name), so that equal tensors give equal bytes.
// Throws std::invalid_argument for an undefined or sparse tensor, another dtype, a name that is
// "__metadata__" or not UTF-8, or more than the limits above.
std::vector<uint8_t> serialize_safetensors(const std::map<std::string, at::Tensor>& tensors,
                                           const std::map<std::string, std::string>& metadata = {});

// serialize_safetensors, then write_file_atomically.
void write_safetensors(const std::string& path, const std::map<std::string, at::Tensor>& tensors,
                       const std::map<std::string, std::string>& metadata = {});

}  // namespace guise::io
