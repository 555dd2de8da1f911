// Landmarks between Python's tensors and the engine's arrays.
#pragma once

#include <ATen/ATen.h>

#include <vector>

#include "core/check.h"
#include "core/geometry.h"

namespace guise::bindings {

// float [5, 2] of any device and float type.
inline core::Landmarks5 landmarks_from(const at::Tensor& tensor) {
  const at::Tensor points = tensor.cpu().to(at::kDouble).contiguous();
  GUISE_CHECK_ARG(points.dim() == 2 && points.size(0) == 5 && points.size(1) == 2,
                  "landmarks must be [5, 2]; got ", tensor.sizes());
  core::Landmarks5 result;
  for (size_t i = 0; i < result.size(); ++i) {
    result[i] = {points.data_ptr<double>()[2 * i], points.data_ptr<double>()[2 * i + 1]};
  }
  return result;
}

// float [N, 5, 2].
inline std::vector<core::Landmarks5> landmark_list_from(const at::Tensor& landmarks) {
  GUISE_CHECK_ARG(landmarks.dim() == 3 && landmarks.size(1) == 5 && landmarks.size(2) == 2,
                  "landmarks must be [N, 5, 2]; got ", landmarks.sizes());
  std::vector<core::Landmarks5> points;
  for (int64_t i = 0; i < landmarks.size(0); ++i) {
    points.push_back(landmarks_from(landmarks[i]));
  }
  return points;
}

}  // namespace guise::bindings
