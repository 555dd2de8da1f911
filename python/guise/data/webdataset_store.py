"""Pictures in tar shards: members `000012_003.jpg`, `.cls` and `.json`.

A shard's headers are walked when it is first touched (24 bytes a picture are kept); a picture is
then one read of its whole sample.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from guise import _core
from guise.data.manifest import Manifest, Shard
from guise.data.picture_store import ManifestStore, PictureStore, checked_count
from guise.data.shard_files import IntArray, OpenFile, RecentlyUsed, json_object
from guise.data.tar_index import PICTURE_SUFFIXES, SampleIndex, index_samples, members

_OPEN_SHARDS = 64


class _TarShards:
    """Tars by number, opened and indexed on first touch."""

    def __init__(self, files: list[tuple[Path, int | None, int | None]]) -> None:
        """files: path, promised length and promised number of pictures of each."""
        self._files = files
        self._open: RecentlyUsed[OpenFile] = RecentlyUsed(_OPEN_SHARDS)
        self._indexes: dict[int, SampleIndex] = {}

    def index(self, shard: int) -> SampleIndex:
        found = self._indexes.get(shard)
        if found is None:
            path, _, pictures = self._files[shard]
            found = index_samples(self._file(shard))
            checked_count(path, len(found.starts), pictures)
            self._indexes[shard] = found
        return found

    def _file(self, shard: int) -> OpenFile:
        path, size, _ = self._files[shard]
        return self._open.get(shard, lambda: OpenFile(path, size))

    def picture(self, shard: int, place: int) -> tuple[bytes, int]:
        parts = self._parts(shard, place)
        suffix = next(suffix for suffix in PICTURE_SUFFIXES if suffix in parts)
        return parts[suffix], int(self.index(shard).labels[place])

    def line(self, shard: int, place: int) -> dict[str, Any]:
        path = self._files[shard][0]
        line = self._parts(shard, place).get("json")
        if line is None:
            raise _core.CorruptFile(f"{path} must have a .json for each picture; one has none")
        return json_object(line, f"{path}, picture {place}")

    def _parts(self, shard: int, place: int) -> dict[str, bytes]:
        """Contents of a sample's members by suffix."""
        index, file = self.index(shard), self._file(shard)
        start, end = int(index.starts[place]), min(int(index.ends[place]), file.size)
        span = file.read(start, end - start)
        found = members(lambda at, size: span[at : at + size], len(span), str(file.path))
        parts = {
            member.suffix: span[member.offset : member.offset + member.size] for member in found
        }
        if not any(suffix in parts for suffix in PICTURE_SUFFIXES):
            raise _core.CorruptFile(f"{file.path} was changed while it was being read")
        return parts


class WebDatasetStore(ManifestStore):
    """Tar shards with a manifest."""

    def __init__(self, manifest: Manifest) -> None:
        super().__init__(manifest)
        files = [(manifest.shard_file(shard, ".tar"), shard) for shard in manifest.shards]
        folder = manifest.folder
        self._tars = _TarShards([(folder / f.name, f.bytes, s.pictures) for f, s in files])

    def picture(self, i: int) -> tuple[bytes, int]:
        return self._tars.picture(*self.manifest.place(i))

    def metadata(self, i: int) -> dict[str, Any]:
        return self._tars.line(*self.manifest.place(i))

    def shard_labels(self, shard: Shard) -> IntArray:
        return self._tars.index(shard.index).labels


class ForeignWebDatasetStore(PictureStore):
    """Tars of others, in the order of their names. All headers are walked at once."""

    def __init__(self, paths: list[Path]) -> None:
        self._tars = _TarShards([(path, None, None) for path in paths])
        self._labels = [self._tars.index(shard).labels for shard in range(len(paths))]
        counts = [0, *(len(labels) for labels in self._labels)]
        self._starts = np.cumsum(counts, dtype=np.int64)

    @property
    def count(self) -> int:
        return int(self._starts[-1])

    def picture(self, i: int) -> tuple[bytes, int]:
        shard = int(np.searchsorted(self._starts, i, side="right")) - 1
        return self._tars.picture(shard, i - int(self._starts[shard]))

    def labels(self) -> IntArray:
        return np.concatenate(self._labels, dtype=np.int64)
