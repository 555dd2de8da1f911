"""The margin losses in plain PyTorch, one sample after the other, from the papers' formulas."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch.nn.functional import normalize

Target = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]
LEAST_SINE = 1e-3


def angle_of(cosine: torch.Tensor) -> torch.Tensor:
    return torch.atan2((1 - cosine**2).clamp_min(LEAST_SINE**2).sqrt(), cosine)


def loss(
    x: torch.Tensor,
    labels: torch.Tensor,
    weight: torch.Tensor,
    target: Target,
    *,
    scale: float = 64.0,
    filter_above: float = 1.0,
) -> torch.Tensor:
    """-log softmax of the own class, whose cosine `target` makes harder, in the mean."""
    total = x.new_zeros(())
    for row, label in zip(x, labels.tolist(), strict=True):
        cosines = [normalize(row, dim=0) @ normalize(centre, dim=0) for centre in weight]
        logits = []
        for k, cosine in enumerate(cosines):
            if k == label:
                logits.append(scale * target(cosine, row.norm()))
            else:
                logits.append(scale * cosine * (0.0 if cosine > filter_above else 1.0))
        total = total + torch.stack(logits).logsumexp(0) - logits[label]
    return total / len(x)


def arcface(margin: float = 0.5) -> Target:
    def target(cosine: torch.Tensor, _: torch.Tensor) -> torch.Tensor:
        if cosine <= math.cos(math.pi - margin):
            return cosine - margin * math.sin(math.pi - margin)
        return (angle_of(cosine) + margin).cos()

    return target


def cosface(margin: float = 0.35) -> Target:
    return lambda cosine, _: cosine - margin


def combined(m1: float = 1.0, m2: float = 0.3, m3: float = 0.2) -> Target:
    def target(cosine: torch.Tensor, _: torch.Tensor) -> torch.Tensor:
        angle = m1 * angle_of(cosine) + m2
        value, turns = angle.cos(), 0
        while angle > (turns + 1) * math.pi:
            turns += 1
            value = -angle.cos() if turns % 2 else angle.cos()
            value = value - 2 * turns
        return value - m3

    return target


class AdaFace:
    """Mean and deviation of the lengths are followed before they are used."""

    def __init__(self) -> None:
        self.mean, self.deviation = 20.0, 100.0

    def follow(self, x: torch.Tensor, rate: float = 0.01) -> None:
        lengths = x.detach().norm(dim=1).clamp(1e-3, 100)
        self.mean = rate * float(lengths.mean()) + (1 - rate) * self.mean
        self.deviation = rate * float(lengths.std()) + (1 - rate) * self.deviation

    def target(self, m: float = 0.4, h: float = 0.333) -> Target:
        def target(cosine: torch.Tensor, norm: torch.Tensor) -> torch.Tensor:
            length = min(max(norm.item(), 1e-3), 100.0)
            z = min(max((length - self.mean) / (self.deviation + 1e-3) * h, -1.0), 1.0)
            angle = (angle_of(cosine) - m * z).clamp(1e-3, math.pi - 1e-3)
            return angle.cos() - (m + m * z)

        return target


def magface(*, easy: bool = True) -> Target:
    def target(cosine: torch.Tensor, norm: torch.Tensor) -> torch.Tensor:
        margin = 0.45 + (0.8 - 0.45) / (110 - 10) * (norm.clamp(10, 110) - 10)
        if cosine <= (0 if easy else (math.pi - margin).cos()):
            return cosine if easy else cosine - margin * (math.pi - margin).sin()
        return (angle_of(cosine) + margin).cos()

    return target


def magface_penalty(x: torch.Tensor) -> torch.Tensor:
    lengths = x.norm(dim=1).clamp(10, 110)
    return 35 * (lengths / 110**2 + 1 / lengths).mean()
