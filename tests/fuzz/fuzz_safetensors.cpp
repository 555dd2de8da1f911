// Any bytes -> parse_safetensors; what parses must come back equal from the writer.
//
// Build (TORCH: the torch package's folder, ABI as torch was built):
//   clang++ -std=c++20 -O1 -g -fsanitize=fuzzer,address,undefined -fno-sanitize-recover=all \
//     -Icsrc -I<TORCH>/include tests/fuzz/fuzz_safetensors.cpp csrc/io/{atomic_file,posix_file,\
//   safetensors,safetensors_header}.cpp \
//     -L<TORCH>/lib -ltorch_cpu -lc10 -Wl,-rpath,<TORCH>/lib -o fuzz_safetensors
// Run:
//   python tests/fuzz/make_seeds.py corpus
//   ./fuzz_safetensors -max_total_time=120 -max_len=16384 -detect_leaks=0 corpus/safetensors
// The trap: libtorch keeps memory until the process ends, hence -detect_leaks=0.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <map>
#include <string>

#include "core/check.h"
#include "io/safetensors.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  try {
    const auto file = guise::io::parse_safetensors(data, size, "input");
    const std::map<std::string, at::Tensor> tensors(file.tensors.begin(), file.tensors.end());
    if (tensors.count("__metadata__") != 0 || tensors.size() != file.tensors.size()) std::abort();
    const auto written = guise::io::serialize_safetensors(tensors, file.metadata);
    const auto again = guise::io::parse_safetensors(written.data(), written.size(), "written");
    if (again.tensors.size() != file.tensors.size() || again.metadata != file.metadata) {
      std::abort();
    }
  } catch (const guise::CorruptFile&) {
  }
  return 0;
}
