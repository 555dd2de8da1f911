// The suppression mask on the CPU. A run of words decides its boxes eight or more at a time through
// overlaps_above and packs the answers into bits; words before the row's own box are 0.
#include <ATen/Parallel.h>

#include <algorithm>

#include "ops/nms_element.h"
#include "ops/simd_clones.h"

namespace guise::ops {
namespace {

// A word is 64 comparisons of boxes; smaller shares do not pay for a thread.
constexpr int64_t kWordsPerTask = 256;

GUISE_SIMD_CLONES
void fill_words(const NmsArgs& args, int64_t begin, int64_t end) {
  // A copy, so that writing words cannot change what the loop reads.
  const NmsArgs local = args;
  for (int64_t index = begin; index < end; ++index) {
    const int64_t row = local.row_begin + index / local.words_per_row;
    const int64_t first = index % local.words_per_row * kNmsBitsPerWord;
    if (first <= row || first + kNmsBitsPerWord > local.count) {
      nms_element(local, index);
      continue;
    }
    uint64_t above[kNmsBitsPerWord];
    for (int64_t bit = 0; bit < kNmsBitsPerWord; ++bit) {
      above[bit] = overlaps_above(local, row, first + bit) ? 1 : 0;
    }
    uint64_t word = 0;
    for (int64_t bit = 0; bit < kNmsBitsPerWord; ++bit) word |= above[bit] << bit;
    local.words[index] = word;
  }
}

}  // namespace

void nms_cpu(const NmsArgs& args) {
  at::parallel_for(0, nms_element_count(args), kWordsPerTask,
                   [&args](int64_t begin, int64_t end) { fill_words(args, begin, end); });
}

}  // namespace guise::ops
