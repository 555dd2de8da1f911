#include "ops/nms.h"

#include <ATen/ATen.h>
#include <c10/core/DeviceGuard.h>

#include <algorithm>
#include <numeric>
#include <vector>

#include "core/check.h"
#include "ops/argument_checks.h"
#include "ops/cuda_support.h"
#include "ops/nms_element.h"
#include "ops/nms_greedy.h"

namespace guise::ops {
namespace {

constexpr const char* kOp = "nms";
// The most mask the GPU computes before the host reduces it.
constexpr int64_t kCudaMaskBytes = int64_t{32} << 20;

void check_arguments(const at::Tensor& boxes, const at::Tensor& scores, double iou_threshold) {
  check_tensor(kOp, {"boxes", boxes}, at::kFloat, {-1, 4}, "[N, 4]");
  check_tensor(kOp, {"scores", scores}, at::kFloat, {-1}, "[N]");
  check_devices(kOp, {{"boxes", boxes}, {"scores", scores}});
  GUISE_CHECK_ARG(boxes.size(0) == scores.size(0), kOp,
                  ": boxes and scores must be equally many; got ", boxes.size(0), " boxes and ",
                  scores.size(0), " scores; filter both by the same indices");
  GUISE_CHECK_ARG(iou_threshold >= 0.0 && iou_threshold <= 1.0, kOp,
                  ": iou_threshold must lie in [0, 1]; got ", iou_threshold,
                  "; 0.4 is usual for faces");
  GUISE_CHECK_ARG(at::isfinite(boxes).all().item<bool>(), kOp,
                  ": boxes must be finite; got NaN or infinity; check the detector's decoding");
  GUISE_CHECK_ARG(!at::isnan(scores).any().item<bool>(), kOp,
                  ": scores must not be NaN; got NaN; check the detector's output");
}

// Indices by falling score, equal scores by rising index; [N] int64 on the CPU.
at::Tensor order_by_score(const at::Tensor& scores) {
  const at::Tensor host_scores = scores.cpu().contiguous();
  const float* values = host_scores.const_data_ptr<float>();
  at::Tensor order = at::empty({host_scores.numel()}, at::kLong);
  int64_t* indices = order.mutable_data_ptr<int64_t>();
  std::iota(indices, indices + order.numel(), int64_t{0});
  std::stable_sort(indices, indices + order.numel(),
                   [values](int64_t a, int64_t b) { return values[a] > values[b]; });
  return order;
}

// Positions kept among boxes, [4, N], already sorted by falling score.
std::vector<int64_t> keep_sorted(const at::Tensor& boxes, double iou_threshold) {
  const int64_t count = boxes.size(1);
  const int64_t words_per_row = (count + kNmsBitsPerWord - 1) / kNmsBitsPerWord;
  // The CPU asks row by row and so skips dropped boxes; the GPU wants many rows per launch.
  const int64_t rows_per_step =
      boxes.is_cuda() ? std::clamp<int64_t>(kCudaMaskBytes / (words_per_row * 8), 1, count) : 1;
  const at::Tensor words =
      at::empty({rows_per_step, words_per_row}, boxes.options().dtype(at::kLong));
  at::Tensor host_words = words;
  NmsArgs args{};
  args.boxes = boxes.const_data_ptr<float>();
  args.words = reinterpret_cast<uint64_t*>(words.mutable_data_ptr<int64_t>());
  args.count = count;
  args.words_per_row = words_per_row;
  args.iou_threshold = iou_threshold;
  return keep_greedily(count, rows_per_step, [&](int64_t row_begin, int64_t row_end) {
    args.row_begin = row_begin;
    args.row_end = row_end;
    if (boxes.is_cuda()) {
      launch_nms_cuda(args, current_cuda_stream(boxes.device()));
      host_words = words.cpu();
    } else {
      nms_cpu(args);
    }
    return reinterpret_cast<const uint64_t*>(host_words.const_data_ptr<int64_t>());
  });
}

}  // namespace

at::Tensor nms(const at::Tensor& boxes, const at::Tensor& scores, double iou_threshold) {
  check_arguments(boxes, scores, iou_threshold);
  if (boxes.size(0) == 0) return at::empty({0}, boxes.options().dtype(at::kLong));

  const c10::DeviceGuard guard(boxes.device());
  const at::Tensor order = order_by_score(scores.detach());
  const at::Tensor sorted =
      boxes.detach().index_select(0, order.to(boxes.device())).t().contiguous();
  const std::vector<int64_t> positions = keep_sorted(sorted, iou_threshold);
  at::Tensor kept = at::empty({static_cast<int64_t>(positions.size())}, at::kLong);
  std::transform(
      positions.begin(), positions.end(), kept.mutable_data_ptr<int64_t>(),
      [indices = order.const_data_ptr<int64_t>()](int64_t position) { return indices[position]; });
  return kept.to(boxes.device());
}

}  // namespace guise::ops
