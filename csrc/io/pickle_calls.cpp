#include "io/pickle_calls.h"

#include <algorithm>
#include <string>

#include "core/check.h"

namespace guise::io {
namespace {

struct KnownName {
  std::string_view module, name;
  PickleName kind;
};

constexpr KnownName kKnownNames[] = {
    {"numpy.core.multiarray", "_reconstruct", PickleName::kReconstruct},
    {"numpy._core.multiarray", "_reconstruct", PickleName::kReconstruct},
    {"numpy.core.numeric", "_frombuffer", PickleName::kFromBuffer},
    {"numpy._core.numeric", "_frombuffer", PickleName::kFromBuffer},
    {"numpy.core.multiarray", "scalar", PickleName::kScalar},
    {"numpy._core.multiarray", "scalar", PickleName::kScalar},
    {"numpy", "ndarray", PickleName::kNdarray},
    {"numpy", "dtype", PickleName::kDtype},
    {"_codecs", "encode", PickleName::kEncode},
};
constexpr size_t kLongestShownName = 60;
constexpr size_t kMostDimensions = 2;  // cv2.imencode gave [n, 1] before OpenCV 4.5.4

// For messages: printable ASCII, not too long.
std::string shown(std::string_view text) {
  std::string clean(text.substr(0, kLongestShownName));
  std::replace_if(
      clean.begin(), clean.end(), [](char c) { return c < ' ' || c > '~'; }, '?');
  return clean + (text.size() > kLongestShownName ? "..." : "");
}

[[noreturn]] void refuse(const char* what) {
  throw CorruptFile(
      core::message("numpy values in a pickle of face pairs must be whole 1-D uint8 or "
                    "bool arrays, or bool scalars; ",
                    what));
}

const PickleValue& value(const PickleDocument& document, uint32_t place) {
  return document.values[place];
}

const PickleValue& item(const PickleDocument& document, const PickleValue& tuple, size_t i) {
  return document.values[tuple.items[i]];
}

bool is_text(const PickleValue& value, std::string_view text) {
  return (value.kind == PickleKind::kText || value.kind == PickleKind::kBytes) &&
         value.bytes == text;
}

// Dimensions multiply to `count`, and at most one is not 1.
bool is_flat(const PickleDocument& document, const PickleValue& shape, size_t count) {
  if (shape.kind != PickleKind::kTuple && shape.kind != PickleKind::kInteger) return false;
  if (shape.kind == PickleKind::kInteger) return shape.number == static_cast<int64_t>(count);
  if (shape.items.empty() || shape.items.size() > kMostDimensions) return false;
  size_t wide = 0;
  for (const uint32_t place : shape.items) {
    const PickleValue& side = value(document, place);
    if (side.kind != PickleKind::kInteger) return false;
    if (side.number == 1) continue;
    if (side.number != static_cast<int64_t>(count)) return false;
    ++wide;
  }
  return count == 1 ? wide == 0 : wide == 1;
}

PickleValue array_of(const PickleDocument& document, const PickleValue& bytes,
                     const PickleValue& dtype, const PickleValue& shape) {
  if (dtype.kind != PickleKind::kDtype) refuse("an array has no dtype");
  if (bytes.kind != PickleKind::kBytes) refuse("an array has no bytes");
  if (!is_flat(document, shape, bytes.bytes.size())) {
    refuse("the shape of an array does not fit its bytes");
  }
  return {PickleKind::kArray, dtype.number, bytes.bytes};
}

PickleValue dtype_of(const PickleDocument& document, const PickleValue& arguments) {
  if (arguments.items.empty()) refuse("a dtype has no name");
  const PickleValue& name = item(document, arguments, 0);
  if (is_text(name, "u1") || is_text(name, "|u1")) return {PickleKind::kDtype, 'u'};
  if (is_text(name, "b1") || is_text(name, "|b1")) return {PickleKind::kDtype, 'b'};
  const bool has_name = name.kind == PickleKind::kText || name.kind == PickleKind::kBytes;
  throw CorruptFile(
      core::message("numpy values in a pickle of face pairs must be uint8 or bool; got ",
                    has_name ? shown(name.bytes) : "a dtype without a name"));
}

PickleValue scalar_of(const PickleDocument& document, const PickleValue& arguments) {
  if (arguments.items.size() != 2) refuse("a scalar must have a dtype and a value");
  const PickleValue& dtype = item(document, arguments, 0);
  const PickleValue& bytes = item(document, arguments, 1);
  if (dtype.kind != PickleKind::kDtype || bytes.kind != PickleKind::kBytes ||
      bytes.bytes.size() != 1) {
    refuse("a scalar has more or less than one byte");
  }
  const auto number = static_cast<uint8_t>(bytes.bytes[0]);
  if (dtype.number != 'b') return {PickleKind::kInteger, number};
  if (number > 1) refuse("a boolean is neither 0 nor 1");
  return {PickleKind::kBool, number};
}

// UTF-8 of characters 0 to 255 -> one byte each.
PickleValue latin1_of(PickleDocument& document, const PickleValue& arguments) {
  if (arguments.items.size() != 2 || item(document, arguments, 0).kind != PickleKind::kText ||
      !(is_text(item(document, arguments, 1), "latin1") ||
        is_text(item(document, arguments, 1), "latin-1"))) {
    throw CorruptFile("bytes in a pickle of face pairs must be written as latin1 text");
  }
  const std::string_view text = item(document, arguments, 0).bytes;
  std::string bytes;
  bytes.reserve(std::min(text.size(), document.decoded_left));
  for (size_t i = 0; i < text.size(); ++i) {
    const auto lead = static_cast<uint8_t>(text[i]);
    if (lead < 0x80) {
      bytes.push_back(static_cast<char>(lead));
      continue;
    }
    const auto next = i + 1 < text.size() ? static_cast<uint8_t>(text[i + 1]) : uint8_t{0};
    if ((lead != 0xC2 && lead != 0xC3) || (next & 0xC0) != 0x80) {
      throw CorruptFile("latin1 text in a pickle of face pairs must have characters below 256");
    }
    bytes.push_back(static_cast<char>((lead & 3) << 6 | (next & 0x3F)));
    ++i;
  }
  return {PickleKind::kBytes, 0, document.keep(std::move(bytes))};
}

}  // namespace

PickleName find_pickle_name(std::string_view module, std::string_view name) {
  for (const KnownName& known : kKnownNames) {
    if (known.module == module && known.name == name) return known.kind;
  }
  throw CorruptFile(core::message(
      "a pickle of face pairs must name nothing but numpy's arrays of uint8 and bool; this one "
      "names ",
      shown(module), ".", shown(name), ", and nothing of it was run; do not open it elsewhere"));
}

PickleValue call_pickle_name(PickleDocument& document, PickleName name, uint32_t place) {
  const PickleValue& arguments = value(document, place);
  if (arguments.kind != PickleKind::kTuple) refuse("a call has no tuple of arguments");
  switch (name) {
    case PickleName::kReconstruct:
      if (arguments.items.size() != 3 || item(document, arguments, 0).kind != PickleKind::kName ||
          item(document, arguments, 0).number != static_cast<int64_t>(PickleName::kNdarray)) {
        refuse("an array is of another class than ndarray");
      }
      return {PickleKind::kNoArray};
    case PickleName::kFromBuffer:
      if (arguments.items.size() != 4) refuse("a buffer must have bytes, dtype, shape and order");
      return array_of(document, item(document, arguments, 0), item(document, arguments, 1),
                      item(document, arguments, 2));
    case PickleName::kScalar:
      return scalar_of(document, arguments);
    case PickleName::kDtype:
      return dtype_of(document, arguments);
    case PickleName::kEncode:
      return latin1_of(document, arguments);
    case PickleName::kNdarray:
      break;
  }
  refuse("ndarray is called, which no writer does");
}

void set_pickle_state(PickleDocument& document, uint32_t place, uint32_t state_place) {
  PickleValue& target = document.values[place];
  const PickleValue& state = value(document, state_place);
  if (state.kind != PickleKind::kTuple) refuse("a state is not a tuple");
  if (target.kind == PickleKind::kDtype) return;  // byte order and alignment of single bytes
  if (target.kind != PickleKind::kNoArray || state.items.size() != 5) {
    refuse("a state belongs to no array");
  }
  target = array_of(document, item(document, state, 4), item(document, state, 2),
                    item(document, state, 1));
}

}  // namespace guise::io
