"""Published checkpoints (pickles, and YuNet's ONNX graph) to the engine's safetensors.

A pickle is opened with `torch.load(weights_only=True)` and in no other way: what that refuses stays
refused, and the type it refused is named. The keys are kept exactly as published, because the
engine's networks are built with the same names. The result depends on the checkpoint alone, so that
its sha256 can be registered too.
"""

from __future__ import annotations

import os
import pickle
import re
from pathlib import Path

import torch

from guise import _core
from guise.models import layouts, store
from guise.models.layouts import ARCHITECTURES, Network
from guise.models.registry import ModelEntry, Registry, load_registry
from guise.models.yunet_onnx import read_yunet_onnx

# As much as the engine opens; a larger file is not read into memory at all.
_LARGEST_CHECKPOINT_BYTES = 1024 * 1024 * 1024


def convert_checkpoint(
    source: str | os.PathLike[str],
    out: str | os.PathLike[str] | None = None,
    *,
    architecture: str | None = None,
    registry: Registry | None = None,
) -> Path:
    """Writes the network of checkpoint `source` as safetensors and returns the path.

    `out`: the file to write. Without it, the file goes into the store under the model whose
    registered source it is; then its sha256 must be the registered one. `architecture`: what the
    file must be; left out, it is told by the names of the tensors. A `.onnx` file must be YuNet's
    graph and is read with the package onnx.
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
    if architecture is not None and architecture not in ARCHITECTURES:
        known = ", ".join(ARCHITECTURES)
        raise ValueError(f"architecture must be one of: {known}; got {architecture}")
    network = read_network(path, architecture or (entry.architecture if entry else None))
    if out is not None:
        return _write_to(Path(out), path, network, sha256)
    if entry is None or entry.architecture != network.architecture:
        raise ValueError(
            f"without OUT the file must be one that the registry knows; {path} has sha256 "
            f"{sha256}; name a file to write, ending in .safetensors"
        )
    with store.workspace(2 * size) as folder:
        return _store(entry, path, network, folder)


def convert_into_store(entry: ModelEntry, checkpoint: Path, folder: Path) -> Path:
    """Makes the file of `entry` from its verified checkpoint, in `folder`, and stores it.

    Raises CorruptFile where the bytes are not the registered ones.
    """
    return _store(entry, checkpoint, read_network(checkpoint, entry.architecture), folder)


def _store(entry: ModelEntry, checkpoint: Path, network: Network, folder: Path) -> Path:
    pin = entry.made_from
    assert pin is not None
    file = folder / entry.file
    # The registry's own names: the same bytes whatever the user called his copy.
    _write(file, network, pin.file, pin.sha256)
    return store.put(entry, file, origin=f"{checkpoint}, converted,")


def read_network(path: Path, architecture: str | None = None) -> Network:
    """The network of a checkpoint, under the engine's names; errors as `convert_checkpoint`."""
    if path.suffix.lower() == ".onnx":
        content: object = read_yunet_onnx(path)
    else:
        content = load_weights_only(path)
    return layouts.recognise(layouts.named_tensors(content, path), path, architecture)


def _entry_made_from(sha256: str, registry: Registry) -> ModelEntry | None:
    for entry in registry.values():
        if entry.made_from is not None and entry.made_from.sha256 == sha256:
            return entry
    return None


def _write(file: Path, network: Network, source: str, sha256: str) -> None:
    """Writes a network that the engine accepts. Raises CorruptFile if it does not."""
    metadata = {
        "architecture": network.architecture,
        "preset": network.preset,
        "source_file": source,
        "source_sha256": sha256,
    }
    _core.write_safetensors(str(file), network.tensors, metadata=metadata)
    # Before anybody relies on it.
    network.check(file)


def _write_to(out: Path, source: Path, network: Network, sha256: str) -> Path:
    if out.suffix != ".safetensors":
        raise ValueError(f"OUT must end in .safetensors; got {out}")
    if not out.absolute().parent.is_dir():
        raise _core.Unavailable(f"the folder of OUT must exist; {out.absolute().parent} does not")
    if out.exists() and out.samefile(source):
        raise ValueError(f"OUT must be another file than the checkpoint; got {out} for both")
    temporary = store.unique_sibling(out)
    try:
        _write(temporary, network, source.name, sha256)
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
