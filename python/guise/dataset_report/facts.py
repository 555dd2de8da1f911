"""What a finished dataset says about itself: plan, manifest, and the record of its runs."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import torch

from guise import _core


class Pictures(Protocol):
    """The part of `guise.data.FaceDataset` that a report reads."""

    @property
    def plan(self) -> dict[str, Any]: ...

    @property
    def labels(self) -> torch.Tensor | Sequence[int]:
        """The class of each picture, 0 to classes - 1."""
        ...

    def __len__(self) -> int: ...

    def __getitem__(self, index: int, /) -> tuple[torch.Tensor, int]:
        """uint8 [H, W, 3] RGB, and the class."""
        ...

    def metadata(self, index: int, /) -> dict[str, Any]: ...


@dataclass(frozen=True)
class DatasetFacts:
    """Counts and times of a dataset."""

    name: str
    plan: dict[str, Any]
    plan_sha256: str
    shards: int
    bytes: int
    attempts: int
    rejected: dict[str, int]
    given_up: int
    runs: tuple[dict[str, Any], ...]


def read_facts(folder: Path) -> DatasetFacts:
    """Reads plan.json, manifest.jsonl and run.jsonl of a dataset.

    Raises Unavailable (one of the first two is missing, or the dataset is not finished) and
    CorruptFile (no JSON, or a manifest of another plan). A dataset without run.jsonl, which is no
    part of it, has no runs.
    """
    raw = _bytes_of(folder / "plan.json")
    plan_sha256 = hashlib.sha256(raw).hexdigest()
    lines = _lines(folder / "manifest.jsonl", _bytes_of(folder / "manifest.jsonl"))
    if not lines or lines[0].get("plan") != plan_sha256:
        raise _core.CorruptFile(
            f"{folder / 'manifest.jsonl'} must name the plan {plan_sha256}, the sha256 of "
            f"plan.json; it names {lines[0].get('plan') if lines else 'none'}"
        )
    shards = [line for line in lines if "shard" in line]
    end = lines[-1]
    if not end.get("end"):
        raise _core.Unavailable(
            f"{folder} must be a finished dataset; the last line of manifest.jsonl is missing; run "
            "the same `guise synthesize` again, it goes on"
        )
    return DatasetFacts(
        name=folder.resolve().name,
        plan=_object(folder / "plan.json", raw),
        plan_sha256=plan_sha256,
        shards=len(shards),
        bytes=sum(int(f["bytes"]) for line in (*shards, end) for f in line.get("files", [])),
        attempts=int(end.get("attempts", 0)),
        rejected={str(k): int(n) for k, n in end.get("rejected", {}).items()},
        given_up=int(end.get("given_up", 0)),
        runs=_runs(folder / "run.jsonl"),
    )


def _bytes_of(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise _core.Unavailable(
            f"{path} must be readable, as in a dataset of guise: {error.strerror}"
        ) from None


def _object(path: Path, raw: bytes) -> dict[str, Any]:
    try:
        value = json.loads(raw)
    except ValueError:
        value = None
    if not isinstance(value, dict):
        raise _core.CorruptFile(f"{path} must hold JSON objects; it does not")
    return value


def _lines(path: Path, raw: bytes) -> list[dict[str, Any]]:
    return [_object(path, line) for line in raw.splitlines() if line.strip()]


def _runs(path: Path) -> tuple[dict[str, Any], ...]:
    """The runs that can be read; a line cut short is what a killed run leaves."""
    try:
        lines = path.read_bytes().splitlines()
    except OSError:
        return ()
    runs = []
    for line in lines:
        try:
            value = json.loads(line)
        except ValueError:
            continue
        if isinstance(value, dict):
            runs.append(value)
    return tuple(runs)
