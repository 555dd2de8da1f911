"""Which rows of its data a step of training sees, as a function of (seed, stream, step) alone."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray


def rows_of_step(seed: int, stream: int, step: int, count: int, total: int) -> NDArray[np.int64]:
    """The `count` rows of `total` that a step sees; each row comes once in every pass."""
    first = step * count
    rows = []
    while count > 0:
        epoch, place = divmod(first, total)
        taken = _order(seed, stream, epoch, total)[place : place + count]
        rows.append(taken)
        first, count = first + len(taken), count - len(taken)
    return np.concatenate(rows)


@lru_cache(maxsize=4)
def _order(seed: int, stream: int, epoch: int, total: int) -> NDArray[np.int64]:
    return np.random.default_rng([seed, stream, epoch]).permutation(total)
