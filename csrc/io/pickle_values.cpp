// A stack machine without the power to call: opcode by opcode, each claim checked against what is
// left of the data before it is used.
#include "io/pickle_values.h"

#include <charconv>
#include <limits>
#include <utility>

#include "core/check.h"
#include "io/byte_reader.h"
#include "io/pickle_calls.h"
#include "io/pickle_text.h"

namespace guise::io {
namespace {

constexpr uint32_t kEmpty = std::numeric_limits<uint32_t>::max();  // a place of the memo
constexpr size_t kMemoPerValue = 4;
constexpr int kHighestProtocol = 5;

class Machine {
 public:
  Machine(const uint8_t* data, size_t size, size_t max_values)
      : data_(data), size_(size), max_values_(max_values) {
    document_.decoded_left = 4 * size;
    // Values of which there need be only one.
    for (const PickleValue& shared :
         {PickleValue{PickleKind::kMark}, PickleValue{PickleKind::kNone},
          PickleValue{PickleKind::kBool, 0}, PickleValue{PickleKind::kBool, 1},
          PickleValue{PickleKind::kTuple}}) {
      document_.values.push_back(shared);
    }
  }

  PickleDocument run() {
    while (true) {
      opcode_at_ = at_;
      const uint8_t opcode = take(1)[0];
      if (opcode == '.') break;
      if (!read_scalar(opcode) && !read_bytes(opcode) && !build(opcode) && !use_memo(opcode)) {
        refuse(refused_pickle_opcode(opcode));
      }
    }
    document_.root = pop();
    if (!stack_.empty() || at_ != size_) refuse("STOP, which does not come last");
    return std::move(document_);
  }

 private:
  enum Shared : uint32_t { kMark, kNone, kFalse, kTrue, kEmptyTuple };

  [[noreturn]] void refuse(const char* what) const {
    throw CorruptFile(core::message(
        "a pickle of face pairs must hold pictures and booleans alone; opcode at byte ", opcode_at_,
        " is ", what, "; nothing of it was run; get the file from its source again"));
  }

  const uint8_t* take(uint64_t count) {
    if (count > size_ - at_) refuse("one that reaches beyond the end of the file");
    const uint8_t* const bytes = data_ + at_;
    at_ += count;
    return bytes;
  }
  std::string_view take_text(uint64_t count) {
    return {reinterpret_cast<const char*>(take(count)), static_cast<size_t>(count)};
  }
  std::string_view take_line() {
    const std::string_view rest(reinterpret_cast<const char*>(data_ + at_), size_ - at_);
    const size_t end = rest.find('\n');
    if (end == std::string_view::npos) refuse("a line that does not end");
    return take_text(end + 1).substr(0, end);
  }
  int64_t take_number() {
    std::string_view line = take_line();
    if (!line.empty() && line.back() == 'L') line.remove_suffix(1);
    int64_t number = 0;
    const auto [end, error] = std::from_chars(line.data(), line.data() + line.size(), number);
    if (error != std::errc() || end != line.data() + line.size()) refuse("no 64-bit number");
    return number;
  }

  void push(uint32_t place) { stack_.push_back(place); }
  void push(PickleValue value) {
    if (document_.values.size() >= max_values_) refuse("one value more than the limit");
    push(static_cast<uint32_t>(document_.values.size()));
    document_.values.push_back(std::move(value));
  }
  // A mark is no value: only what looks for marks may take it.
  uint32_t top() const {
    if (stack_.empty() || stack_.back() == kMark) refuse("one that needs a value and has none");
    return stack_.back();
  }
  uint32_t pop() {
    const uint32_t place = top();
    stack_.pop_back();
    return place;
  }
  std::vector<uint32_t> pop_to_mark() {
    size_t first = stack_.size();
    while (first > 0 && stack_[first - 1] != kMark) --first;
    if (first == 0) refuse("one that needs a mark and has none");
    std::vector<uint32_t> items(stack_.begin() + static_cast<std::ptrdiff_t>(first), stack_.end());
    stack_.resize(first - 1);
    return items;
  }
  std::vector<uint32_t> pop_some(size_t count) {
    std::vector<uint32_t> items(count);
    for (size_t i = count; i-- > 0;) items[i] = pop();
    return items;
  }

  // Protocol and frame marks, None, booleans, numbers.
  bool read_scalar(uint8_t opcode) {
    switch (opcode) {
      case 0x80:
        if (take(1)[0] > kHighestProtocol) refuse("PROTO of a protocol above 5");
        return true;
      case 0x95: {
        const uint64_t frame = load_le64(take(8));
        if (frame > size_ - at_) refuse("FRAME, whose length is beyond the end of the file");
        return true;
      }
      case 'N':
        push(kNone);
        return true;
      case 0x88:
        push(kTrue);
        return true;
      case 0x89:
        push(kFalse);
        return true;
      case 'I': {
        const bool is_bool = size_ - at_ >= 3 && data_[at_] == '0' && data_[at_ + 2] == '\n' &&
                             (data_[at_ + 1] == '0' || data_[at_ + 1] == '1');
        if (is_bool) {
          push(take(3)[1] == '1' ? kTrue : kFalse);
        } else {
          push_number(take_number());
        }
        return true;
      }
      case 'L':
        push_number(take_number());
        return true;
      case 'J':
        push_number(static_cast<int32_t>(load_le32(take(4))));
        return true;
      case 'K':
        push_number(take(1)[0]);
        return true;
      case 'M':
        push_number(load_le16(take(2)));
        return true;
      case 0x8A:
        push_long(take(1)[0]);
        return true;
      default:
        return false;
    }
  }
  void push_number(int64_t number) { push({PickleKind::kInteger, number}); }
  void push_long(size_t bytes) {
    if (bytes > 8) refuse("LONG1 of more than 8 bytes");
    const uint8_t* const from = take(bytes);
    // The highest bit of the last byte is the sign.
    uint64_t number = bytes > 0 && (from[bytes - 1] & 0x80) != 0 ? ~uint64_t{0} : 0;
    for (size_t i = bytes; i-- > 0;) number = number << 8 | from[i];
    push_number(static_cast<int64_t>(number));
  }

  bool read_bytes(uint8_t opcode) {
    const auto text = PickleKind::kText, bytes = PickleKind::kBytes;
    switch (opcode) {
      case 'S':
        push({bytes, 0, document_.keep(unquoted_pickle_text(take_line()))});
        return true;
      case 'V':
        push({text, 0, document_.keep(raw_unicode_pickle_text(take_line()))});
        return true;
      case 'U':
      case 'C':
        push({bytes, 0, take_text(take(1)[0])});
        return true;
      case 'T':
      case 'B':
        push({bytes, 0, take_text(load_le32(take(4)))});
        return true;
      case 0x8E:
      case 0x96:
        push({bytes, 0, take_text(load_le64(take(8)))});
        return true;
      case 0x8C:
        push({text, 0, take_text(take(1)[0])});
        return true;
      case 'X':
        push({text, 0, take_text(load_le32(take(4)))});
        return true;
      case 0x8D:
        push({text, 0, take_text(load_le64(take(8)))});
        return true;
      default:
        return false;
    }
  }

  // Lists, tuples, and what stands for calls.
  bool build(uint8_t opcode) {
    switch (opcode) {
      case '(':
        push(kMark);
        return true;
      case ']':
        push({PickleKind::kList});
        return true;
      case ')':
        push(kEmptyTuple);
        return true;
      case 'l':
        push({PickleKind::kList, 0, {}, pop_to_mark()});
        return true;
      case 't':
        push({PickleKind::kTuple, 0, {}, pop_to_mark()});
        return true;
      case 0x85:
      case 0x86:
      case 0x87:
        push({PickleKind::kTuple, 0, {}, pop_some(opcode - 0x84U)});
        return true;
      case 'a':
        append(pop_some(1));
        return true;
      case 'e':
        append(pop_to_mark());
        return true;
      case 'c': {
        const std::string_view module = take_line(), name = take_line();
        push_name(module, name);
        return true;
      }
      case 0x93: {
        const auto parts = pop_some(2);
        const PickleValue &module = document_.values[parts[0]], &name = document_.values[parts[1]];
        if (module.kind != PickleKind::kText || name.kind != PickleKind::kText) {
          refuse("STACK_GLOBAL without a name");
        }
        push_name(module.bytes, name.bytes);
        return true;
      }
      case 'R': {
        const auto parts = pop_some(2);
        const PickleValue& called = document_.values[parts[0]];
        if (called.kind != PickleKind::kName) refuse("REDUCE of what cannot be called");
        push(call_pickle_name(document_, static_cast<PickleName>(called.number), parts[1]));
        return true;
      }
      case 'b': {
        const uint32_t state = pop();
        set_pickle_state(document_, top(), state);
        return true;
      }
      default:
        return false;
    }
  }
  void push_name(std::string_view module, std::string_view name) {
    push({PickleKind::kName, static_cast<int64_t>(find_pickle_name(module, name))});
  }
  void append(const std::vector<uint32_t>& items) {
    PickleValue& list = document_.values[top()];
    if (list.kind != PickleKind::kList) refuse("one that appends to what is no list");
    list.items.insert(list.items.end(), items.begin(), items.end());
  }

  bool use_memo(uint8_t opcode) {
    switch (opcode) {
      case 'p':
        put(static_cast<uint64_t>(take_number()));
        return true;
      case 'q':
        put(take(1)[0]);
        return true;
      case 'r':
        put(load_le32(take(4)));
        return true;
      case 0x94:
        put(memo_count_);
        return true;
      case 'g':
        get(static_cast<uint64_t>(take_number()));
        return true;
      case 'h':
        get(take(1)[0]);
        return true;
      case 'j':
        get(load_le32(take(4)));
        return true;
      default:
        return false;
    }
  }
  void put(uint64_t index) {
    if (index / kMemoPerValue >= max_values_) refuse("one that uses a memo beyond the limit");
    if (index >= memo_.size()) memo_.resize(index + 1, kEmpty);
    if (memo_[index] == kEmpty) ++memo_count_;
    memo_[index] = top();
  }
  void get(uint64_t index) {
    if (index >= memo_.size() || memo_[index] == kEmpty)
      refuse("one that asks for what is not there");
    push(memo_[index]);
  }

  const uint8_t* data_;
  size_t size_;
  size_t max_values_;
  size_t at_ = 0;
  size_t opcode_at_ = 0;
  PickleDocument document_;
  std::vector<uint32_t> stack_;
  std::vector<uint32_t> memo_;
  size_t memo_count_ = 0;
};

}  // namespace

std::string_view PickleDocument::keep(std::string text) {
  if (text.size() > decoded_left) {
    throw CorruptFile(
        "a pickle of face pairs must not decode its bytes again and again; this one does");
  }
  decoded_left -= text.size();
  return decoded.emplace_back(std::move(text));
}

PickleDocument parse_pickle(const uint8_t* data, size_t size, size_t max_values) {
  return Machine(data, size, max_values).run();
}

}  // namespace guise::io
