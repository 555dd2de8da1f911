// Greedy non-maximum suppression: of boxes that overlap too much, the best-scored one stays.
//
// Boxes are visited by falling score, equal scores by lower index. A box is dropped when its
// intersection over union with a box already kept is above the threshold; exactly at the threshold
// it stays. Overlap is computed in float64, so that no finite box overflows. A box whose x1 <= x0
// or y1 <= y0 has no area and overlaps nothing.
//
// Determinism: equal indices everywhere, but for overlaps within float64 rounding of the threshold.
#pragma once

#include <ATen/core/Tensor.h>

namespace guise::ops {

// boxes          [N, 4] float32, finite: x0, y0, x1, y1 with x1 and y1 exclusive
// scores         [N] float32, not NaN, on the device of boxes
// iou_threshold  0 to 1; 1 keeps every box
// returns        [K] int64, indices of the kept boxes by falling score, on the device of boxes
//
// Throws std::invalid_argument for any other shape, dtype, device or value.
at::Tensor nms(const at::Tensor& boxes, const at::Tensor& scores, double iou_threshold);

}  // namespace guise::ops
