"""From a dataset and galleries to the lines of an audit."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Union

import torch

from guise import _core, data, models
from guise.audit.audited import AuditedDataset, read_dataset
from guise.audit.balance import balance_lines
from guise.audit.duplicates import exact_line, near_line
from guise.audit.galleries import leak_line, read_gallery
from guise.audit.identities import consistency_line, separation_line
from guise.audit.lines import AuditLine, AuditReport, Progress
from guise.audit.memorisation import memorisation_line
from guise.audit.operating import Thresholds
from guise.audit.page import write_audit
from guise.data import FaceDataset
from guise.evaluate.recogniser import torch_threads
from guise.rendering import LARGEST_SEED
from guise.train.people_group import GENERATOR_PEOPLE

_Path = Union[str, "os.PathLike[str]"]


@dataclass(frozen=True)
class AuditOptions:
    """Keywords of `guise.audit_dataset`."""

    recogniser: str
    population: str | None
    threshold: float | None
    training_people: int | None
    name_gallery: bool
    seed: int
    threads: int


def audit(
    dataset: _Path,
    against: Sequence[_Path],
    out: _Path | None,
    options: AuditOptions,
    progress: Progress | None,
) -> AuditReport:
    """See `guise.audit_dataset`."""
    target = None if out is None else Path(out)
    _check(options, target)
    for gallery in against:
        if Path(gallery).exists() and Path(gallery).resolve() == Path(dataset).resolve():
            raise ValueError(
                f"a gallery must be another folder than the dataset; both are {gallery}"
            )
    faces = data.open(dataset)
    if len(faces) == 0:
        raise ValueError(f"a dataset must hold at least one picture; {dataset} has none")
    # Opening a net draws from torch's generator.
    with torch_threads(options.threads), torch.random.fork_rng(devices=[]):
        model = models.open_embedder(options.recogniser)
        thresholds = Thresholds(model, population=options.population, given=options.threshold)
        read = read_dataset(
            faces, model, flip=thresholds.flip, progress=_part(progress, "embedding the dataset")
        )
        lines = _lines(read, against, model, thresholds, options, progress)
    report = AuditReport(
        name=Path(dataset).resolve().name,
        about=_about(faces, read, model, thresholds, options),
        lines=tuple(lines),
    )
    if target is None:
        return report
    return replace(report, written=tuple(write_audit(target, report, faces)))


def _lines(
    read: AuditedDataset,
    against: Sequence[_Path],
    model: _core.Embedder,
    thresholds: Thresholds,
    options: AuditOptions,
    progress: Progress | None,
) -> list[AuditLine]:
    lines = [
        separation_line(read, thresholds, options.threads),
        consistency_line(read, thresholds, options.threads),
        exact_line(read),
        near_line(read, options.threads),
    ]
    for number, path in enumerate(against, start=1):
        gallery = read_gallery(
            path,
            model,
            int(read.vectors.shape[1]),
            flip=thresholds.flip,
            name_gallery=options.name_gallery,
            progress=_part(progress, f"embedding gallery {number}"),
        )
        lines.append(leak_line(read, gallery, thresholds, number))
    lines.append(
        memorisation_line(
            read,
            thresholds,
            model,
            people=options.training_people,
            seed=options.seed,
            threads=options.threads,
            progress=_part(progress, "rendering training people and strangers"),
        )
    )
    return lines + balance_lines(read)


def _part(progress: Progress | None, what: str) -> Callable[[int, int], None] | None:
    if progress is None:
        return None

    def tell(done: int, total: int) -> None:
        progress(what, done, total)

    return tell


def _check(options: AuditOptions, out: Path | None) -> None:
    if out is not None and (out.exists() or out.is_symlink()):
        raise ValueError(
            f"out must be a folder that is not there yet; {out} is; choose another name (--out)"
        )
    if options.threshold is not None and not -1 <= options.threshold <= 1:
        raise ValueError(f"threshold must be a cosine, -1 to 1; got {options.threshold}")
    people = options.training_people
    if people is not None and people != 0 and not 20 <= people <= GENERATOR_PEOPLE:
        raise ValueError(
            f"training_people must be 0, or from 20 to the {GENERATOR_PEOPLE} there are; got "
            f"{people}"
        )
    if not 0 <= options.seed <= LARGEST_SEED:
        raise ValueError(f"seed must lie from 0 to {LARGEST_SEED}; got {options.seed}")
    if options.threads < 0:
        raise ValueError(f"threads must be at least 0; got {options.threads}")


def _about(
    faces: FaceDataset,
    read: AuditedDataset,
    model: _core.Embedder,
    thresholds: Thresholds,
    options: AuditOptions,
) -> dict[str, Any]:
    point = thresholds.of_pairs()
    plan = faces.path / "plan.json"
    return {
        "guise": _core.__version__,
        "dataset": {
            "name": faces.path.resolve().name,
            "format": faces.format,
            "pictures": len(faces),
            "identities": len(set(faces.labels.tolist())),
            "without_face": read.without_face,
            "generator": faces.plan.get("generator", {}).get("name"),
            "plan_sha256": _core.sha256_file(str(plan)) if faces.plan else None,
        },
        "recogniser": {"name": model.name, "sha256": model.sha256, "flip": thresholds.flip},
        "threshold": {**point.figures(), "words": str(point)},
        "population": None if point.population is None else point.population.what,
        "seed": options.seed,
    }
