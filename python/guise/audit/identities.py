"""Are the identities apart, and the pictures of one together?

The cosine of two identities is the mean over all pairs of their pictures: it lies on the scale of
pairs of pictures, for which the recogniser is calibrated. The cosine of two centres, which papers
use, grows with the number of pictures that are averaged; it is given beside it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from guise import _core
from guise.audit.audited import AuditedDataset, Integers
from guise.audit.lines import (
    FAIL,
    PASS,
    WARN,
    AuditLine,
    ShownPair,
    at_most,
    cosine_chart,
    not_measured,
    worst,
)
from guise.audit.operating import OperatingPoint, Thresholds
from guise.dataset_report.charts import Floats, percent

VEC2FACE_COSINE = 0.4  # Vec2Face's uniqueness, arXiv 2409.02979
ONE_PERSON = 0.9  # of the mean cosine inside both identities: two labels for one person
MOST_ONE_PERSON = 0.01  # share of identities
CHANCE_FACTOR = 2.0
LEAST_FAIL = 0.05
STRAYS_PASS, STRAYS_WARN = 0.02, 0.1
FAR_PASS, FAR_WARN = 0.1, 0.25
LEAST_VARIED = 0.97  # mean cosine to the own centre above which nothing varies
_SHOWN_PAIRS = 12
_ROWS = 1024
_APART, _TOGETHER = "identity_separation", "identity_consistency"
_APART_TITLE, _TOGETHER_TITLE = (
    "Identities differ from each other",
    "Pictures stay with their identity",
)


@dataclass(frozen=True)
class Means:
    """Mean embeddings. means: float64 [C, D], not brought to length 1. codes: int64 [N]."""

    names: Integers
    counts: Integers
    codes: Integers
    means: torch.Tensor

    @property
    def inside(self) -> Floats:
        """float64 [C]: mean cosine of the pairs of pictures of one identity; NaN for one."""
        counts = self.counts.astype(np.float64)
        squares = (self.means**2).sum(1).numpy() * counts**2
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.asarray((squares - counts) / (counts * (counts - 1)))


def identity_means(dataset: AuditedDataset) -> Means:
    """The identities of a dataset, by rising number."""
    names, codes, counts = np.unique(dataset.people, return_inverse=True, return_counts=True)
    sums = torch.zeros(len(names), dataset.vectors.shape[1], dtype=torch.float64)
    sums.index_add_(0, torch.from_numpy(codes.astype(np.int64)), dataset.vectors.double())
    means = sums / torch.from_numpy(counts)[:, None]
    return Means(names, counts.astype(np.int64), codes.astype(np.int64), means)


def separation_line(dataset: AuditedDataset, thresholds: Thresholds, threads: int) -> AuditLine:
    """The nearest identities, and the share that has another above the threshold."""
    known = identity_means(dataset)
    count = len(known.names)
    if count < 2:
        return not_measured(_APART, _APART_TITLE, "The dataset has one identity only.")
    point = thresholds.among(count - 1)
    nearest, pairs = _nearest(known.means)
    above = nearest >= point.cosine
    share, expected = float(above.mean()), point.expected(count - 1)
    inside = known.inside
    same = [
        (cosine, i, j)
        for cosine, i, j in pairs
        if cosine >= point.cosine and cosine >= ONE_PERSON * np.sqrt(inside[i] * inside[j])
    ]
    as_one = len({each for _, i, j in same for each in (i, j)}) / count
    verdict = worst(
        (
            at_most(share, expected, max(CHANCE_FACTOR * expected, LEAST_FAIL)),
            FAIL if as_one > MOST_ONE_PERSON else WARN if same else PASS,
        )
    )
    figures = {
        "identities": count,
        "threshold": point.figures(),
        "share_above": share,
        "share_expected_by_chance": expected,
        "mean_cosine_nearest": {
            name: float(np.quantile(nearest, q))
            for name, q in (("median", 0.5), ("95_percent", 0.95), ("highest", 1.0))
        },
        "pairs_as_one_person": len(same),
        "centres": _published(dataset, point, threads),
        "nearest_pairs": [
            {"first": int(known.names[i]), "second": int(known.names[j]), "mean_cosine": cosine}
            for cosine, i, j in pairs[:_SHOWN_PAIRS]
        ],
    }
    return AuditLine(
        _APART,
        _APART_TITLE,
        verdict,
        share,
        f"{percent(share)} ({int(above.sum())} of {count})",
        f"at most {percent(expected)}",
        _apart_words(count, int(above.sum()), len(same), float(nearest.max()), point, expected),
        figures,
        _apart_details(figures),
        [
            cosine_chart(
                nearest,
                "Nearest other identity",
                "mean cosine of the pictures of two",
                of="identities",
            )
        ],
        [_shown(dataset, known, i, j, cosine) for cosine, i, j in pairs[:_SHOWN_PAIRS]],
    )


def _apart_words(
    count: int, above: int, same: int, highest: float, point: OperatingPoint, expected: float
) -> str:
    words = (
        f"{above or 'None'} of {count} identities {'has' if above < 2 else 'have'} another whose "
        f"pictures are, on average, as alike as {point}; the highest is {highest:.3f}."
    )
    if point.fmr is not None:
        words += f" Chance alone would give {percent(expected)} at the most."
    if same:
        words += (
            f" {same} {'pair is' if same == 1 else 'pairs are'} as alike as the pictures of one "
            "identity: two numbers, one face."
        )
    return words


def _apart_details(figures: dict[str, object]) -> list[tuple[str, str]]:
    centres, nearest = figures["centres"], figures["mean_cosine_nearest"]
    assert isinstance(centres, dict) and isinstance(nearest, dict)
    return [
        ("nearest other identity, mean cosine, median", f"{nearest['median']:.3f}"),
        ("the same, highest", f"{nearest['highest']:.3f}"),
        ("pairs as alike as one person", str(figures["pairs_as_one_person"])),
        ("centres: nearest above the threshold", percent(centres["share_above"])),
        ("centres: unique (Vec2Face) at the threshold", percent(centres["unique_share"])),
        ("centres: unique at 0.4, as published", percent(centres["unique_share_0.4"])),
        ("centres: unique (DCFace, r = 0.3)", percent(centres["dcface_uniqueness"])),
    ]


def _published(dataset: AuditedDataset, point: OperatingPoint, threads: int) -> dict[str, float]:
    """Figures of the centres, as the papers define them."""
    people = torch.from_numpy(dataset.people)
    options = _core.SeparationOptions(unique_cosine=point.cosine, threads=threads)
    found = _core.separation(dataset.vectors, people, options)
    options.unique_cosine = VEC2FACE_COSINE
    published = _core.separation(dataset.vectors, people, options)
    return {
        "highest_cosine": found.inter_class_max,
        "share_above": float((found.nearest_other >= point.cosine).double().mean()),
        "unique_share": found.unique_share,
        "unique_share_0.4": published.unique_share,
        "dcface_uniqueness": found.dcface_uniqueness,
    }


def _nearest(means: torch.Tensor) -> tuple[Floats, list[tuple[float, int, int]]]:
    """Each identity's highest mean cosine with another, and the nearest pairs, nearest first."""
    count = len(means)
    nearest, kept = np.empty(count), max(_SHOWN_PAIRS, count)
    found: list[tuple[float, int, int]] = []
    for start in range(0, count, _ROWS):
        block = means[start : start + _ROWS] @ means.T
        rows = torch.arange(len(block))
        block[rows, start + rows] = -2
        nearest[start : start + len(block)] = block.max(1).values.numpy()
        block[torch.arange(count)[None] <= start + rows[:, None]] = -2
        values, flat = block.flatten().topk(min(block.numel(), kept))
        found += [
            (float(value), start + int(place) // count, int(place) % count)
            for value, place in zip(values, flat, strict=True)
            if value > -2
        ]
        found = sorted(found, key=lambda pair: (-pair[0], pair[1:]))[:kept]
    return nearest, found


def _shown(dataset: AuditedDataset, known: Means, i: int, j: int, cosine: float) -> ShownPair:
    """The two pictures of these identities that are most alike."""
    first, second = (np.flatnonzero(known.codes == each) for each in (i, j))
    cosines = dataset.vectors[first] @ dataset.vectors[second].T
    row, column = divmod(int(cosines.argmax()), len(second))
    return ShownPair(
        int(dataset.places[first[row]]),
        int(dataset.places[second[column]]),
        f"identities {known.names[i]} and {known.names[j]}, mean cosine {cosine:.3f}",
    )


def consistency_line(dataset: AuditedDataset, thresholds: Thresholds, threads: int) -> AuditLine:
    """How far pictures lie from the centre of the other pictures of their identity."""
    known = identity_means(dataset)
    several = known.counts[known.codes] > 1
    if not several.any():
        return not_measured(_TOGETHER, _TOGETHER_TITLE, "No identity has two pictures.")
    point = thresholds.of_pairs()
    own, other = _to_centres(dataset.vectors, known)
    own, nearest = own[several], other[several]
    strays, far = float((nearest > own).mean()), float((own < point.cosine).mean())
    mean = float(own.mean())
    verdict = worst(
        (
            at_most(strays, STRAYS_PASS, STRAYS_WARN),
            at_most(far, FAR_PASS, FAR_WARN),
            WARN if mean > LEAST_VARIED else PASS,
        )
    )
    inside = _published_inside(dataset, threads)
    figures = {
        "pictures": int(several.sum()),
        "threshold": point.figures(),
        "nearer_to_another_share": strays,
        "below_threshold_share": far,
        "cosine_to_centre": {"mean": mean, "5_percent": float(np.quantile(own, 0.05))},
        **inside,
    }
    words = (
        f"{percent(strays)} of the pictures lie nearer to another identity's centre than to their "
        f"own (that of the identity's other pictures); {percent(far)} lie farther from it than "
        f"{point}. Cosine to the own centre: mean {mean:.3f}, 5 % lie below "
        f"{float(np.quantile(own, 0.05)):.3f}."
    )
    if mean > LEAST_VARIED:
        words += f" Above {LEAST_VARIED} the pictures of one identity hardly vary."
    return AuditLine(
        _TOGETHER,
        _TOGETHER_TITLE,
        verdict,
        strays,
        f"{percent(strays)} astray, {percent(far)} far",
        f"at most {percent(STRAYS_PASS)} and {percent(FAR_PASS)}",
        words,
        figures,
        [
            ("cosine to the own centre, mean", f"{mean:.3f}"),
            ("the same, 5 % lie below", f"{float(np.quantile(own, 0.05)):.3f}"),
            ("nearer to another identity", percent(strays)),
            ("farther than the threshold", percent(far)),
            ("consistency (DCFace, r = 0.3)", percent(inside["dcface_consistency"] or 0)),
        ],
        [cosine_chart(own, "Own centre", "cosine to the identity's other pictures")],
    )


def _published_inside(dataset: AuditedDataset, threads: int) -> dict[str, float | None]:
    people = torch.from_numpy(dataset.people)
    if len(np.unique(dataset.people)) < 2:
        return {"pairs_mean": None, "to_centre_mean": None, "dcface_consistency": None}
    options = _core.SeparationOptions(threads=threads)
    found = _core.separation(dataset.vectors, people, options)
    return {
        "pairs_mean": found.intra_class_mean,
        "to_centre_mean": found.to_centre_mean,
        "dcface_consistency": found.dcface_consistency,
    }


def _to_centres(vectors: torch.Tensor, known: Means) -> tuple[Floats, Floats]:
    """[N] cosine to the centre of the own identity's other pictures, and to the nearest other's.

    The first is 0 where there are none, the second -2 where there is one identity only.
    """
    centres = torch.nn.functional.normalize(known.means)
    own, other = np.empty(len(vectors)), np.empty(len(vectors))
    for start in range(0, len(vectors), _ROWS):
        rows = vectors[start : start + _ROWS].double()
        codes = torch.from_numpy(known.codes[start : start + _ROWS])
        counts = torch.from_numpy(known.counts)[codes][:, None]
        rest = torch.nn.functional.normalize(known.means[codes] * counts - rows)
        rest[counts[:, 0] == 1] = 0
        own[start : start + len(rows)] = (rows * rest).sum(1).numpy()
        block = rows @ centres.T
        block[torch.arange(len(rows)), codes] = -2
        other[start : start + len(rows)] = block.max(1).values.numpy()
    return own, other
