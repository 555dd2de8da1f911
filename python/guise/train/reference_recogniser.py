"""The reference recogniser: a small net and a fixed recipe, so that datasets can be compared.

What differs between two runs is the data alone. The recipe is that of house-recogniser, made
small: CosFace with a margin that waits, SGD with a cosine schedule, photos treated roughly. It has
a name of its own and does not follow house-recogniser where that changes.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from guise import _core
from guise.train.crop_size import CROP_PX, INPUT_PX
from guise.train.memory_format import use_channels_last
from guise.train.photo_augment import PhotoAugmenter
from guise.train.shuffled_rows import rows_of_step

LARGEST_SEED = 2**31 - 1  # a step's seed is made of it and the step's number, in 64 bits
_EDGE = (CROP_PX - INPUT_PX) // 2


@dataclass(frozen=True)
class ReferenceRecipe:
    """Every number that decides about the training, but data and seed.

    Figures are comparable under one name and one number of steps.
    """

    name: str = "reference recipe v1"
    channels: tuple[int, int, int, int] = (24, 48, 96, 192)
    blocks: tuple[int, int, int, int] = (1, 2, 2, 1)
    dimension: int = 512
    steps: int = 2500
    batch: int = 64
    rate: float = 0.1
    warm_up: float = 0.1  # share of the steps at which the rate is full
    momentum: float = 0.9
    weight_decay: float = 5e-4
    scale: float = 32.0
    margin: float = 0.25
    margin_from: float = 0.3  # share of the steps at which the margin begins to grow ...
    margin_full: float = 0.7  # ... and at which it is full
    augmentation: float = 0.4

    def __post_init__(self) -> None:
        if self.steps < 1 or self.batch < 2:
            raise ValueError(
                f"steps must be at least 1 and batch at least 2; got {self.steps} and {self.batch}"
            )

    def rows_seen(self, seed: int, pictures: int) -> NDArray[np.int64]:
        """Which of so many pictures the training looks at, sorted: all, where there are few."""
        count = min(pictures, self.steps * self.batch)
        return np.sort(rows_of_step(seed, 0, 0, count, pictures))


@dataclass(frozen=True)
class TrainedRecogniser:
    """A net in eval mode. loss: mean of the last tenth of the steps, the margin included."""

    net: _core.nets.HouseRecogniser
    recipe: ReferenceRecipe
    loss: float
    seconds: float
    bfloat16: bool

    @property
    def pictures_per_second(self) -> float:
        """Pictures that were learned from in a second, those that came again included."""
        return self.recipe.steps * self.recipe.batch / max(self.seconds, 1e-9)

    def tensors(self) -> dict[str, Tensor]:
        """float32 weights in the layout of house-recogniser, without its quality."""
        return {name: value.contiguous() for name, value in self.net.state_dict().items()}


def quick_in_bfloat16() -> bool:
    """Whether this processor multiplies bfloat16 faster than float32."""
    return bool(torch.cpu._is_avx512_bf16_supported())


def input_sized(picture: Tensor) -> Tensor:
    """uint8 [S, S, 3], ArcFace's square -> uint8 [64, 64, 3], averaged down."""
    planes = picture.permute(2, 0, 1)[None]
    small = functional.interpolate(planes, size=INPUT_PX, mode="bilinear", antialias=True)
    return small[0].permute(1, 2, 0).contiguous()


class _Batches:
    """The batch of a step, as a function of (seed, step) alone.

    pixels: of the rows that `rows_seen` names. labels: of all.
    """

    def __init__(
        self, pixels: Tensor, labels: NDArray[np.int64], recipe: ReferenceRecipe, seed: int
    ) -> None:
        self.recipe, self.seed = recipe, seed
        self.pixels, self.labels = pixels, labels
        self.place = np.full(len(labels), -1)
        self.place[recipe.rows_seen(seed, len(labels))] = np.arange(len(pixels))
        self.augment = PhotoAugmenter(recipe.augmentation)

    def __call__(self, step: int) -> tuple[Tensor, Tensor]:
        """float32 [batch, 3, 64, 64] in -1..1, int64 [batch]."""
        rows = rows_of_step(self.seed, 0, step, self.recipe.batch, len(self.labels))
        planes = self.pixels[torch.from_numpy(self.place[rows])].permute(0, 3, 1, 2).float()
        # A dataset's picture ends where ArcFace's square does: beyond, its edge is repeated.
        crops = functional.pad(planes, (_EDGE,) * 4, mode="replicate").permute(0, 2, 3, 1)
        inputs = self.augment(crops, (self.seed << 32) + step)
        return inputs, torch.from_numpy(self.labels[rows])


class _Run:
    """Net, class centres and optimiser at one step."""

    def __init__(self, recipe: ReferenceRecipe, classes: int, seed: int) -> None:
        self.recipe, self.step = recipe, 0
        self.bfloat16 = quick_in_bfloat16()
        # What the caller draws afterwards does not change.
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self.net = _core.nets.HouseRecogniser(
                channels=list(recipe.channels),
                blocks=list(recipe.blocks),
                dimension=recipe.dimension,
            )
            centres = functional.normalize(torch.randn(classes, recipe.dimension))
            self.loss = _core.nets.CosFaceLoss(
                classes=classes,
                dimension=recipe.dimension,
                options=_core.nets.CosFaceOptions(scale=recipe.scale, margin=0.0),
            )
        use_channels_last(self.net)
        self.loss.load_state_dict({"weight": centres})
        self.optimiser = torch.optim.SGD(
            [*self.net.parameters(), *self.loss.parameters()],
            lr=recipe.rate,
            momentum=recipe.momentum,
            weight_decay=recipe.weight_decay,
            nesterov=True,
        )
        self.net.train()

    def advance(self, inputs: Tensor, labels: Tensor) -> float:
        """One step; gives its loss."""
        recipe, share = self.recipe, self.step / self.recipe.steps
        warm = min(1.0, (self.step + 1) / max(1.0, recipe.warm_up * recipe.steps))
        rate = recipe.rate * (0.5 + 0.5 * math.cos(math.pi * share)) * warm
        self.optimiser.param_groups[0]["lr"] = rate
        grown = (share - recipe.margin_from) / (recipe.margin_full - recipe.margin_from)
        self.loss.options.margin = recipe.margin * min(max(grown, 0.0), 1.0)
        with torch.autocast("cpu", torch.bfloat16, enabled=self.bfloat16):
            embeddings = self.net(inputs.contiguous(memory_format=torch.channels_last))
        loss = self.loss(embeddings.float(), labels)
        self.optimiser.zero_grad(set_to_none=True)
        loss.backward()
        self.optimiser.step()
        self.step += 1
        return float(loss.item())


def train_reference(
    pixels: Tensor,
    labels: NDArray[np.int64],
    *,
    recipe: ReferenceRecipe,
    seed: int,
    progress: Callable[[int, int], Any] | None = None,
) -> TrainedRecogniser:
    """Trains the reference recogniser: pictures and people, and nothing else, decide.

    labels: int64 [N], 0 to classes - 1, of all pictures. pixels: uint8 [M, 64, 64, 3], of the
    pictures that `recipe.rows_seen(seed, N)` names. On one machine with one number of threads the
    same arguments give the same weights, bit for bit.
    Raises ValueError (a seed out of range, other rows).
    """
    if not 0 <= seed <= LARGEST_SEED:
        raise ValueError(f"seed must lie from 0 to {LARGEST_SEED}; got {seed}")
    if len(pixels) != len(recipe.rows_seen(seed, len(labels))):
        raise ValueError(
            f"pixels must be those of {len(recipe.rows_seen(seed, len(labels)))} pictures; got "
            f"{len(pixels)}"
        )
    batches = _Batches(pixels, labels, recipe, seed)
    run = _Run(recipe, int(labels.max()) + 1, seed)
    losses: list[float] = []
    began = time.perf_counter()
    while run.step < recipe.steps:
        losses.append(run.advance(*batches(run.step)))
        if progress is not None:
            progress(run.step, recipe.steps)
    seconds = time.perf_counter() - began
    run.net.eval()
    last = losses[-max(1, recipe.steps // 10) :]
    return TrainedRecogniser(run.net, recipe, sum(last) / len(last), seconds, run.bfloat16)
