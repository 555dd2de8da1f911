// Header JSON -> entries by a small state machine over SAX events, then the layout checks.
//
// Depth 1 holds names, depth 2 the fields of a tensor or of "__metadata__", depth 3 the two lists.
// The trap: the JSON library stops at a NUL byte and skips a byte-order mark; both are refused
// first.
#include "io/safetensors_header.h"

#include <algorithm>
#include <cstring>
#include <limits>
#include <nlohmann/json.hpp>
#include <set>
#include <tuple>

#include "core/check.h"
#include "io/safetensors.h"

namespace guise::io {
namespace {

constexpr const char* kMetadata = "__metadata__";
constexpr uint64_t kMaxElements = uint64_t{1} << 60;

// Ranks follow the declaration order of Dtype in the reference implementation.
constexpr SafetensorsDtype kDtypes[] = {
    {"BOOL", at::kBool, 0}, {"U8", at::kByte, 1},   {"I8", at::kChar, 2},
    {"I16", at::kShort, 3}, {"F16", at::kHalf, 4},  {"BF16", at::kBFloat16, 5},
    {"I32", at::kInt, 6},   {"F32", at::kFloat, 7}, {"F64", at::kDouble, 8},
    {"I64", at::kLong, 9},
};

[[noreturn]] void refuse(const std::string& what) {
  throw CorruptFile(
      core::message("a safetensors header ", what, "; take the file from its source again"));
}

// Turns SAX events into entries. Events that do not fit the place where they come are refused.
class HeaderReader : public nlohmann::json_sax<nlohmann::json> {
 public:
  SafetensorsHeader take() { return std::move(header_); }

  bool start_object(size_t) override {
    if (depth_ == 0 || (depth_ == 1 && in_list_ == nullptr)) {
      ++depth_;
      if (depth_ == 2) begin_member();
      return true;
    }
    refuse("must not nest objects this deep");
  }

  bool end_object() override {
    if (depth_ == 2 && !in_metadata_) finish_entry();
    --depth_;
    return true;
  }

  bool key(string_t& text) override {
    if (depth_ == 1) {
      if (!names_.insert(text).second) refuse(core::message("must not name '", text, "' twice"));
      if (names_.size() > kMaxSafetensorsTensors + 1) refuse("names more tensors than allowed");
    } else if (!fields_.insert(text).second) {
      refuse(core::message("must not hold the key '", text, "' twice"));
    }
    (depth_ == 1 ? name_ : field_) = text;
    return true;
  }

  bool string(string_t& text) override {
    if (depth_ != 2 || in_list_ != nullptr) refuse("has a string in a wrong place");
    if (in_metadata_) {
      header_.metadata[field_] = text;
    } else if (field_ == "dtype") {
      entry_.dtype = dtype_of(text);
    } else {
      refuse(core::message("has a string in the field '", field_, "'"));
    }
    return true;
  }

  bool start_array(size_t) override {
    if (depth_ != 2 || in_metadata_ || in_list_ != nullptr) refuse("has a list in a wrong place");
    if (field_ == "shape") {
      in_list_ = &shape_;
    } else if (field_ == "data_offsets") {
      in_list_ = &offsets_;
    } else {
      refuse(core::message("has an unknown field '", field_, "'"));
    }
    return true;
  }

  bool end_array() override {
    in_list_ = nullptr;
    return true;
  }

  bool number_unsigned(number_unsigned_t value) override {
    if (in_list_ == nullptr) refuse("has a number in a wrong place");
    if (in_list_->size() >= kMaxSafetensorsRank) refuse("has a shape of too many dimensions");
    in_list_->push_back(value);
    return true;
  }

  bool null() override { refuse("must not hold null"); }
  bool boolean(bool) override { refuse("must not hold true or false"); }
  bool number_integer(number_integer_t) override { refuse("must not hold negative numbers"); }
  bool number_float(number_float_t, const string_t&) override { refuse("must hold whole numbers"); }
  bool binary(binary_t&) override { refuse("must not hold binary values"); }
  bool parse_error(size_t at, const std::string&, const nlohmann::json::exception&) override {
    refuse(core::message("must be valid JSON; the fault is at byte ", at));
  }

 private:
  static at::ScalarType dtype_of(const std::string& text) {
    for (const auto& row : kDtypes) {
      if (text == row.name) return row.dtype;
    }
    refuse(core::message("has the dtype '", text.substr(0, 16),
                         "'; F64 F32 F16 BF16 I64 I32 I16 I8 U8 BOOL can be read"));
  }

  void begin_member() {
    in_metadata_ = name_ == kMetadata;
    fields_.clear();
    shape_.clear();
    offsets_.clear();
    entry_ = SafetensorsEntry();
  }

  void finish_entry() {
    const bool complete = fields_.size() == 3 && fields_.count("dtype") == 1 &&
                          fields_.count("shape") == 1 && fields_.count("data_offsets") == 1;
    if (!complete || offsets_.size() != 2) {
      refuse(core::message("must give '", name_, "' a dtype, a shape and two data_offsets"));
    }
    entry_.name = name_;
    entry_.begin = offsets_[0];
    entry_.end = offsets_[1];
    for (const uint64_t side : shape_) {
      if (side > kMaxElements) refuse(core::message("gives '", name_, "' an impossible shape"));
      entry_.shape.push_back(static_cast<int64_t>(side));
    }
    header_.entries.push_back(std::move(entry_));
  }

  SafetensorsHeader header_;
  SafetensorsEntry entry_;
  std::set<std::string> names_;
  std::set<std::string> fields_;  // of the member that is being read
  std::string name_;
  std::string field_;
  std::vector<uint64_t> shape_;
  std::vector<uint64_t> offsets_;
  std::vector<uint64_t>* in_list_ = nullptr;
  int depth_ = 0;
  bool in_metadata_ = false;
};

// Bytes the shape asks for. Zero sides are passed over in the overflow check too, because strides
// are products of the other sides.
uint64_t checked_bytes(const SafetensorsEntry& entry) {
  uint64_t product = 1;
  bool empty = false;
  for (const int64_t side : entry.shape) {
    empty = empty || side == 0;
    const auto factor = static_cast<uint64_t>(std::max<int64_t>(side, 1));
    if (product > kMaxElements / factor) {
      refuse(core::message("gives '", entry.name, "' an impossible shape"));
    }
    product *= factor;
  }
  return empty ? 0 : product * c10::elementSize(entry.dtype);
}

void check_layout(std::vector<SafetensorsEntry>& entries, uint64_t data_bytes) {
  std::sort(entries.begin(), entries.end(), [](const auto& left, const auto& right) {
    return std::tie(left.begin, left.end, left.name) < std::tie(right.begin, right.end, right.name);
  });
  uint64_t at = 0;
  for (const auto& entry : entries) {
    if (entry.begin != at) {
      refuse(core::message("must place tensors without holes or overlaps; '", entry.name,
                           "' begins at ", entry.begin, " instead of ", at));
    }
    if (entry.end < entry.begin || entry.end - entry.begin != checked_bytes(entry)) {
      refuse(core::message("must give '", entry.name, "' the bytes its shape and dtype need"));
    }
    at = entry.end;
  }
  if (at != data_bytes) {
    refuse(core::message("describes ", at, " bytes of tensors; the file holds ", data_bytes));
  }
}

}  // namespace

const SafetensorsDtype* find_safetensors_dtype(at::ScalarType dtype) {
  for (const auto& row : kDtypes) {
    if (row.dtype == dtype) return &row;
  }
  return nullptr;
}

SafetensorsHeader parse_safetensors_header(const char* json, size_t size, uint64_t data_bytes) {
  if (std::memchr(json, '\0', size) != nullptr) refuse("must not hold NUL bytes");
  const char* end = json + size;
  const char* first = std::find_if(
      json, end, [](char c) { return c != ' ' && c != '\t' && c != '\n' && c != '\r'; });
  if (first == end || *first != '{') refuse("must begin with '{'");
  HeaderReader reader;
  nlohmann::json::sax_parse(first, end, &reader);
  SafetensorsHeader header = reader.take();
  if (header.entries.size() > kMaxSafetensorsTensors) refuse("names more tensors than allowed");
  check_layout(header.entries, data_bytes);
  return header;
}

std::string format_safetensors_header(const SafetensorsHeader& header) {
  nlohmann::ordered_json json = nlohmann::ordered_json::object();
  if (!header.metadata.empty()) json[kMetadata] = header.metadata;
  // Pushed as pairs: operator[] of ordered_json searches all keys each time.
  auto& members = json.get_ref<nlohmann::ordered_json::object_t&>();
  for (const auto& entry : header.entries) {
    nlohmann::ordered_json fields;
    fields["dtype"] = find_safetensors_dtype(entry.dtype)->name;
    fields["shape"] = entry.shape;
    fields["data_offsets"] = {entry.begin, entry.end};
    members.push_back({entry.name, std::move(fields)});
  }
  std::string text;
  try {
    text = json.dump();
  } catch (const nlohmann::json::type_error&) {
    throw std::invalid_argument("names and metadata of a safetensors file must be valid UTF-8");
  }
  text.resize((text.size() + 7) / 8 * 8, ' ');
  return text;
}

}  // namespace guise::io
