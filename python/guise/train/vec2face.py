"""house-vec2face: Vec2Face's generator, small, from rendered faces and house-recogniser.

What it learns: from the raw embedding of a rendered crop, and a grid of tokens of which a random
share is masked, back to the crop. Losses as in the papers (Wu et al. 2024 and 2025): pixels, SSIM,
tokens, identity, a perceptual distance and, once the picture stands, a discriminator; what the
papers take from VGG16, house-recogniser's own layers give here. An embedding does not say how hair
and background lie, and whoever has to match them by pixels draws their mean; so against the
discriminator pixels count on 28 px alone. Everything random follows from (seed, step): a run that
is stopped and started again ends in the same bytes.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Mapping
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
from guise.train.crop_bank import CropLayout, Crops, render_crops
from guise.train.feature_adversary import (
    FeatureAdversary,
    adversarial_loss,
    discriminator_loss,
)
from guise.train.generator_losses import (
    identity_distance,
    perceptual_distance,
    pixel_distance,
    structural_similarity,
)
from guise.train.memory_format import use_channels_last
from guise.train.moving_average import update_average
from guise.train.people_group import (
    GENERATOR_PEOPLE,
    GENERATOR_SAMPLES,
    GENERATOR_SEED,
    PeopleGroup,
    generator_group,
)
from guise.train.recogniser_judge import RecogniserJudge
from guise.train.shuffled_rows import rows_of_step
from guise.train.training_log import StepReport, TrainingLog, write_curve
from guise.train.vec2face_finish import embed_all, pose_head, vector_statistics

GRID_TOKENS = 49
CLIP_NORM = 2.0
LAYOUT = CropLayout(crop_px=112, inner_px=112, render_px=192)


@dataclass(frozen=True)
class LossWeights:
    """What the generator lowers: each loss times its weight."""

    pixel: float
    pixel_side: int  # that pictures are averaged down to before pixels are compared
    ssim: float
    perceptual: float
    token: float
    identity: float
    adversarial: float


ALONE = LossWeights(1.0, 112, ssim=0.2, perceptual=0.3, token=0.5, identity=0.5, adversarial=0.0)
AGAINST = LossWeights(0.3, 28, ssim=0.0, perceptual=0.3, token=0.5, identity=1.5, adversarial=0.3)


@dataclass(frozen=True)
class Vec2FaceOptions:
    """How house-vec2face is trained. A checkpoint goes on only under the same options."""

    preset: str = "house"
    people: int = GENERATOR_PEOPLE  # rendered
    samples: int = GENERATOR_SAMPLES  # pictures of each
    batch: int = 16
    steps: int = 9_000
    rate: float = 4e-4
    discriminator_rate: float = 2e-4
    weight_decay: float = 0.01
    warm_up: int = 500  # steps
    average: float = 0.999  # of the weights that are shipped, a moving average
    vector_noise: float = 0.1  # added to each vector, as a share of its length
    mask_low: float = 0.5  # share of the tokens that are dropped at the least
    mask_mean: float = 0.75
    mask_sd: float = 0.25
    alone: LossWeights = ALONE
    against: LossWeights = AGAINST  # once the discriminator is there
    adversary_from: float = 0.3  # share of the steps at which it comes in
    seed: int = GENERATOR_SEED
    bfloat16: bool = True
    start_sha256: str = ""  # of the weights it begins with, at the step of `adversary_from`

    @property
    def first_step(self) -> int:
        """At which a run under these options begins."""
        return self.adversary_step if self.start_sha256 else 0

    @property
    def adversary_step(self) -> int:
        return math.ceil(self.adversary_from * self.steps)


def generator_people(options: Vec2FaceOptions) -> PeopleGroup:
    """Who it learns from: people in clean pictures, as Vec2Face's aligned crops show them."""
    return generator_group(options.people, options.samples, options.seed)


class StepData:
    """What a step draws, as a function of (seed, step) alone."""

    def __init__(self, crops: Crops, options: Vec2FaceOptions) -> None:
        self.crops, self.options = crops, options
        self.random = torch.Generator()

    def __call__(self, step: int) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Crops float32 [N, 3, 112, 112] in -1..1; masked and dropped, bool [N, 49]; noise."""
        options = self.options
        rows = rows_of_step(options.seed, 0, step, options.batch, len(self.crops))
        pixels = torch.from_numpy(np.stack([self.crops.pixels[row] for row in rows]))
        self.random.manual_seed((options.seed << 32) + step)
        x = pixels.permute(0, 3, 1, 2).float().div_(127.5).sub_(1)
        flipped = torch.rand(len(x), generator=self.random) < 0.5
        x = torch.where(flipped[:, None, None, None], x.flip(3), x)
        masked, dropped = self._masks(len(x))
        noise = torch.randn(len(x), 512, generator=self.random)
        return x.contiguous(memory_format=torch.channels_last), masked, dropped, noise

    def _masks(self, count: int) -> tuple[Tensor, Tensor]:
        options = self.options
        share = options.mask_mean + options.mask_sd * torch.randn(64, generator=self.random)
        share = share[(share >= options.mask_low) & (share <= 1)][0]
        order = torch.rand(count, GRID_TOKENS, generator=self.random).argsort(1).argsort(1)
        return order < math.ceil(GRID_TOKENS * share), order < math.ceil(
            GRID_TOKENS * options.mask_low
        )


class Run:
    """Generator, discriminator, their optimisers and the averaged weights at one step."""

    def __init__(self, options: Vec2FaceOptions, judge: RecogniserJudge) -> None:
        self.options, self.judge = options, judge
        torch.manual_seed(options.seed)
        self.net = _core.nets.Vec2Face(options.preset)
        _, *channels = (x.shape[1] for x in judge.features(torch.zeros(1, 3, 112, 112)))
        self.adversary = FeatureAdversary(channels)
        for net in (self.net, self.adversary):
            use_channels_last(net)
            net.train()
        self.optimiser = torch.optim.AdamW(
            self.net.parameters(),
            lr=options.rate,
            betas=(0.5, 0.99),
            weight_decay=options.weight_decay,
        )
        self.adversary_optimiser = torch.optim.AdamW(
            self.adversary.parameters(), lr=options.discriminator_rate, betas=(0.0, 0.99)
        )
        self.average = {name: value.clone() for name, value in self.net.state_dict().items()}
        self.step = options.first_step

    def start_from(self, path: Path) -> None:
        """Takes the weights of a generator of the same preset. Raises ValueError, CorruptFile."""
        given = _core.read_safetensors(str(path))
        for name, value in self.average.items():
            if name not in given or given[name].shape != value.shape:
                raise ValueError(
                    f"{path} must hold a Vec2Face of preset {self.options.preset}; {name} is "
                    "missing or has another shape; give such a file, or leave --start out"
                )
        own = {name: given[name].to(value.dtype) for name, value in self.average.items()}
        self.net.load_state_dict(own)
        self.average = own

    def advance(self, drawn: tuple[Tensor, Tensor, Tensor, Tensor]) -> dict[str, float]:
        """One step; gives its losses."""
        options, share = self.options, self.step / self.options.steps
        rate = options.rate * (0.5 + 0.5 * math.cos(math.pi * share))
        self.optimiser.param_groups[0]["lr"] = rate * min(1, (self.step + 1) / options.warm_up)
        crops, masked, dropped, noise = drawn
        is_adversarial = self.step >= options.adversary_step
        weights = options.against if is_adversarial else options.alone
        with torch.autocast("cpu", torch.bfloat16, enabled=options.bfloat16):
            with torch.no_grad():
                vectors = self.judge.embed(crops)
                features = self.judge.features(crops)
            length = vectors.norm(dim=1, keepdim=True) / math.sqrt(vectors.shape[1])
            given = vectors + options.vector_noise * length * noise
            images, tokens, targets = self.net(given, masked, dropped)
            seen = self.judge.features(images)
            losses = {
                "pixel": pixel_distance(images, crops, weights.pixel_side),
                "perceptual": perceptual_distance(seen, features),
                "token": functional.mse_loss(tokens.float(), targets.float()),
                "identity": identity_distance(self.judge.embed(images), vectors),
            }
            if weights.ssim:
                losses["ssim"] = 1 - structural_similarity(images, crops)
            if is_adversarial:
                self.adversary.calibrate(crops, features[1:])
                self.adversary.requires_grad_(False)
                losses["adversarial"] = adversarial_loss(self.adversary(images, seen[1:]))
        total = torch.stack([getattr(weights, name) * loss for name, loss in losses.items()]).sum()
        if not bool(total.isfinite()):
            words = ", ".join(f"{name} {loss.item():g}" for name, loss in losses.items())
            raise ValueError(f"step {self.step}: every loss must be finite; got {words}")
        descend(total, self.net, self.optimiser)
        if is_adversarial:
            losses["discriminator"] = self._teach_adversary(
                (crops, features[1:]), (images.detach(), [each.detach() for each in seen[1:]])
            )
        self.step += 1
        update_average(
            self.average,
            self.net.state_dict(),
            most=options.average,
            step=self.step - options.first_step,
        )
        return {name: float(loss.item()) for name, loss in losses.items()}

    def _teach_adversary(
        self, real: tuple[Tensor, list[Tensor]], made: tuple[Tensor, list[Tensor]]
    ) -> Tensor:
        self.adversary.requires_grad_(True)
        with torch.autocast("cpu", torch.bfloat16, enabled=self.options.bfloat16):
            loss = discriminator_loss(self.adversary(*real), self.adversary(*made))
        descend(loss, self.adversary, self.adversary_optimiser)
        return loss

    def save(self, path: Path) -> None:
        """The whole state."""
        tensors = {f"average.{name}": value for name, value in self.average.items()}
        for prefix, net, optimiser in self._parts():
            tensors.update({f"{prefix}.net.{k}": v for k, v in net.state_dict().items()})
            tensors.update({f"{prefix}.{k}": v for k, v in optimiser_tensors(optimiser).items()})
        save_checkpoint(path, tensors, {"step": self.step, "options": asdict(self.options)})

    def resume(self, path: Path) -> None:
        """Raises ValueError where the checkpoint was made under other options."""
        tensors, self.step = resume_checkpoint(path, self.options)
        self.average = tensors_below(tensors, "average.")
        for prefix, net, optimiser in self._parts():
            own = tensors_below(tensors, f"{prefix}.")
            net.load_state_dict(tensors_below(own, "net."))
            restore_optimiser(optimiser, own)

    def _parts(self) -> list[tuple[str, Any, torch.optim.Optimizer]]:
        return [
            ("generator", self.net, self.optimiser),
            ("adversary", self.adversary, self.adversary_optimiser),
        ]


def descend(loss: Tensor, net: Any, optimiser: torch.optim.Optimizer) -> None:
    """One step of an optimiser, its gradient clipped as in the papers."""
    optimiser.zero_grad(set_to_none=True)
    torch.autograd.backward(loss)
    torch.nn.utils.clip_grad_norm_(net.parameters(), CLIP_NORM)
    optimiser.step()


def train(
    run: Run,
    data: StepData,
    work: Path,
    *,
    save_every: int = 1000,
    log_every: int = 100,
    stop_at: int | None = None,
) -> None:
    """Runs to the last step, or to `stop_at`; a checkpoint and a line of log now and then."""
    log = TrainingLog(work / "log.jsonl", run.step)
    end = run.options.steps if stop_at is None else min(stop_at, run.options.steps)
    report = StepReport(log, step=run.step, end=end, batch=run.options.batch, what="pictures")
    while run.step < end:
        report.add(run.advance(data(run.step)))
        if run.step % log_every == 0:
            report.tell(run.step)
        if run.step % save_every == 0 or run.step == end:
            run.save(work / "checkpoint.safetensors")
            names = ("pixel", "perceptual", "identity", "adversarial")
            write_curve(work / "log.jsonl", work / "curve.svg", names, "house-vec2face")


def shipped(run: Run, crops: Crops) -> dict[str, Tensor]:
    """What the file holds: the averaged weights in float16, and what the finish adds to them."""
    judge, options = run.judge, run.options
    weights = {k: v.half() if v.is_floating_point() else v for k, v in run.average.items()}
    people = torch.from_numpy(np.asarray(crops.people))
    statistics = vector_statistics(embed_all(judge.embed, crops), people)
    head, error = pose_head(judge.last_stage, generator_people(options), LAYOUT)
    print(f"pose head: mean error of yaw {error:.1f} degrees", file=sys.stderr)
    return {**weights, **statistics, **head}


def build(
    *,
    out: Path,
    work: Path,
    recogniser: Path,
    threads: int,
    start: Path | None = None,
    stop_at: int | None = None,
    changes: Mapping[str, Any] | None = None,
) -> Path:
    """Renders what is missing, trains or goes on training, and writes the weights to `out`.

    recogniser: house-recogniser's file. start: weights of a generator to begin with, where the
    discriminator comes in. changes: fields of the options that are not their defaults.
    Raises ValueError (a checkpoint of other options), CorruptFile.
    """
    given = {name: value for name, value in (changes or {}).items() if value is not None}
    if start is not None:
        given["start_sha256"] = _core.sha256_file(str(start))
    options = Vec2FaceOptions(**given)
    torch.set_num_threads(threads or torch.get_num_threads())
    work.mkdir(parents=True, exist_ok=True)

    def tell(name: str, done: int, people: int) -> None:
        print(f"rendered {done} of {people} people of the group {name}", file=sys.stderr)

    crops = render_crops(
        generator_people(options), work / "crops", layout=LAYOUT, threads=threads, on_progress=tell
    )
    run = Run(options, RecogniserJudge(recogniser))
    checkpoint = work / "checkpoint.safetensors"
    if checkpoint.is_file():
        run.resume(checkpoint)
    elif start is not None:
        run.start_from(start)
    train(run, StepData(crops, options), work, save_every=500, stop_at=stop_at)
    out.mkdir(parents=True, exist_ok=True)
    path = out / "house-vec2face.safetensors"
    _core.write_safetensors(str(path), shipped(run, crops))
    return path
