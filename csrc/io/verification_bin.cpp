// From values to pairs, and from pairs to a pickle. Which opcodes there may be is
// pickle_values.cpp.
#include "io/verification_bin.h"

#include <limits>
#include <utility>

#include "core/check.h"
#include "io/atomic_file.h"
#include "io/byte_reader.h"

namespace guise::io {
namespace {

// Two arrays and a scalar of the wordiest protocol take 27 values.
constexpr size_t kValuesPerPair = 32, kMoreValues = 1024;
constexpr size_t kItemsPerAppend = 1000;  // as Python's pickler

bool is_sequence(const PickleValue& value) {
  return value.kind == PickleKind::kList || value.kind == PickleKind::kTuple;
}

[[noreturn]] void refuse(const std::string& what) {
  throw CorruptFile(
      core::message("a verification set must be a pickle of (pictures, booleans), two "
                    "pictures for each boolean; ",
                    what));
}

std::vector<uint32_t> pictures_in(const PickleDocument& document, const PickleValue& list,
                                  const VerificationBinLimits& limits) {
  if (!is_sequence(list)) refuse("its pictures are no list");
  for (size_t i = 0; i < list.items.size(); ++i) {
    const PickleValue& picture = document.values[list.items[i]];
    const bool is_array = picture.kind == PickleKind::kArray && picture.number == 'u';
    if (picture.kind != PickleKind::kBytes && !is_array) {
      refuse(core::message("picture ", i, " is not made of bytes"));
    }
    if (picture.bytes.empty()) refuse(core::message("picture ", i, " is empty"));
    if (picture.bytes.size() > static_cast<size_t>(limits.max_picture_bytes)) {
      refuse(core::message("picture ", i, " has ", picture.bytes.size(), " bytes; the limit is ",
                           limits.max_picture_bytes));
    }
  }
  return list.items;
}

std::vector<uint8_t> booleans_in(const PickleDocument& document, const PickleValue& list) {
  std::vector<uint8_t> same;
  if (list.kind == PickleKind::kArray && list.number == 'b') {
    for (const char value : list.bytes) {
      if (value != 0 && value != 1) refuse("a boolean is neither 0 nor 1");
      same.push_back(static_cast<uint8_t>(value));
    }
    return same;
  }
  if (!is_sequence(list)) refuse("its booleans are no list");
  for (size_t k = 0; k < list.items.size(); ++k) {
    const PickleValue& value = document.values[list.items[k]];
    if (value.kind != PickleKind::kBool) refuse(core::message("label ", k, " is no boolean"));
    same.push_back(static_cast<uint8_t>(value.number));
  }
  return same;
}

void check_limits(const VerificationBinLimits& limits) {
  GUISE_CHECK_ARG(limits.max_file_bytes >= 1 && limits.max_pairs >= 1 &&
                      limits.max_pairs <= 10'000'000 && limits.max_picture_bytes >= 1,
                  "limits of a verification set must be at least 1, and at most 10,000,000 pairs; "
                  "got ",
                  limits.max_file_bytes, " bytes, ", limits.max_pairs, " pairs and ",
                  limits.max_picture_bytes, " bytes a picture");
}

class PickleWriter {
 public:
  void byte(uint8_t value) { bytes_.push_back(value); }
  void memoize() { byte(0x94); }

  void picture(std::string_view picture) {
    uint8_t length[4];
    store_le32(length, static_cast<uint32_t>(picture.size()));
    byte('B');
    bytes_.insert(bytes_.end(), length, length + 4);
    bytes_.insert(bytes_.end(), picture.begin(), picture.end());
    memoize();
  }

  // A list whose items `item(i)` writes.
  template <typename Item>
  void list(size_t count, const Item& item) {
    byte(']');
    memoize();
    for (size_t i = 0; i < count; ++i) {
      if (i % kItemsPerAppend == 0) byte('(');
      item(i);
      if (i % kItemsPerAppend == kItemsPerAppend - 1 || i + 1 == count) byte('e');
    }
  }

  std::vector<uint8_t> take() { return std::move(bytes_); }

 private:
  std::vector<uint8_t> bytes_;
};

}  // namespace

VerificationBin::VerificationBin(std::vector<uint8_t> file, const std::string& name_for_errors,
                                 const VerificationBinLimits& limits)
    : file_(std::move(file)) {
  check_limits(limits);
  try {
    const size_t max_values = kValuesPerPair * static_cast<size_t>(limits.max_pairs) + kMoreValues;
    document_ = parse_pickle(file_.data(), file_.size(), max_values);
    const PickleValue& root = document_.values[document_.root];
    if (!is_sequence(root) || root.items.size() != 2) refuse("it is something else");
    const PickleValue& labels = document_.values[root.items[1]];
    const size_t claimed =
        labels.kind == PickleKind::kArray ? labels.bytes.size() : labels.items.size();
    if (claimed > static_cast<size_t>(limits.max_pairs)) {
      refuse(core::message("it has ", claimed, " pairs; the limit is ", limits.max_pairs));
    }
    same_ = booleans_in(document_, labels);
    const PickleValue& pictures = document_.values[root.items[0]];
    if (pictures.items.size() != 2 * same_.size() || same_.empty()) {
      refuse(core::message("it has ", pictures.items.size(), " pictures for ", same_.size(),
                           " booleans"));
    }
    pictures_ = pictures_in(document_, pictures, limits);
  } catch (const CorruptFile& error) {
    throw CorruptFile(core::message(name_for_errors, ": ", error.what()));
  }
}

VerificationBin read_verification_bin(const std::string& path,
                                      const VerificationBinLimits& limits) {
  check_limits(limits);
  return {read_file(path, limits.max_file_bytes), path, limits};
}

std::vector<uint8_t> serialize_verification_bin(const std::vector<std::string_view>& pictures,
                                                const std::vector<bool>& same) {
  GUISE_CHECK_ARG(!same.empty() && pictures.size() == 2 * same.size(),
                  "a verification set must have two pictures for each pair; got ", pictures.size(),
                  " for ", same.size());
  for (size_t i = 0; i < pictures.size(); ++i) {
    GUISE_CHECK_ARG(
        !pictures[i].empty() && pictures[i].size() <= std::numeric_limits<uint32_t>::max(),
        "a picture must have 1 to 2^32 - 1 bytes; picture ", i, " has ", pictures[i].size());
  }
  PickleWriter writer;
  writer.byte(0x80);
  writer.byte(4);
  writer.list(pictures.size(), [&](size_t i) { writer.picture(pictures[i]); });
  writer.list(same.size(), [&](size_t k) { writer.byte(same[k] ? 0x88 : 0x89); });
  writer.byte(0x86);
  writer.memoize();
  writer.byte('.');
  return writer.take();
}

void write_verification_bin(const std::string& path, const std::vector<std::string_view>& pictures,
                            const std::vector<bool>& same) {
  const std::vector<uint8_t> file = serialize_verification_bin(pictures, same);
  write_file_atomically(path, file.data(), file.size());
}

}  // namespace guise::io
