"""What stands beside Vec2Face's generator, in plain PyTorch: discriminator, pose branch, losses."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn


class CrossEmbed(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.convs = nn.ModuleList(
            nn.Conv2d(3, out, kernel, padding=kernel // 2)
            for kernel, out in ((3, 32), (7, 16), (15, 16))
        )

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat([conv(x) for conv in self.convs], 1)


class Residual(nn.Module):
    def __init__(self, channels: int) -> None:
        super().__init__()
        self.block = nn.Module()
        self.block.groupnorm = nn.GroupNorm(8, channels)
        self.block.project = nn.Conv2d(channels, channels, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.block.project(nn.functional.leaky_relu(self.block.groupnorm(x), 0.1))


def discriminator_twin() -> nn.Module:
    layers = [nn.Sequential(CrossEmbed(), nn.LeakyReLU(0.1))]
    for inputs, outputs in ((64, 128), (128, 256), (256, 512)):
        halve = nn.Conv2d(inputs, outputs, 4, stride=2, padding=1)
        norm = nn.GroupNorm(8, outputs)
        layers.append(nn.Sequential(halve, nn.LeakyReLU(0.1), norm, Residual(outputs)))
    judge = nn.Sequential(nn.Conv2d(512, 512, 1), nn.LeakyReLU(0.1), nn.Conv2d(512, 1, 4))
    twin = nn.Sequential()
    twin.add_module("layers", nn.Sequential(*layers))
    twin.add_module("to_logits", judge)
    return twin


class PoseTwin(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        for i, (inputs, outputs) in enumerate(((3, 32), (32, 64), (64, 128), (128, 256))):
            self.add_module(f"conv{i + 1}", nn.Conv2d(inputs, outputs, 3, stride=2, padding=1))
        self.linear = nn.Linear(256 * 7 * 7, 768)

    def forward(self, x: Tensor) -> Tensor:
        for conv in (self.conv1, self.conv2, self.conv3, self.conv4):
            x = conv(x).clamp_min(0)
        return self.linear(x.reshape(len(x), -1))[:, None]


def ssim_twin(one: Tensor, other: Tensor) -> float:
    """Window by window, channel by channel, in float64; images in 0..1."""
    side, sigma = 11, 1.5
    bell = [math.exp(-((i - 5) ** 2) / (2 * sigma**2)) for i in range(side)]
    window = torch.tensor([[a * b for b in bell] for a in bell], dtype=torch.float64)
    window /= window.sum()
    values = []
    for x, y in zip(one.double().flatten(0, 1), other.double().flatten(0, 1), strict=True):
        for top in range(x.shape[0] - side + 1):
            for left in range(x.shape[1] - side + 1):
                a, b = (z[top : top + side, left : left + side] for z in (x, y))
                mean_a, mean_b = (window * a).sum(), (window * b).sum()
                spread_a = (window * (a - mean_a) ** 2).sum()
                spread_b = (window * (b - mean_b) ** 2).sum()
                shared = (window * (a - mean_a) * (b - mean_b)).sum()
                likeness = (2 * mean_a * mean_b + 1e-4) / (mean_a**2 + mean_b**2 + 1e-4)
                values.append(likeness * (2 * shared + 9e-4) / (spread_a + spread_b + 9e-4))
    return float(torch.stack(values).mean())


def perceptual_twin(ours: list[Tensor], theirs: list[Tensor]) -> float:
    total = 0.0
    for a, b in zip(ours, theirs, strict=True):
        distances = []
        for n in range(a.shape[0]):
            for y in range(a.shape[2]):
                for x in range(a.shape[3]):
                    u, v = a[n, :, y, x].double(), b[n, :, y, x].double()
                    distances.append(float((u / u.norm() - v / v.norm()).square().sum()))
        total += sum(distances) / len(distances)
    return total
