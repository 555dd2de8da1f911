"""YuNet in plain PyTorch, one slow and obvious statement after the other: the twin of the engine's.

Child names are the keys of the published checkpoint.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import nn
from torch.nn.functional import interpolate, max_pool2d, pad, relu

STRIDES = (8, 16, 32)
HEADS = {"cls": 1, "bbox": 4, "obj": 1, "kps": 10}


class Unit(nn.Module):
    """1 x 1, then 3 x 3 for each channel; BatchNorm and ReLU unless it ends a head."""

    def __init__(self, inputs: int, outputs: int, *, ends_head: bool = False) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, 1)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, padding=1, groups=outputs)
        self.bn = None if ends_head else nn.BatchNorm2d(outputs)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = self.conv2(self.conv1(x))
        return y if self.bn is None else relu(self.bn(y))


class Stem(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, 16, 3, stride=2, padding=1)
        self.bn1 = nn.BatchNorm2d(16)
        self.conv2 = Unit(16, 16)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.conv2(relu(self.bn1(self.conv1(x))))


class Stage(nn.Module):
    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.conv1 = Unit(inputs, inputs)
        self.conv2 = Unit(inputs, outputs)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.conv2(self.conv1(x))


class YuNetTwin(nn.Module):
    """Raw maps of the three levels: {"cls": [3 maps], "bbox": ..., "obj": ..., "kps": ...}."""

    def __init__(self, preset: str = "n") -> None:
        super().__init__()
        early = {"n": 64, "s": 32}[preset]
        self.backbone = nn.Module()
        self.backbone.add_module("model0", Stem())
        for i, (inputs, outputs) in enumerate([(16, early), (early, 64), *[(64, 64)] * 3]):
            self.backbone.add_module(f"model{i + 1}", Stage(inputs, outputs))
        self.neck = nn.Module()
        self.neck.lateral_convs = nn.ModuleList(Unit(64, 64) for _ in STRIDES)
        self.bbox_head = nn.Module()
        if preset == "n":
            shared = (nn.Sequential(Unit(64, 64)) for _ in STRIDES)
            self.bbox_head.multi_level_share_convs = nn.ModuleList(shared)
        for head, channels in HEADS.items():
            units = (Unit(64, channels, ends_head=True) for _ in STRIDES)
            self.bbox_head.add_module(f"multi_level_{head}", nn.ModuleList(units))

    def forward(self, x: torch.Tensor) -> dict[str, list[torch.Tensor]]:
        levels = []
        for i in range(6):
            x = self.backbone.get_submodule(f"model{i}")(x)
            if i >= 3:
                levels.append(x)
            if i in (0, 2, 3, 4):
                x = max_pool2d(x, 2)
        for i in (2, 1, 0):
            levels[i] = self.neck.get_submodule(f"lateral_convs.{i}")(levels[i])
            if i > 0:
                levels[i - 1] = levels[i - 1] + interpolate(levels[i], scale_factor=2)
        if hasattr(self.bbox_head, "multi_level_share_convs"):
            levels = [
                self.bbox_head.get_submodule(f"multi_level_share_convs.{i}")(level)
                for i, level in enumerate(levels)
            ]
        return {
            head: [
                self.bbox_head.get_submodule(f"multi_level_{head}.{i}")(level)
                for i, level in enumerate(levels)
            ]
            for head in HEADS
        }


@dataclass(frozen=True)
class Found:
    box: tuple[float, ...]
    score: float
    landmarks: torch.Tensor  # [5, 2]


def network_input(image: torch.Tensor) -> torch.Tensor:
    """uint8 [H, W, 3] RGB -> float32 [1, 3, H, W] BGR, padded to multiples of 32."""
    height, width = image.shape[:2]
    x = image.flip(-1).permute(2, 0, 1).unsqueeze(0).float()
    return pad(x, (0, -width % 32, 0, -height % 32))


@torch.inference_mode()
def find_faces(net: YuNetTwin, image: torch.Tensor, threshold: float, iou: float) -> list[Found]:
    """uint8 [H, W, 3] RGB -> faces by falling score, cell by cell and pair by pair."""
    maps = net.eval()(network_input(image))
    candidates = []
    for i, stride in enumerate(STRIDES):
        cls, bbox, obj, kps = (maps[head][i][0].double() for head in HEADS)
        for row in range(cls.shape[1]):
            for column in range(cls.shape[2]):
                both = cls[0, row, column].sigmoid() * obj[0, row, column].sigmoid()
                score = float(both.sqrt())
                if score < threshold:
                    continue
                dx, dy, log_w, log_h = bbox[:, row, column]
                cx, cy = (column + dx) * stride, (row + dy) * stride
                w, h = log_w.exp() * stride, log_h.exp() * stride
                box = tuple(float(v) for v in (cx - w / 2, cy - h / 2, cx + w / 2, cy + h / 2))
                points = kps[:, row, column].reshape(5, 2) + torch.tensor([column, row])
                candidates.append(Found(box, score, points * stride))
    kept: list[Found] = []
    for face in sorted(candidates, key=lambda f: f.score, reverse=True):
        if all(overlap(face.box, other.box) <= iou for other in kept):
            kept.append(face)
    return kept


def overlap(a: tuple[float, ...], b: tuple[float, ...]) -> float:
    """Intersection over union."""
    width = max(0.0, min(a[2], b[2]) - max(a[0], b[0]))
    height = max(0.0, min(a[3], b[3]) - max(a[1], b[1]))
    areas = [(box[2] - box[0]) * (box[3] - box[1]) for box in (a, b)]
    return width * height / (sum(areas) - width * height)
