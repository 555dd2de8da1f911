"""Do pictures of one person look like one person, and of two like two? A recogniser is asked.

Accepted means a distance at or below a threshold. FAR: share of pairs of different people accepted.
FRR: share of pairs of one person refused. EER: where both are equal. TAR: 1 - FRR.
"""

from __future__ import annotations

import importlib
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray

from guise import _core, models
from guise.dataset_report.charts import Floats

Integers = NDArray[np.int64]

RECOGNISERS = ("dlib", "none")
_DLIB_MODEL = "dlib-resnet"
_CHIP_PX = 150
# Where dlib's own alignment puts our five landmarks in its chip, px: the median over 289 rendered
# pictures in front view, made symmetric.
_CHIP_LANDMARKS = ((47.0, 45.2), (101.5, 45.2), (74.2, 78.7), (51.5, 101.9), (96.8, 101.9))
_ROWS = 512  # of the matrix of distances at a time
_GROUPS, _FEWEST_PEOPLE = 10, 20  # of the standard error


class Recogniser(Protocol):
    """Turns faces into vectors that are compared by their Euclidean distance."""

    name: str
    #: Below this distance its author takes two pictures for one person.
    same_person: float
    #: Below this distance two people are called look-alikes.
    look_alike: float

    def embed(self, image: torch.Tensor, landmarks: Sequence[Sequence[float]]) -> Floats:
        """The vector of the face with these five landmarks (px) in a uint8 [H, W, 3] picture."""
        ...


class DlibRecogniser:
    """dlib's ResNet: 128 numbers. Raises Unavailable that says what to install or fetch."""

    name = "dlib's ResNet, 128 numbers"
    same_person = 0.6
    look_alike = 0.4

    def __init__(self) -> None:
        try:
            dlib = importlib.import_module("dlib")
        except ImportError:
            raise _core.Unavailable(
                'dlib is not installed; run: pip install "guise[audit]" && '
                f"guise models fetch {_DLIB_MODEL}"
            ) from None
        path = models.path(_DLIB_MODEL, fetch=False)
        self._net: Any = dlib.face_recognition_model_v1(str(path))

    def embed(self, image: torch.Tensor, landmarks: Sequence[Sequence[float]]) -> Floats:
        chip = face_chip(image, landmarks)
        return np.array(self._net.compute_face_descriptor(chip.numpy()), dtype=np.float64)


def open_recogniser(name: str) -> Recogniser:
    """A recogniser by name. Raises ValueError (no such one), Unavailable, CorruptFile."""
    if name != "dlib":
        raise ValueError(f"recogniser must be one of {', '.join(RECOGNISERS)}; got {name!r}")
    return DlibRecogniser()


def face_chip(image: torch.Tensor, landmarks: Sequence[Sequence[float]]) -> torch.Tensor:
    """uint8 [150, 150, 3]: the face turned upright as dlib's recogniser expects it.

    The similarity is a least-squares fit over the five points; what lies outside is the edge drawn
    out. A picture far larger than the chip is shrunk first.
    """
    source = np.asarray(landmarks, dtype=np.float64)
    planes = image.permute(2, 0, 1).unsqueeze(0).float()
    target = np.array(_CHIP_LANDMARKS)
    spread = np.linalg.norm(source - source.mean(0)) / np.linalg.norm(target - target.mean(0))
    if spread > 1.5:
        height, width = int(image.shape[0]), int(image.shape[1])
        size = [max(2, round(height / spread)), max(2, round(width / spread))]
        planes = torch.nn.functional.interpolate(planes, size=size, mode="area")
        scale = np.array([size[1] / width, size[0] / height])
        source = (source + 0.5) * scale - 0.5
    matrix = _similarity(target, source)
    y, x = np.mgrid[:_CHIP_PX, :_CHIP_PX].astype(np.float64)
    places = np.stack([x, y, np.ones_like(x)], -1) @ matrix.T
    sides = np.array([planes.shape[3], planes.shape[2]], dtype=np.float64)
    grid = torch.from_numpy((2 * places + 1) / sides - 1).float().unsqueeze(0)
    chip = torch.nn.functional.grid_sample(
        planes, grid, mode="bicubic", padding_mode="border", align_corners=False
    )
    return chip[0].round().clamp(0, 255).to(torch.uint8).permute(1, 2, 0).contiguous()


def _similarity(source: Floats, target: Floats) -> Floats:
    """[2, 3]: turn, size and shift that bring `source` [N, 2] to `target`, least squares."""
    a, b = source - source.mean(0), target - target.mean(0)
    cosine = float((a * b).sum())
    sine = float((a[:, 0] * b[:, 1] - a[:, 1] * b[:, 0]).sum())
    turn = np.array([[cosine, -sine], [sine, cosine]]) / max(float((a**2).sum()), 1e-12)
    return np.column_stack([turn, target.mean(0) - turn @ source.mean(0)])


@dataclass(frozen=True)
class NearPair:
    """Two pictures of different people. first, second: places in the list of vectors."""

    first: int
    second: int
    distance: float
    cosine: float


@dataclass(frozen=True)
class Similarity:
    """How well a recogniser tells the people of a dataset apart; shares are 0 to 1."""

    genuine: Floats
    impostor: Floats
    equal_error: float
    #: Standard error of `equal_error`; None with fewer than `_FEWEST_PEOPLE`.
    equal_error_spread: float | None
    threshold: float
    tar_at_far_1_percent: float
    decidability: float
    look_alikes: float
    takes_for_another: float
    nearest: tuple[NearPair, ...]


def compare(
    vectors: Floats, people: Integers, recogniser: Recogniser, *, pairs: int = 12
) -> Similarity:
    """Distances of all pairs of pictures and what follows from them.

    vectors: [N, D]. people: [N], pictures of one person in a row. pairs: how many of the nearest.
    Raises ValueError without a pair of one person or of two.
    """
    if len(np.unique(people)) < 2 or len(np.unique(people)) == len(people):
        raise ValueError(
            "pictures must hold at least two people, and two pictures of one of them; got "
            f"{len(np.unique(people))} people and {len(people)} pictures"
        )
    genuine, impostor = _distances(vectors, people)
    rate, threshold = equal_error(genuine, impostor)
    starts = np.flatnonzero(np.diff(people, prepend=people[0] - 1))
    alone = _nearest_other(vectors[starts])
    return Similarity(
        genuine=genuine,
        impostor=impostor,
        equal_error=rate,
        equal_error_spread=equal_error_spread(vectors, people),
        threshold=threshold,
        tar_at_far_1_percent=accepted_at(genuine, impostor, 0.01),
        decidability=decidability(genuine, impostor),
        look_alikes=float((alone < recogniser.look_alike).mean()),
        takes_for_another=float((alone < recogniser.same_person).mean()),
        nearest=tuple(nearest_pairs(vectors, people, pairs)),
    )


def equal_error(genuine: Floats, impostor: Floats) -> tuple[float, float]:
    """(rate, threshold) where as many of one person's pairs are refused as others' are accepted.

    Straight lines between the two thresholds that enclose the crossing.
    """
    thresholds = np.unique(np.concatenate([genuine, impostor]))
    refused = 1 - np.searchsorted(np.sort(genuine), thresholds, side="right") / len(genuine)
    accepted = np.searchsorted(np.sort(impostor), thresholds, side="right") / len(impostor)
    after = int(np.argmax(accepted >= refused))
    low = (1.0, 0.0, float(thresholds[0]))
    if after > 0:
        before = after - 1
        low = (float(refused[before]), float(accepted[before]), float(thresholds[before]))
    gap, closed = low[0] - low[1], float(accepted[after] - refused[after])
    share = gap / (gap + closed)
    rate = low[1] + share * (float(accepted[after]) - low[1])
    return rate, low[2] + share * (float(thresholds[after]) - low[2])


def equal_error_spread(vectors: Floats, people: Integers) -> float | None:
    """Standard error of the equal error rate over people: each tenth of them is left out once."""
    names = np.unique(people)
    if len(names) < _FEWEST_PEOPLE:
        return None
    group = np.searchsorted(names, people) % _GROUPS
    rates = []
    for left_out in range(_GROUPS):
        kept = group != left_out
        genuine, impostor = _distances(vectors[kept], people[kept])
        if not len(genuine):
            return None
        rates.append(equal_error(genuine, impostor)[0])
    return math.sqrt((_GROUPS - 1) * float(np.var(rates)))


def accepted_at(genuine: Floats, impostor: Floats, far: float) -> float:
    """Share of one person's pairs accepted where at most `far` of the others' are."""
    allowed = math.floor(far * len(impostor) + 1e-9)
    if allowed >= len(impostor):
        return 1.0
    refused_from = np.partition(impostor, allowed)[allowed]
    return float((genuine < refused_from).mean())


def decidability(genuine: Floats, impostor: Floats) -> float:
    """d': the distance of the means in units of the mean spread."""
    spread = math.sqrt((float(genuine.var()) + float(impostor.var())) / 2)
    return abs(float(impostor.mean() - genuine.mean())) / max(spread, 1e-12)


def nearest_pairs(vectors: Floats, people: Integers, count: int) -> list[NearPair]:
    """The nearest pictures of different people, nearest first; each two people come once."""
    starts = np.flatnonzero(np.diff(people, prepend=people[0] - 1))
    ends = np.append(starts[1:], len(people))
    found: list[tuple[float, int, int]] = []
    for start, end in zip(starts, ends, strict=True):
        if end == len(people):
            break
        block = _block(vectors[start:end], vectors[end:])
        rows = block.argmin(0)
        best = block.min(0)
        others = starts[starts >= end] - end
        lowest = np.minimum.reduceat(best, others)
        for low, first, last in zip(lowest, others, [*others[1:], len(best)], strict=True):
            column = first + int(best[first:last].argmin())
            found.append((float(low), int(start + rows[column]), int(end + column)))
        found = sorted(found)[:count]
    return [
        NearPair(a, b, distance, float(_unit(vectors[a]) @ _unit(vectors[b])))
        for distance, a, b in found
    ]


def _unit(vector: Floats) -> Floats:
    return np.asarray(vector / max(float(np.linalg.norm(vector)), 1e-12))


def _block(a: Floats, b: Floats) -> Floats:
    squares = (a**2).sum(1)[:, None] + (b**2).sum(1)[None] - 2 * a @ b.T
    return np.asarray(np.sqrt(np.maximum(squares, 0)))


def _distances(vectors: Floats, people: Integers) -> tuple[Floats, Floats]:
    """Of all pairs of one person, and of different people; each pair once."""
    genuine: list[Floats] = []
    impostor: list[Floats] = []
    for start in range(0, len(vectors), _ROWS):
        block = _block(vectors[start : start + _ROWS], vectors[start:])
        later = np.triu(np.ones(block.shape, dtype=bool), 1)
        same = people[start : start + _ROWS, None] == people[None, start:]
        genuine.append(block[later & same])
        impostor.append(block[later & ~same])
    return np.concatenate(genuine), np.concatenate(impostor)


def _nearest_other(vectors: Floats) -> Floats:
    """[N] distance of each vector to the nearest other one."""
    nearest = np.empty(len(vectors))
    for start in range(0, len(vectors), _ROWS):
        block = _block(vectors[start : start + _ROWS], vectors)
        block[np.arange(len(block)), start + np.arange(len(block))] = np.inf
        nearest[start : start + len(block)] = block.min(1)
    return nearest
