"""house-vec2face: Vec2Face's generator, small, from rendered faces and house-recogniser.

What it learns: from the raw embedding of a rendered crop, and a grid of tokens of which a random
share is masked, back to the crop. Losses as in the papers (Wu et al. 2024 and 2025): pixels, SSIM,
tokens, identity, a perceptual distance and, once the picture stands, a discriminator; what the
papers take from VGG16, house-recogniser's own layers give here. Everything random follows from
(seed, step): a run that is stopped and started again ends in the same bytes.
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
from guise.train.generator_losses import (
    identity_distance,
    judged_generated,
    judged_real,
    perceptual_distance,
    structural_similarity,
)
from guise.train.memory_format import use_channels_last
from guise.train.people_group import (
    GENERATOR_PEOPLE,
    GENERATOR_SAMPLES,
    GENERATOR_SEED,
    PeopleGroup,
    generator_group,
)
from guise.train.shuffled_rows import rows_of_step
from guise.train.training_log import StepReport, TrainingLog, write_curve
from guise.train.vec2face_finish import embed_all, pose_head, vector_statistics

GRID_TOKENS = 49
RECOGNISER_PX = 64
CLIP_NORM = 2.0
LAYOUT = CropLayout(crop_px=112, inner_px=112, render_px=192)


@dataclass(frozen=True)
class Vec2FaceOptions:
    """How house-vec2face is trained. A checkpoint goes on only under the same options."""

    preset: str = "house"
    discriminator_channels: tuple[int, int, int, int] = (32, 64, 96, 128)
    people: int = GENERATOR_PEOPLE  # rendered
    samples: int = GENERATOR_SAMPLES  # pictures of each
    batch: int = 16
    steps: int = 16_000
    rate: float = 4e-4
    discriminator_rate: float = 1e-4
    weight_decay: float = 0.01
    warm_up: int = 500  # steps
    average: float = 0.999  # of the weights that are shipped, a moving average
    vector_noise: float = 0.1  # added to each vector, as a share of its length
    mask_low: float = 0.5  # share of the tokens that are dropped at the least
    mask_mean: float = 0.75
    mask_sd: float = 0.25
    pixel_weight: float = 1.0
    ssim_weight: float = 0.2
    perceptual_weight: float = 0.3
    token_weight: float = 0.5
    identity_weight: float = 0.5
    adversarial_weight: float = 1.0
    adversary_from: float = 0.15  # share of the steps at which the discriminator comes in
    seed: int = GENERATOR_SEED
    bfloat16: bool = True


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


class Judge:
    """house-recogniser as what it is to the generator: embeddings and features, never trained."""

    def __init__(self, path: Path) -> None:
        tensors = _core.read_safetensors(str(path))
        channels = [tensors[f"stages.{s}.0.conv1.weight"].shape[0] for s in range(4)]
        blocks = [
            len({k.split(".")[2] for k in tensors if k.startswith(f"stages.{s}.")})
            for s in range(4)
        ]
        self.net = _core.nets.HouseRecogniser(
            channels=channels,
            blocks=blocks,
            dimension=tensors["linear.weight"].shape[0],
            has_quality="quality.weight" in tensors,
        )
        self.net.load_state_dict(
            {k: v.float() if v.is_floating_point() else v for k, v in tensors.items()}
        )
        use_channels_last(self.net)
        self.net.eval()
        for parameter in self.net.parameters():
            parameter.requires_grad_(False)

    def embed(self, images: Tensor) -> Tensor:
        """float [N, 3, 112, 112] in -1..1 -> raw embeddings [N, 512]."""
        small = functional.interpolate(
            images.float(), size=RECOGNISER_PX, mode="bilinear", antialias=True
        )
        raw: Tensor = self.net(small.contiguous(memory_format=torch.channels_last))
        return raw.float()

    def last_stage(self, images: Tensor) -> Tensor:
        """float [N, 3, 112, 112] in -1..1 -> [N, F]: what pose is read from."""
        small = functional.interpolate(images, size=RECOGNISER_PX, mode="bilinear", antialias=True)
        last: Tensor = self.net.stage_features(small)[-1]
        return last.contiguous().flatten(1)

    def features(self, images: Tensor) -> list[Tensor]:
        """What the layers down to 14 px see at the picture's own size."""
        found: list[Tensor] = self.net.stage_features(images)
        return found[:4]


class Run:
    """Generator, discriminator, their optimisers and the averaged weights at one step."""

    def __init__(self, options: Vec2FaceOptions, judge: Judge) -> None:
        self.options, self.judge = options, judge
        torch.manual_seed(options.seed)
        self.net = _core.nets.Vec2Face(options.preset)
        self.adversary = _core.nets.Vec2FaceDiscriminator(
            channels=list(options.discriminator_channels)
        )
        for net in (self.net, self.adversary):
            use_channels_last(net)
            net.train()
        self.optimiser = torch.optim.AdamW(
            self.net.parameters(),
            lr=options.rate,
            betas=(0.9, 0.99),
            weight_decay=options.weight_decay,
        )
        self.adversary_optimiser = torch.optim.AdamW(
            self.adversary.parameters(), lr=options.discriminator_rate, betas=(0.5, 0.99)
        )
        self.average = {name: value.clone() for name, value in self.net.state_dict().items()}
        self.step = 0

    def advance(self, drawn: tuple[Tensor, Tensor, Tensor, Tensor]) -> dict[str, float]:
        """One step; gives its losses."""
        options, share = self.options, self.step / self.options.steps
        rate = options.rate * (0.5 + 0.5 * math.cos(math.pi * share))
        self.optimiser.param_groups[0]["lr"] = rate * min(1, (self.step + 1) / options.warm_up)
        crops, masked, dropped, noise = drawn
        is_adversarial = share >= options.adversary_from
        with torch.autocast("cpu", torch.bfloat16, enabled=options.bfloat16):
            with torch.no_grad():
                vectors = self.judge.embed(crops)
                features = self.judge.features(crops)
            length = vectors.norm(dim=1, keepdim=True) / math.sqrt(vectors.shape[1])
            given = vectors + options.vector_noise * length * noise
            images, tokens, targets = self.net(given, masked, dropped)
            losses = self._losses(crops, vectors, features, images, tokens, targets)
            if is_adversarial:
                for parameter in self.adversary.parameters():
                    parameter.requires_grad_(False)
                losses["adversarial"] = judged_real(self.adversary(images))
        total = torch.stack(
            [getattr(options, f"{name}_weight") * loss for name, loss in losses.items()]
        ).sum()
        if not bool(total.isfinite()):
            words = ", ".join(f"{name} {loss.item():g}" for name, loss in losses.items())
            raise ValueError(f"step {self.step}: every loss must be finite; got {words}")
        descend(total, self.net, self.optimiser)
        if is_adversarial:
            losses["discriminator"] = self._teach_adversary(crops, images.detach())
        self.step += 1
        self._update_average()
        return {name: float(loss.item()) for name, loss in losses.items()}

    def _losses(
        self,
        crops: Tensor,
        vectors: Tensor,
        features: list[Tensor],
        images: Tensor,
        tokens: Tensor,
        targets: Tensor,
    ) -> dict[str, Tensor]:
        return {
            "pixel": functional.mse_loss(images.float(), crops),
            "ssim": 1 - structural_similarity(images, crops),
            "perceptual": perceptual_distance(self.judge.features(images), features),
            "token": functional.mse_loss(tokens.float(), targets.float()),
            "identity": identity_distance(self.judge.embed(images), vectors),
        }

    def _teach_adversary(self, crops: Tensor, images: Tensor) -> Tensor:
        for parameter in self.adversary.parameters():
            parameter.requires_grad_(True)
        with torch.autocast("cpu", torch.bfloat16, enabled=self.options.bfloat16):
            real, made = self.adversary(torch.cat([crops, images])).chunk(2)
        loss = 0.5 * (judged_real(real) + judged_generated(made))
        descend(loss, self.adversary, self.adversary_optimiser)
        return loss

    def _update_average(self) -> None:
        kept = min(self.options.average, (1 + self.step) / (10 + self.step))
        for name, value in self.net.state_dict().items():
            average = self.average[name]
            if average.is_floating_point():
                average.lerp_(value, 1 - kept)

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
    stop_at: int | None = None,
    changes: Mapping[str, Any] | None = None,
) -> Path:
    """Renders what is missing, trains or goes on training, and writes the weights to `out`.

    recogniser: house-recogniser's file. changes: fields of the options that are not their defaults.
    Raises ValueError (a checkpoint of other options), CorruptFile.
    """
    given = {name: value for name, value in (changes or {}).items() if value is not None}
    options = Vec2FaceOptions(**given)
    torch.set_num_threads(threads or torch.get_num_threads())
    work.mkdir(parents=True, exist_ok=True)

    def tell(name: str, done: int, people: int) -> None:
        print(f"rendered {done} of {people} people of the group {name}", file=sys.stderr)

    crops = render_crops(
        generator_people(options), work / "crops", layout=LAYOUT, threads=threads, on_progress=tell
    )
    run = Run(options, Judge(recogniser))
    checkpoint = work / "checkpoint.safetensors"
    if checkpoint.is_file():
        run.resume(checkpoint)
    train(run, StepData(crops, options), work, save_every=500, stop_at=stop_at)
    out.mkdir(parents=True, exist_ok=True)
    path = out / "house-vec2face.safetensors"
    _core.write_safetensors(str(path), shipped(run, crops))
    return path
