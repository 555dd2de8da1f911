"""Checkpoints of a training run: all of its state in one safetensors file, replaced as a whole.

A run draws everything random from (seed, step), so what it needs to go on as if it had never
stopped is its tensors and the number of the step.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from guise import _core
from guise.models import store

_FACTS = "facts"  # JSON as bytes


def save_checkpoint(path: Path, tensors: Mapping[str, Tensor], facts: Mapping[str, Any]) -> None:
    """Writes `tensors` and `facts` (JSON) to `path`, whole or not at all."""
    temporary = store.unique_sibling(path)
    try:
        named = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
        named[_FACTS] = torch.tensor(list(json.dumps(dict(facts)).encode()), dtype=torch.uint8)
        _core.write_safetensors(str(temporary), named)
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def load_checkpoint(path: Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """What `save_checkpoint` wrote. Raises CorruptFile."""
    tensors = _core.read_safetensors(str(path))
    try:
        facts = json.loads(bytes(tensors.pop(_FACTS).tolist()))
    except (KeyError, ValueError):
        raise _core.CorruptFile(
            f"{path} must be a checkpoint of `python -m guise.train`; its facts are missing"
        ) from None
    return tensors, facts


def resume_checkpoint(path: Path, options: Any) -> tuple[dict[str, Tensor], int]:
    """The tensors and the step of a run that had these options (a dataclass).

    Raises ValueError that names the options that differ, CorruptFile.
    """
    tensors, facts = load_checkpoint(path)
    ours = json.loads(json.dumps(asdict(options)))  # tuples come back as lists
    known = facts["options"]
    differing = [name for name, value in ours.items() if known.get(name) != value]
    if differing:
        raise ValueError(
            f"{path} must have been trained with the same options; these differ: "
            f"{', '.join(differing)}; give them as they were, or another folder"
        )
    return tensors, int(facts["step"])


def tensors_below(tensors: Mapping[str, Tensor], prefix: str) -> dict[str, Tensor]:
    """Those whose names begin with `prefix`, without it."""
    return {k[len(prefix) :]: v for k, v in tensors.items() if k.startswith(prefix)}


def optimiser_tensors(optimiser: torch.optim.Optimizer) -> dict[str, Tensor]:
    """The optimiser's state by number of the parameter and name."""
    state = optimiser.state_dict()["state"]
    return {
        f"optimiser.{number}.{name}": value
        for number, values in state.items()
        for name, value in values.items()
        if isinstance(value, Tensor)
    }


def restore_optimiser(optimiser: torch.optim.Optimizer, tensors: Mapping[str, Tensor]) -> None:
    """Puts back what `optimiser_tensors` gave."""
    state: dict[int, dict[str, Tensor]] = {}
    for key, value in tensors.items():
        if key.startswith("optimiser."):
            _, number, name = key.split(".", 2)
            state.setdefault(int(number), {})[name] = value
    values = optimiser.state_dict()
    values["state"] = state
    optimiser.load_state_dict(values)
