// The reduction of nms on the host: from rows of the suppression mask to the boxes that stay.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

namespace guise::ops {

// Computes mask rows [row_begin, row_end) and returns them in host memory, valid until the next
// call.
using MaskRows = std::function<const uint64_t*(int64_t row_begin, int64_t row_end)>;

// Asks for at most `rows_per_step` rows at a time and never starts a step at a dropped box, so that
// with one row per step only the rows of kept boxes are computed. The result does not depend on it.
// Returns the kept positions, rising.
std::vector<int64_t> keep_greedily(int64_t count, int64_t rows_per_step, const MaskRows& mask_rows);

}  // namespace guise::ops
