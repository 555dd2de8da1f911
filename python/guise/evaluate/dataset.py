"""What a dataset teaches: the reference recogniser is trained on it and measured."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Union

import torch

from guise import _core, data, embedding
from guise.evaluate.embedded_photos import embed_photos
from guise.evaluate.recogniser import (
    RecogniserReport,
    report_figures,
    report_of,
    torch_threads,
)
from guise.evaluate.training_pictures import (
    TrainingSet,
    open_training_set,
    shared_people,
)
from guise.evaluate.verification_sets import (
    HELD_OUT_PRESETS,
    TEMPLATE,
    VerificationSet,
    held_out_set,
    short_names,
    verification_set,
)
from guise.models import CropContract
from guise.train.crop_size import INPUT_PX
from guise.train.reference_recogniser import (
    LARGEST_SEED,
    ReferenceRecipe,
    TrainedRecogniser,
    train_reference,
)

_Path = Union[str, "os.PathLike[str]"]
#: What is being done, how much of it is done, how much there is.
Progress = Callable[[str, int, int], Any]
#: Among what is measured on: rendered people whom no dataset shows.
RENDERED = "rendered"
_CROP = CropContract(TEMPLATE, INPUT_PX, INPUT_PX, (127.5,) * 3, (127.5,) * 3)


@dataclass(frozen=True)
class PartUsed:
    """What was taken of one dataset. single: left out, being the only picture of a person."""

    path: str
    format: str
    held: int
    pictures: int
    people: int
    single: int


@dataclass(frozen=True)
class DatasetResult:
    """What was learned from one dataset, or from several as one.

    pictures, people: trained on. seen: how many of the pictures the budget reached. loss: mean of
    the last tenth of the steps. sha256: of the weights. reports: one a set, in their order.
    """

    name: str
    parts: list[PartUsed]
    pictures: int
    people: int
    seen: int
    loss: float
    seconds: float
    pictures_per_second: float
    bfloat16: bool
    sha256: str
    reports: list[RecogniserReport]


@dataclass(frozen=True)
class DatasetReports:
    """The same recipe on every dataset, the same sets for every net."""

    recipe: ReferenceRecipe
    seed: int
    threads: int
    sets: list[VerificationSet]
    rendered: bool
    results: list[DatasetResult]


def evaluate_dataset(
    datasets: _Path | Sequence[_Path],
    *,
    on: _Path | Sequence[_Path] = (),
    together: bool = False,
    images: int | None = None,
    steps: int | None = None,
    keep: _Path | None = None,
    seed: int = 1,
    threads: int = 0,
    progress: Progress | None = None,
) -> DatasetReports:
    """Trains the reference recogniser on each dataset and measures verification.

    datasets: folders that `guise.data.open` reads, of ArcFace crops. on: sets to measure on, as
    `evaluate_recogniser` takes them, and "rendered": rendered people whom no dataset shows, which
    is the default. together: train once, on all datasets as one. images: use so many pictures of
    each (of all of them, with together): whole people in the order in which they come. steps: the
    budget, by default the recipe's. keep: a file for the weights. threads: 0 for one per processor.

    On one machine the same datasets, images, steps, seed and threads give the same weights.
    Raises ValueError (no crops, too few people or pictures, people that are trained and measured
    on), Unavailable (absent, or an unfinished dataset) and CorruptFile.
    """
    paths = _listed(datasets)
    measured = [os.fspath(path) for path in _listed(on)] or [RENDERED]
    recipe = ReferenceRecipe() if steps is None else ReferenceRecipe(steps=steps)
    _check(paths, together=together, images=images, keep=keep, seed=seed, threads=threads)
    groups = [paths] if together else [[path] for path in paths]
    names = [" + ".join(short_names(paths))] if together else short_names(paths)
    sets = [
        open_training_set(group, name=name, images=images)
        for group, name in zip(groups, names, strict=True)
    ]
    _check_held_out(sets, measured)
    # Opening a net draws from torch's generator.
    with torch_threads(threads), torch.random.fork_rng(devices=[]):
        used = torch.get_num_threads()
        on_sets = _verification_sets(measured, threads, progress)
        results = [_result(each, on_sets, recipe, seed, threads, keep, progress) for each in sets]
    return DatasetReports(recipe, seed, used, on_sets, RENDERED in measured, results)


def _listed(paths: _Path | Sequence[_Path]) -> list[_Path]:
    return [paths] if isinstance(paths, (str, os.PathLike)) else list(paths)


def _check(
    paths: Sequence[_Path],
    *,
    together: bool,
    images: int | None,
    keep: _Path | None,
    seed: int,
    threads: int,
) -> None:
    if not paths:
        raise ValueError("datasets must name at least one; got none")
    if together and len(paths) < 2:
        raise ValueError("together must have two datasets or more; got one; leave together out")
    if images is not None and images < 4:
        raise ValueError(f"images must be at least 4, two of each of two people; got {images}")
    if threads < 0 or not 0 <= seed <= LARGEST_SEED:
        raise ValueError(
            f"threads must be 0 or above and seed from 0 to {LARGEST_SEED}; got {threads}, {seed}"
        )
    if keep is None:
        return
    if len(paths) > 1 and not together:
        raise ValueError(
            f"keep must go with one training; got {len(paths)} datasets; give one, or together"
        )
    if Path(keep).is_dir() or not Path(keep).absolute().parent.is_dir():
        raise ValueError(f"keep must be a file in a folder that is there; got {keep}")


def _check_held_out(sets: Sequence[TrainingSet], on: Sequence[str]) -> None:
    """Whoever is trained on must not be measured on."""
    for path in (each for each in on if each != RENDERED):
        folder = Path(path)
        if not folder.is_dir():
            continue
        for part in (part for each in sets for part in each.parts):
            shared = ""
            if part.faces.path.resolve() == folder.resolve():
                shared = "they are one folder"
            elif part.faces.plan and (folder / "plan.json").exists():
                shared = shared_people(part.faces, data.open(folder))
            if shared:
                raise ValueError(
                    f"on must show people who are not trained on; {path} and {part.faces.path}: "
                    f"{shared}; measure on others"
                )


def _verification_sets(
    on: Sequence[str], threads: int, progress: Progress | None
) -> list[VerificationSet]:
    sets = []
    if RENDERED in on:
        sets = [
            held_out_set(preset, threads=threads, progress=_told(progress, f"drawing {preset}"))
            for preset in HELD_OUT_PRESETS
        ]
    paths = [path for path in on if path != RENDERED]
    return sets + [
        verification_set(path, name=name, progress=_told(progress, f"cutting out {name}"))
        for path, name in zip(paths, short_names(paths), strict=True)
    ]


def _told(progress: Progress | None, what: str) -> Callable[[int, int], None] | None:
    return None if progress is None else lambda done, total: progress(what, done, total)


def _result(
    training: TrainingSet,
    on: Sequence[VerificationSet],
    recipe: ReferenceRecipe,
    seed: int,
    threads: int,
    keep: _Path | None,
    progress: Progress | None,
) -> DatasetResult:
    rows = recipe.rows_seen(seed, training.pictures)
    pixels = training.read(rows, _told(progress, f"reading {training.name}"))
    trained = train_reference(
        pixels,
        training.labels(),
        recipe=recipe,
        seed=seed,
        progress=_told(progress, f"training on {training.name}"),
    )
    embedder = _opened(trained, training.name, keep)
    reports = [_measured(embedder, each, threads, progress) for each in on]
    return DatasetResult(
        name=training.name,
        parts=[
            PartUsed(
                path=str(part.faces.path),
                format=part.faces.format,
                held=part.held,
                pictures=part.pictures,
                people=part.people,
                single=part.single,
            )
            for part in training.parts
        ],
        pictures=training.pictures,
        people=training.people,
        seen=len(rows),
        loss=trained.loss,
        seconds=trained.seconds,
        pictures_per_second=trained.pictures_per_second,
        bfloat16=trained.bfloat16,
        sha256=embedder.sha256,
        reports=reports,
    )


def _opened(trained: TrainedRecogniser, name: str, keep: _Path | None) -> _core.Embedder:
    """The net as the engine runs it, from the very file that is kept."""
    with tempfile.TemporaryDirectory(prefix="guise-") as folder:
        path = Path(folder) / "reference.safetensors" if keep is None else Path(keep)
        metadata = {"architecture": "house-recogniser", "recipe": trained.recipe.name}
        _core.write_safetensors(str(path), trained.tensors(), metadata=metadata)
        return embedding.open_file(
            path, architecture="house-recogniser", preset="v1", crop=_CROP, name=name
        )


def _measured(
    embedder: _core.Embedder, on: VerificationSet, threads: int, progress: Progress | None
) -> RecogniserReport:
    embedded = embed_photos(
        on.photos,
        embedder,
        align="aligned",
        progress=_told(progress, f"measuring on {on.name}"),
    )
    found = replace(
        embedded,
        detected=on.detected,
        without_face=list(on.without_face),
        left_out_pairs=on.left_out_pairs,
    )
    return report_of(found, embedder, flip=True, threads=threads)


def datasets_figures(reports: DatasetReports) -> dict[str, Any]:
    """Everything as plain values for JSON."""
    return {
        "recipe": asdict(reports.recipe),
        "seed": reports.seed,
        "threads": reports.threads,
        "torch": torch.__version__,
        "datasets": [_result_figures(reports, result) for result in reports.results],
    }


def _result_figures(reports: DatasetReports, result: DatasetResult) -> dict[str, Any]:
    parts = [{**asdict(part), "path": Path(part.path).name} for part in result.parts]
    return {
        "name": result.name,
        "parts": parts,
        "pictures": result.pictures,
        "people": result.people,
        "seen": result.seen,
        "loss": result.loss,
        "seconds": result.seconds,
        "pictures_per_second": result.pictures_per_second,
        "bfloat16": result.bfloat16,
        "sha256": result.sha256,
        "sets": {
            each.name: report_figures(report)
            for each, report in zip(reports.sets, result.reports, strict=True)
        },
    }
