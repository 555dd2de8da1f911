// Any bytes -> decode_image, under limits that keep one input fast. CorruptFile is the only way
// out.
//
// Build (TORCH: the torch package's folder, ABI as torch was built; see the note on leaks below):
//   clang++ -std=c++20 -O1 -g -fsanitize=fuzzer,address,undefined -fno-sanitize-recover=all \
//     -Icsrc -I<TORCH>/include tests/fuzz/fuzz_image.cpp csrc/io/{atomic_file,bmp_codec,\
//   exif_orientation,image_header,jpeg_codec,png_codec,posix_file,read_image,webp_codec}.cpp \
//     -L<TORCH>/lib -ltorch_cpu -lc10 -ljpeg -lpng -lwebp -Wl,-rpath,<TORCH>/lib -o fuzz_image
// Run:
//   python tests/fuzz/make_seeds.py corpus
//   ./fuzz_image -max_total_time=120 -max_len=65536 -detect_leaks=0 corpus/image
// The trap: libtorch keeps memory until the process ends, hence -detect_leaks=0.
#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "core/check.h"
#include "io/read_image.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  guise::io::ReadLimits limits;
  limits.max_file_bytes = 1 << 20;
  limits.max_side_px = 2048;
  limits.max_pixels = 1 << 18;
  limits.max_jpeg_scans = 20;
  try {
    const auto image = guise::io::decode_image(data, size, limits);
    const bool sound = image.pixels.dim() == 3 && image.pixels.size(2) == 3 &&
                       image.pixels.is_contiguous() && image.pixels.numel() > 0 &&
                       image.pixels.numel() <= 3 * limits.max_pixels && image.orientation >= 1 &&
                       image.orientation <= 8;
    if (!sound) std::abort();
  } catch (const guise::CorruptFile&) {
  }
  return 0;
}
