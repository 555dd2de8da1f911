"""Pictures as files in a folder per class: `000012/003.jpg`."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import Any

import numpy as np

from guise import _core
from guise.data.manifest import Manifest, Shard
from guise.data.picture_store import ManifestStore, PictureStore
from guise.data.shard_files import REMEDY, IntArray, OpenFile, whole_number

_PICTURES = (".jpg", ".jpeg", ".png", ".webp", ".bmp")
# Part maps of `guise render --maps`, which are no photos.
_NO_PICTURES = ".parts.png"


class FolderStore(ManifestStore):
    """A folder with a manifest. Names follow from the plan unless pictures were given up."""

    def __init__(self, manifest: Manifest) -> None:
        super().__init__(manifest)
        self._lines = self.metadata_file()

    def picture(self, i: int) -> tuple[bytes, int]:
        name, label = self._name(i)
        file = OpenFile(self.manifest.folder / name)
        return file.read(0, file.size), label

    def _name(self, i: int) -> tuple[str, int]:
        shard_index, place = self.manifest.place(i)
        shard, plan = self.manifest.shards[shard_index], self.manifest.plan
        per_identity = int(plan["images_per_identity"])
        if self.manifest.is_complete(shard):
            identity, sample = divmod(place, per_identity)
            identity += shard.first_identity
        else:
            line, name = self._lines.line(i), f"{self._lines.path} line {i + 1}"
            identity = whole_number(line, "identity", name, least=shard.first_identity)
            sample = whole_number(line, "sample", name)
            if identity >= shard.first_identity + shard.identities or sample >= per_identity:
                raise _core.CorruptFile(
                    f"{name} must be a picture of shard {shard_index}; it is identity {identity}, "
                    f"sample {sample}; {REMEDY}"
                )
        name = f"{identity:06d}/{sample:03d}.{plan['encoding']['format']}"
        return name, identity - int(plan["first_identity"])

    def metadata(self, i: int) -> dict[str, Any]:
        return self._lines.line(i)

    def shard_labels(self, shard: Shard) -> IntArray:
        labels = [self._name(i)[1] for i in self.numbers(shard)]
        return np.array(labels, dtype=np.int64)

    def check(self) -> None:
        """A shard's sha256 is that of all its pictures, one behind the other."""
        super().check()
        for shard in self.manifest.shards:
            if len(shard.files) != 1:
                continue
            digest = hashlib.sha256()
            for i in self.numbers(shard):
                digest.update(self.picture(i)[0])
            if digest.hexdigest() != shard.files[0].sha256:
                raise _core.CorruptFile(
                    f"the pictures {shard.files[0].name} of {self.manifest.folder} must be those "
                    f"of manifest.jsonl, shard {shard.index}; their sha256 differs; {REMEDY}"
                )


class ForeignFolderStore(PictureStore):
    """Class folders of others: labels in the order of their names, as torchvision counts them."""

    def __init__(self, folder: Path) -> None:
        found = class_folders(folder)
        self._files = [path for paths in found for path in paths]
        counts = [len(paths) for paths in found]
        self._labels = np.repeat(np.arange(len(found), dtype=np.int64), counts)

    @property
    def count(self) -> int:
        return len(self._files)

    def picture(self, i: int) -> tuple[bytes, int]:
        file = OpenFile(Path(self._files[i]))
        return file.read(0, file.size), int(self._labels[i])

    def labels(self) -> IntArray:
        return self._labels


def class_folders(folder: Path) -> list[list[str]]:
    """Pictures of each folder that has some, both in the order of their names."""
    try:
        classes = sorted(entry.path for entry in os.scandir(folder) if entry.is_dir())
    except OSError as error:
        raise _core.Unavailable(f"{folder} must be a readable folder: {error.strerror}") from None
    found = [pictures_below(path) for path in classes if not os.path.basename(path).startswith(".")]
    return [paths for paths in found if paths]


def pictures_below(folder: str) -> list[str]:
    """Pictures in a folder and all below it, in the order of their names."""
    found = []
    for parent, folders, names in os.walk(folder):
        folders.sort()
        lower = [(name, name.lower()) for name in sorted(names)]
        found += [
            os.path.join(parent, name)
            for name, low in lower
            if low.endswith(_PICTURES) and not low.endswith(_NO_PICTURES) and name[0] != "."
        ]
    return found
