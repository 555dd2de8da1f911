"""How well a recogniser tells the people of a set of photos apart."""

from __future__ import annotations

import contextlib
import math
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch

from guise import _core, models
from guise.embedding import Recogniser
from guise.evaluate.embedded_photos import EmbeddedPhotos, LeftOut, Progress, embed_photos
from guise.evaluate.photo_sets import open_photo_set
from guise.evaluate.scores import Scores, score

#: False accept rates at which TAR is told, where the pairs carry them.
FARS = (1e-1, 1e-2, 1e-3, 1e-4)
_CURVE_LOW = 1e-6
# Identification of N photos, m a person, takes N^2 m steps: a minute at most.
_IDENTIFICATION_WORK = 2e10
_TOLD_RANKS = (1, 5, 10)


@dataclass(frozen=True)
class Rate:
    """A share and its 95 % interval. low, high: None where there is none to give."""

    value: float
    low: float | None
    high: float | None


@dataclass(frozen=True)
class TarAtFar:
    """TAR at the loosest threshold with FAR <= far. pairs: Wilson's interval, as if pairs were
    independent."""

    far: float
    threshold: float
    tar: Rate
    pairs: Rate


@dataclass(frozen=True)
class NamedPair:
    """Two photos of different people that a recogniser finds alike."""

    first: str
    second: str
    cosine: float


@dataclass(frozen=True)
class RecogniserReport:
    """What was measured; shares are 0 to 1. None: it does not apply to this set.

    Intervals are 95 %, from drawing whole people anew. ranks: shares of probes whose person is
    among the k nearest, over every choice of one gallery photo a person. folds: the 10-fold
    protocol of LFW, on the pairs in their order. separation: of the people's centres.
    """

    model: str
    sha256: str
    source: str
    kind: str
    flip: bool
    photos: int
    people: int
    detected: int
    unreadable: list[LeftOut]
    without_face: list[LeftOut]
    left_out_pairs: int
    genuine: int
    impostor: int
    equal_error: Rate
    equal_error_threshold: float
    tar_at_far: list[TarAtFar]
    d_prime: float
    ranks: dict[int, float] | None
    folds: _core.FoldResult | None
    separation: _core.Separation | None
    nearest: list[NamedPair]
    exact: bool
    photos_per_second: float
    curve: _core.ErrorCurve = field(repr=False)


def evaluate_recogniser(
    model: Recogniser,
    on: str | os.PathLike[str],
    *,
    images: str | os.PathLike[str] | None = None,
    align: str = "auto",
    flip: bool = True,
    skip_unreadable: bool = False,
    nearest: int = 0,
    seed: int = 0,
    threads: int = 0,
    progress: Progress | None = None,
) -> RecogniserReport:
    """Embeds the photos of a set, compares them and says how often the recogniser errs.

    on: an insightface .bin, a folder with a folder of photos for each person, a dataset, or a pairs
    file (with `images`, the folder its names are in). align: "auto" takes pictures of 112 x 112 px,
    sets of crops and .bin files as crops and detects the face in all others; "aligned" and "detect"
    do one or the other to all. flip: add the embeddings of a crop and its mirror image. nearest:
    how many of the most alike photos of different people to name. seed: of the intervals. threads:
    0 for one per processor.

    Raises ValueError (nothing to compare), Unavailable, and CorruptFile naming pictures that cannot
    be read, unless skip_unreadable leaves them out.
    """
    if nearest < 0 or threads < 0:
        raise ValueError(f"nearest and threads must be 0 or above; got {nearest} and {threads}")
    photos = open_photo_set(on, images=images)
    embedder = models.open_embedder(model) if isinstance(model, str) else model
    with torch_threads(threads):
        embedded = embed_photos(
            photos,
            embedder,
            align=align,
            flip=flip,
            skip_unreadable=skip_unreadable,
            progress=progress,
        )
    return report_of(embedded, embedder, flip=flip, nearest=nearest, seed=seed, threads=threads)


def report_of(
    embedded: EmbeddedPhotos,
    embedder: _core.Embedder,
    *,
    flip: bool,
    nearest: int = 0,
    seed: int = 0,
    threads: int = 0,
) -> RecogniserReport:
    """What the embeddings of a set are worth. embedder, flip: what made them."""
    found = score(embedded, nearest=nearest, threads=threads)
    return _report(embedder, flip, embedded, found, seed=seed, threads=threads)


def _report(
    embedder: _core.Embedder,
    flip: bool,
    embedded: EmbeddedPhotos,
    found: Scores,
    *,
    seed: int,
    threads: int,
) -> RecogniserReport:
    names = [photo.name for photo in embedded.photos.photos]
    error, threshold, tars = _rates(found, seed=seed, threads=threads)
    return RecogniserReport(
        model=embedder.name,
        sha256=embedder.sha256,
        source=embedded.photos.source,
        kind=embedded.photos.kind,
        flip=flip,
        photos=len(names),
        people=len(set(embedded.photos.people)),
        detected=embedded.detected,
        unreadable=embedded.unreadable,
        without_face=embedded.without_face,
        left_out_pairs=embedded.left_out_pairs,
        genuine=int(found.curve.genuine),
        impostor=int(found.curve.impostor),
        equal_error=error,
        equal_error_threshold=threshold,
        tar_at_far=tars,
        d_prime=found.d_prime,
        ranks=_ranks(embedded, threads),
        folds=_folds(embedded),
        separation=_separation(embedded, threads),
        nearest=[
            NamedPair(names[pair.first], names[pair.second], pair.cosine) for pair in found.nearest
        ],
        exact=found.listed,
        photos_per_second=len(names) / max(embedded.seconds, 1e-9),
        curve=found.curve,
    )


@contextlib.contextmanager
def torch_threads(threads: int) -> Iterator[None]:
    """Threads of the networks while it is entered; 0 changes nothing."""
    before = torch.get_num_threads()
    if threads > 0:
        torch.set_num_threads(threads)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _rates(found: Scores, *, seed: int, threads: int) -> tuple[Rate, float, list[TarAtFar]]:
    curve = found.curve
    points = [point for point in map(curve.at_fmr, FARS) if point.carried]
    bootstrap = found.bootstrap([p.target_fmr for p in points], seed=seed, threads=threads)
    error = curve.equal_error()
    rate = _with_interval(error.rate, bootstrap.equal_error if bootstrap else None, found.units)
    tars = []
    for place, point in enumerate(points):
        drawn = bootstrap.fnmr[place] if bootstrap else None
        refused = _with_interval(point.fnmr, drawn, found.units)
        tar = Rate(1 - point.fnmr, _complement(refused.high), _complement(refused.low))
        accepted = round((1 - point.fnmr) * curve.genuine)
        wilson = _core.wilson_interval(accepted, curve.genuine)
        pairs = Rate(1 - point.fnmr, wilson.low, wilson.high)
        tars.append(TarAtFar(point.target_fmr, point.threshold, tar, pairs))
    return rate, error.threshold, tars


def _with_interval(value: float, drawn: _core.Interval | None, people: int) -> Rate:
    """Where not one error was seen every draw sees none, which says nothing about how rare they
    are: then Wilson's interval, as if each person were one trial."""
    if value in (0.0, 1.0):
        drawn = _core.wilson_interval(value * people, people)
    return Rate(value, None, None) if drawn is None else Rate(value, drawn.low, drawn.high)


def _complement(share: float | None) -> float | None:
    return None if share is None else 1 - share


def _ranks(embedded: EmbeddedPhotos, threads: int) -> dict[int, float] | None:
    if embedded.photos.pairs is not None:
        return None
    people = torch.tensor(embedded.photos.people)
    sizes = torch.bincount(people).double()
    if float((sizes**2).sum()) * len(people) > _IDENTIFICATION_WORK:
        return None
    options = _core.IdentificationOptions(ranks=max(_TOLD_RANKS), threads=threads)
    rates = _core.identification_over_choices(embedded.vectors, people, options)
    return {rank: float(rates[rank - 1]) for rank in _TOLD_RANKS}


def _folds(embedded: EmbeddedPhotos) -> _core.FoldResult | None:
    pairs = embedded.photos.pairs
    if pairs is None or len(pairs) < _core.FoldOptions().folds:
        return None
    first = torch.tensor([pair.first for pair in pairs])
    second = torch.tensor([pair.second for pair in pairs])
    distances = _core.pair_distances(embedded.vectors, first, second)
    return _core.verify_in_folds(distances, torch.tensor([pair.same for pair in pairs]))


def _separation(embedded: EmbeddedPhotos, threads: int) -> _core.Separation | None:
    if embedded.photos.pairs is not None:
        return None
    people = torch.tensor(embedded.photos.people)
    return _core.separation(embedded.vectors, people, _core.SeparationOptions(threads=threads))


def report_figures(report: RecogniserReport) -> dict[str, Any]:
    """Everything as plain values for JSON; what is not a number is None."""

    def left_out(photos: list[LeftOut]) -> list[dict[str, str]]:
        return [{"photo": each.name, "reason": each.reason} for each in photos]

    separation, folds = report.separation, report.folds
    return {
        "model": report.model,
        "sha256": report.sha256,
        "on": {
            "name": Path(report.source).name,
            "kind": report.kind,
            "photos": report.photos,
            "people": report.people,
            "detected": report.detected,
            "unreadable": left_out(report.unreadable),
            "without_face": left_out(report.without_face),
            "left_out_pairs": report.left_out_pairs,
        },
        "flip": report.flip,
        "pairs": {"genuine": report.genuine, "impostor": report.impostor, "exact": report.exact},
        "equal_error": {**_rate(report.equal_error), "threshold": report.equal_error_threshold},
        "tar_at_far": [
            {
                "far": each.far,
                "threshold": _finite(each.threshold),
                **_rate(each.tar),
                "wilson": [each.pairs.low, each.pairs.high],
            }
            for each in report.tar_at_far
        ],
        "d_prime": _finite(report.d_prime),
        "ranks": None if report.ranks is None else {str(k): v for k, v in report.ranks.items()},
        "folds": None if folds is None else _fold_figures(folds),
        "separation": None if separation is None else _separation_figures(separation),
        "nearest_impostors": [
            {"first": pair.first, "second": pair.second, "cosine": pair.cosine}
            for pair in report.nearest
        ],
        "photos_per_second": report.photos_per_second,
    }


def _rate(rate: Rate) -> dict[str, float | None]:
    return {"value": rate.value, "low": rate.low, "high": rate.high}


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _fold_figures(folds: _core.FoldResult) -> dict[str, Any]:
    return {
        "accuracy": folds.accuracy,
        "accuracy_spread": folds.accuracy_spread,
        "accuracies": folds.accuracies.tolist(),
        "thresholds": folds.thresholds.tolist(),
        "val": _finite(folds.val),
        "val_spread": _finite(folds.val_spread),
        "far": _finite(folds.far),
    }


def _separation_figures(separation: _core.Separation) -> dict[str, Any]:
    nearest = separation.nearest_other
    return {
        "inter_class_max": separation.inter_class_max,
        "nearest_other_median": float(nearest.median()),
        "intra_class_mean": _finite(separation.intra_class_mean),
        "to_centre_mean": separation.to_centre_mean,
        "unique_share": separation.unique_share,
        "dcface_uniqueness": separation.dcface_uniqueness,
        "dcface_consistency": separation.dcface_consistency,
    }
