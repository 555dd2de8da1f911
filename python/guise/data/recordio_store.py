"""Pictures in `train.rec`, found through `train.idx`, as MXNet and arcface_torch lay them out.

The index is read at the first touch and kept: 16 bytes a picture.
"""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

import numpy as np

from guise import _core
from guise.data.manifest import Manifest, Shard
from guise.data.picture_store import ManifestStore, PictureStore, checked_count
from guise.data.shard_files import REMEDY, IntArray, OpenFile, RecentlyUsed

RECORDS, INDEX, PROPERTY = "train.rec", "train.idx", "property"
_MAGIC = 0xCED7230A
# Magic, part and length; then flag, label and two numbers; then, with flag > 0, labels.
_HEAD = struct.Struct("<IIIfQQ")
_FLOAT = struct.Struct("<f")


class _Records:
    """The records that are pictures, in order."""

    def __init__(self, folder: Path, size: int | None = None, pictures: int | None = None) -> None:
        """size, pictures: what a manifest promises of train.rec; None: whatever there is."""
        self.path, self._index_path = folder / RECORDS, folder / INDEX
        self._size, self._pictures = size, pictures
        self._open: RecentlyUsed[OpenFile] = RecentlyUsed(1)
        self._spans: tuple[IntArray, IntArray] | None = None

    def _file(self) -> OpenFile:
        return self._open.get("", lambda: OpenFile(self.path, self._size))

    def spans(self) -> tuple[IntArray, IntArray]:
        """int64 [N] each: where a picture's record begins, and where the next one does."""
        if self._spans is None:
            keys, starts = self._read_index()
            order = np.sort(starts)
            ends = np.append(order, self._file().size)[np.searchsorted(order, starts, "right")]
            self._spans = self._pictures_of(keys, starts, ends)
        return self._spans

    def _read_index(self) -> tuple[IntArray, IntArray]:
        try:
            with self._index_path.open("rb") as lines:
                if not lines.read(64).strip():
                    raise ValueError("no lines")
                lines.seek(0)
                table = np.loadtxt(lines, dtype=np.int64, delimiter="\t", ndmin=2, comments=None)
        except OSError as error:
            raise _core.Unavailable(
                f"{self._index_path} must be a readable file: {error.strerror}; {REMEDY}"
            ) from None
        except (ValueError, OverflowError):
            table = np.empty((0, 0), np.int64)
        if table.ndim != 2 or table.shape[1] != 2:
            raise _core.CorruptFile(
                f"{self._index_path} must have lines of a key, a tab and an offset; it does not; "
                f"{REMEDY}"
            )
        keys, starts = table[:, 0], table[:, 1]
        unfit = (starts < 0) | (starts % 4 != 0) | (starts > self._file().size - _HEAD.size)
        if unfit.any() or len(np.unique(keys)) != len(keys) or (keys < 0).any():
            raise _core.CorruptFile(
                f"{self._index_path} must name each key once, with a place in {self.path.name} "
                f"that is a multiple of 4; it does not; {REMEDY}"
            )
        return keys, starts

    def _pictures_of(
        self, keys: IntArray, starts: IntArray, ends: IntArray
    ) -> tuple[IntArray, IntArray]:
        """Leaves out the header, record 0, and the records of identities that it announces."""
        zero = np.flatnonzero(keys == 0)
        head = self._parse(int(starts[zero[0]]), int(ends[zero[0]])) if len(zero) else None
        if head is None or head.flag == 0:
            checked_count(self._index_path, len(keys), self._pictures)
            return starts, ends
        count = self._announced(float(head.labels[0]))
        order = np.argsort(keys)
        keys, starts, ends = keys[order], starts[order], ends[order]
        if len(keys) <= count or keys[count] != count:
            raise _core.CorruptFile(
                f"{self._index_path} must have the keys 0 to {count}, as {self.path.name} says; "
                f"some are absent; {REMEDY}"
            )
        return starts[1 : count + 1].copy(), ends[1 : count + 1].copy()

    def _announced(self, label: float) -> int:
        """Number of pictures; the header's first label is one more."""
        if not 1 <= label <= 2**40:
            raise _core.CorruptFile(f"{self.path} must begin with its number of pictures; {REMEDY}")
        return checked_count(self.path, int(label) - 1, self._pictures)

    def _parse(self, start: int, end: int) -> _core.Record:
        try:
            return _core.read_record(self._file().read(start, end - start), 0)
        except _core.CorruptFile as error:
            raise _core.CorruptFile(f"{self.path} at byte {start}: {error}") from None

    def __len__(self) -> int:
        return len(self.spans()[0])

    def picture(self, i: int) -> tuple[bytes, int]:
        starts, ends = self.spans()
        record = self._parse(int(starts[i]), int(ends[i]))
        label = record.labels[0] if record.flag > 0 else record.label
        return bytes(record.picture), self._class(float(label), int(starts[i]))

    def labels(self, numbers: range) -> IntArray:
        """Labels alone: a short read of each record's head."""
        starts, ends = self.spans()
        return np.array([self._label(int(starts[i]), int(ends[i])) for i in numbers], np.int64)

    def _label(self, start: int, end: int) -> int:
        file = self._file()
        known = _HEAD.size + _FLOAT.size
        head = file.read(start, min(known, file.size - start))
        magic, part, flag, label, _, _ = _HEAD.unpack_from(head)
        if magic != _MAGIC or part >> 29 != 0 or (flag > 0 and len(head) < known):
            record = self._parse(start, end)  # split, or damaged
            label = record.labels[0] if record.flag > 0 else record.label
        elif flag > 0:
            (label,) = _FLOAT.unpack_from(head, _HEAD.size)
        return self._class(label, start)

    def _class(self, label: float, start: int) -> int:
        if not 0 <= label <= 2**40 or label != int(label):
            raise _core.CorruptFile(
                f"{self.path} must have a class as label of the record at byte {start}; it has "
                f"{label}; {REMEDY}"
            )
        return int(label)


class RecordIOStore(ManifestStore):
    """train.rec with a manifest; metadata.jsonl has its lines in the order of the keys."""

    def __init__(self, manifest: Manifest) -> None:
        super().__init__(manifest)
        size = manifest.bytes_of(RECORDS)
        self._records = _Records(manifest.folder, size, len(manifest))
        self._lines = self.metadata_file()

    def picture(self, i: int) -> tuple[bytes, int]:
        return self._records.picture(i)

    def metadata(self, i: int) -> dict[str, Any]:
        return self._lines.line(i)

    def shard_labels(self, shard: Shard) -> IntArray:
        return self._records.labels(self.numbers(shard))


class ForeignRecordIOStore(PictureStore):
    """train.rec of others: with a header record, or every key of the index in its order."""

    def __init__(self, folder: Path) -> None:
        self._records = _Records(folder)
        self._count = len(self._records)
        self._property = folder / PROPERTY

    @property
    def count(self) -> int:
        return self._count

    def picture(self, i: int) -> tuple[bytes, int]:
        return self._records.picture(i)

    def labels(self) -> IntArray:
        return self._records.labels(range(self._count))

    def classes(self) -> int:
        """What the file `property` says; without it, one more than the highest label."""
        try:
            first = self._property.read_text(encoding="utf-8").partition(",")[0].strip()
        except (OSError, ValueError):
            first = ""
        return int(first) if first.isdecimal() and len(first) < 18 else super().classes()
