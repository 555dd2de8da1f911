"""Datasets of faces that belong to nobody, in the formats that trainers read.

    summary = guise.synthesize_dataset("faces", identities=1000, images_per_identity=20,
                                       format="recordio")

The same arguments give the same bytes: with any workers, in any order of shards, after any crash.
Called again on an unfinished folder it goes on; on a folder of another plan it refuses.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypedDict, Union

from typing_extensions import Unpack

from guise import _core, models
from guise._core import RecipeOptions
from guise.dataset_card import dataset_card, model_licences
from guise.generation import ENGINES as GENERATORS
from guise.generation import GeneratorOptions, open_samples
from guise.parquet_shard import parquet_bytes, writer_version
from guise.rendering import open_house_renderer

HOUSE_MODELS = ("house-head", "house-skin", "house-light")
ENGINES: tuple[str, ...] = ("render", *GENERATORS)
# The detector of a gate where none is named. CenterFace takes a quarter of the time of a generated
# dataset, YuNet next to none; the renderer's plans keep what they began with.
AUTO_GATE = "auto"
RENDER_GATE, GENERATOR_GATE = "centerface", "yunet"

_Path = Union[str, "os.PathLike[str]"]


class PlanKeywords(TypedDict, total=False):
    """Keywords of `DatasetOptions` and `DatasetGate`."""

    seed: int
    first_identity: int
    identities: int
    images_per_identity: int
    size_px: int
    crop: Literal["arcface", "none"]
    format: Literal["folder", "webdataset", "recordio", "parquet"]
    encoding: Literal["jpg", "png"]
    jpeg_quality: int
    identities_per_shard: int
    provenance: Literal["picture", "card", "none"]
    landmark_tolerance: float
    attempts: int
    max_given_up_share: float


@dataclass(frozen=True)
class DatasetJob:
    """A plan with what is needed to draw it. Made by `plan_dataset`."""

    plan: _core.DatasetPlan
    generator: _core.SampleGenerator
    detector: _core.Detector | None
    identity_check: _core.CheckIdentity | None = None

    def run(
        self,
        output: _Path,
        *,
        shards: tuple[int, int] | None = None,
        workers: int = 0,
        verify: bool = False,
        on_progress: Callable[[_core.DatasetSummary], object] | None = None,
        cancel: _core.CancelToken | None = None,
    ) -> _core.DatasetSummary:
        """Draws what is missing. With `shards`, only these, and nothing is merged."""
        options = _core.SynthesizeOptions(workers=workers, verify=verify)
        if shards is not None:
            options.first_shard, options.end_shard = shards
            if shards[1] < 0:
                raise ValueError(f"shards must be (first, end) with end at least 1; got {shards}")
        return _core.synthesize_dataset(
            os.fspath(Path(output)),
            self.plan,
            self.generator,
            detector=self.detector,
            identity_check=self.identity_check,
            options=options,
            parquet=parquet_bytes if self.plan.options.format == "parquet" else None,
            card=self._card,
            on_progress=on_progress,
            cancel=cancel,
        )

    def _card(self, totals: str) -> str:
        plan = json.loads(self.plan.json)
        plan_sha256 = hashlib.sha256(self.plan.json.encode()).hexdigest()
        return dataset_card(plan, json.loads(totals), model_licences(plan), plan_sha256=plan_sha256)


def plan_dataset(
    *,
    engine: str = "render",
    recipe: RecipeOptions | None = None,
    gate: str | None = AUTO_GATE,
    generate: GeneratorOptions | None = None,
    on_identity: Callable[[int], object] | None = None,
    **options: Unpack[PlanKeywords],
) -> DatasetJob:
    """The plan of a dataset, without drawing its pictures.

    engine: "render", the house renderer, or a generator: "house-vec2face", "vec2face",
    "vec2face-plus". recipe: what the renderer draws and how often. generate: what a generator
    draws from; its identities are searched for here, and on_identity is told how many there are.
    gate: the detector that must find each face where it was made, or None; "auto": centerface for
    the renderer, yunet for generators. Other keywords: `DatasetOptions` and `DatasetGate`, whose
    defaults `repr()` shows.
    Raises ValueError that says what must hold, Unavailable where a model or a library is missing.
    """
    if engine not in ENGINES:
        raise ValueError(f"engine must be {' or '.join(map(repr, ENGINES))}; got {engine!r}")
    wanted = _plan_options(dict(options), gated=gate is not None)
    wanted.validate()
    if gate == AUTO_GATE:
        gate = RENDER_GATE if engine == "render" else GENERATOR_GATE
    writer = writer_version() if wanted.format == "parquet" else ""
    detector = models.open_detectors([gate])[0] if gate is not None else None
    if engine != "render":
        if recipe is not None:
            raise ValueError(f"recipe is the renderer's; engine {engine} has none; leave it out")
        samples, check = open_samples(engine, wanted, generate or GeneratorOptions(), on_identity)
        plan = _core.make_plan(wanted, samples, detector=detector, writer=writer)
        return DatasetJob(plan, samples, detector, check)
    if generate is not None:
        raise ValueError("generate is for the generators; engine 'render' takes recipe")
    render = _core.RenderOptions()
    render.size_px = _core.generated_size_px(wanted)
    render.recipe = recipe or RecipeOptions()
    if wanted.crop != "none":
        render.recipe = _core.framed_for_crop(render.recipe)
    generator = _core.RenderSamples(
        open_house_renderer(),
        render,
        models={name: models.get(name).sha256 for name in HOUSE_MODELS},
    )
    plan = _core.make_plan(wanted, generator, detector=detector, writer=writer)
    return DatasetJob(plan, generator, detector)


def synthesize_dataset(
    output: _Path,
    *,
    engine: str = "render",
    recipe: RecipeOptions | None = None,
    gate: str | None = AUTO_GATE,
    generate: GeneratorOptions | None = None,
    shards: tuple[int, int] | None = None,
    workers: int = 0,
    verify: bool = False,
    on_progress: Callable[[_core.DatasetSummary], object] | None = None,
    cancel: _core.CancelToken | None = None,
    **options: Unpack[PlanKeywords],
) -> _core.DatasetSummary:
    """Writes a dataset of generated faces into the folder `output`.

    Keywords of `plan_dataset` say what it holds. workers: people at a time, 0 for one a processor.
    shards: (first, end) to draw only these and leave the merge to a call without it. verify: read
    again what earlier calls wrote. on_progress is called a few times a second, on this thread.
    Raises ValueError (another plan or other files in the folder, named), Unavailable (no room,
    read-only, a model is missing, or the gate turns too many pictures down); what was finished
    stays.
    """
    job = plan_dataset(engine=engine, recipe=recipe, gate=gate, generate=generate, **options)
    return job.run(
        output,
        shards=shards,
        workers=workers,
        verify=verify,
        on_progress=on_progress,
        cancel=cancel,
    )


def _plan_options(values: dict[str, Any], *, gated: bool) -> _core.DatasetOptions:
    gate = _core.DatasetGate()
    gate.enabled = gated
    options = _core.DatasetOptions()
    known = {**dict.fromkeys(options.as_dict(), options), **dict.fromkeys(gate.as_dict(), gate)}
    for name, value in values.items():
        if name not in known or name in ("gate", "enabled"):
            names = sorted(set(known) - {"gate", "enabled"})
            raise TypeError(f"unknown option {name!r}; the options are {', '.join(names)}")
        try:
            setattr(known[name], name, value)
        except TypeError:
            kind = {int: "a whole number of at least 0", float: "a number", str: "a word"}
            wanted = kind.get(type(getattr(known[name], name)), "of another type")
            raise ValueError(f"{name} must be {wanted}; got {value!r}") from None
    options.gate = gate
    return options
