"""Files of a dataset: opened when they are first read, at their promised length, per process."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, Generic, TypeVar

import numpy as np
import numpy.typing as npt

from guise import _core

# What to do about a file that is damaged or absent.
REMEDY = "run the same `guise synthesize` again, it goes on; or fetch the dataset anew"

IntArray = npt.NDArray[np.int64]
_Kept = TypeVar("_Kept")
_BLOCK_BYTES = 1 << 24


class RecentlyUsed(Generic[_Kept]):
    """The last few things that were made, by key.

    A worker process starts without any: handles are neither inherited by a fork nor pickled.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._kept: dict[Any, _Kept] = {}
        self._process = os.getpid()

    def get(self, key: Any, make: Callable[[], _Kept]) -> _Kept:
        if self._process != os.getpid():
            self._kept, self._process = {}, os.getpid()
        value = self._kept.pop(key, None)
        if value is None:
            value = make()
        self._kept[key] = value  # the last one used is the last one in the dict
        for oldest in list(self._kept)[: -self._most]:
            self._kept.pop(oldest, None)
        return value

    def __getstate__(self) -> dict[str, Any]:
        return {"_most": self._most, "_kept": {}, "_process": -1}


class OpenFile:
    """A file for reading at given places; closed with its last reference. Safe between threads.

    Raises Unavailable where it cannot be opened, CorruptFile where it has another length than
    `bytes_promised` (None: any).
    """

    def __init__(self, path: Path, bytes_promised: int | None = None) -> None:
        self._descriptor = -1
        self.path = path
        try:
            self._descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        except OSError as error:
            raise absent(path, error) from None
        self.size = os.fstat(self._descriptor).st_size
        if bytes_promised is not None and self.size != bytes_promised:
            raise _core.CorruptFile(
                f"{path} must have {bytes_promised} bytes, as manifest.jsonl says; it has "
                f"{self.size}; {REMEDY}"
            )

    def __del__(self) -> None:
        if self._descriptor >= 0:
            os.close(self._descriptor)

    def read(self, offset: int, size: int) -> bytes:
        """Exactly `size` bytes. Raises CorruptFile where the file ends before."""
        if offset < 0 or size < 0 or offset + size > self.size:
            raise _core.CorruptFile(
                f"{self.path} must have {size} bytes from byte {offset} on; it ends at byte "
                f"{self.size}; {REMEDY}"
            )
        parts = []
        while size:
            part = self._read_once(offset, size)
            parts.append(part)
            offset, size = offset + len(part), size - len(part)
        return parts[0] if len(parts) == 1 else b"".join(parts)

    def _read_once(self, offset: int, size: int) -> bytes:
        try:
            part = os.pread(self._descriptor, size, offset)
        except OSError as error:
            raise absent(self.path, error) from None
        if not part:
            raise _core.CorruptFile(f"{self.path} became shorter while it was read; {REMEDY}")
        return part


def absent(path: Path, error: OSError) -> _core.Unavailable:
    return _core.Unavailable(
        f"{path} must be a readable file of the dataset: {error.strerror}; {REMEDY}"
    )


class JsonLines:
    """Lines of JSON objects, by number from 0. The file is scanned once, at the first line."""

    def __init__(self, path: Path, count: int, bytes_promised: int | None) -> None:
        self.path = path
        self._count = count
        self._bytes_promised = bytes_promised
        self._starts: IntArray | None = None
        self._files: RecentlyUsed[OpenFile] = RecentlyUsed(1)

    def line(self, i: int) -> dict[str, Any]:
        """Raises Unavailable (no such file) and CorruptFile naming the line."""
        file = self._files.get("", lambda: OpenFile(self.path, self._bytes_promised))
        if self._starts is None:
            self._starts = self._scan(file)
        start, end = int(self._starts[i]), int(self._starts[i + 1])
        return json_object(file.read(start, end - start), f"{self.path} line {i + 1}")

    def _scan(self, file: OpenFile) -> IntArray:
        ends = [np.zeros(1, np.int64)]
        for start in range(0, file.size, _BLOCK_BYTES):
            block = np.frombuffer(file.read(start, min(_BLOCK_BYTES, file.size - start)), np.uint8)
            ends.append(np.flatnonzero(block == ord("\n")).astype(np.int64) + (start + 1))
        starts = np.concatenate(ends)
        if len(starts) - 1 != self._count or starts[-1] != file.size:
            raise _core.CorruptFile(
                f"{self.path} must have {self._count} whole lines, one a picture; it has "
                f"{len(starts) - 1}; {REMEDY}"
            )
        return starts


def json_object(text: bytes | str, name: str) -> dict[str, Any]:
    """Raises CorruptFile where `text` is anything else than one JSON object."""
    try:
        values = json.loads(text)
    except (ValueError, RecursionError):
        values = None
    if not isinstance(values, dict):
        raise _core.CorruptFile(f"{name} must be a JSON object; it is not; {REMEDY}")
    return values


def whole_number(values: dict[str, Any], key: str, name: str, least: int = 0) -> int:
    """values[key]. Raises CorruptFile where it is no whole number from `least` on."""
    value = values.get(key)
    if isinstance(value, bool) or not isinstance(value, int) or value < least:
        raise _core.CorruptFile(
            f"{name} must have {key}, a whole number from {least} on; it has "
            f"{json.dumps(value)[:60]}; {REMEDY}"
        )
    return value
