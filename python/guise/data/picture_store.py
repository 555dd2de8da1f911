"""What every format gives a dataset: pictures with labels, by number."""

from __future__ import annotations

from abc import ABC, abstractmethod
from pathlib import Path
from typing import Any

import numpy as np

from guise import _core
from guise.data.manifest import Manifest, Shard, check_files
from guise.data.shard_files import REMEDY, IntArray, JsonLines


class PictureStore(ABC):
    """Pictures 0 to count - 1 of a folder. Pickled to workers without its handles.

    Whatever is read may turn out absent (Unavailable) or damaged (CorruptFile).
    """

    @property
    @abstractmethod
    def count(self) -> int: ...

    @abstractmethod
    def picture(self, i: int) -> tuple[bytes, int]:
        """The encoded picture and its label."""

    def metadata(self, i: int) -> dict[str, Any]:
        """What the dataset says about the picture; datasets of others: nothing."""
        return {}

    @abstractmethod
    def labels(self) -> IntArray:
        """int64 [count]."""

    def classes(self) -> int:
        """One more than the highest label."""
        return int(self.labels().max(initial=-1)) + 1


class ManifestStore(PictureStore):
    """Pictures of a dataset with a manifest."""

    def __init__(self, manifest: Manifest) -> None:
        self.manifest = manifest

    @property
    def count(self) -> int:
        return len(self.manifest)

    def classes(self) -> int:
        return int(self.manifest.plan["identities"])

    def labels(self) -> IntArray:
        """Only shards with given up pictures are read; in others labels follow from the plan."""
        shards = self.manifest.shards
        return np.concatenate([self._labels(shard) for shard in shards], dtype=np.int64)

    def _labels(self, shard: Shard) -> IntArray:
        if self.manifest.is_complete(shard):
            return self.manifest.complete_labels(shard)
        return self.shard_labels(shard)

    @abstractmethod
    def shard_labels(self, shard: Shard) -> IntArray:
        """Labels of one shard, as they are stored."""

    def check(self) -> None:
        """Compares the content of every file with the manifest."""
        check_files(self.manifest)

    def metadata_file(self) -> JsonLines:
        """metadata.jsonl of formats that keep it beside the pictures."""
        name = "metadata.jsonl"
        path = self.manifest.folder / name
        return JsonLines(path, len(self.manifest), self.manifest.bytes_of(name))

    def numbers(self, shard: Shard) -> range:
        """Numbers of a shard's pictures in the dataset."""
        start = int(self.manifest.starts[shard.index])
        return range(start, start + shard.pictures)


def checked_count(path: Path, count: int, promised: int | None) -> int:
    """Raises CorruptFile where a file holds another number of pictures than was promised."""
    if promised is not None and count != promised:
        raise _core.CorruptFile(
            f"{path} must hold {promised} pictures, as manifest.jsonl says; it holds {count}; "
            f"{REMEDY}"
        )
    return count
