"""Pairs of pictures and how often a recogniser errs on them."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from render_support import Bools, Floats, Integers

DISTANCE_BINS = 4096  # of the distances 0 to 2


@dataclass(frozen=True)
class Pairs:
    """All pairs of pictures with the distance of their embeddings."""

    first: Integers  # [P] numbers of pictures
    second: Integers  # [P]
    distance: Floats  # [P]
    people: Integers  # [N]

    @staticmethod
    def of(embeddings: Floats, people: Integers) -> Pairs:
        """Euclidean distances of all pairs."""
        first, second = np.triu_indices(len(people), 1)
        squares = (embeddings**2).sum(1)
        gram = squares[:, None] + squares[None] - 2 * embeddings @ embeddings.T
        distance = np.sqrt(np.maximum(gram[first, second], 0))
        return Pairs(first, second, distance, people)

    @property
    def genuine(self) -> Bools:
        """Which pairs show one person."""
        return np.asarray(self.people[self.first] == self.people[self.second])

    def where(self, mask: Bools) -> Pairs:
        """Some of the pairs."""
        return Pairs(self.first[mask], self.second[mask], self.distance[mask], self.people)

    def within(self, pictures: Bools, others: Bools | None = None) -> Pairs:
        """Pairs inside one group of pictures, or between two groups."""
        if others is None:
            return self.where(pictures[self.first] & pictures[self.second])
        one_way = pictures[self.first] & others[self.second]
        return self.where(one_way | (others[self.first] & pictures[self.second]))


def equal_error(genuine: NDArray[Any], impostor: NDArray[Any]) -> tuple[float, float]:
    """Equal error rate and its threshold, from two histograms over the same DISTANCE_BINS of 0..2.

    Accepted is what lies at or below the threshold; linear inside the bin of the crossing.
    """
    if genuine.sum() == 0 or impostor.sum() == 0:
        return math.nan, math.nan
    rejected = 1 - np.append(0, genuine.cumsum()) / genuine.sum()
    accepted = np.append(0, impostor.cumsum()) / impostor.sum()
    after = int(np.argmax(accepted >= rejected))
    gap = rejected - accepted
    share = gap[after - 1] / max(gap[after - 1] - gap[after], 1e-12)
    rate = accepted[after - 1] + share * (accepted[after] - accepted[after - 1])
    return float(rate), float((after - 1 + share) * 2 / DISTANCE_BINS)


def bins_of(distance: Floats) -> Integers:
    """The histogram bin of each distance."""
    return np.clip((distance * (DISTANCE_BINS / 2)).astype(np.int64), 0, DISTANCE_BINS - 1)


def error_rate(pairs: Pairs) -> tuple[float, float]:
    """Equal error rate and threshold of pairs."""
    genuine = pairs.genuine
    bins = bins_of(pairs.distance)
    return equal_error(
        np.bincount(bins[genuine], minlength=DISTANCE_BINS),
        np.bincount(bins[~genuine], minlength=DISTANCE_BINS),
    )


def standard_error(pairs: Pairs, resamples: int = 100, seed: int = 0) -> float:
    """Of the equal error rate, by bootstrap over people."""
    rng = np.random.default_rng(seed)
    names, codes = np.unique(pairs.people, return_inverse=True)
    bins, genuine = bins_of(pairs.distance), pairs.genuine
    a, b = codes[pairs.first], codes[pairs.second]
    rates = []
    for _ in range(resamples):
        drawn = rng.integers(len(names), size=len(names))
        weight = np.bincount(drawn, minlength=len(names)).astype(np.float64)
        both = weight[a] * np.where(genuine, 1, weight[b])
        rates.append(
            equal_error(
                np.bincount(bins[genuine], both[genuine], DISTANCE_BINS),
                np.bincount(bins[~genuine], both[~genuine], DISTANCE_BINS),
            )[0]
        )
    return float(np.nanstd(rates))


def share_at(pairs: Pairs, false_accept: float) -> tuple[float, float]:
    """Share of genuine pairs accepted at a false accept rate, and the threshold."""
    genuine = pairs.genuine
    threshold = float(np.quantile(pairs.distance[~genuine], false_accept))
    return float((pairs.distance[genuine] <= threshold).mean()), threshold
