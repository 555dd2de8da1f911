// Any bytes -> VerificationBin; what parses must come back equal from the writer.
//
// Build:
//   clang++ -std=c++20 -O1 -g -fsanitize=fuzzer,address,undefined -fno-sanitize-recover=all \
//     -Icsrc tests/fuzz/fuzz_verification_bin.cpp csrc/io/{atomic_file,posix_file,pickle_calls,\
//   pickle_text,pickle_values,verification_bin}.cpp -o fuzz_verification_bin
// Run:
//   python tests/fuzz/make_seeds.py corpus
//   ./fuzz_verification_bin -max_total_time=120 -max_len=4096 -rss_limit_mb=512 \
//     corpus/verification_bin
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>
#include <vector>

#include "core/check.h"
#include "io/verification_bin.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  try {
    const guise::io::VerificationBin set({data, data + size}, "input");
    std::vector<std::string_view> pictures;
    std::vector<bool> same;
    for (size_t i = 0; i < 2 * set.pairs(); ++i) pictures.push_back(set.picture(i));
    for (size_t k = 0; k < set.pairs(); ++k) same.push_back(set.same(k));
    const auto written = guise::io::serialize_verification_bin(pictures, same);
    const guise::io::VerificationBin again(written, "written");
    if (again.pairs() != set.pairs()) std::abort();
    for (size_t i = 0; i < 2 * set.pairs(); ++i) {
      if (again.picture(i) != set.picture(i) || again.same(i / 2) != set.same(i / 2)) std::abort();
    }
  } catch (const guise::CorruptFile&) {
  }
  return 0;
}
