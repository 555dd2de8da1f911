"""A dataset of faces as trainers take it: `dataset[i]` is a picture and its class."""

from __future__ import annotations

import operator
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, Optional

import torch
from torch.utils.data import Dataset

from guise import _core
from guise.data.folder_store import FolderStore, ForeignFolderStore
from guise.data.manifest import MANIFEST, PLAN, read_manifest
from guise.data.parquet_store import ForeignParquetStore, ParquetStore
from guise.data.picture_store import ManifestStore, PictureStore
from guise.data.recordio_store import INDEX, RECORDS, ForeignRecordIOStore, RecordIOStore
from guise.data.webdataset_store import ForeignWebDatasetStore, WebDatasetStore

Transform = Optional[Callable[[torch.Tensor], Any]]

_STORES: dict[str, type[ManifestStore]] = {
    "folder": FolderStore,
    "webdataset": WebDatasetStore,
    "recordio": RecordIOStore,
    "parquet": ParquetStore,
}


class FaceDataset(Dataset[tuple[Any, int]]):
    """Pictures 0 to len - 1 with their classes; made by `guise.data.open`.

    Goes to the workers of a DataLoader by fork or by pickle: files are opened where they are read.

    path: the folder. format: "folder", "webdataset", "recordio" or "parquet". plan: what decided
    about the dataset, plan.json; empty for datasets of others. transform: applied to each image.
    """

    def __init__(
        self,
        path: Path,
        *,
        format: str,
        plan: dict[str, Any],
        store: PictureStore,
        transform: Transform = None,
    ) -> None:
        self.path = path
        self.format = format
        self.plan = plan
        self.transform = transform
        self._store = store
        self._count = store.count
        self._labels: torch.Tensor | None = None
        self._classes: int | None = None

    def __len__(self) -> int:
        return self._count

    def __getitem__(self, index: int) -> tuple[Any, int]:
        """(image, label): uint8 [H, W, 3] RGB, or what `transform` makes of it, and the class.

        Raises IndexError, Unavailable (a file is absent) and CorruptFile (it is damaged).
        """
        i = self._number(index)
        data, label = self._store.picture(i)
        try:
            image = _core.decode_image_bytes(data)
        except _core.CorruptFile as error:
            raise _core.CorruptFile(f"picture {i} of {self.path}: {error}") from None
        return (image if self.transform is None else self.transform(image)), label

    def picture_bytes(self, index: int) -> bytes:
        """The encoded picture, JPEG or PNG, as it is stored."""
        return self._store.picture(self._number(index))[0]

    def metadata(self, index: int) -> dict[str, Any]:
        """What is known of the picture: file, identity, sample, landmarks (px), box (px), ...

        docs/dataset-format.md lists the fields. Datasets of others have none: {}.
        """
        return self._store.metadata(self._number(index))

    def _number(self, index: int) -> int:
        i = operator.index(index)
        if not -self._count <= i < self._count:
            raise IndexError(
                f"a picture's number must be from {-self._count} to {self._count - 1}; got {i}"
            )
        return i + self._count if i < 0 else i

    @property
    def labels(self) -> torch.Tensor:
        """int64 [N]: class of each picture, 0 to classes - 1. Read at the first call, then kept."""
        if self._labels is None:
            self._labels = torch.from_numpy(self._store.labels().copy())
        return self._labels

    @property
    def identities(self) -> torch.Tensor:
        """int64 [N]: number of the person in each picture; the class, counted from another start.

        Two datasets of one seed with the same number show the same person.
        """
        return self.labels + int(self.plan.get("first_identity", 0))

    @property
    def classes(self) -> int:
        """How many classes there are: what a classifier's last layer needs."""
        if self._classes is None:
            self._classes = self._store.classes()
        return self._classes

    def __repr__(self) -> str:
        return f"FaceDataset({str(self.path)!r}, format={self.format!r}, pictures={len(self)})"


def open_dataset(
    path: str | os.PathLike[str], *, transform: Transform = None, verify: bool = False
) -> FaceDataset:
    """A dataset of `guise synthesize`, or of others in one of its formats.

    path: the folder. With plan.json only that and manifest.jsonl are read now; files of pictures
    when they are first touched. Without it: train.rec with train.idx (RecordIO), *.tar
    (WebDataset), *.parquet there or in data/, or a folder per class; all headers are read now.
    transform: a callable on uint8 [H, W, 3] RGB tensors; for workers that are spawned it must be
    picklable. verify: first compare every file with its sha256 in the manifest.

    Raises ValueError (no dataset is there), Unavailable (absent, unfinished, or `guise[parquet]` is
    not installed) and CorruptFile (damaged).
    """
    folder = Path(path)
    if not folder.is_dir():
        raise _core.Unavailable(f"{folder} must be the folder of a dataset; there is none")
    if not ((folder / PLAN).exists() or (folder / MANIFEST).exists()):
        return _open_foreign(folder, transform, verify)
    manifest = read_manifest(folder)
    store = _STORES[manifest.format](manifest)
    if verify:
        store.check()
    return FaceDataset(
        folder, format=manifest.format, plan=manifest.plan, store=store, transform=transform
    )


def _open_foreign(folder: Path, transform: Transform, verify: bool) -> FaceDataset:
    if verify:
        raise ValueError(
            f"verify=True must have a manifest to compare with; {folder} has no {MANIFEST}; "
            "open it without"
        )
    format, store = _foreign_store(folder)
    if store.count == 0:
        raise ValueError(
            f"{folder} must hold pictures: a folder per class, *.tar, {RECORDS} with {INDEX}, or "
            "*.parquet; none was found"
        )
    return FaceDataset(folder, format=format, plan={}, store=store, transform=transform)


def _foreign_store(folder: Path) -> tuple[str, PictureStore]:
    if (folder / RECORDS).exists():
        return "recordio", ForeignRecordIOStore(folder)
    tars = sorted(folder.glob("*.tar"))
    if tars:
        return "webdataset", ForeignWebDatasetStore(tars)
    tables = sorted(folder.glob("data/*.parquet")) or sorted(folder.glob("*.parquet"))
    if tables:
        return "parquet", ForeignParquetStore(tables)
    return "folder", ForeignFolderStore(folder)
