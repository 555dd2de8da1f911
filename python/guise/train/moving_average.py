"""Weights averaged over the steps of a training run: what is shipped in place of the last ones."""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor


def update_average(
    average: Mapping[str, Tensor], state: Mapping[str, Tensor], *, most: float, step: int
) -> None:
    """Moves `average` towards `state` in place, after step 1, 2, ...; counters are copied.

    most: what is kept of it a step; early on less, so that the start is forgotten.
    """
    kept = min(most, (1 + step) / (10 + step))
    for name, value in state.items():
        if value.is_floating_point():
            average[name].lerp_(value.detach(), 1 - kept)
        else:
            average[name].copy_(value)
