"""house-recogniser: a small residual net that learns people from faces of nobody.

Crops of rendered people (`crop_bank`) and generated portraits, one picture a person
(`portrait_augment`), CosFace with a margin that waits, SGD with a cosine schedule. Everything
random follows from (seed, step): a run that is stopped and started again ends in the same bytes.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from guise import _core
from guise.train.checkpoint import (
    optimiser_tensors,
    restore_optimiser,
    resume_checkpoint,
    save_checkpoint,
    tensors_below,
)
from guise.train.crop_bank import (
    Crops,
    list_portraits,
    portrait_crops,
    render_crops,
    training_groups,
)
from guise.train.memory_format import use_channels_last
from guise.train.photo_augment import PhotoAugmenter
from guise.train.portrait_augment import PortraitAugmenter
from guise.train.recogniser_finish import finished_weights
from guise.train.shuffled_rows import rows_of_step
from guise.train.training_log import StepReport, TrainingLog, write_curve


@dataclass(frozen=True)
class RecogniserOptions:
    """How house-recogniser is trained. A checkpoint goes on only under the same options."""

    channels: tuple[int, int, int, int] = (32, 64, 128, 256)
    blocks: tuple[int, int, int, int] = (2, 2, 4, 2)
    dimension: int = 512
    people: int = 10_000  # rendered
    samples: int = 8  # pictures of each
    portrait_share: float = 0.25  # of a batch, where there are portraits
    batch: int = 64
    steps: int = 20_000
    rate: float = 0.1
    weight_decay: float = 5e-4
    scale: float = 32.0
    margin: float = 0.25
    margin_from: float = 0.3  # share of the steps at which the margin begins to grow ...
    margin_full: float = 0.7  # ... and at which it is full
    augmentation: float = 0.4
    seed: int = 1
    bfloat16: bool = True


class StepData:
    """The batch of a step, as a function of (seed, step) alone."""

    def __init__(self, groups: Sequence[Crops], portraits: Crops | None, options: Any) -> None:
        self.options = options
        self.groups, self.portraits = groups, portraits
        self.first_label = np.cumsum([0, *[int(g.people[-1]) + 1 for g in groups]])
        self.first_row = np.cumsum([0, *[len(g) for g in groups]])
        self.classes = int(self.first_label[-1]) + (len(portraits) if portraits else 0)
        self.portrait_rows = round(options.batch * options.portrait_share) if portraits else 0
        self.photo_augment = PhotoAugmenter(options.augmentation)
        self.portrait_augment = PortraitAugmenter(options.augmentation) if portraits else None

    def __call__(self, step: int) -> tuple[Tensor, Tensor]:
        """float32 [batch, 3, 64, 64] in -1..1, int64 [batch]."""
        count = self.options.batch - self.portrait_rows
        rows = rows_of_step(self.options.seed, 0, step, count, int(self.first_row[-1]))
        group = np.searchsorted(self.first_row, rows, side="right") - 1
        pixels, labels = [], []
        for g, row in zip(group, rows, strict=True):
            crops, inside = self.groups[g], row - self.first_row[g]
            pixels.append(crops.pixels[inside])
            labels.append(int(crops.people[inside]) + int(self.first_label[g]))
        seed = (self.options.seed << 32) + 2 * step
        parts = [self.photo_augment(torch.from_numpy(np.stack(pixels)), seed)]
        if self.portraits is not None and self.portrait_augment is not None:
            picks = rows_of_step(
                self.options.seed, 1, step, self.portrait_rows, len(self.portraits)
            )
            crops_of = torch.from_numpy(np.stack([self.portraits.pixels[i] for i in picks]))
            parts.append(self.portrait_augment(crops_of, seed + 1))
            labels.extend(int(i) + int(self.first_label[-1]) for i in picks)
        return torch.cat(parts), torch.tensor(labels)


class Run:
    """Net, class centres and optimiser at one step."""

    def __init__(self, options: RecogniserOptions, classes: int) -> None:
        self.options = options
        torch.manual_seed(options.seed)
        self.net = _core.nets.HouseRecogniser(
            channels=list(options.channels),
            blocks=list(options.blocks),
            dimension=options.dimension,
        )
        use_channels_last(self.net)
        self.loss = _core.nets.CosFaceLoss(
            classes=classes,
            dimension=options.dimension,
            options=_core.nets.CosFaceOptions(scale=options.scale, margin=0.0),
        )
        # Of length 1: the rate is meant for centres of that length.
        centres = functional.normalize(torch.randn(classes, options.dimension))
        self.loss.load_state_dict({"weight": centres})
        self.optimiser = torch.optim.SGD(
            [*self.net.parameters(), *self.loss.parameters()],
            lr=options.rate,
            momentum=0.9,
            weight_decay=options.weight_decay,
            nesterov=True,
        )
        self.step = 0

    def advance(self, inputs: Tensor, labels: Tensor) -> float:
        """One step; gives its loss."""
        options, share = self.options, self.step / self.options.steps
        rate = options.rate * (0.5 + 0.5 * math.cos(math.pi * share))
        self.optimiser.param_groups[0]["lr"] = rate * min(1.0, (self.step + 1) / 200)
        grown = (share - options.margin_from) / (options.margin_full - options.margin_from)
        self.loss.options.margin = options.margin * min(max(grown, 0.0), 1.0)
        with torch.autocast("cpu", torch.bfloat16, enabled=options.bfloat16):
            embeddings = self.net(inputs.contiguous(memory_format=torch.channels_last))
        loss = self.loss(embeddings.float(), labels)
        self.optimiser.zero_grad(set_to_none=True)
        loss.backward()
        self.optimiser.step()
        self.step += 1
        return float(loss.item())

    def save(self, path: Path) -> None:
        """The whole state."""
        tensors = {f"net.{name}": value for name, value in self.net.state_dict().items()}
        tensors["centres"] = self.loss.state_dict()["weight"]
        tensors.update(optimiser_tensors(self.optimiser))
        save_checkpoint(path, tensors, {"step": self.step, "options": asdict(self.options)})

    def resume(self, path: Path) -> None:
        """Raises ValueError where the checkpoint was made under other options."""
        tensors, self.step = resume_checkpoint(path, self.options)
        self.net.load_state_dict(tensors_below(tensors, "net."))
        self.loss.load_state_dict({"weight": tensors["centres"]})
        restore_optimiser(self.optimiser, tensors)


def train(
    run: Run,
    data: StepData,
    work: Path,
    *,
    save_every: int = 1000,
    log_every: int = 100,
    stop_at: int | None = None,
    on_save: Callable[[Run], dict[str, float]] | None = None,
) -> None:
    """Runs to the last step, or to `stop_at`; a checkpoint and a line of log now and then."""
    log = TrainingLog(work / "log.jsonl", run.step)
    end = run.options.steps if stop_at is None else min(stop_at, run.options.steps)
    report = StepReport(log, step=run.step, end=end, batch=run.options.batch, what="pictures")
    run.net.train()
    while run.step < end:
        report.add({"loss": run.advance(*data(run.step))})
        if run.step % log_every == 0:
            report.tell(run.step)
        if run.step % save_every == 0 or run.step == end:
            run.save(work / "checkpoint.safetensors")
            if on_save is not None:
                run.net.eval()
                log.write(step=run.step, **on_save(run))
                run.net.train()
            write_curve(work / "log.jsonl", work / "curve.svg", ("loss",), "house-recogniser")


def shipped(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The weights as they are shipped: float16, counters left as they are."""
    return {
        name: value.half() if value.is_floating_point() else value for name, value in state.items()
    }


def build(
    *,
    out: Path,
    work: Path,
    portraits: Path | None,
    detector: str,
    threads: int,
    stop_at: int | None = None,
    changes: Mapping[str, Any] | None = None,
) -> Path:
    """Renders what is missing, trains or goes on training, and writes the weights to `out`.

    changes: fields of the options that are not their defaults.
    Raises ValueError (a folder of portraits without portraits, a checkpoint of other options).
    """
    given = {name: value for name, value in (changes or {}).items() if value is not None}
    options = RecogniserOptions(**given)
    torch.set_num_threads(threads or torch.get_num_threads())
    work.mkdir(parents=True, exist_ok=True)

    def tell(name: str, done: int, people: int) -> None:
        print(f"rendered {done} of {people} people of the group {name}", file=sys.stderr)

    groups = [
        render_crops(group, work / "crops", threads=threads, on_progress=tell)
        for group in training_groups(options.people, options.samples, options.seed)
    ]
    singles = portrait_crops(list_portraits(portraits), (detector,)) if portraits else None
    data = StepData(groups, singles, options)
    run = Run(options, data.classes)
    checkpoint = work / "checkpoint.safetensors"
    if checkpoint.is_file():
        run.resume(checkpoint)
    train(run, data, work, stop_at=stop_at)
    out.mkdir(parents=True, exist_ok=True)
    path = out / "house-recogniser.safetensors"
    state, correlation = finished_weights(
        run.net, run.loss.state_dict()["weight"], data, singles, seed=options.seed
    )
    print(f"quality: correlation {correlation:.3f} with its target", file=sys.stderr)
    _core.write_safetensors(str(path), shipped(state))
    return path
