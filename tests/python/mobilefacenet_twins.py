"""MobileFaceNet in its four layouts, in plain PyTorch: the twins of the engine's.

Child names are the keys of the published checkpoints. Every twin gives raw embeddings [N, D].
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence

import torch
from recogniser_twins import conv
from torch import nn

# (expansion, channels, count, stride of the first) of its five groups
GROUPS = ((2, 64, 5, 2), (4, 128, 1, 2), (2, 128, 6, 1), (4, 128, 1, 2), (2, 128, 2, 1))


class Residual(nn.Module):
    """A chain of layers, plus its input; the chain stands under `name`."""

    def __init__(self, children: dict[str, nn.Module], *, residual: bool) -> None:
        super().__init__()
        for name, child in children.items():
            self.add_module(name, child)
        self.residual = residual

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = x
        for child in self.children():
            y = child(y)
        return x + y if self.residual else y


def unit(names: Sequence[str], convolution: nn.Conv2d, *, active: bool = True) -> nn.Sequential:
    channels = convolution.out_channels
    layers = [convolution, nn.BatchNorm2d(channels), nn.PReLU(channels)]
    return nn.Sequential(OrderedDict(zip(names, layers if active else layers[:2], strict=False)))


def inverted(
    inputs: int, outputs: int, hidden: int, stride: int, names: Sequence[str], part: Sequence[str]
) -> dict[str, nn.Module]:
    """1 x 1, depthwise 3 x 3, 1 x 1: three units under `names`, whose layers are called `part`."""
    return {
        names[0]: unit(part, conv(inputs, hidden, 1)),
        names[1]: unit(part, conv(hidden, hidden, 3, stride, groups=hidden)),
        names[2]: unit(part, conv(hidden, outputs, 1), active=False),
    }


class MbfTwin(nn.Module):
    """arcface_torch "mbf" (scale 2, blocks 1 4 6 2) and "mbf_large" (scale 4, blocks 2 8 12 4)."""

    def __init__(self, scale: int, blocks: Sequence[int]) -> None:
        super().__init__()

        def block(convolution: nn.Conv2d, active: bool = True) -> nn.Module:
            layers = unit(("0", "1", "2"), convolution, active=active)
            return Residual({"layers": layers}, residual=False)

        def depthwise(inputs: int, outputs: int, hidden: int, stride: int) -> nn.Module:
            first = block(conv(inputs, hidden, 1))
            second = block(conv(hidden, hidden, 3, stride, groups=hidden))
            third = block(conv(hidden, outputs, 1), active=False)
            return Residual({"layers": nn.Sequential(first, second, third)}, residual=stride == 1)

        def repeated(channels: int, hidden: int, count: int) -> nn.Module:
            chain = nn.Sequential(*(depthwise(channels, channels, hidden, 1) for _ in range(count)))
            return Residual({"layers": chain}, residual=False)

        narrow, wide = 64 * scale, 128 * scale
        second = block(conv(narrow, narrow, 3, groups=64))
        self.layers = nn.Sequential(
            block(conv(3, narrow, 3, 2)),
            second if blocks[0] == 1 else repeated(narrow, 128, blocks[0]),
            depthwise(narrow, narrow, 128, 2),
            repeated(narrow, 128, blocks[1]),
            depthwise(narrow, wide, 256, 2),
            repeated(wide, 256, blocks[2]),
            depthwise(wide, wide, 512, 2),
            repeated(wide, 256, blocks[3]),
        )
        self.conv_sep = block(conv(wide, 512, 1))
        pool = block(conv(512, 512, 7, groups=512, padding=0), active=False)
        linear = nn.Linear(512, 512, bias=False)
        head = nn.Sequential(pool, nn.Flatten(), linear, nn.BatchNorm1d(512))
        self.features = Residual({"layers": head}, residual=False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.features(self.conv_sep(self.layers(x)))


class TrebMobileTwin(nn.Module):
    """MobileFaceNet of TreB1eN."""

    def __init__(self) -> None:
        super().__init__()
        part, names = ("conv", "bn", "prelu"), ("conv", "conv_dw", "project")

        def depthwise(inputs: int, outputs: int, hidden: int, stride: int) -> nn.Module:
            chain = inverted(inputs, outputs, hidden, stride, names, part)
            return Residual(chain, residual=stride == 1)

        def repeated(channels: int, hidden: int, count: int) -> nn.Module:
            chain = nn.Sequential(*(depthwise(channels, channels, hidden, 1) for _ in range(count)))
            return Residual({"model": chain}, residual=False)

        self.conv1 = unit(part, conv(3, 64, 3, 2))
        self.conv2_dw = unit(part, conv(64, 64, 3, groups=64))
        self.conv_23 = depthwise(64, 64, 128, 2)
        self.conv_3 = repeated(64, 128, 4)
        self.conv_34 = depthwise(64, 128, 256, 2)
        self.conv_4 = repeated(128, 256, 6)
        self.conv_45 = depthwise(128, 128, 512, 2)
        self.conv_5 = repeated(128, 256, 2)
        self.conv_6_sep = unit(part, conv(128, 512, 1))
        self.conv_6_dw = unit(part, conv(512, 512, 7, groups=512, padding=0), active=False)
        self.linear = nn.Linear(512, 512, bias=False)
        self.bn = nn.BatchNorm1d(512)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        for layer in list(self.children())[:-2]:
            x = layer(x)
        return self.bn(self.linear(x.flatten(1)))


class XiaoccerTwin(nn.Module):
    """MobileFaceNet of Xiaoccer, for crops of 112 x 96 px; 128 numbers."""

    def __init__(self) -> None:
        super().__init__()
        part = ("conv", "bn", "prelu")
        self.conv1 = unit(part, conv(3, 64, 3, 2))
        self.dw_conv1 = unit(part, conv(64, 64, 3, groups=64))
        blocks, inputs = [], 64
        for expansion, channels, count, first_stride in GROUPS:
            for index in range(count):
                stride, hidden = 1 if index else first_stride, inputs * expansion
                chain = inverted(inputs, channels, hidden, stride, "abc", "xyz")
                flat = [layer for each in chain.values() for layer in each]
                residual = stride == 1 and inputs == channels
                blocks.append(Residual({"conv": nn.Sequential(*flat)}, residual=residual))
                inputs = channels
        self.blocks = nn.Sequential(*blocks)
        self.conv2 = unit(part, conv(128, 512, 1))
        self.linear7 = unit(part, conv(512, 512, (7, 6), groups=512, padding=0), active=False)
        self.linear1 = unit(part, conv(512, 128, 1), active=False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.blocks(self.dw_conv1(self.conv1(x)))
        return self.linear1(self.linear7(self.conv2(x))).flatten(1)


class FoamliuTwin(nn.Module):
    """MobileFaceNet of foamliu: ReLU6 inside, 128 numbers."""

    def __init__(self) -> None:
        super().__init__()

        def relu6(convolution: nn.Conv2d) -> nn.Sequential:
            return nn.Sequential(convolution, nn.BatchNorm2d(convolution.out_channels), nn.ReLU6())

        self.conv1 = relu6(conv(3, 64, 3, 2))
        self.dw_conv = nn.Module()
        self.dw_conv.depthwise = conv(64, 64, 3, groups=64)
        self.dw_conv.pointwise = conv(64, 64, 1)
        self.dw_conv.bn1 = nn.BatchNorm2d(64)
        self.dw_conv.bn2 = nn.BatchNorm2d(64)
        blocks, inputs = [], 64
        for expansion, channels, count, first_stride in GROUPS:
            for index in range(count):
                stride, hidden = 1 if index else first_stride, inputs * expansion
                chain = nn.Sequential(
                    relu6(conv(inputs, hidden, 1)),
                    relu6(conv(hidden, hidden, 3, stride, groups=hidden)),
                    conv(hidden, channels, 1),
                    nn.BatchNorm2d(channels),
                )
                residual = stride == 1 and inputs == channels
                blocks.append(Residual({"conv": chain}, residual=residual))
                inputs = channels
        self.features = nn.Sequential(*blocks)
        self.conv2 = relu6(conv(128, 512, 1))
        self.gdconv = nn.Module()
        self.gdconv.depthwise = conv(512, 512, 7, groups=512, padding=0)
        self.gdconv.bn = nn.BatchNorm2d(512)
        self.conv3 = nn.Conv2d(512, 128, 1)
        self.bn = nn.BatchNorm2d(128)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        first = self.dw_conv
        x = torch.relu(first.bn1(first.depthwise(self.conv1(x))))
        x = torch.relu(first.bn2(first.pointwise(x)))
        x = self.conv2(self.features(x))
        x = self.gdconv.bn(self.gdconv.depthwise(x))
        return self.bn(self.conv3(x)).flatten(1)
