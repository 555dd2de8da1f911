"""YuNet's training loss in plain PyTorch, cell by cell and face by face."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import torch
from torch.nn.functional import binary_cross_entropy, smooth_l1_loss
from yunet_twin import STRIDES, overlap


@dataclass
class Faces:
    """The faces of one picture."""

    boxes: list[list[float]] = field(default_factory=list)
    landmarks: list[list[list[float]]] = field(default_factory=list)
    ignored: list[bool] = field(default_factory=list)
    has_landmarks: list[bool] = field(default_factory=list)

    def add(
        self,
        box: list[float],
        landmarks: list[list[float]] | None = None,
        *,
        ignored: bool = False,
    ) -> Faces:
        self.boxes.append(box)
        self.landmarks.append(landmarks or [[math.nan, math.nan]] * 5)
        self.has_landmarks.append(landmarks is not None)
        self.ignored.append(ignored)
        return self


def box_of(values: torch.Tensor, column: int, row: int, stride: int) -> torch.Tensor:
    """What the 16 numbers of a cell say: x0, y0, x1, y1 in px."""
    x, y = (column + values[1]) * stride, (row + values[2]) * stride
    w, h = values[3].exp() * stride, values[4].exp() * stride
    return torch.stack([x - w / 2, y - h / 2, x + w / 2, y + h / 2])


def extended_iou_loss(a: torch.Tensor, b: torch.Tensor, smooth_point: float = 0.1) -> torch.Tensor:
    """1 - Extended-IoU of two boxes: the "intersection" of parted boxes is a negative area.

    The paper's formula, one corner at a time.
    """
    ex, ey = torch.minimum(a[0], b[0]), torch.minimum(a[1], b[1])
    x1, y1 = torch.maximum(a[0], b[0]), torch.maximum(a[1], b[1])
    x2, y2 = torch.minimum(a[2], b[2]), torch.minimum(a[3], b[3])
    low_x, high_x = torch.minimum(x1, x2), torch.maximum(x1, x2)
    low_y, high_y = torch.minimum(y1, y2), torch.maximum(y1, y2)
    both = (x2 - ex) * (y2 - ey) + (low_x - ex) * (low_y - ey)
    both = both - (x1 - ex) * (high_y - ey) - (high_x - ex) * (y1 - ey)
    areas = (a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1])
    loss = 1 - both / (areas - both + 1e-7)
    if loss.item() < smooth_point:
        return 0.5 * loss**2 / smooth_point
    return loss - 0.5 * smooth_point


def assign(
    cells: list[tuple[int, int, int, torch.Tensor]], boxes: list[list[float]]
) -> dict[int, tuple[int, float]]:
    """SimOTA: cell -> (face, overlap). cells: column, row, stride, the 16 numbers."""
    costs: dict[int, list[float]] = {}
    overlaps: dict[int, list[float]] = {}
    for number, (column, row, stride, values) in enumerate(cells):
        x, y = (column + 0.5) * stride, (row + 0.5) * stride
        inside = [b[0] < x < b[2] and b[1] < y < b[3] for b in boxes]
        reach = 2.5 * stride
        near = [
            abs(x - (b[0] + b[2]) / 2) < reach and abs(y - (b[1] + b[3]) / 2) < reach for b in boxes
        ]
        if not any(inside) and not any(near):
            continue
        mine = tuple(box_of(values, column, row, stride).tolist())
        score = (values[0].sigmoid() * values[5].sigmoid()).item()
        overlaps[number] = [overlap(mine, tuple(box)) for box in boxes]
        costs[number] = [
            -math.log(math.sqrt(score))
            - 3 * math.log(overlaps[number][face] + 1e-7)
            + (0.0 if inside[face] and near[face] else 1e5)
            for face in range(len(boxes))
        ]
    taken: dict[int, list[int]] = {}
    for face in range(len(boxes)):
        best = sorted((overlaps[number][face] for number in costs), reverse=True)[:10]
        count = max(1, int(sum(best)))
        for number in sorted(costs, key=lambda n: costs[n][face])[:count]:
            taken.setdefault(number, []).append(face)
    chosen = {}
    for number, faces in taken.items():
        face = min(range(len(boxes)), key=lambda f: costs[number][f])
        face = face if len(faces) > 1 else faces[0]
        chosen[number] = (face, overlaps[number][face])
    return chosen


def yunet_loss(outputs: list[torch.Tensor], faces: list[Faces]) -> dict[str, torch.Tensor]:
    """The parts of the loss, weighted; `faces` by picture."""
    zero = outputs[0].new_zeros(())
    parts = {name: zero for name in ("box", "class", "objectness", "landmarks")}
    positives = with_landmarks = 0
    for picture, here in enumerate(faces):
        cells = [
            (column, row, stride, maps[picture, :, row, column])
            for stride, maps in zip(STRIDES, outputs, strict=True)
            for row in range(maps.shape[2])
            for column in range(maps.shape[3])
        ]
        seen = [i for i, ignored in enumerate(here.ignored) if not ignored]
        chosen = assign(cells, [here.boxes[i] for i in seen]) if seen else {}
        positives += len(chosen)
        for number, (column, row, stride, values) in enumerate(cells):
            objectness = values[5].sigmoid()
            if number not in chosen:
                hidden = any(
                    ignored
                    and (column + 1) * stride > box[0]
                    and column * stride < box[2]
                    and (row + 1) * stride > box[1]
                    and row * stride < box[3]
                    for box, ignored in zip(here.boxes, here.ignored, strict=True)
                )
                if not hidden:
                    parts["objectness"] = parts["objectness"] - (1 - objectness).log()
                continue
            face, iou = chosen[number]
            face = seen[face]
            parts["objectness"] = parts["objectness"] - objectness.log()
            target = values.new_tensor(here.boxes[face])
            loss = extended_iou_loss(box_of(values, column, row, stride), target)
            parts["box"] = parts["box"] + 5 * loss
            parts["class"] = parts["class"] + binary_cross_entropy(
                values[0].sigmoid(), values.new_tensor(iou)
            )
            if here.has_landmarks[face]:
                with_landmarks += 1
                corner = values.new_tensor([column * stride, row * stride])
                points = (values.new_tensor(here.landmarks[face]) - corner) / stride
                loss = smooth_l1_loss(values[6:].reshape(5, 2), points, reduction="sum", beta=1 / 9)
                parts["landmarks"] = parts["landmarks"] + 0.1 * loss
    counts = dict.fromkeys(parts, max(1, positives)) | {"landmarks": max(1, with_landmarks)}
    return {name: loss / counts[name] for name, loss in parts.items()}
