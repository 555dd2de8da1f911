"""The discriminator that house-vec2face is trained against: it looks through house-recogniser.

A small net for the picture and one for what each of three layers of a frozen recogniser sees in it,
as Projected GANs have it (Sauer et al., NeurIPS 2021): what the features already tell apart need
not be learnt, and no single judge can win alone. Every convolution has a spectral norm of 1
(Miyato et al., ICLR 2018); the losses are hinges. Vec2Face's own discriminator, on pixels alone,
was ahead for good within 2,000 steps of 16 pictures, and taught nothing from there on.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils.parametrizations import spectral_norm

SLOPE = 0.2
PICTURE_GAIN, FEATURE_GAIN = 4.0, 2.0  # of inputs of unit power: what a norm of 1 leaves too faint


def _convolution(in_channels: int, channels: int, *, halve: bool) -> nn.Module:
    size, stride = (4, 2) if halve else (3, 1)
    return spectral_norm(nn.Conv2d(in_channels, channels, size, stride, padding=1))


def _head(channels: Sequence[int], halves: Sequence[bool]) -> nn.Sequential:
    layers: list[nn.Module] = []
    for before, after, halve in zip(channels, channels[1:], halves, strict=False):
        layers += [_convolution(before, after, halve=halve), nn.LeakyReLU(SLOPE)]
    return nn.Sequential(*layers, _convolution(channels[-1], 1, halve=False))


class FeatureAdversary(nn.Module):
    """feature_channels: of the recogniser's features at a half, a quarter and an eighth of the
    picture's size."""

    scale: Tensor

    def __init__(self, feature_channels: Sequence[int]) -> None:
        super().__init__()
        half, quarter, eighth = feature_channels
        self.heads = nn.ModuleList(
            [
                _head((3, 32, 64, 96), (True, True, True)),
                _head((half, 64, 96), (True, True)),
                _head((quarter, 96, 96), (True, False)),
                _head((eighth, 128, 128), (False, True)),
            ]
        )
        self.register_buffer("scale", torch.zeros(len(self.heads)))

    def calibrate(self, images: Tensor, features: Sequence[Tensor]) -> None:
        """Brings inputs to unit power, by the first real batch; later calls change nothing."""
        if bool(self.scale.any()):
            return
        gains = [PICTURE_GAIN, *[FEATURE_GAIN] * len(features)]
        for i, (x, gain) in enumerate(zip([images, *features], gains, strict=True)):
            self.scale[i] = gain / x.detach().float().square().mean().sqrt()

    def forward(self, images: Tensor, features: Sequence[Tensor]) -> list[Tensor]:
        """float [N, 3, H, W] in -1..1 and its features -> a map of judgements [N, 1, h, w] a head:
        above 1 is surely real, below -1 surely generated."""
        inputs = zip(self.heads, [images, *features], self.scale, strict=True)
        return [head(x * scale) for head, x, scale in inputs]


def adversarial_loss(judgements: Sequence[Tensor]) -> Tensor:
    """What a generator lowers, given how its pictures are judged."""
    return -torch.stack([each.float().mean() for each in judgements]).sum()


def discriminator_loss(real: Sequence[Tensor], generated: Sequence[Tensor]) -> Tensor:
    """Hinges, a mean over heads: 2 where nothing is told apart, 0 where all of it is."""
    return torch.stack(
        [
            functional.relu(1 - a.float()).mean() + functional.relu(1 + b.float()).mean()
            for a, b in zip(real, generated, strict=True)
        ]
    ).mean()
