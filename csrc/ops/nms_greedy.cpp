#include "ops/nms_greedy.h"

#include <algorithm>

#include "ops/nms_element.h"

namespace guise::ops {

std::vector<int64_t> keep_greedily(int64_t count, int64_t rows_per_step,
                                   const MaskRows& mask_rows) {
  const int64_t words_per_row = (count + kNmsBitsPerWord - 1) / kNmsBitsPerWord;
  std::vector<uint64_t> dropped(words_per_row, 0);
  const auto is_dropped = [&dropped](int64_t box) {
    return (dropped[box / kNmsBitsPerWord] >> (box % kNmsBitsPerWord) & 1) != 0;
  };
  std::vector<int64_t> kept;
  for (int64_t begin = 0; begin < count;) {
    if (is_dropped(begin)) {
      ++begin;
      continue;
    }
    const int64_t end = std::min(count, begin + rows_per_step);
    const uint64_t* rows = mask_rows(begin, end);
    for (int64_t box = begin; box < end; ++box) {
      if (is_dropped(box)) continue;
      kept.push_back(box);
      const uint64_t* row = rows + (box - begin) * words_per_row;
      for (int64_t word = box / kNmsBitsPerWord; word < words_per_row; ++word) {
        dropped[word] |= row[word];
      }
    }
    begin = end;
  }
  return kept;
}

}  // namespace guise::ops
