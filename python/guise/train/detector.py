"""house-detector: a YuNet that learned faces from faces of nobody.

Scenes (`detector_scenes`) of rendered heads and, from a step on, of generated portraits too: the
detector of that step says where their faces are. AdamW with a cosine schedule; the weights that are
kept are a running mean. Everything random follows from (seed, step), so that a run that is stopped
and started again ends in the same bytes.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from torch import Tensor

from guise import _core
from guise.train.checkpoint import (
    optimiser_tensors,
    restore_optimiser,
    resume_checkpoint,
    save_checkpoint,
    tensors_below,
)
from guise.train.crop_bank import list_portraits
from guise.train.detector_scenes import Scene, SceneSource, expose
from guise.train.head_bank import PortraitBank, label_portraits, render_heads
from guise.train.memory_format import use_channels_last
from guise.train.moving_average import update_average
from guise.train.scene_backgrounds import load_panoramas
from guise.train.training_log import StepReport, TrainingLog, write_curve


@dataclass(frozen=True)
class DetectorOptions:
    """How house-detector is trained. A checkpoint goes on only under the same options."""

    preset: str = "n"
    people: int = 3000  # small pictures, 192 px, two each
    large_people: int = 700  # large pictures, 384 px, one each
    size_px: int = 320  # of a scene
    batch: int = 16
    steps: int = 7_000
    portraits_from: int = 1_500  # the step from which portraits are among the scenes
    rate: float = 2e-3
    weight_decay: float = 1e-2
    average: float = 0.998  # of the running mean of the weights, a step
    landmark_weight: float = 0.3  # of the landmarks in the loss
    seed: int = 1
    bfloat16: bool = True


@dataclass(frozen=True)
class Batch:
    """Scenes as the net and the loss take them."""

    images: Tensor  # float32 [N, 3, S, S] BGR, 0..255
    boxes: Tensor  # float32 [M, 4] px, of all scenes
    landmarks: Tensor  # float32 [M, 5, 2] px
    has_landmarks: Tensor  # bool [M]
    scenes: Tensor  # int64 [M]: whose face it is
    ignored: Tensor  # bool [M]


def set_prior(net: Any, probability: float = 0.01) -> None:
    """At the start nearly every cell is without a face (Lin et al. 2017, section 3.3)."""
    for name, parameter in net.named_parameters():
        if name.endswith("conv2.bias") and (".multi_level_cls." in name or "_obj." in name):
            torch.nn.init.constant_(parameter, -math.log((1 - probability) / probability))


def collect(scenes: list[Scene], images: list[np.ndarray[Any, Any]]) -> Batch:
    """Scenes side by side; `images` are theirs, exposed."""
    stacked = torch.from_numpy(np.stack(images)).flip(3).permute(0, 3, 1, 2).float()
    owners = np.repeat(np.arange(len(scenes)), [len(scene.boxes) for scene in scenes])
    return Batch(
        stacked.contiguous(memory_format=torch.channels_last),
        torch.from_numpy(np.concatenate([s.boxes for s in scenes])).float(),
        torch.from_numpy(np.concatenate([s.landmarks for s in scenes])).float(),
        torch.from_numpy(np.concatenate([s.has_landmarks for s in scenes])),
        torch.from_numpy(owners),
        torch.from_numpy(np.concatenate([s.ignored for s in scenes])),
    )


def draw_batch(source: SceneSource, options: DetectorOptions, step: int) -> Batch:
    """The batch of a step, a function of (seed, step) alone."""
    numbers = range(step * options.batch, (step + 1) * options.batch)
    scenes = [source.draw(options.seed, number) for number in numbers]
    images = [
        expose(np.random.default_rng([options.seed + 1, number]), scene.image)
        for number, scene in zip(numbers, scenes, strict=True)
    ]
    return collect(scenes, images)


class Run:
    """Net, running mean and optimiser at one step."""

    def __init__(self, options: DetectorOptions) -> None:
        self.options = options
        torch.manual_seed(options.seed)
        self.net = _core.nets.YuNet(preset=options.preset)
        use_channels_last(self.net)
        set_prior(self.net)
        self.optimiser = torch.optim.AdamW(
            list(self.net.parameters()), lr=options.rate, weight_decay=options.weight_decay
        )
        self.mean = {name: value.clone() for name, value in self.net.state_dict().items()}
        self.loss_options = _core.nets.YuNetLossOptions(landmark_weight=options.landmark_weight)
        self.step = 0

    @property
    def has_portraits(self) -> bool:
        """Whether portraits are among the scenes."""
        return self.step >= self.options.portraits_from

    def advance(self, batch: Batch) -> float:
        """One step; gives its loss."""
        options = self.options
        share = self.step / options.steps
        rate = options.rate * (0.5 + 0.5 * math.cos(math.pi * share)) + 1e-6
        self.optimiser.param_groups[0]["lr"] = rate * min(1.0, (self.step + 1) / 300)
        with torch.autocast("cpu", torch.bfloat16, enabled=options.bfloat16):
            outputs = self.net(batch.images)
        loss = _core.nets.yunet_loss(
            [output.float() for output in outputs],
            batch.boxes,
            batch.landmarks,
            batch.scenes,
            has_landmarks=batch.has_landmarks,
            ignored=batch.ignored,
            options=self.loss_options,
        )
        self.optimiser.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(self.net.parameters(), 10.0)
        self.optimiser.step()
        self.step += 1
        update_average(self.mean, self.net.state_dict(), most=options.average, step=self.step)
        return float(loss.item())

    def save(self, path: Path) -> None:
        """The whole state."""
        tensors = {f"net.{name}": value for name, value in self.net.state_dict().items()}
        tensors.update({f"mean.{name}": value for name, value in self.mean.items()})
        tensors.update(optimiser_tensors(self.optimiser))
        save_checkpoint(path, tensors, {"step": self.step, "options": asdict(self.options)})

    def resume(self, path: Path) -> None:
        """Raises ValueError where the checkpoint was made under other options."""
        tensors, self.step = resume_checkpoint(path, self.options)
        self.net.load_state_dict(tensors_below(tensors, "net."))
        self.mean = tensors_below(tensors, "mean.")
        restore_optimiser(self.optimiser, tensors)


def train(
    run: Run,
    source: SceneSource,
    work: Path,
    *,
    label: Callable[[Path], PortraitBank] | None = None,
    save_every: int = 500,
    log_every: int = 50,
    stop_at: int | None = None,
) -> None:
    """Runs to the last step, or to `stop_at`; a checkpoint and a line of log now and then.

    label: gives the portraits, labelled by the detector in the file that it is called with.
    """
    log = TrainingLog(work / "log.jsonl", run.step)
    end = run.options.steps if stop_at is None else min(stop_at, run.options.steps)
    report = StepReport(log, step=run.step, end=end, batch=run.options.batch, what="scenes")
    run.net.train()
    while run.step < end:
        if label is not None and source.portraits is None and run.has_portraits:
            source = replace(source, portraits=label(_labeller(run, work)))
        report.add({"loss": run.advance(draw_batch(source, run.options, run.step))})
        if run.step % log_every == 0:
            report.tell(run.step)
        if run.step % save_every == 0 or run.step in (end, run.options.portraits_from):
            run.save(work / "checkpoint.safetensors")
            write_weights(run, work / "house-detector.safetensors")
            write_curve(work / "log.jsonl", work / "curve.svg", ("loss",), "house-detector")


def _labeller(run: Run, work: Path) -> Path:
    """The detector of the step at which portraits join."""
    path = work / "labeller.safetensors"
    if not path.is_file():
        write_weights(run, path)
    return path


def write_weights(run: Run, path: Path) -> None:
    """The running mean of the weights, as they are shipped: float32, 0.3 MB."""
    _core.write_safetensors(str(path), run.mean)


def build(
    *,
    out: Path,
    work: Path,
    panoramas: Path,
    portraits: Path | None,
    threads: int,
    stop_at: int | None = None,
    changes: Mapping[str, Any] | None = None,
) -> Path:
    """Renders what is missing, trains or goes on training, and writes the weights to `out`.

    changes: fields of the options that are not their defaults.
    Raises ValueError (a folder of portraits without portraits, a checkpoint of other options).
    """
    given = {name: value for name, value in (changes or {}).items() if value is not None}
    options = DetectorOptions(**given)
    pictures = list_portraits(portraits) if portraits is not None else []
    torch.set_num_threads(threads or torch.get_num_threads())
    cv2.setNumThreads(1)
    work.mkdir(parents=True, exist_ok=True)

    def tell(done: int, people: int) -> None:
        print(f"rendered {done} of {people} people", file=sys.stderr)

    def label(weights: Path) -> PortraitBank:
        sha256 = _core.sha256_file(str(weights))
        detector = _core.Detector("yunet", path=str(weights), sha256=sha256)
        return label_portraits(pictures, detector, work / "portraits.json")

    heads = work / "heads"
    common: dict[str, Any] = {"threads": threads, "on_progress": tell}
    small = render_heads(heads, size_px=192, people=options.people, samples=2, seed=11, **common)
    large = render_heads(
        heads, size_px=384, people=options.large_people, samples=1, seed=12, **common
    )
    source = SceneSource(small, large, load_panoramas(panoramas), size_px=options.size_px)
    run = Run(options)
    checkpoint = work / "checkpoint.safetensors"
    if checkpoint.is_file():
        run.resume(checkpoint)
    train(run, source, work, label=label if pictures else None, stop_at=stop_at)
    out.mkdir(parents=True, exist_ok=True)
    path = out / "house-detector.safetensors"
    write_weights(run, path)
    return path
