"""The measures once more, slowly and plainly, in numpy."""

from __future__ import annotations

import itertools
import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def rates(genuine: Floats, impostor: Floats, threshold: float) -> tuple[float, float]:
    """(FMR, FNMR) where score >= threshold is accepted."""
    return float((impostor >= threshold).mean()), float((genuine < threshold).mean())


def equal_error(genuine: Floats, impostor: Floats) -> tuple[float, float]:
    """(rate, threshold): the lines through neighbouring thresholds cross there."""
    thresholds = [*np.unique(np.concatenate([genuine, impostor])), math.inf]
    points = [rates(genuine, impostor, t) for t in thresholds]
    for k in range(1, len(points)):
        (fmr_0, fnmr_0), (fmr_1, fnmr_1) = points[k - 1], points[k]
        if fmr_1 <= fnmr_1:
            share = (fmr_0 - fnmr_0) / ((fmr_0 - fnmr_0) + (fnmr_1 - fmr_1))
            low, high = thresholds[k - 1], thresholds[k]
            at = low if math.isinf(high) else low + share * (high - low)
            return fmr_0 + share * (fmr_1 - fmr_0), at
    raise AssertionError("at infinity nothing is accepted")


def tar_at_far(genuine: Floats, impostor: Floats, far: float) -> float:
    """The best TAR of all thresholds that keep the FAR."""
    thresholds = [*np.unique(np.concatenate([genuine, impostor])), math.inf]
    points = [rates(genuine, impostor, t) for t in thresholds]
    return max(1 - fnmr for fmr, fnmr in points if fmr <= far)


def d_prime(genuine: Floats, impostor: Floats) -> float:
    spread = math.sqrt((genuine.var() + impostor.var()) / 2)
    return float(abs(genuine.mean() - impostor.mean()) / spread)


def bootstrap_rate(
    scores: Floats, is_genuine: Any, first: Any, second: Any, drawn: list[int]
) -> float:
    """The EER with every pair repeated as often as its people were drawn."""
    lists: dict[bool, list[float]] = {True: [], False: []}
    for value, genuine, a, b in zip(scores, is_genuine, first, second, strict=True):
        times = drawn.count(a) * (1 if b < 0 else drawn.count(b))
        lists[bool(genuine)] += [value] * times
    return equal_error(np.array(lists[True]), np.array(lists[False]))[0]


def lfw_protocol(
    first: Floats, second: Floats, same: Any, target_far: float
) -> tuple[list[float], list[float], list[float]]:
    """insightface's evaluation, loop for loop: accuracies, thresholds and VAL of ten folds."""
    distance = np.square(first - second).sum(1)
    thresholds = np.arange(0, 4, 0.01)
    accuracies, chosen, vals = [], [], []
    for test in np.array_split(np.arange(len(same)), 10):
        train = np.setdiff1d(np.arange(len(same)), test)
        right = [np.mean((distance[train] < t) == same[train]) for t in thresholds]
        best = thresholds[int(np.argmax(right))]
        chosen.append(float(best))
        accuracies.append(float(np.mean((distance[test] < best) == same[test])))
        fine = np.arange(0, 4, 0.001)
        far = np.array([np.mean(distance[train][~same[train]] < t) for t in fine])
        at = 0.0
        if far.max() >= target_far:
            above = int(np.argmax(far >= target_far))
            slope = (fine[above] - fine[above - 1]) / (far[above] - far[above - 1])
            at = float(fine[above - 1] + slope * (target_far - far[above - 1]))
        vals.append(float(np.mean(distance[test][same[test]] < at)))
    return accuracies, chosen, vals


def identification(vectors: Floats, people: Any, ranks: int) -> list[float]:
    """Every choice of one gallery photo a person, one by one."""
    persons = np.unique(people)
    photos = [np.flatnonzero(people == person) for person in persons]
    hits, probes = np.zeros(ranks), 0
    for gallery in itertools.product(*photos):
        for probe in sorted(set(range(len(people))) - set(gallery)):
            scores = vectors[list(gallery)] @ vectors[probe]
            own = scores[np.flatnonzero(persons == people[probe])[0]]
            rank = int((scores >= own).sum())
            hits[rank - 1 :] += 1
            probes += 1
    return [float(hit) / probes for hit in hits]


def centres(vectors: Floats, people: Any) -> Floats:
    means = [vectors[people == person].sum(0) for person in np.unique(people)]
    return np.array([mean / np.linalg.norm(mean) for mean in means])


def unique_share(vectors: Floats, bound: float) -> float:
    """Vec2Face's |U| / N."""
    unique = 0
    for i in range(len(vectors)):
        unique += all(float(vectors[i] @ vectors[j]) <= bound for j in range(i))
    return unique / len(vectors)


def consistency(vectors: Floats, people: Any, distance: float) -> float:
    """DCFace's C_intra."""
    shares = []
    for person, centre in zip(np.unique(people), centres(vectors, people), strict=True):
        own = vectors[people == person]
        shares.append(float(np.mean([1 - float(row @ centre) < distance for row in own])))
    return float(np.mean(shares))
