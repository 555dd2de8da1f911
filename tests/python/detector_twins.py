"""RetinaFace and 6DRepNet in plain PyTorch, one obvious statement after the other.

Child names are the keys of the published checkpoints, those of 6DRepNet of its training form.
"""

from __future__ import annotations

import math

import torch
from torch import nn
from torch.nn.functional import interpolate, max_pool2d, relu
from yunet_twin import STRIDES, Found, overlap


class ConvNorm(nn.Sequential):
    """Convolution, BatchNorm, LeakyReLU unless there is no slope: children 0, 1, 2."""

    def __init__(
        self,
        inputs: int,
        outputs: int,
        size: int,
        stride: int,
        slope: float | None,
        groups: int = 1,
    ) -> None:
        conv = nn.Conv2d(inputs, outputs, size, stride, size // 2, groups=groups, bias=False)
        act = [] if slope is None else [nn.LeakyReLU(slope)]
        super().__init__(conv, nn.BatchNorm2d(outputs), *act)


class Separable(nn.Sequential):
    """3 x 3 for each channel, then 1 x 1: children 0 to 5."""

    def __init__(self, inputs: int, outputs: int, stride: int, slope: float) -> None:
        super().__init__(
            *ConvNorm(inputs, inputs, 3, stride, slope, groups=inputs),
            *ConvNorm(inputs, outputs, 1, 1, slope),
        )


class MobileNet(nn.Module):
    def __init__(self, slope: float) -> None:
        super().__init__()
        c = slope
        self.stage1 = nn.Sequential(
            ConvNorm(3, 8, 3, 2, c),
            Separable(8, 16, 1, c),
            Separable(16, 32, 2, c),
            Separable(32, 32, 1, c),
            Separable(32, 64, 2, c),
            Separable(64, 64, 1, c),
        )
        self.stage2 = nn.Sequential(
            Separable(64, 128, 2, c), *(Separable(128, 128, 1, c) for _ in range(5))
        )
        self.stage3 = nn.Sequential(Separable(128, 256, 2, c), Separable(256, 256, 1, c))

    def forward(self, x: torch.Tensor) -> list[torch.Tensor]:
        one = self.stage1(x)
        two = self.stage2(one)
        return [one, two, self.stage3(two)]


class Bottleneck(nn.Module):
    def __init__(self, inputs: int, inner: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, inner, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(inner)
        self.conv2 = nn.Conv2d(inner, inner, 3, stride, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(inner)
        self.conv3 = nn.Conv2d(inner, 4 * inner, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(4 * inner)
        self.downsample = (
            ConvNorm(inputs, 4 * inner, 1, stride, None)
            if stride != 1 or inputs != 4 * inner
            else None
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = relu(self.bn1(self.conv1(x)))
        y = relu(self.bn2(self.conv2(y)))
        y = self.bn3(self.conv3(y))
        return relu(y + (x if self.downsample is None else self.downsample(x)))


class ResNet50(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, 64, 7, 2, 3, bias=False)
        self.bn1 = nn.BatchNorm2d(64)
        channels = 64
        for layer, blocks in enumerate((3, 4, 6, 3)):
            inner, stages = 64 * 2**layer, []
            for i in range(blocks):
                stages.append(Bottleneck(channels, inner, 2 if layer > 0 and i == 0 else 1))
                channels = 4 * inner
            self.add_module(f"layer{layer + 1}", nn.Sequential(*stages))

    def forward(self, x: torch.Tensor) -> list[torch.Tensor]:
        x = max_pool2d(relu(self.bn1(self.conv1(x))), 3, 2, 1)
        levels = []
        for layer in range(1, 5):
            x = self.get_submodule(f"layer{layer}")(x)
            levels.append(x)
        return levels[1:]


class Pyramid(nn.Module):
    def __init__(self, channels: list[int], inner: int, slope: float) -> None:
        super().__init__()
        for i, inputs in enumerate(channels):
            self.add_module(f"output{i + 1}", ConvNorm(inputs, inner, 1, 1, slope))
        self.merge1 = ConvNorm(inner, inner, 3, 1, slope)
        self.merge2 = ConvNorm(inner, inner, 3, 1, slope)

    def forward(self, levels: list[torch.Tensor]) -> list[torch.Tensor]:
        one, two, three = (self.get_submodule(f"output{i + 1}")(x) for i, x in enumerate(levels))
        two = self.merge2(two + interpolate(three, size=two.shape[2:]))
        one = self.merge1(one + interpolate(two, size=one.shape[2:]))
        return [one, two, three]


class Context(nn.Module):
    def __init__(self, channels: int, slope: float) -> None:
        super().__init__()
        quarter = channels // 4
        self.conv3X3 = ConvNorm(channels, channels // 2, 3, 1, None)
        self.conv5X5_1 = ConvNorm(channels, quarter, 3, 1, slope)
        self.conv5X5_2 = ConvNorm(quarter, quarter, 3, 1, None)
        self.conv7X7_2 = ConvNorm(quarter, quarter, 3, 1, slope)
        self.conv7x7_3 = ConvNorm(quarter, quarter, 3, 1, None)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        five = self.conv5X5_1(x)
        parts = [self.conv3X3(x), self.conv5X5_2(five), self.conv7x7_3(self.conv7X7_2(five))]
        return relu(torch.cat(parts, 1))


class Head(nn.Module):
    def __init__(self, channels: int, numbers: int) -> None:
        super().__init__()
        self.numbers = numbers
        self.conv1x1 = nn.Conv2d(channels, 2 * numbers, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.conv1x1(x).permute(0, 2, 3, 1).reshape(len(x), -1, self.numbers)


class RetinaFaceTwin(nn.Module):
    """Class logits [N, A, 2], boxes [N, A, 4] and landmarks [N, A, 10], raw."""

    def __init__(self, preset: str) -> None:
        super().__init__()
        slope = 0.1 if preset == "mnet025-leaky" else 0.0
        wide = preset == "r50"
        channels, inner = ([512, 1024, 2048], 256) if wide else ([64, 128, 256], 64)
        self.body = ResNet50() if wide else MobileNet(slope)
        self.fpn = Pyramid(channels, inner, slope)
        for i in (1, 2, 3):
            self.add_module(f"ssh{i}", Context(inner, slope))
        self.ClassHead = nn.ModuleList(Head(inner, 2) for _ in range(3))
        self.BboxHead = nn.ModuleList(Head(inner, 4) for _ in range(3))
        self.LandmarkHead = nn.ModuleList(Head(inner, 10) for _ in range(3))

    def forward(self, x: torch.Tensor) -> list[torch.Tensor]:
        levels = self.fpn(self.body(x))
        levels = [self.get_submodule(f"ssh{i + 1}")(y) for i, y in enumerate(levels)]
        heads = (self.ClassHead, self.BboxHead, self.LandmarkHead)
        return [torch.cat([head[i](y) for i, y in enumerate(levels)], 1) for head in heads]


PRIORS_PX = {
    "mnet025-leaky": ((16, 32), (64, 128), (256, 512)),
    "mnet025-relu": ((10, 20), (32, 64), (128, 256)),
    "r50": ((16, 32), (64, 128), (256, 512)),
}


@torch.inference_mode()
def retinaface_faces(
    net: RetinaFaceTwin, preset: str, image: torch.Tensor, threshold: float, iou: float
) -> list[Found]:
    """uint8 [H, W, 3] RGB -> faces by falling score, prior by prior and pair by pair."""
    height, width = image.shape[:2]
    x = image.flip(-1).float() - torch.tensor([104.0, 117.0, 123.0])
    classes, boxes, points = net.eval()(x.permute(2, 0, 1).unsqueeze(0))
    scores = classes[0].softmax(-1)[:, 1].tolist()
    candidates, number = [], 0
    for stride, sides in zip(STRIDES, PRIORS_PX[preset], strict=True):
        for row in range(math.ceil(height / stride)):
            for column in range(math.ceil(width / stride)):
                for side in sides:
                    score, box, five = scores[number], boxes[0, number], points[0, number]
                    number += 1
                    if score < threshold:
                        continue
                    middle = torch.tensor([(column + 0.5) * stride, (row + 0.5) * stride])
                    centre = middle + box[:2] * 0.1 * side
                    half = side * (box[2:] * 0.2).exp() / 2
                    corners = torch.cat([centre - half, centre + half])
                    landmarks = middle + five.reshape(5, 2) * 0.1 * side
                    candidates.append(Found(tuple(corners.tolist()), score, landmarks))
    assert number == len(scores)
    kept: list[Found] = []
    for face in sorted(candidates, key=lambda f: f.score, reverse=True):
        if all(overlap(face.box, other.box) <= iou for other in kept):
            kept.append(face)
    return kept


class RepVggBlock(nn.Module):
    """3 x 3 + 1 x 1 + identity, each with its norm, then ReLU; as it is trained."""

    def __init__(self, inputs: int, outputs: int, stride: int, groups: int) -> None:
        super().__init__()

        def branch(size: int) -> nn.Module:
            module = nn.Module()
            module.conv = nn.Conv2d(
                inputs, outputs, size, stride, size // 2, groups=groups, bias=False
            )
            module.bn = nn.BatchNorm2d(outputs)
            return module

        self.rbr_dense, self.rbr_1x1 = branch(3), branch(1)
        keeps = inputs == outputs and stride == 1
        self.rbr_identity = nn.BatchNorm2d(outputs) if keeps else None

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = self.rbr_dense.bn(self.rbr_dense.conv(x)) + self.rbr_1x1.bn(self.rbr_1x1.conv(x))
        return relu(y if self.rbr_identity is None else y + self.rbr_identity(x))


class SixDRepNetTwin(nn.Module):
    """6DRepNet in its training form; gives rotations."""

    def __init__(self, channels: tuple[int, ...], blocks: tuple[int, ...]) -> None:
        super().__init__()
        self.layer0 = RepVggBlock(3, channels[0], 2, 1)
        inputs, number = channels[0], 1
        for layer, (outputs, count) in enumerate(zip(channels[1:], blocks, strict=True)):
            stage = []
            for i in range(count):
                groups = 2 if number % 2 == 0 else 1
                stage.append(RepVggBlock(inputs, outputs, 2 if i == 0 else 1, groups))
                inputs, number = outputs, number + 1
            self.add_module(f"layer{layer + 1}", nn.Sequential(*stage))
        self.layers = len(blocks)
        self.linear_reg = nn.Linear(inputs, 6)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.layer0(x)
        for layer in range(self.layers):
            x = self.get_submodule(f"layer{layer + 1}")(x)
        return torch.stack([rotation_of(six) for six in self.linear_reg(x.mean((2, 3)))])


def rotation_of(six: torch.Tensor) -> torch.Tensor:
    """Gram and Schmidt on two vectors of three numbers."""
    x = six[:3] / six[:3].norm()
    z = torch.linalg.cross(x, six[3:])
    z = z / z.norm()
    return torch.stack([x, torch.linalg.cross(z, x), z], 1)
