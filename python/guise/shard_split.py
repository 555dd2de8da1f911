"""Which shards of a plan a process draws when many share the work.

Every process gets a run of neighbouring shards; together they cover the plan without overlap, and
none depends on the others. Processes are told apart by the variables of torchrun (RANK and
WORLD_SIZE) or of a SLURM job array.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Share:
    """Process `index` of `count`; `source`: what said so."""

    index: int
    count: int
    source: str

    def shards(self, total: int) -> tuple[int, int]:
        """(first, end) of `total` shards; empty where there are more processes than shards."""
        return total * self.index // self.count, total * (self.index + 1) // self.count


def share_of_environment(environ: Mapping[str, str]) -> Share | None:
    """The share that the environment names, or None outside of such a job.

    RANK and WORLD_SIZE go before SLURM_ARRAY_TASK_ID (with _MIN, _COUNT and _STEP). Raises
    ValueError for variables that contradict each other.
    """
    if "WORLD_SIZE" in environ:
        share = _share(environ, "RANK", "RANK", "WORLD_SIZE", low=0, step=1)
    elif "SLURM_ARRAY_TASK_ID" in environ:
        share = _share(
            environ,
            "SLURM_ARRAY_TASK_ID",
            "SLURM_ARRAY_TASK_ID",
            "SLURM_ARRAY_TASK_COUNT",
            low=_number(environ, "SLURM_ARRAY_TASK_MIN", 0),
            step=_number(environ, "SLURM_ARRAY_TASK_STEP", 1),
        )
    else:
        return None
    return share if share.count > 1 else None


def parse_shard_range(text: str, total: int) -> tuple[int, int]:
    """ "3:7" to (3, 7), "3:" to (3, total), "5" to (5, 6). Raises ValueError for others."""
    first, colon, end = text.partition(":")
    try:
        start = int(first or 0) if colon else int(first)
        stop = int(end or total) if colon else start + 1
    except ValueError:
        start = stop = -1
    if not 0 <= start < stop <= total:
        raise ValueError(
            f"a range of shards must be FIRST:END with 0 <= FIRST < END <= {total}, the number of "
            f"shards of this plan; got {text!r}"
        )
    return start, stop


def _share(
    environ: Mapping[str, str], source: str, index: str, count: str, *, low: int, step: int
) -> Share:
    processes = _number(environ, count, None)
    if step < 1:
        raise ValueError(f"{index} must come in steps of at least 1; got steps of {step}; unset it")
    place, rest = divmod(_number(environ, index, None) - low, step)
    if rest or not 0 <= place < processes:
        raise ValueError(
            f"{index} must be one of {processes} processes from {low} in steps of {step}; got "
            f"{environ.get(index)!r}; unset it, or give --shard-range"
        )
    return Share(place, processes, source)


def _number(environ: Mapping[str, str], name: str, default: int | None) -> int:
    text = environ.get(name)
    if text is None and default is not None:
        return default
    try:
        return int(text or "")
    except ValueError:
        raise ValueError(f"{name} must be a whole number; got {text!r}; unset it") from None
