"""What a cosine between two embeddings of one model is worth: false match rates, measured.

Cosines of different models do not compare, and a bare one says nothing. Beside each recogniser lies
`models/NAME/calibration.json`, made by `python -m guise.train calibrate NAME`: for one or more sets
of people, how often two different people reach a cosine (FMR, false match rate), and how often two
photos of one person do not (FNMR), each with the number of pairs it was counted over.
"""

from __future__ import annotations

import bisect
import dataclasses
import itertools
import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from guise import _core
from guise.models.registry import packaged_text

FORMAT = 1
# A rate stands for at least so many pairs that were counted, or it is not written down.
_FEWEST_PAIRS = 10
_MANTISSAS = (5, 2, 1)
# Three numbers of a list, which JSON with indents lays out on five lines.
_ROW = re.compile(r"\[\s+(-?[\d.e-]+),\s+(-?[\d.e-]+),\s+(-?[\d.e-]+)\s+\]")


@dataclass(frozen=True)
class Rate:
    """A false match rate. is_bound: the true one is at most this; fewer pairs were counted."""

    value: float
    is_bound: bool = False

    def __str__(self) -> str:
        return f"{'at most ' if self.is_bound else ''}{100 * self.value:.4g} %"


@dataclass(frozen=True)
class Population:
    """Rates measured over the photos of one set of people."""

    name: str
    """ "real" or "rendered", or a name of your own."""
    what: str
    """What the photos are, in words."""
    people: int
    photos: int
    impostor_pairs: int
    genuine_pairs: int
    rows: tuple[tuple[float, float, float], ...]
    """(FMR, cosine, FNMR): the share of impostor pairs at or above the cosine, and of genuine pairs
    below it; the cosine rises."""

    def fmr(self, cosine: float) -> Rate:
        """How often two different people reach this cosine."""
        cosines = [row[1] for row in self.rows]
        after = bisect.bisect_left(cosines, cosine)
        if after == 0:
            return Rate(1.0)
        if after == len(self.rows):
            return Rate(self.rows[-1][0], is_bound=True)
        (rate, low, _), (next_rate, high, _) = self.rows[after - 1], self.rows[after]
        share = (cosine - low) / (high - low)
        return Rate(math.exp((1 - share) * math.log(rate) + share * math.log(next_rate)))

    def threshold(self, fmr: float) -> float:
        """The cosine that at most this share of impostor pairs reaches.

        Raises ValueError for a rate that too few pairs were counted for.
        """
        smallest = self.rows[-1][0]
        if not smallest <= fmr <= 1:
            raise ValueError(
                f"fmr must be {smallest:g} to 1: {self.impostor_pairs} impostor pairs of "
                f"'{self.name}' tell no smaller rate; got {fmr:g}"
            )
        after = next(i for i, row in enumerate(self.rows) if row[0] <= fmr)
        if after == 0:
            return self.rows[0][1]
        (rate, low, _), (next_rate, high, _) = self.rows[after - 1], self.rows[after]
        return low + (high - low) * math.log(rate / fmr) / math.log(rate / next_rate)


@dataclass(frozen=True)
class Calibration:
    """The calibration of one model's file. sha256: of that file; flip: as in EmbedOptions."""

    model: str
    sha256: str
    flip: bool
    norm_low: float
    """Length of a raw embedding below which one in a hundred photos lies: quality 0."""
    norm_high: float
    """Length above which one in a hundred lies: quality 1."""
    populations: tuple[Population, ...]
    """The first is the one that counts where none is named."""

    def population(self, name: str | None = None) -> Population:
        """The population called `name`; the first without a name. Raises ValueError."""
        if name is None:
            return self.populations[0]
        for each in self.populations:
            if each.name == name:
                return each
        known = ", ".join(each.name for each in self.populations)
        raise ValueError(f"population must be one of {known} for {self.model}; got {name!r}")

    def write(self, path: str | Path) -> None:
        """Writes the calibration as JSON."""
        values = {"calibration": FORMAT, **dataclasses.asdict(self)}
        text = _ROW.sub(r"[\1, \2, \3]", json.dumps(values, indent=1))
        Path(path).write_text(text + "\n", encoding="utf-8")


def parse(text: str, where: str = "calibration.json") -> Calibration:
    """Reads the text of a calibration file strictly. Raises ValueError that names the field."""
    try:
        values = json.loads(text)
    except ValueError as error:
        raise ValueError(f"{where} must be JSON: {error}") from None
    if not isinstance(values, dict) or values.pop("calibration", None) != FORMAT:
        raise ValueError(f"{where} must be a calibration of format {FORMAT}; got another")
    populations = values.pop("populations", None)
    if not isinstance(populations, list) or not populations:
        raise ValueError(f"{where} populations: must be a list that is not empty")
    read = tuple(
        _population(each, f"{where} populations[{i}]") for i, each in enumerate(populations)
    )
    fields = {"model": str, "sha256": str, "flip": bool, "norm_low": float, "norm_high": float}
    result = Calibration(**_checked(values, fields, where), populations=read)
    if not 0 < result.norm_low < result.norm_high:
        raise ValueError(f"{where} norm_low: must be above 0 and below norm_high")
    return result


def _population(values: object, where: str) -> Population:
    if not isinstance(values, dict):
        raise ValueError(f"{where}: must be an object")
    values = dict(values)
    rows = values.pop("rows", None)
    fields = {"name": str, "what": str} | dict.fromkeys(
        ("people", "photos", "impostor_pairs", "genuine_pairs"), int
    )
    checked = _checked(values, fields, where)
    if (
        not isinstance(rows, list)
        or len(rows) < 2
        or not all(isinstance(row, list) and len(row) == 3 for row in rows)
        or not all(type(v) in (int, float) and math.isfinite(v) for row in rows for v in row)
    ):
        raise ValueError(f"{where} rows: must be two or more lists of fmr, cosine, fnmr")
    for row, following in itertools.pairwise(rows):
        if not (1 >= row[0] > following[0] > 0 and row[1] < following[1]):
            raise ValueError(f"{where} rows: fmr must fall and cosine rise; {following} does not")
    return Population(**checked, rows=tuple((float(a), float(b), float(c)) for a, b, c in rows))


def _checked(values: dict[str, Any], fields: Mapping[str, type], where: str) -> dict[str, Any]:
    for name, wanted in fields.items():
        if name not in values:
            raise ValueError(f"{where} {name}: must be given; it is missing")
        value = values[name]
        if wanted is float and type(value) is int:
            values[name] = value = float(value)
        if type(value) is not wanted:
            raise ValueError(f"{where} {name}: must be {wanted.__name__}; got {value!r}")
    unknown = sorted(set(values) - set(fields))
    if unknown:
        raise ValueError(f"{where}: must hold known fields only; got {', '.join(unknown)}")
    return values


def load(embedder: _core.Embedder) -> Calibration:
    """The calibration that guise carries for this model's file.

    Raises Unavailable where there is none, or where it was measured with another file.
    """
    name = embedder.name
    how = f"measure one with: python -m guise.train calibrate {name}"
    try:
        text = packaged_text(f"models/{name}.calibration.json")
    except ValueError:
        raise _core.Unavailable(
            f"the model {name} must have a calibration, without which a cosine says nothing; it "
            f"has none; {how}, or pass calibration="
        ) from None
    found = parse(text, f"{name}.calibration.json")
    if found.sha256 != embedder.sha256:
        raise _core.Unavailable(
            f"the calibration of {name} must be of the file with sha256 {embedder.sha256}; it is "
            f"of {found.sha256}; {how}"
        )
    return found


def measure_population(
    name: str,
    what: str,
    vectors: torch.Tensor,
    people: torch.Tensor,
    groups: torch.Tensor | None = None,
) -> Population:
    """Rates over all pairs of embeddings: float32 [N, D] of length 1, int64 [N] who it is.

    groups: int64 [N]; pairs are made within a group alone, as photos of two collections differ
    more than people do.
    Raises ValueError where there are fewer than two people, or no person with two photos.
    """
    labels = people.long()
    upper = torch.triu_indices(len(labels), len(labels), offset=1)
    if groups is not None:
        upper = upper[:, groups[upper[0]] == groups[upper[1]]]
    cosines = (vectors.float() @ vectors.float().T)[upper[0], upper[1]]
    same = labels[upper[0]] == labels[upper[1]]
    genuine = cosines[same].double().sort().values
    impostor = cosines[~same].double().sort().values
    if len(genuine) == 0 or len(impostor) < 2 * _FEWEST_PAIRS:
        raise ValueError(
            f"people must be two or more, some with two photos; got {len(genuine)} genuine and "
            f"{len(impostor)} impostor pairs"
        )
    rows = [(1.0, float(impostor[0]), 0.0)]
    for fmr in _rates(len(impostor)):
        cosine = float(impostor[-math.floor(fmr * len(impostor))])
        reached = len(impostor) - _count_below(impostor, cosine)
        if cosine > rows[-1][1]:
            missed = _count_below(genuine, cosine)
            rows.append((reached / len(impostor), cosine, missed / len(genuine)))
    return Population(
        name=name,
        what=what,
        people=len(set(labels.tolist())),
        photos=len(labels),
        impostor_pairs=len(impostor),
        genuine_pairs=len(genuine),
        rows=tuple((_short(a), round(b, 6), _short(c)) for a, b, c in rows),
    )


def _count_below(ascending: torch.Tensor, cosine: float) -> int:
    return int(torch.searchsorted(ascending, torch.tensor(cosine, dtype=ascending.dtype)))


def _short(rate: float) -> float:
    return float(f"{rate:.6g}")


def _rates(pairs: int) -> list[float]:
    """0.5, 0.2, 0.1, 0.05, ... as far as ten pairs stand for each."""
    rates = [m * 10.0**-power for power in range(1, 9) for m in _MANTISSAS]
    return [rate for rate in rates if rate * pairs >= _FEWEST_PAIRS]
