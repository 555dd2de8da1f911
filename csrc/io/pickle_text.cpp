#include "io/pickle_text.h"

#include "core/check.h"

namespace guise::io {
namespace {

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

// `count` hexadecimal digits at text[at]; -1 where there are fewer.
int hex_number(std::string_view text, size_t at, size_t count) {
  if (at > text.size() || text.size() - at < count) return -1;
  int number = 0;
  for (size_t i = at; i < at + count; ++i) {
    const int digit = hex_digit(text[i]);
    if (digit < 0) return -1;
    number = number << 4 | digit;
  }
  return number;
}

[[noreturn]] void refuse_escape() {
  throw CorruptFile(
      "a text in a pickle of face pairs must be quoted as Python quotes; this is not");
}

}  // namespace

const char* refused_pickle_opcode(uint8_t opcode) {
  switch (opcode) {
    case '0':
      return "POP";
    case '1':
      return "POP_MARK";
    case '2':
      return "DUP";
    case 'F':
      return "FLOAT";
    case 'G':
      return "BINFLOAT";
    case 'P':
      return "PERSID";
    case 'Q':
      return "BINPERSID";
    case 'd':
      return "DICT";
    case '}':
      return "EMPTY_DICT";
    case 'i':
      return "INST";
    case 'o':
      return "OBJ";
    case 's':
      return "SETITEM";
    case 'u':
      return "SETITEMS";
    case 0x81:
      return "NEWOBJ";
    case 0x82:
      return "EXT1";
    case 0x83:
      return "EXT2";
    case 0x84:
      return "EXT4";
    case 0x8B:
      return "LONG4";
    case 0x8F:
      return "EMPTY_SET";
    case 0x90:
      return "ADDITEMS";
    case 0x91:
      return "FROZENSET";
    case 0x92:
      return "NEWOBJ_EX";
    case 0x97:
      return "NEXT_BUFFER";
    case 0x98:
      return "READONLY_BUFFER";
    default:
      return "of no kind that Python knows";
  }
}

std::string unquoted_pickle_text(std::string_view text) {
  if (text.size() < 2 || text.front() != text.back() ||
      (text.front() != '\'' && text.front() != '"')) {
    refuse_escape();
  }
  text = text.substr(1, text.size() - 2);
  std::string bytes;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '\\') {
      bytes.push_back(text[i]);
      continue;
    }
    if (++i == text.size()) refuse_escape();
    const std::string_view plain = "\\'\"nrt", meant = "\\'\"\n\r\t";
    if (const size_t found = plain.find(text[i]); found != std::string_view::npos) {
      bytes.push_back(meant[found]);
    } else if (const int number = text[i] == 'x' ? hex_number(text, i + 1, 2) : -1; number >= 0) {
      bytes.push_back(static_cast<char>(number));
      i += 2;
    } else {
      refuse_escape();
    }
  }
  return bytes;
}

std::string raw_unicode_pickle_text(std::string_view text) {
  std::string utf8;
  for (size_t i = 0; i < text.size(); ++i) {
    int point = static_cast<uint8_t>(text[i]);
    if (text[i] == '\\' && i + 1 < text.size() && text[i + 1] == 'u') {
      point = hex_number(text, i + 2, 4);
      if (point < 0) refuse_escape();
      i += 5;
    }
    if (point < 0x80) {
      utf8.push_back(static_cast<char>(point));
    } else if (point < 0x800) {
      utf8.push_back(static_cast<char>(0xC0 | point >> 6));
      utf8.push_back(static_cast<char>(0x80 | (point & 0x3F)));
    } else {
      utf8.push_back(static_cast<char>(0xE0 | point >> 12));
      utf8.push_back(static_cast<char>(0x80 | (point >> 6 & 0x3F)));
      utf8.push_back(static_cast<char>(0x80 | (point & 0x3F)));
    }
  }
  return utf8;
}

}  // namespace guise::io
