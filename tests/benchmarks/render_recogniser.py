"""A small face recogniser and its training: CosFace for a fixed budget."""

from __future__ import annotations

import argparse
import math
import sys
import time

import numpy as np
import torch
from render_augment import Augmenter
from render_crops import Crops, middle
from render_support import Floats
from torch import Tensor, nn
from torch.nn import functional

RATE = 0.1  # of the start


class Block(nn.Module):
    """Two 3x3 convolutions with a shortcut."""

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.first = convolution(inputs, outputs, 3, stride)
        self.second = convolution(outputs, outputs, 3, 1)
        plain = inputs == outputs and stride == 1
        self.shortcut = nn.Identity() if plain else convolution(inputs, outputs, 1, stride)
        self.activation = nn.LeakyReLU(0.1, inplace=True)

    def forward(self, x: Tensor) -> Tensor:
        """[N, inputs, H, W] -> [N, outputs, H / stride, W / stride]."""
        inner = self.second(self.activation(self.first(x)))
        result: Tensor = self.activation(inner + self.shortcut(x))
        return result


def convolution(inputs: int, outputs: int, size: int, stride: int) -> nn.Sequential:
    """A convolution without bias and its normalisation."""
    layer = nn.Conv2d(inputs, outputs, size, stride, size // 2, bias=False)
    return nn.Sequential(layer, nn.BatchNorm2d(outputs))


class Recogniser(nn.Module):
    """64 px RGB in -1..1 to an embedding of 256 numbers, not normalised; 951,608 parameters."""

    def __init__(self) -> None:
        super().__init__()
        stages = [(24, 1, 1), (48, 2, 2), (96, 2, 2), (192, 1, 2)]  # channels, blocks, stride
        layers: list[nn.Module] = [convolution(3, 24, 3, 2), nn.LeakyReLU(0.1, inplace=True)]
        inputs = 24
        for channels, blocks, stride in stages:
            for index in range(blocks):
                layers.append(Block(inputs, channels, stride if index == 0 else 1))
                inputs = channels
        self.body = nn.Sequential(*layers)
        # global depthwise convolution: every channel weighs its 4x4 places by itself
        self.head = nn.Sequential(
            nn.Conv2d(inputs, inputs, 4, groups=inputs, bias=False),
            nn.BatchNorm2d(inputs),
            nn.Flatten(),
            nn.Linear(inputs, 256, bias=False),
            nn.BatchNorm1d(256),
        )

    def forward(self, x: Tensor) -> Tensor:
        """[N, 3, 64, 64] -> [N, 256]."""
        result: Tensor = self.head(self.body(x))
        return result


class Budget:
    """How far training has come: by steps, or by processor time."""

    def __init__(self, minutes: float, steps: int | None) -> None:
        self.minutes, self.steps, self.done = minutes, steps, 0
        self.start, self.wall = time.process_time(), time.perf_counter()

    @property
    def share(self) -> float:
        """0 at the start, 1 when it is spent."""
        if self.steps is not None:
            return self.done / self.steps
        return (time.process_time() - self.start) / (60 * self.minutes)


def train(crops: Crops, arguments: argparse.Namespace) -> tuple[Recogniser, dict[str, float]]:
    """CosFace on the crops until the budget is spent."""
    torch.manual_seed(arguments.train_seed)
    people, codes = np.unique(crops.people, return_inverse=True)
    labels = torch.from_numpy(codes.astype(np.int64))
    pixels = torch.from_numpy(crops.pixels)
    net = Recogniser().to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    centres = nn.Parameter(functional.normalize(torch.randn(len(people), 256)))
    parameters = [*net.parameters(), centres]
    optimiser = torch.optim.SGD(parameters, lr=RATE, momentum=0.9, weight_decay=5e-4, nesterov=True)
    augment = Augmenter(arguments.train_seed, arguments.augmentation)
    shuffle = torch.Generator().manual_seed(arguments.train_seed)
    budget, smooth = Budget(arguments.minutes, arguments.steps), 0.0
    order = torch.empty(0, dtype=torch.int64)
    batch = arguments.batch
    while (share := budget.share) < 1:
        if len(order) < batch:
            order = torch.randperm(len(labels), generator=shuffle)
        picks, order = order[:batch].sort().values, order[batch:]
        rate = RATE * arguments.rate * (0.5 + 0.5 * math.cos(math.pi * share))
        optimiser.param_groups[0]["lr"] = rate * min(1.0, (budget.done + 1) / 100)
        inputs = augment(pixels[picks]).contiguous(memory_format=torch.channels_last)
        target = labels[picks]
        with torch.autocast("cpu", torch.bfloat16, enabled=arguments.bfloat16):
            embeddings = net(inputs)
        cosine = functional.normalize(embeddings.float()) @ functional.normalize(centres).T
        # Masks, profiles and hats make a slow start: the margin waits for it.
        margin = 0.25 * min(max(share - 0.3, 0) / 0.4, 1)
        cosine = cosine.index_put(
            (torch.arange(batch), target), torch.tensor(-margin), accumulate=True
        )
        loss = functional.cross_entropy(32 * cosine, target)
        optimiser.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
        budget.done += 1
        smooth += (loss.item() - smooth) * max(0.01, 1 / budget.done)
        if budget.done % 100 == 0:
            speed = batch * budget.done / (time.process_time() - budget.start)
            print(
                f"\r{100 * share:5.1f} %, step {budget.done}, loss {smooth:.3f}, {speed:.0f} "
                "pictures a core second ",
                end="",
                file=sys.stderr,
                flush=True,
            )
    print(file=sys.stderr)
    cpu = time.process_time() - budget.start
    return net.eval(), {
        "steps": budget.done,
        "loss": smooth,
        "core minutes": cpu / 60,
        "wall minutes": (time.perf_counter() - budget.wall) / 60,
        "pictures a core second": batch * budget.done / cpu,
    }


def embed(net: Recogniser, crops: Crops, mirror: bool = False) -> Floats:
    """[N, 256] of length 1. mirror: the mean with the mirrored picture."""
    parts = []
    with torch.inference_mode():
        for batch in torch.split(middle(crops), 128):
            found = functional.normalize(net(batch.contiguous(memory_format=torch.channels_last)))
            if mirror:
                found = found + functional.normalize(net(batch.flip(3)))
            parts.append(functional.normalize(found))
    return np.asarray(torch.cat(parts).numpy(), dtype=np.float64)
