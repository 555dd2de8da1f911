// The few values that a pickle of face pairs is made of, read without running anything.
//
// Format: Python's pickle, protocols 0 to 5 (pickletools.py). Understood are None, booleans, whole
// numbers, texts, byte strings, lists, tuples, the memo, and the fixed set of calls in
// pickle_calls.h. Any other opcode or name is CorruptFile, with its name in the message.
//
// The traps: counts and lengths are claims, and the memo may repeat a value often. So bytes of the
// file are referred to and not copied, what must be decoded has a budget, the number of values and
// the places of the memo have limits, and nothing here recurses.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <vector>

namespace guise::io {

enum class PickleKind : uint8_t {
  kMark,  // on the stack only
  kNone,
  kBool,     // number: 0 or 1
  kInteger,  // number
  kText,     // bytes: UTF-8, unchecked
  kBytes,    // bytes
  kList,     // items
  kTuple,    // items
  kName,     // number: a PickleName
  kDtype,    // number: 'u' (uint8) or 'b' (bool)
  kNoArray,  // an array whose state is still to come
  kArray,    // number: the dtype's letter; bytes: the values, in one dimension
};

struct PickleValue {
  PickleKind kind = PickleKind::kNone;
  int64_t number = 0;
  std::string_view bytes = {};       // of the file, or of PickleDocument::decoded
  std::vector<uint32_t> items = {};  // places in PickleDocument::values
};

struct PickleDocument {
  std::vector<PickleValue> values;
  std::deque<std::string> decoded;  // bytes that do not stand in the file as they are
  uint32_t root = 0;
  size_t decoded_left = 0;  // the budget: bytes that may still be decoded

  // Keeps `text` and charges it to the budget. Throws CorruptFile where that is spent.
  std::string_view keep(std::string text);
};

// Parses data[0, size), which must outlive the result. At most `max_values` values are made; what
// is decoded has at most 4 * size bytes. Throws CorruptFile for anything but one whole pickle of
// the kind above that ends with the data.
PickleDocument parse_pickle(const uint8_t* data, size_t size, size_t max_values);

}  // namespace guise::io
