"""Scores of all pairs of a set of embeddings, and the figures that follow from them.

A score is a cosine. In a set with people every photo is compared with every other; sets of more
than `LISTED_PHOTOS` photos keep a fine histogram of their impostor pairs in place of a list.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch

from guise import _core
from guise.evaluate.embedded_photos import EmbeddedPhotos

LISTED_PHOTOS = 2000
HISTOGRAM_BINS = 65_536
# Resamples times pairs of one bootstrap: some seconds.
_BOOTSTRAP_WORK = 2_000_000_000
_FEWEST_RESAMPLES = 100


@dataclass(frozen=True)
class NearPhotos:
    """Two photos of different people, by number."""

    first: int
    second: int
    cosine: float


@dataclass(frozen=True)
class Scores:
    """All pairs, as a curve and as what a bootstrap over people draws from.

    Arrays are [P], one entry a pair, or a bin of impostor pairs that stands for `weight` of them.
    units: people; -1 belongs to nobody and counts in every draw.
    """

    curve: _core.ErrorCurve
    d_prime: float
    values: torch.Tensor
    genuine: torch.Tensor
    first_unit: torch.Tensor
    second_unit: torch.Tensor
    weight: torch.Tensor
    units: int
    nearest: list[NearPhotos]
    listed: bool

    def bootstrap(
        self, fars: list[float], *, seed: int, threads: int
    ) -> _core.BootstrapIntervals | None:
        """None where the people are too few to be drawn anew."""
        most = _core.BootstrapOptions().resamples
        resamples = max(_FEWEST_RESAMPLES, min(most, _BOOTSTRAP_WORK // len(self.values)))
        options = _core.BootstrapOptions(seed=seed, threads=threads, resamples=resamples)
        try:
            return _core.bootstrap_intervals(
                self.values,
                self.genuine,
                self.first_unit,
                self.second_unit,
                self.weight,
                self.units,
                fars,
                options,
            )
        except ValueError:
            return None


def score(embedded: EmbeddedPhotos, *, nearest: int, threads: int) -> Scores:
    """Compares what the set says is to be compared. nearest: impostor pairs to list."""
    if embedded.photos.pairs is not None:
        return _score_pairs(embedded, nearest)
    if len(embedded.photos.photos) <= LISTED_PHOTOS:
        return _score_all(embedded, nearest, threads)
    return _score_many(embedded, nearest, threads)


def _score_pairs(embedded: EmbeddedPhotos, nearest: int) -> Scores:
    pairs = embedded.photos.pairs or []
    first = torch.tensor([pair.first for pair in pairs])
    second = torch.tensor([pair.second for pair in pairs])
    genuine = torch.tensor([pair.same for pair in pairs])
    cosines = _core.pair_cosines(embedded.vectors, first, second)
    return _listed(embedded, first, second, genuine, cosines, nearest)


def _score_all(embedded: EmbeddedPhotos, nearest: int, threads: int) -> Scores:
    count = len(embedded.photos.photos)
    first, second = torch.triu_indices(count, count, 1)
    people = torch.tensor(embedded.photos.people)
    cosines = _core.listed_cosines(embedded.vectors, threads=threads).double()
    return _listed(embedded, first, second, people[first] == people[second], cosines, nearest)


def _listed(
    embedded: EmbeddedPhotos,
    first: torch.Tensor,
    second: torch.Tensor,
    genuine: torch.Tensor,
    cosines: torch.Tensor,
    nearest: int,
) -> Scores:
    people = torch.tensor(embedded.photos.people)
    a, b = people[first], people[second]
    # A pair of one person depends on one draw. So does an impostor pair whose two photos other
    # pairs join: its label contradicts theirs, and it stays an impostor pair.
    b = torch.where(a == b, torch.full_like(b, -1), b)
    impostors = (~genuine).nonzero()[:, 0]
    order = cosines[impostors].argsort(descending=True, stable=True)[:nearest]
    near = [NearPhotos(int(first[p]), int(second[p]), float(cosines[p])) for p in impostors[order]]
    return Scores(
        curve=_core.error_curve(cosines[genuine], cosines[~genuine]),
        d_prime=_core.d_prime(cosines[genuine], cosines[~genuine]),
        values=cosines,
        genuine=genuine,
        first_unit=a,
        second_unit=b,
        weight=torch.ones(len(cosines), dtype=torch.float64),
        units=int(people.max()) + 1,
        nearest=near,
        listed=True,
    )


def _score_many(embedded: EmbeddedPhotos, nearest: int, threads: int) -> Scores:
    people = torch.tensor(embedded.photos.people)
    options = _core.AllPairsOptions(bins=HISTOGRAM_BINS, nearest=nearest, threads=threads)
    found = _core.all_pairs(embedded.vectors, people, options=options)
    first, second = _genuine_pairs(people)
    cosines = _core.pair_cosines(embedded.vectors, first, second)
    bins = found.impostor.bins
    held = bins.nonzero()[:, 0]
    middles = (held.double() + 0.5) * (2 / HISTOGRAM_BINS) - 1
    values = torch.cat([cosines, middles])
    weight = torch.cat([torch.ones(len(cosines), dtype=torch.float64), bins[held].double()])
    genuine = torch.arange(len(values)) < len(cosines)
    nobody = torch.full((len(values),), -1)
    return Scores(
        curve=_core.error_curve_of_counts(values, weight * genuine, weight * ~genuine),
        d_prime=found.d_prime(),
        values=values,
        genuine=genuine,
        first_unit=torch.cat([people[first], nobody[: len(held)]]),
        second_unit=nobody,
        weight=weight,
        units=int(people.max()) + 1,
        nearest=[NearPhotos(pair.first, pair.second, pair.cosine) for pair in found.nearest],
        listed=False,
    )


def _genuine_pairs(people: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Both photos of every pair of one person."""
    order = people.argsort(stable=True)
    _, counts = torch.unique_consecutive(people[order], return_counts=True)
    firsts, seconds, start = [], [], 0
    for count in counts.tolist():
        rows = order[start : start + count]
        a, b = torch.triu_indices(count, count, 1)
        firsts.append(rows[a])
        seconds.append(rows[b])
        start += count
    return torch.cat(firsts), torch.cat(seconds)
