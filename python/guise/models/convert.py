"""Published checkpoints (pickles, and ONNX graphs) to the engine's safetensors.

A pickle is opened with `torch.load(weights_only=True)` and in no other way: what that refuses stays
refused, and the type it refused is named. The keys are kept exactly as published, because the
engine's networks are built with the same names. The result depends on the checkpoint alone, so that
its sha256 can be registered too.
"""

from __future__ import annotations

import os
import pickle
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from guise import _core
from guise.models import store
from guise.models.registry import ModelEntry, Registry, load_registry
from guise.models.yunet_onnx import read_yunet_onnx

# No checkpoint that this module knows is larger; a larger file is not read into memory at all.
_LARGEST_CHECKPOINT_BYTES = 64 * 1024 * 1024


@dataclass(frozen=True)
class _Layout:
    """How a published checkpoint is laid out."""

    holder: str  # the key of the file's dict under which the tensors are
    prefixes: tuple[str, ...]  # every tensor name begins with one of these, and each occurs
    landmark: str  # a tensor that tells this architecture from others ...
    shape: tuple[int, ...]  # ... and its shape
    variants: Mapping[str, str]  # preset: a part of a name that only this preset has ("" for any)
    read_onnx: Callable[[Path], dict[str, torch.Tensor]]


LAYOUTS: Mapping[str, _Layout] = {
    "yunet": _Layout(
        holder="state_dict",
        prefixes=("backbone.", "neck.", "bbox_head."),
        landmark="backbone.model0.conv1.weight",
        shape=(16, 3, 3, 3),
        variants={"n": ".multi_level_share_convs.", "s": ""},
        read_onnx=read_yunet_onnx,
    ),
}


def convert_checkpoint(
    source: str | os.PathLike[str],
    out: str | os.PathLike[str] | None = None,
    *,
    architecture: str | None = None,
    registry: Registry | None = None,
) -> Path:
    """Writes the network of checkpoint `source` as safetensors and returns the path.

    `out`: the file to write. Without it, the file goes into the store under the model whose
    registered source it is; then its sha256 must be the registered one. `architecture` may be left
    out for such a file. A `.onnx` file is read with the package onnx.
    Raises ValueError (unknown architecture, unknown file without `out`), Unavailable (no such
    file, no package onnx), CorruptFile (refused by weights_only, or not the layout of the
    architecture).
    """
    path = Path(source)
    try:
        size = path.stat().st_size
    except OSError as error:
        raise _core.Unavailable(
            f"{path} must be a readable file: {error.strerror or error}"
        ) from None
    if size > _LARGEST_CHECKPOINT_BYTES:
        limit = _LARGEST_CHECKPOINT_BYTES // 2**20
        raise _core.CorruptFile(f"{path} must be at most {limit} MiB; it has {size} bytes")
    sha256 = _core.sha256_file(str(path))
    entry = _entry_made_from(sha256, load_registry() if registry is None else registry)
    architecture = architecture or (entry.architecture if entry else None)
    if architecture is None or architecture not in LAYOUTS:
        known = ", ".join(LAYOUTS)
        raise ValueError(
            f"architecture must be one of: {known}; got {architecture}; give --architecture"
        )
    tensors = read_network(path, architecture)
    if out is not None:
        return _write_to(Path(out), path, tensors, architecture, sha256)
    if entry is None or entry.architecture != architecture:
        raise ValueError(
            f"without OUT the file must be one that the registry knows; {path} has sha256 "
            f"{sha256}; name a file to write, ending in .safetensors"
        )
    with store.workspace(2 * size) as folder:
        return _store(entry, path, tensors, folder)


def convert_into_store(entry: ModelEntry, checkpoint: Path, folder: Path) -> Path:
    """Makes the file of `entry` from its verified checkpoint, in `folder`, and stores it.

    Raises CorruptFile where the bytes are not the registered ones.
    """
    return _store(entry, checkpoint, read_network(checkpoint, entry.architecture), folder)


def _store(
    entry: ModelEntry, checkpoint: Path, tensors: dict[str, torch.Tensor], folder: Path
) -> Path:
    pin = entry.made_from
    assert pin is not None
    file = folder / entry.file
    # The registry's own names: the same bytes whatever the user called his copy.
    _write(file, tensors, entry.architecture, pin.file, pin.sha256)
    return store.put(entry, file, origin=f"{checkpoint}, converted,")


def read_network(path: Path, architecture: str) -> dict[str, torch.Tensor]:
    """The tensors of a checkpoint under the engine's names; errors as `convert_checkpoint`."""
    layout = LAYOUTS[architecture]
    if path.suffix.lower() == ".onnx":
        content: object = {layout.holder: layout.read_onnx(path)}
    else:
        content = load_weights_only(path)
    return select_tensors(content, layout, path)


def _entry_made_from(sha256: str, registry: Registry) -> ModelEntry | None:
    for entry in registry.values():
        if entry.made_from is not None and entry.made_from.sha256 == sha256:
            return entry
    return None


def _write(
    file: Path, tensors: dict[str, torch.Tensor], architecture: str, source: str, sha256: str
) -> None:
    """Writes a network that the engine accepts. Raises CorruptFile if it does not."""
    variants = LAYOUTS[architecture].variants
    metadata = {
        "architecture": architecture,
        "preset": next(p for p, mark in variants.items() if any(mark in name for name in tensors)),
        "source_file": source,
        "source_sha256": sha256,
    }
    _core.write_safetensors(str(file), tensors, metadata=metadata)
    # The engine knows every name and shape of its networks: it judges before anybody relies on it.
    _core.Detector(architecture, path=str(file), sha256="")


def _write_to(
    out: Path, source: Path, tensors: dict[str, torch.Tensor], architecture: str, sha256: str
) -> Path:
    if out.suffix != ".safetensors":
        raise ValueError(f"OUT must end in .safetensors; got {out}")
    if not out.absolute().parent.is_dir():
        raise _core.Unavailable(f"the folder of OUT must exist; {out.absolute().parent} does not")
    if out.exists() and out.samefile(source):
        raise ValueError(f"OUT must be another file than the checkpoint; got {out} for both")
    temporary = store.unique_sibling(out)
    try:
        _write(temporary, tensors, architecture, source.name, sha256)
        os.replace(temporary, out)
        store.sync_folder(out.absolute().parent)
    finally:
        temporary.unlink(missing_ok=True)
    return out


def load_weights_only(path: Path) -> object:
    """What the checkpoint holds, read without running any of it.

    Raises CorruptFile naming what was refused.
    """
    try:
        return torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        found = re.search(r"GLOBAL\s+(\S+)", str(error))
        what = f"it asks for {found.group(1)}" if found else str(error).strip().splitlines()[0]
        raise _core.CorruptFile(
            f"{path} must hold tensors and plain values only; {what}, which torch's weights_only "
            "reader "
            "refuses; the file was not opened any other way; get the checkpoint from its authors"
        ) from None
    except (
        RuntimeError,
        EOFError,
        ValueError,
        KeyError,
        IndexError,
        TypeError,
        AttributeError,
        OSError,
    ) as error:
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise _core.CorruptFile(
            f"{path} must be a PyTorch checkpoint; it cannot be read: {reason}"
        ) from None


def select_tensors(content: object, layout: _Layout, path: Path) -> dict[str, torch.Tensor]:
    """The network's tensors under their published names, each with memory of its own.

    Raises CorruptFile.
    """

    def fail(must: str, got: str) -> _core.CorruptFile:
        return _core.CorruptFile(f"{path} must {must}; got {got}")

    if not isinstance(content, dict) or layout.holder not in content:
        got = (
            f"a dict with {list(content)[:5]}"
            if isinstance(content, dict)
            else type(content).__name__
        )
        raise fail(f"be a dict with {layout.holder!r}", got)
    state: Any = content[layout.holder]
    if not isinstance(state, dict) or not state:
        raise fail(f"hold named tensors under {layout.holder!r}", type(state).__name__)
    for name, value in state.items():
        if not isinstance(name, str) or not name.startswith(layout.prefixes):
            raise fail(f"hold names that begin with {', '.join(layout.prefixes)}", repr(name))
        if (
            not isinstance(value, torch.Tensor)
            or value.layout != torch.strided
            or value.is_quantized
        ):
            raise fail(f"hold a dense tensor as {name}", type(value).__name__)
        if value.is_floating_point() and not bool(torch.isfinite(value).all()):
            raise fail(f"hold finite values in {name}", "NaN or infinity")
    for prefix in layout.prefixes:
        if not any(name.startswith(prefix) for name in state):
            raise fail(f"hold tensors whose names begin with {prefix}", "none")
    landmark = state.get(layout.landmark)
    if landmark is None or tuple(landmark.shape) != layout.shape:
        got = "none" if landmark is None else str(tuple(landmark.shape))
        raise fail(f"hold {layout.landmark} of shape {layout.shape}", got)
    return {name: value.detach().clone().contiguous() for name, value in state.items()}
