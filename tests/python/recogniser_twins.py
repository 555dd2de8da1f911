"""Recognisers in plain PyTorch, one obvious statement after the other: the twins of the engine's.

Child names are the keys of the published checkpoints. Every twin gives raw embeddings [N, D].
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import nn
from torch.nn.functional import leaky_relu, max_pool2d

# Residual blocks in the four stages of the ResNets.
DEPTHS = {"18": (2, 2, 2, 2), "34": (3, 4, 6, 3), "50": (3, 4, 14, 3), "100": (3, 13, 30, 3)}
PLANES = (64, 128, 256, 512)


def conv(inputs: int, outputs: int, size: Any, stride: int = 1, **more: Any) -> nn.Conv2d:
    """Without bias; padded so that stride 1 keeps the size, unless `more` says otherwise."""
    sizes = size if isinstance(size, tuple) else (size, size)
    more.setdefault("padding", (sizes[0] // 2, sizes[1] // 2))
    return nn.Conv2d(inputs, outputs, size, stride, bias=False, **more)


class Gate(nn.Module):
    """Squeeze and excitation: each channel times a factor that comes from the channels' means."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.fc1 = conv(channels, channels // 16, 1)
        self.fc2 = conv(channels // 16, channels, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        mean = x.mean((2, 3), keepdim=True)
        return x * torch.sigmoid(self.fc2(torch.relu(self.fc1(mean))))


class IResNetBlock(nn.Module):
    def __init__(self, inputs: int, planes: int, stride: int, se: bool) -> None:
        super().__init__()
        self.bn1 = nn.BatchNorm2d(inputs)
        self.conv1 = conv(inputs, planes, 3)
        self.bn2 = nn.BatchNorm2d(planes)
        self.prelu = nn.PReLU(planes)
        self.conv2 = conv(planes, planes, 3, stride)
        self.bn3 = nn.BatchNorm2d(planes)
        self.downsample = None
        if stride == 2:
            shortcut = conv(inputs, planes, 1, stride)
            self.downsample = nn.Sequential(shortcut, nn.BatchNorm2d(planes))
        self.se_block = Gate(planes) if se else None

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = self.prelu(self.bn2(self.conv1(self.bn1(x))))
        y = self.bn3(self.conv2(y))
        if self.se_block is not None:
            y = self.se_block(y)
        return y + (x if self.downsample is None else self.downsample(x))


class IResNetTwin(nn.Module):
    """insightface arcface_torch; `se` as in ElasticFace, `quality` as in CR-FIQA."""

    def __init__(self, depth: str, *, se: bool = False, quality: bool = False) -> None:
        super().__init__()
        self.conv1 = conv(3, 64, 3)
        self.bn1 = nn.BatchNorm2d(64)
        self.prelu = nn.PReLU(64)
        inputs = 64
        for number, (planes, count) in enumerate(zip(PLANES, DEPTHS[depth], strict=True), start=1):
            blocks = [IResNetBlock(inputs, planes, 2, se)]
            blocks += [IResNetBlock(planes, planes, 1, se) for _ in range(count - 1)]
            self.add_module(f"layer{number}", nn.Sequential(*blocks))
            inputs = planes
        self.bn2 = nn.BatchNorm2d(512)
        self.fc = nn.Linear(512 * 7 * 7, 512)
        self.features = nn.BatchNorm1d(512)
        self.features.weight.requires_grad = False
        if quality:
            self.qs = nn.Linear(512, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.prelu(self.bn1(self.conv1(x)))
        x = self.layer4(self.layer3(self.layer2(self.layer1(x))))
        return self.features(self.fc(self.bn2(x).flatten(1)))


class IrUnit(nn.Module):
    def __init__(self, inputs: int, planes: int, stride: int, layout: str, se: bool) -> None:
        super().__init__()
        self.stride = stride
        self.shortcut_layer = None
        if inputs != planes:
            shortcut = conv(inputs, planes, 1, stride)
            self.shortcut_layer = nn.Sequential(shortcut, nn.BatchNorm2d(planes))
        layers: list[nn.Module] = [nn.BatchNorm2d(inputs), conv(inputs, planes, 3)]
        if layout == "adaface":
            layers.append(nn.BatchNorm2d(planes))
        layers += [nn.PReLU(planes), conv(planes, planes, 3, stride), nn.BatchNorm2d(planes)]
        self.res_layer = nn.Sequential(*layers)
        if se:
            self.res_layer.add_module("5" if layout == "treb1en" else "se_block", Gate(planes))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        if self.shortcut_layer is None:
            return self.res_layer(x) + x[:, :, :: self.stride, :: self.stride]
        return self.res_layer(x) + self.shortcut_layer(x)


class IrBackboneTwin(nn.Module):
    """IR and IR-SE of TreB1eN ("treb1en") and of AdaFace ("adaface")."""

    def __init__(self, depth: str, *, layout: str, se: bool = False) -> None:
        super().__init__()
        self.input_layer = nn.Sequential(conv(3, 64, 3), nn.BatchNorm2d(64), nn.PReLU(64))
        units, inputs = [], 64
        for planes, count in zip(PLANES, DEPTHS[depth], strict=True):
            for index in range(count):
                units.append(IrUnit(inputs, planes, 1 if index else 2, layout, se))
                inputs = planes
        self.body = nn.Sequential(*units)
        norm = nn.BatchNorm1d(512, affine=layout == "treb1en")
        fc = nn.Linear(512 * 7 * 7, 512)
        self.output_layer = nn.Sequential(
            nn.BatchNorm2d(512), nn.Identity(), nn.Flatten(), fc, norm
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.output_layer(self.body(self.input_layer(x)))


# ---- InceptionResnetV1 ---------------------------------------------------------------------------


class Basic(nn.Module):
    def __init__(self, inputs: int, outputs: int, size: Any, stride: int = 1, **more: Any) -> None:
        super().__init__()
        self.conv = conv(inputs, outputs, size, stride, **more)
        self.bn = nn.BatchNorm2d(outputs, eps=1e-3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.relu(self.bn(self.conv(x)))


class InceptionBlock(nn.Module):
    """Branches side by side, joined, back to `channels`, scaled, plus the input."""

    def __init__(self, channels: int, branches: Sequence[nn.Module], joined: int, scale: float):
        super().__init__()
        for index, branch in enumerate(branches):
            self.add_module(f"branch{index}", branch)
        self.count, self.scale, self.active = len(branches), scale, True
        self.conv2d = nn.Conv2d(joined, channels, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        parts = [self.get_submodule(f"branch{index}")(x) for index in range(self.count)]
        y = self.scale * self.conv2d(torch.cat(parts, 1)) + x
        return torch.relu(y) if self.active else y


class Reduction(nn.Module):
    def __init__(self, **branches: nn.Module) -> None:
        super().__init__()
        for name, branch in branches.items():
            self.add_module(name, branch)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.cat([*(branch(x) for branch in self.children()), max_pool2d(x, 3, 2)], 1)


class InceptionResnetTwin(nn.Module):
    """facenet-pytorch's InceptionResnetV1 without its classifier; 160 x 160 px."""

    def __init__(self) -> None:
        super().__init__()
        n = nn.Sequential
        self.conv2d_1a = Basic(3, 32, 3, 2, padding=0)
        self.conv2d_2a = Basic(32, 32, 3, padding=0)
        self.conv2d_2b = Basic(32, 64, 3)
        self.conv2d_3b = Basic(64, 80, 1)
        self.conv2d_4a = Basic(80, 192, 3, padding=0)
        self.conv2d_4b = Basic(192, 256, 3, 2, padding=0)
        self.repeat_1 = n(*(self.block35() for _ in range(5)))
        self.mixed_6a = Reduction(
            branch0=Basic(256, 384, 3, 2, padding=0),
            branch1=n(Basic(256, 192, 1), Basic(192, 192, 3), Basic(192, 256, 3, 2, padding=0)),
        )
        self.repeat_2 = n(*(self.long_block(896, 128, 7, 0.10) for _ in range(10)))
        self.mixed_7a = Reduction(
            branch0=n(Basic(896, 256, 1), Basic(256, 384, 3, 2, padding=0)),
            branch1=n(Basic(896, 256, 1), Basic(256, 256, 3, 2, padding=0)),
            branch2=n(Basic(896, 256, 1), Basic(256, 256, 3), Basic(256, 256, 3, 2, padding=0)),
        )
        self.repeat_3 = n(*(self.long_block(1792, 192, 3, 0.20) for _ in range(5)))
        self.block8 = self.long_block(1792, 192, 3, 1.0)
        self.block8.active = False
        self.last_linear = nn.Linear(1792, 512, bias=False)
        self.last_bn = nn.BatchNorm1d(512, eps=1e-3)

    @staticmethod
    def block35() -> InceptionBlock:
        one = nn.Sequential(Basic(256, 32, 1), Basic(32, 32, 3))
        two = nn.Sequential(Basic(256, 32, 1), Basic(32, 32, 3), Basic(32, 32, 3))
        return InceptionBlock(256, (Basic(256, 32, 1), one, two), 96, 0.17)

    @staticmethod
    def long_block(channels: int, width: int, size: int, scale: float) -> InceptionBlock:
        rows, columns = Basic(width, width, (1, size)), Basic(width, width, (size, 1))
        long = nn.Sequential(Basic(channels, width, 1), rows, columns)
        return InceptionBlock(channels, (Basic(channels, width, 1), long), 2 * width, scale)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.conv2d_2b(self.conv2d_2a(self.conv2d_1a(x)))
        x = self.conv2d_4b(self.conv2d_4a(self.conv2d_3b(max_pool2d(x, 3, 2))))
        x = self.repeat_2(self.mixed_6a(self.repeat_1(x)))
        x = self.block8(self.repeat_3(self.mixed_7a(x)))
        return self.last_bn(self.last_linear(x.mean((2, 3))))


# ---- the house recogniser ------------------------------------------------------------------------


class HouseBlock(nn.Module):
    def __init__(self, inputs: int, channels: int, stride: int) -> None:
        super().__init__()
        self.conv1 = conv(inputs, channels, 3, stride)
        self.bn1 = nn.BatchNorm2d(channels)
        self.conv2 = conv(channels, channels, 3)
        self.bn2 = nn.BatchNorm2d(channels)
        self.shortcut_conv = None
        if inputs != channels or stride != 1:
            self.shortcut_conv = conv(inputs, channels, 1, stride)
            self.shortcut_bn = nn.BatchNorm2d(channels)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = self.bn2(self.conv2(leaky_relu(self.bn1(self.conv1(x)), 0.1)))
        if self.shortcut_conv is not None:
            x = self.shortcut_bn(self.shortcut_conv(x))
        return leaky_relu(y + x, 0.1)


class HouseTwin(nn.Module):
    """guise's own; 64 x 64 px."""

    def __init__(
        self, channels: Sequence[int], blocks: Sequence[int], dimension: int, has_quality: bool
    ) -> None:
        super().__init__()
        self.stem = nn.Sequential(conv(3, channels[0], 3, 2), nn.BatchNorm2d(channels[0]))
        stages, inputs = [], channels[0]
        for stage, (outputs, count) in enumerate(zip(channels, blocks, strict=True)):
            chain = []
            for index in range(count):
                stride = 2 if stage > 0 and index == 0 else 1
                chain.append(HouseBlock(inputs, outputs, stride))
                inputs = outputs
            stages.append(nn.Sequential(*chain))
        self.stages = nn.Sequential(*stages)
        self.head_conv = conv(inputs, inputs, 4, groups=inputs, padding=0)
        self.head_bn = nn.BatchNorm2d(inputs)
        self.linear = nn.Linear(inputs, dimension, bias=False)
        self.features = nn.BatchNorm1d(dimension)
        self.quality = nn.Linear(dimension, 1) if has_quality else None

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.head_conv(self.stages(leaky_relu(self.stem(x), 0.1)))
        return self.features(self.linear(self.head_bn(x).flatten(1)))
