// The arithmetic of nms: one 64-bit word of the suppression mask.
#pragma once

#include <cstdint>

#include "ops/host_device.h"

namespace guise::ops {

constexpr int64_t kNmsBitsPerWord = 64;

// Words for rows [row_begin, row_end) of the mask. Bit j of word w in row i says that box i, if
// kept, drops box 64 w + j; bits up to and including i are 0.
struct NmsArgs {
  const float* boxes;  // [4, count]: all x0, all y0, all x1, all y1, by falling score
  uint64_t* words;     // [row_end - row_begin, words_per_row]
  int64_t count;
  int64_t words_per_row;
  int64_t row_begin;
  int64_t row_end;
  double iou_threshold;
};

GUISE_HOST_DEVICE inline int64_t nms_element_count(const NmsArgs& args) {
  return (args.row_end - args.row_begin) * args.words_per_row;
}

// The length of what [begin_a, end_a) and [begin_b, end_b) share, at least 0. Branches on nothing,
// so that loops over it vectorise.
GUISE_HOST_DEVICE inline double shared_length(float begin_a, float end_a, float begin_b,
                                              float end_b) {
  const float begin = begin_a > begin_b ? begin_a : begin_b;
  const float end = end_a < end_b ? end_a : end_b;
  const double length = static_cast<double>(end) - static_cast<double>(begin);
  return length > 0.0 ? length : 0.0;
}

// Whether boxes a and b overlap by more than the threshold. Compares without dividing, so that two
// boxes without area are no special case.
GUISE_HOST_DEVICE inline bool overlaps_above(const NmsArgs& args, int64_t a, int64_t b) {
  const float* x0 = args.boxes;
  const float* y0 = args.boxes + args.count;
  const float* x1 = args.boxes + args.count * 2;
  const float* y1 = args.boxes + args.count * 3;
  const double area_a =
      shared_length(x0[a], x1[a], x0[a], x1[a]) * shared_length(y0[a], y1[a], y0[a], y1[a]);
  const double area_b =
      shared_length(x0[b], x1[b], x0[b], x1[b]) * shared_length(y0[b], y1[b], y0[b], y1[b]);
  const double intersection =
      shared_length(x0[a], x1[a], x0[b], x1[b]) * shared_length(y0[a], y1[a], y0[b], y1[b]);
  return intersection > args.iou_threshold * (area_a + area_b - intersection);
}

// Writes word `index` of args.words.
GUISE_HOST_DEVICE inline void nms_element(const NmsArgs& args, int64_t index) {
  const int64_t row = args.row_begin + index / args.words_per_row;
  const int64_t first = index % args.words_per_row * kNmsBitsPerWord;
  const int64_t last = first + kNmsBitsPerWord < args.count ? first + kNmsBitsPerWord : args.count;
  uint64_t word = 0;
  for (int64_t other = first > row ? first : row + 1; other < last; ++other) {
    word |= static_cast<uint64_t>(overlaps_above(args, row, other)) << (other - first);
  }
  args.words[index] = word;
}

void nms_cpu(const NmsArgs& args);
void launch_nms_cuda(const NmsArgs& args, void* stream);

}  // namespace guise::ops
