#include "nets/yunet_loss.h"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>

#include <cmath>

#include "core/check.h"

namespace guise::nets {

namespace {

constexpr int64_t kClass = 0, kBox = 1, kObjectness = 5, kLandmarks = 6;  // channels
constexpr double kLeastUnion = 1e-7;

// Where the cells of all levels stand: level by level, row by row.
struct Cell {
  int64_t column, row, stride;
};

// The targets on the CPU, checked.
struct Faces {
  at::Tensor boxes, landmarks;  // float64
  at::Tensor pictures, has_landmarks, ignored;
  int64_t count;
};

// The cells that answer for faces, over the whole batch; rows count cells of all pictures.
struct Assigned {
  std::vector<int64_t> rows, faces;
  std::vector<double> overlaps, columns_px, rows_px, strides;
  at::Tensor objectness;  // float64 [N * cells]: 1 where a cell answers
  at::Tensor counts;      // float64 [N * cells]: 0 where objectness is not learned
};

void check_outputs(const YuNetOutput& outputs) {
  const at::Tensor& first = outputs[0];
  for (const at::Tensor& map : outputs) {
    GUISE_CHECK_ARG(map.dim() == 4 && map.size(1) == kYuNetHeads && map.numel() > 0 &&
                        map.size(0) == first.size(0) && map.is_floating_point() &&
                        map.scalar_type() == first.scalar_type() && map.device() == first.device(),
                    "the outputs must be YuNet's three float maps [N, 16, H, W] of one type on one "
                    "device; got ",
                    map.sizes(), " ", map.scalar_type());
  }
}

std::vector<Cell> cells_of(const YuNetOutput& outputs) {
  std::vector<Cell> cells;
  for (size_t level = 0; level < outputs.size(); ++level) {
    for (int64_t row = 0; row < outputs[level].size(2); ++row) {
      for (int64_t column = 0; column < outputs[level].size(3); ++column) {
        cells.push_back({column, row, kYuNetStrides[level]});
      }
    }
  }
  return cells;
}

at::Tensor mask_of(const at::Tensor& mask, bool value, int64_t count, const char* name) {
  if (!mask.defined()) {
    return at::full({count}, value, at::kBool);
  }
  GUISE_CHECK_ARG(mask.scalar_type() == at::kBool && mask.dim() == 1 && mask.size(0) == count, name,
                  " must be bool [", count, "]; got ", mask.scalar_type(), " ", mask.sizes());
  return mask.cpu().contiguous();
}

Faces checked(const YuNetTargets& targets, int64_t pictures) {
  GUISE_CHECK_ARG(
      targets.boxes.dim() == 2 && targets.boxes.size(1) == 4 && targets.boxes.is_floating_point(),
      "boxes must be float [M, 4]; got ", targets.boxes.sizes());
  const int64_t count = targets.boxes.size(0);
  GUISE_CHECK_ARG(targets.landmarks.sizes() == at::IntArrayRef({count, 5, 2}) &&
                      targets.landmarks.is_floating_point(),
                  "landmarks must be float [", count, ", 5, 2]; got ", targets.landmarks.sizes());
  GUISE_CHECK_ARG(targets.pictures.scalar_type() == at::kLong && targets.pictures.dim() == 1 &&
                      targets.pictures.size(0) == count &&
                      (count == 0 || (targets.pictures.min().item<int64_t>() >= 0 &&
                                      targets.pictures.max().item<int64_t>() < pictures)),
                  "pictures must be int64 [", count, "], each a picture of the batch, 0 to ",
                  pictures - 1, "; got ", targets.pictures.scalar_type(), " ",
                  targets.pictures.sizes());
  Faces faces{targets.boxes.detach().to(at::kCPU, at::kDouble).contiguous(),
              targets.landmarks.detach().to(at::kCPU, at::kDouble).contiguous(),
              targets.pictures.cpu().contiguous(),
              mask_of(targets.has_landmarks, true, count, "has_landmarks"),
              mask_of(targets.ignored, false, count, "ignored"),
              count};
  const at::Tensor sizes = faces.boxes.slice(1, 2, 4) - faces.boxes.slice(1, 0, 2);
  GUISE_CHECK_ARG(
      at::isfinite(faces.boxes).all().item<bool>() &&
          sizes.gt(0).all(1).logical_or(faces.ignored).all().item<bool>(),
      "boxes must be finite, with x0 < x1 and y0 < y1; drop the others, or ignore them");
  const at::Tensor wanted = faces.has_landmarks.logical_and(faces.ignored.logical_not());
  GUISE_CHECK_ARG(at::isfinite(faces.landmarks.index({wanted})).all().item<bool>(),
                  "landmarks must be finite; say has_landmarks = false where there are none");
  return faces;
}

double sigmoid(double x) {
  return 1.0 / (1.0 + std::exp(-x));
}

// values: the 16 numbers of a cell.
CellPrediction predicted(const Cell& cell, const double* values) {
  const auto stride = static_cast<double>(cell.stride);
  const auto column = static_cast<double>(cell.column), row = static_cast<double>(cell.row);
  const double x = (column + values[kBox]) * stride, y = (row + values[kBox + 1]) * stride;
  const double width = std::exp(values[kBox + 2]) * stride;
  const double height = std::exp(values[kBox + 3]) * stride;
  // Boxes are decoded from the cell's corner, but a cell stands for the pixels around its middle.
  return {{(column + 0.5) * stride, (row + 0.5) * stride},
          stride,
          {x - width / 2, y - height / 2, x + width / 2, y + height / 2},
          sigmoid(values[kClass]) * sigmoid(values[kObjectness])};
}

bool touches(const CellPrediction& cell, const core::Box& box) {
  const double half = cell.stride / 2;
  return cell.middle.x + half > box.x0 && cell.middle.x - half < box.x1 &&
         cell.middle.y + half > box.y0 && cell.middle.y - half < box.y1;
}

// values: float64 [N, cells, at least 6] on the CPU.
Assigned assign_batch(const at::Tensor& values, const std::vector<Cell>& cells, const Faces& faces,
                      const AssignmentOptions& options) {
  const int64_t pictures = values.size(0), count = values.size(1);
  Assigned assigned;
  assigned.objectness = at::zeros({pictures * count}, at::kDouble);
  assigned.counts = at::ones({pictures * count}, at::kDouble);
  double* objectness = assigned.objectness.mutable_data_ptr<double>();
  double* counts = assigned.counts.mutable_data_ptr<double>();
  const auto box = faces.boxes.accessor<double, 2>();
  const auto picture_of = faces.pictures.accessor<int64_t, 1>();
  const auto is_ignored = faces.ignored.accessor<bool, 1>();
  std::vector<CellPrediction> predictions(cells.size());
  for (int64_t picture = 0; picture < pictures; ++picture) {
    std::vector<core::Box> boxes, ignored;
    std::vector<int64_t> numbers;
    for (int64_t face = 0; face < faces.count; ++face) {
      if (picture_of[face] == picture) {
        const core::Box here{box[face][0], box[face][1], box[face][2], box[face][3]};
        (is_ignored[face] ? ignored : boxes).push_back(here);
        if (!is_ignored[face]) {
          numbers.push_back(face);
        }
      }
    }
    if (boxes.empty() && ignored.empty()) {
      continue;
    }
    const int64_t base = picture * count;
    for (size_t i = 0; i < cells.size(); ++i) {
      const int64_t row = base + static_cast<int64_t>(i);
      predictions[i] = predicted(cells[i], values.const_data_ptr<double>() + row * values.size(2));
      for (const core::Box& other : ignored) {
        counts[row] = touches(predictions[i], other) ? 0.0 : counts[row];
      }
    }
    for (const auto& [cell, face, overlap] : assign_faces(predictions, boxes, options)) {
      const Cell& at = cells[static_cast<size_t>(cell)];
      objectness[base + cell] = counts[base + cell] = 1.0;
      assigned.rows.push_back(base + cell);
      assigned.faces.push_back(numbers[static_cast<size_t>(face)]);
      assigned.overlaps.push_back(overlap);
      assigned.columns_px.push_back(static_cast<double>(at.column * at.stride));
      assigned.rows_px.push_back(static_cast<double>(at.row * at.stride));
      assigned.strides.push_back(static_cast<double>(at.stride));
    }
  }
  return assigned;
}

// 1 - Extended-IoU of each pair of boxes [P, 4], quadratic near 0. Where boxes lie apart the
// "intersection" is a negative area that grows with the gap.
at::Tensor box_losses(const at::Tensor& a, const at::Tensor& b, double smooth_point) {
  const at::Tensor a0 = a.slice(1, 0, 2), a1 = a.slice(1, 2, 4);  // corners [P, 2]: x, y
  const at::Tensor b0 = b.slice(1, 0, 2), b1 = b.slice(1, 2, 4);
  const at::Tensor outer = at::minimum(a0, b0);
  const at::Tensor start = at::maximum(a0, b0), end = at::minimum(a1, b1);
  const auto area = [](const at::Tensor& sizes) { return sizes.prod(1); };
  const at::Tensor to_end = end - outer, to_start = start - outer;
  const at::Tensor low = at::minimum(start, end) - outer, high = at::maximum(start, end) - outer;
  const auto mixed = [](const at::Tensor& x, const at::Tensor& y) {
    return x.select(1, 0) * y.select(1, 1);
  };
  const at::Tensor both = area(to_end) + area(low) - mixed(to_start, high) - mixed(high, to_start);
  const at::Tensor all = area(a1 - a0) + area(b1 - b0) - both + kLeastUnion;
  const at::Tensor loss = 1 - both / all;
  if (smooth_point <= 0) {
    return loss;
  }
  return at::where(loss < smooth_point, 0.5 * loss * loss / smooth_point,
                   loss - 0.5 * smooth_point);
}

at::Tensor like(const std::vector<double>& numbers, const at::Tensor& values) {
  return at::tensor(numbers, at::kDouble).to(values.options());
}

// The losses of the cells that answer for faces; cells: [P, 16].
at::Tensor positive_loss(const at::Tensor& cells, const Assigned& assigned, const Faces& faces,
                         const YuNetLossOptions& options) {
  const auto count = static_cast<double>(assigned.rows.size());
  const at::Tensor stride = like(assigned.strides, cells).unsqueeze(1);
  const at::Tensor corner =
      at::stack({like(assigned.columns_px, cells), like(assigned.rows_px, cells)}, 1);
  const at::Tensor face = at::tensor(assigned.faces, at::kLong);

  const at::Tensor middle = cells.slice(1, kBox, kBox + 2) * stride + corner;
  const at::Tensor half = cells.slice(1, kBox + 2, kBox + 4).exp() * stride / 2;
  const at::Tensor boxes = faces.boxes.index_select(0, face).to(cells.options());
  const at::Tensor box_loss =
      box_losses(at::cat({middle - half, middle + half}, 1), boxes, options.box_smooth_point).sum();

  const at::Tensor class_loss = at::binary_cross_entropy_with_logits(
      cells.select(1, kClass), like(assigned.overlaps, cells), {}, {}, at::Reduction::Sum);

  const at::Tensor having = faces.has_landmarks.index_select(0, face).nonzero().squeeze(1);
  const at::Tensor points = faces.landmarks.index_select(0, face.index_select(0, having));
  const at::Tensor rows = having.to(cells.device());
  const at::Tensor wanted =
      (points.to(cells.options()) - corner.index_select(0, rows).unsqueeze(1)) /
      stride.index_select(0, rows).unsqueeze(2);
  const at::Tensor landmark_loss =
      at::smooth_l1_loss(cells.slice(1, kLandmarks, kYuNetHeads).index_select(0, rows),
                         wanted.flatten(1), at::Reduction::Sum, options.landmark_beta);
  const auto with_landmarks = static_cast<double>(std::max<int64_t>(1, having.size(0)));

  return (options.box_weight * box_loss + options.class_weight * class_loss) / count +
         options.landmark_weight * landmark_loss / with_landmarks;
}

}  // namespace

at::Tensor yunet_loss(const YuNetOutput& outputs, const YuNetTargets& targets,
                      const YuNetLossOptions& options) {
  check_outputs(outputs);
  const Faces faces = checked(targets, outputs[0].size(0));
  std::vector<at::Tensor> levels;
  for (const at::Tensor& map : outputs) {
    levels.push_back(map.permute({0, 2, 3, 1}).reshape({map.size(0), -1, kYuNetHeads}));
  }
  at::Tensor values = at::cat(levels, 1);  // [N, cells, 16]
  if (values.scalar_type() != at::kDouble) {
    values = values.to(at::kFloat);
  }
  GUISE_CHECK_ARG(at::isfinite(values.detach().sum()).item<bool>() ||
                      at::isfinite(values.detach()).all().item<bool>(),
                  "the outputs must be finite; the training has diverged: lower its rate");
  const Assigned assigned =
      assign_batch(values.detach().to(at::kCPU, at::kDouble).contiguous(), cells_of(outputs), faces,
                   {options.centre_radius, options.top_candidates, options.overlap_cost});

  const at::Tensor rows = values.flatten(0, 1);
  const auto positives = static_cast<double>(std::max<size_t>(1, assigned.rows.size()));
  const at::Tensor objectness_loss = at::binary_cross_entropy_with_logits(
      rows.select(1, kObjectness), assigned.objectness.to(rows.options()),
      assigned.counts.to(rows.options()), {}, at::Reduction::Sum);
  at::Tensor loss = options.objectness_weight * objectness_loss / positives;
  if (!assigned.rows.empty()) {
    const at::Tensor chosen = at::tensor(assigned.rows, at::kLong).to(rows.device());
    loss = loss + positive_loss(rows.index_select(0, chosen), assigned, faces, options);
  }
  return loss;
}

}  // namespace guise::nets
