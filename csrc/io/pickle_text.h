// Texts of the oldest pickle protocols, and names of the opcodes that are refused.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace guise::io {

// 'abc\x00\n' with its quotes, as repr() of Python 2 -> bytes. Throws CorruptFile for other escapes
// than those of repr().
std::string unquoted_pickle_text(std::string_view text);

// Python's raw-unicode-escape (latin1 and \uXXXX) -> UTF-8; surrogates become three bytes each. Not
// longer than twice the text. Throws CorruptFile for \u without four digits.
std::string raw_unicode_pickle_text(std::string_view text);

// What Python calls an opcode that a pickle of face pairs has no use for.
const char* refused_pickle_opcode(uint8_t opcode);

}  // namespace guise::io
