"""Photos to measure a recogniser on, with what is known of who is on them.

Four kinds: an insightface verification set (.bin), a folder of identities (a folder each), a
dataset that `guise.data.open` reads, and a list of pairs. Nothing is decoded here.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from guise import _core, data
from guise.data.folder_store import class_folders
from guise.data.manifest import MANIFEST, PLAN
from guise.data.recordio_store import RECORDS
from guise.evaluate.pairs_files import read_pairs_file

PAIR_KINDS = ("verification set", "pairs file")


@dataclass(frozen=True)
class Photo:
    """A picture that can be read. name: as the user knows it."""

    name: str
    read: Callable[[], torch.Tensor]


@dataclass(frozen=True)
class PhotoPair:
    """Two photos by number, and whether they show one person."""

    first: int
    second: int
    same: bool


@dataclass(frozen=True)
class PhotoSet:
    """Photos with either a person each, or pairs.

    people: a number for each photo; for pairs, as far as pairs of one person join them. pairs: None
    where every photo is compared with every other. aligned: its pictures are crops already.
    """

    source: str
    kind: str
    photos: list[Photo]
    people: list[int]
    pairs: list[PhotoPair] | None
    aligned: bool = False


def open_photo_set(
    path: str | os.PathLike[str], *, images: str | os.PathLike[str] | None = None
) -> PhotoSet:
    """A .bin, a folder of identities, a dataset, or a pairs file.

    images: the folder that a pairs file's names are looked for in; by default its own.
    Raises ValueError (no pair of one person, no pair of two, an empty folder, a line that is no
    pair), Unavailable (absent) and CorruptFile (damaged).
    """
    place = Path(path)
    if place.is_dir():
        if images is not None:
            raise ValueError(f"images belongs to a pairs file; {place} is a folder")
        found = _open_folder(place)
    elif not place.exists():
        raise _core.Unavailable(
            f"{place} must be a .bin, a folder or a pairs file; there is nothing"
        )
    elif place.suffix.lower() == ".bin":
        if images is not None:
            raise ValueError(f"images belongs to a pairs file; {place} holds its own pictures")
        found = _open_bin(place)
    else:
        found = _open_pairs(place, Path(images) if images is not None else place.parent)
    check_kinds(found)
    return found


def check_kinds(photos: PhotoSet) -> None:
    """Raises ValueError unless there are pairs of one person and pairs of two."""
    if photos.pairs is not None:
        genuine = sum(pair.same for pair in photos.pairs)
        if genuine in (0, len(photos.pairs)):
            raise ValueError(
                f"{photos.source} must hold pairs of one person and pairs of two; it has {genuine} "
                f"and {len(photos.pairs) - genuine}"
            )
        return
    people = len(set(photos.people))
    if people < 2:
        raise ValueError(
            f"{photos.source} must hold photos of at least two people, a folder each; it has "
            f"{people} with {len(photos.photos)} photos"
        )
    if people == len(photos.photos):
        raise ValueError(
            f"{photos.source} must hold two photos of at least one person; each of its {people} "
            "people has one, so there is no pair of one person"
        )


# ---- folders -------------------------------------------------------------------------------------


def _open_folder(folder: Path) -> PhotoSet:
    is_dataset = (
        any((folder / name).exists() for name in (PLAN, MANIFEST, RECORDS))
        or any(folder.glob("*.tar"))
        or any(folder.glob("*.parquet"))
        or any(folder.glob("data/*.parquet"))
    )
    return _open_dataset(folder) if is_dataset else _open_identities(folder)


def _open_identities(folder: Path) -> PhotoSet:
    found = class_folders(folder)
    if not found:
        raise ValueError(
            f"{folder} must hold a folder of photos for each person (JPEG, PNG, WebP or BMP); it "
            "has none"
        )
    paths = [path for of_person in found for path in of_person]
    people = [person for person, of_person in enumerate(found) for _ in of_person]
    photos = [_photo_file(Path(path), str(Path(path).relative_to(folder))) for path in paths]
    return PhotoSet(str(folder), "folder of identities", photos, people, None)


def _open_dataset(folder: Path) -> PhotoSet:
    faces = data.open(folder)

    def photo(i: int) -> Photo:
        name = str(faces.metadata(i).get("file") or f"picture {i}")
        return Photo(name, lambda: faces[i][0])

    return PhotoSet(
        str(folder),
        f"dataset ({faces.format})",
        [photo(i) for i in range(len(faces))],
        faces.labels.tolist(),
        None,
        aligned=faces.plan.get("crop") == "arcface",
    )


def _photo_file(path: Path, name: str) -> Photo:
    return Photo(name, lambda: _core.read_image(str(path)))


# ---- pairs ---------------------------------------------------------------------------------------


class _PairBuilder:
    """Photos once each, however often they are paired."""

    def __init__(self) -> None:
        self.photos: list[Photo] = []
        self.pairs: list[PhotoPair] = []
        self._numbers: dict[Any, int] = {}

    def number(self, key: Any, make: Callable[[], Photo]) -> int:
        found = self._numbers.get(key)
        if found is None:
            found = self._numbers[key] = len(self.photos)
            self.photos.append(make())
        return found

    def set_of(self, source: Path, kind: str, *, aligned: bool) -> PhotoSet:
        people = joined_people(len(self.photos), self.pairs)
        return PhotoSet(str(source), kind, self.photos, people, self.pairs, aligned)


def joined_people(photos: int, pairs: Sequence[PhotoPair]) -> list[int]:
    """Numbers of people: photos that pairs of one person join have one number."""
    parent = list(range(photos))

    def root(i: int) -> int:
        while parent[i] != i:
            parent[i] = parent[parent[i]]
            i = parent[i]
        return i

    for pair in pairs:
        if pair.same:
            a, b = root(pair.first), root(pair.second)
            parent[max(a, b)] = min(a, b)
    numbers: dict[int, int] = {}
    return [numbers.setdefault(root(i), len(numbers)) for i in range(photos)]


def _open_bin(path: Path) -> PhotoSet:
    bin = _core.read_verification_bin(str(path))
    builder = _PairBuilder()

    def number(i: int) -> int:
        # The same picture often stands in several pairs.
        key = hashlib.sha256(bin.picture(i)).digest()
        return builder.number(
            key, lambda: Photo(f"picture {i}", lambda: _core.decode_image_bytes(bin.picture(i)))
        )

    for k, same in enumerate(bin.same):
        builder.pairs.append(PhotoPair(number(2 * k), number(2 * k + 1), same))
    return builder.set_of(path, "verification set", aligned=True)


def _open_pairs(path: Path, images: Path) -> PhotoSet:
    builder = _PairBuilder()

    def number(photo: Path) -> int:
        return builder.number(photo, lambda: _photo_file(photo, _short(photo, images)))

    for line in read_pairs_file(path, images):
        builder.pairs.append(PhotoPair(number(line.first), number(line.second), line.same))
    return builder.set_of(path, "pairs file", aligned=False)


def _short(path: Path, folder: Path) -> str:
    return str(path.relative_to(folder)) if path.is_relative_to(folder) else str(path)
