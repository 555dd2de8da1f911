"""The calls behind `guise.models`."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from pathlib import Path

from guise import _core
from guise.models import store
from guise.models.fetch import fetch_model
from guise.models.registry import CropContract, ModelEntry, load_registry

_open: dict[tuple[str, str], _core.Detector] = {}
_open_recognisers: dict[tuple[str, str], _core.Embedder] = {}
_open_lock = threading.Lock()


def list_models() -> tuple[ModelEntry, ...]:
    """Every model of the registry, in its order."""
    return tuple(load_registry().values())


def get_model(name: str) -> ModelEntry:
    """The registry's entry for `name`. Raises ValueError listing the names that come close."""
    return load_registry().lookup(name)


def model_path(name: str, *, fetch: bool = True) -> Path:
    """The file of model `name`, its sha256 checked now.

    fetch: bring it first if it is absent, after one printed line. False: absent is an error.
    Raises ValueError (unknown name), Unavailable (absent and not to be had; the message names the
    command), CorruptFile (the stored file has a wrong byte; the message names the file).
    """
    entry = get_model(name)
    path = store.verified_path(entry)
    if path is not None:
        return path
    if not fetch:
        raise _core.Unavailable(
            f"model {name} must be at {store.stored_path(entry)}; it is not; run: "
            f"{store.mending_command(entry)}"
        )
    return fetch_model(name)


def open_detectors(names: Sequence[str]) -> list[_core.Detector]:
    """Detectors by name, ready to use; each is opened once per process.

    Raises ValueError (unknown name, not a detector, none named, two of one architecture), and what
    `path` raises.
    """
    wanted = list(dict.fromkeys([names] if isinstance(names, str) else names))
    if not wanted:
        raise ValueError("at least one detector must be named; got none")
    entries = [_detector_entry(name) for name in wanted]
    by_architecture: dict[str, str] = {}
    for entry in entries:
        other = by_architecture.setdefault(entry.architecture, entry.name)
        if other != entry.name:
            raise ValueError(
                f"detectors must differ in their architecture; {other} and {entry.name} are both "
                f"{entry.architecture}; name one of them"
            )
    return [_open_detector(entry) for entry in entries]


def _detector_entry(name: str) -> ModelEntry:
    entry = get_model(name)
    if entry.task != "detect" or entry.role != "engine":
        known = [each.name for each in list_models() if each.task == "detect"]
        raise ValueError(
            f"a detector must be one of {', '.join(known)}; got {name!r} ({entry.task})"
        )
    return entry


def _open_detector(entry: ModelEntry) -> _core.Detector:
    path = model_path(entry.name)
    with _open_lock:
        key = (str(path), entry.sha256)
        if key not in _open:
            _open[key] = _core.Detector(entry.architecture, path=str(path), sha256=entry.sha256)
        return _open[key]


def engine_crop(crop: CropContract, colour: str) -> _core.CropContract:
    """A crop contract as the engine takes it. colour: RGB or BGR."""
    return _core.CropContract(
        crop_template=crop.template,
        height_px=crop.height_px,
        width_px=crop.width_px,
        is_bgr=colour == "BGR",
        mean=list(crop.mean),
        std=list(crop.std),
    )


def open_embedder(name: str) -> _core.Embedder:
    """The recogniser called `name`, ready to use; opened once per process.

    Raises ValueError (unknown name, not a recogniser of the engine), and what `path` raises.
    """
    entry = get_model(name)
    contract = entry.input
    if contract is None or contract.crop is None:
        known = [each.name for each in list_models() if each.input and each.input.crop]
        raise ValueError(
            f"a recogniser must be one of {', '.join(known)}; got {name!r} ({entry.task}, "
            f"{entry.role})"
        )
    crop = engine_crop(contract.crop, contract.colour)
    path = model_path(name)
    with _open_lock:
        key = (str(path), entry.sha256)
        if key not in _open_recognisers:
            _open_recognisers[key] = _core.Embedder(
                entry.architecture,
                preset=entry.preset,
                path=str(path),
                sha256=entry.sha256,
                name=name,
                crop=crop,
            )
        return _open_recognisers[key]
