// Checked entries <-> tensors; the header itself is safetensors_header.cpp.
//
// Sizes are known to fit the file before any memory is taken.
// The trap: a bool that is neither 0 nor 1 is undefined behaviour in C++, so BOOL bytes are looked
// at.
#include "io/safetensors.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <cstring>

#include "core/check.h"
#include "io/atomic_file.h"
#include "io/byte_reader.h"
#include "io/posix_file.h"
#include "io/safetensors_header.h"

static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__,
              "safetensors are little-endian and are copied as they are");

namespace guise::io {
namespace {

constexpr size_t kLengthBytes = 8;

// Header length out of the first 8 bytes of a file of `size` bytes.
uint64_t checked_header_bytes(const uint8_t* data, uint64_t size) {
  const uint64_t bytes = load_le64(data);
  if (bytes > kMaxSafetensorsHeaderBytes || bytes > size - kLengthBytes) {
    throw CorruptFile(core::message("a safetensors header must have at most ",
                                    kMaxSafetensorsHeaderBytes,
                                    " bytes and lie in the file; it claims ", bytes, " of ", size));
  }
  return bytes;
}

[[noreturn]] void refuse_short_file() {
  throw CorruptFile("a safetensors file must have at least 8 bytes; it ends earlier");
}

at::Tensor new_tensor(const SafetensorsEntry& entry) {
  return at::empty(entry.shape, at::TensorOptions().dtype(entry.dtype).device(at::kCPU));
}

void check_bools(const SafetensorsEntry& entry, const uint8_t* bytes) {
  if (entry.dtype != at::kBool) return;
  const uint8_t* end = bytes + (entry.end - entry.begin);
  if (std::any_of(bytes, end, [](uint8_t value) { return value > 1; })) {
    throw CorruptFile(core::message("the BOOL tensor '", entry.name, "' must hold 0 and 1 only"));
  }
}

[[noreturn]] void rethrow_with_name(const std::string& name, const CorruptFile& error) {
  throw CorruptFile(core::message(name, ": ", error.what()));
}

SafetensorsFile read_open_file(const FileDescriptor& file, const std::string& path) {
  const auto size = static_cast<uint64_t>(file_size(file, path));
  uint8_t length[kLengthBytes];
  if (read_up_to(file, length, kLengthBytes, path) != kLengthBytes) refuse_short_file();
  const uint64_t header_bytes = checked_header_bytes(length, size);
  std::vector<uint8_t> json(header_bytes);
  const auto read_exactly = [&](uint8_t* to, size_t count) {
    if (read_up_to(file, to, count, path) != count) {
      throw CorruptFile("the file became shorter while it was read; try again");
    }
  };
  read_exactly(json.data(), json.size());
  SafetensorsHeader header = parse_safetensors_header(
      reinterpret_cast<const char*>(json.data()), json.size(), size - kLengthBytes - header_bytes);
  SafetensorsFile result;
  result.metadata = std::move(header.metadata);
  for (const auto& entry : header.entries) {
    at::Tensor tensor = new_tensor(entry);
    auto* bytes = static_cast<uint8_t*>(tensor.mutable_data_ptr());
    read_exactly(bytes, entry.end - entry.begin);
    check_bools(entry, bytes);
    result.tensors.emplace_back(entry.name, std::move(tensor));
  }
  return result;
}

SafetensorsEntry describe(const std::string& name, const at::Tensor& tensor) {
  GUISE_CHECK_ARG(name != "__metadata__", "a tensor must not be named __metadata__");
  GUISE_CHECK_ARG(tensor.defined() && tensor.layout() == at::kStrided, "the tensor '", name,
                  "' must be defined and dense");
  const auto* dtype = find_safetensors_dtype(tensor.scalar_type());
  GUISE_CHECK_ARG(dtype != nullptr, "the tensor '", name,
                  "' must have a dtype of F64 F32 F16 BF16 I64 I32 I16 I8 U8 BOOL; got ",
                  c10::toString(tensor.scalar_type()));
  GUISE_CHECK_ARG(tensor.dim() <= static_cast<int64_t>(kMaxSafetensorsRank), "the tensor '", name,
                  "' must have at most ", kMaxSafetensorsRank, " dimensions; got ", tensor.dim());
  SafetensorsEntry entry;
  entry.name = name;
  entry.dtype = tensor.scalar_type();
  entry.shape = tensor.sizes().vec();
  entry.end = tensor.nbytes();  // made an offset once the order is known
  return entry;
}

SafetensorsHeader lay_out(const std::map<std::string, at::Tensor>& tensors,
                          const std::map<std::string, std::string>& metadata) {
  GUISE_CHECK_ARG(tensors.size() <= kMaxSafetensorsTensors, "a file must hold at most ",
                  kMaxSafetensorsTensors, " tensors; got ", tensors.size());
  SafetensorsHeader header;
  header.metadata = metadata;
  for (const auto& [name, tensor] : tensors) header.entries.push_back(describe(name, tensor));
  // Stable: the map already gives names in order.
  std::stable_sort(
      header.entries.begin(), header.entries.end(), [](const auto& left, const auto& right) {
        return find_safetensors_dtype(left.dtype)->rank > find_safetensors_dtype(right.dtype)->rank;
      });
  uint64_t at = 0;
  for (auto& entry : header.entries) {
    entry.begin = at;
    at += entry.end;
    entry.end = at;
  }
  return header;
}

}  // namespace

SafetensorsFile parse_safetensors(const uint8_t* data, size_t size,
                                  const std::string& name_for_errors) {
  try {
    if (size < kLengthBytes) refuse_short_file();
    const uint64_t header_bytes = checked_header_bytes(data, size);
    const uint8_t* behind = data + kLengthBytes + header_bytes;
    SafetensorsHeader header =
        parse_safetensors_header(reinterpret_cast<const char*>(data + kLengthBytes), header_bytes,
                                 size - kLengthBytes - header_bytes);
    SafetensorsFile result;
    result.metadata = std::move(header.metadata);
    for (const auto& entry : header.entries) {
      at::Tensor tensor = new_tensor(entry);
      const uint64_t bytes = entry.end - entry.begin;
      check_bools(entry, behind + entry.begin);
      if (bytes > 0) std::memcpy(tensor.mutable_data_ptr(), behind + entry.begin, bytes);
      result.tensors.emplace_back(entry.name, std::move(tensor));
    }
    return result;
  } catch (const CorruptFile& error) {
    rethrow_with_name(name_for_errors, error);
  }
}

SafetensorsFile read_safetensors(const std::string& path) {
  const FileDescriptor file = open_regular(path);
  try {
    return read_open_file(file, path);
  } catch (const CorruptFile& error) {
    rethrow_with_name(path, error);
  }
}

std::vector<uint8_t> serialize_safetensors(const std::map<std::string, at::Tensor>& tensors,
                                           const std::map<std::string, std::string>& metadata) {
  const SafetensorsHeader header = lay_out(tensors, metadata);
  const std::string json = format_safetensors_header(header);
  GUISE_CHECK_ARG(json.size() <= kMaxSafetensorsHeaderBytes,
                  "names and metadata must take at most ", kMaxSafetensorsHeaderBytes, " bytes");
  const uint64_t data_bytes = header.entries.empty() ? 0 : header.entries.back().end;
  std::vector<uint8_t> file(kLengthBytes + json.size() + data_bytes);
  store_le32(file.data(), static_cast<uint32_t>(json.size()));  // the upper half stays 0
  std::memcpy(file.data() + kLengthBytes, json.data(), json.size());
  uint8_t* behind = file.data() + kLengthBytes + json.size();
  for (const auto& entry : header.entries) {
    const at::Tensor packed = tensors.at(entry.name).detach().to(at::kCPU).contiguous();
    const uint64_t bytes = entry.end - entry.begin;
    if (bytes > 0) std::memcpy(behind + entry.begin, packed.const_data_ptr(), bytes);
  }
  return file;
}

void write_safetensors(const std::string& path, const std::map<std::string, at::Tensor>& tensors,
                       const std::map<std::string, std::string>& metadata) {
  const auto file = serialize_safetensors(tensors, metadata);
  write_file_atomically(path, file.data(), file.size());
}

}  // namespace guise::io
