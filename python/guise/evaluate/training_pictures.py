"""Which pictures of which datasets a recogniser is trained on, and their pixels."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from guise import data
from guise.data import FaceDataset
from guise.evaluate.embedded_photos import is_crop
from guise.train.crop_size import INPUT_PX
from guise.train.reference_recogniser import input_sized

Integers = NDArray[np.int64]


@dataclass(frozen=True)
class TrainingPart:
    """What is taken of one dataset. single: pictures left out because their person has no other.

    rows: int64 [pictures], numbers in the dataset. labels: int64, 0 to people - 1, one a row.
    """

    faces: FaceDataset
    rows: Integers
    labels: Integers
    held: int
    single: int

    @property
    def people(self) -> int:
        return int(self.labels.max()) + 1

    @property
    def pictures(self) -> int:
        return len(self.rows)


@dataclass(frozen=True)
class TrainingSet:
    """Parts that are trained on as one; each person of a part is a class of its own."""

    name: str
    parts: list[TrainingPart]

    @property
    def people(self) -> int:
        return sum(part.people for part in self.parts)

    @property
    def pictures(self) -> int:
        return sum(part.pictures for part in self.parts)

    def labels(self) -> Integers:
        """int64 [pictures], 0 to people - 1."""
        first = np.cumsum([0, *(part.people for part in self.parts)])
        return np.concatenate(
            [part.labels + start for part, start in zip(self.parts, first, strict=False)]
        )

    def read(
        self, rows: Integers, progress: Callable[[int, int], None] | None = None
    ) -> torch.Tensor:
        """uint8 [len(rows), 64, 64, 3]: these pictures of the set, as the recogniser sees them.

        Raises CorruptFile, and ValueError where a picture is no crop.
        """
        pixels = torch.empty((len(rows), INPUT_PX, INPUT_PX, 3), dtype=torch.uint8)
        first = np.cumsum([0, *(part.pictures for part in self.parts)])
        for i, row in enumerate(rows.tolist()):
            k = int(np.searchsorted(first, row, side="right")) - 1
            part = self.parts[k]
            pixels[i] = _crop_of(part.faces, int(part.rows[row - first[k]]))
            if progress is not None:
                progress(i + 1, len(rows))
        return pixels


def open_training_set(
    paths: Sequence[str | os.PathLike[str]], *, name: str, images: int | None = None
) -> TrainingSet:
    """Datasets to train on as one. images: how many pictures in all, as nearly as whole people
    allow; an equal share of each dataset.

    Raises ValueError (no crops, too few people with two pictures, the same people twice), and what
    `guise.data.open` raises.
    """
    opened = [open_crops(path) for path in paths]
    check_strangers(opened)
    taken: list[TrainingPart] = []
    for place, faces in enumerate(opened):
        share = None
        if images is not None:
            share = (images - sum(part.pictures for part in taken)) // (len(opened) - place)
        taken.append(_part(faces, share))
    return TrainingSet(name, taken)


def open_crops(path: str | os.PathLike[str]) -> FaceDataset:
    """A dataset whose pictures are aligned crops, as far as its plan tells."""
    faces = data.open(path)
    crop = faces.plan.get("crop")
    if faces.plan and crop != "arcface":
        raise ValueError(
            f"{path} must hold aligned crops; its plan says crop {crop!r}; make it again with "
            "`guise synthesize --crop arcface`"
        )
    return faces


def _part(faces: FaceDataset, most: int | None) -> TrainingPart:
    rows, labels, single = chosen_rows(faces.labels.numpy(), most)
    if len(rows) == 0 or labels.max() < 1:
        limit = "" if most is None else f" among {most} pictures"
        raise ValueError(
            f"{faces.path} must hold two people or more with two pictures or more each{limit}; it "
            f"has {int(labels.max()) + 1 if len(rows) else 0} such; nothing tells people apart "
            "that is learned from fewer"
        )
    return TrainingPart(faces, rows, labels, held=len(faces), single=single)


def chosen_rows(labels: Integers, most: int | None) -> tuple[Integers, Integers, int]:
    """(rows, their labels from 0, pictures left out as single ones).

    Whole people in the order in which they come, at most `most` pictures; the last of them may lose
    some, but keeps two.
    """
    _, first, codes, counts = np.unique(
        labels, return_index=True, return_inverse=True, return_counts=True
    )
    order = np.argsort(first[codes], kind="stable")
    kept = order[counts[codes[order]] >= 2]
    single = len(order) - len(kept)
    if most is not None:
        kept = kept[: max(most, 0)]
        if len(kept) and (len(kept) == 1 or codes[kept[-1]] != codes[kept[-2]]):
            kept = kept[:-1]
    ends = np.flatnonzero(np.diff(codes[kept], prepend=-1))
    people = np.repeat(np.arange(len(ends)), np.diff(ends, append=len(kept)))
    return kept.astype(np.int64), people.astype(np.int64), single


def _crop_of(faces: FaceDataset, row: int) -> torch.Tensor:
    picture: torch.Tensor = faces[row][0]
    if tuple(picture.shape) == (INPUT_PX, INPUT_PX, 3) and faces.plan:
        return picture
    height, width = picture.shape[:2]
    square = height == width >= INPUT_PX
    if square if faces.plan else is_crop(picture):
        return input_sized(picture)
    wanted = f"square, of {INPUT_PX} px or more" if faces.plan else "aligned crops of 112 x 112 px"
    raise ValueError(
        f"pictures of {faces.path} must be {wanted}; picture {row} has {width} x {height} px; cut "
        "faces out with guise.align first"
    )


def check_strangers(datasets: Sequence[FaceDataset]) -> None:
    """Raises ValueError where two datasets show the same people under different classes."""
    for place, one in enumerate(datasets):
        for other in datasets[place + 1 :]:
            shared = shared_people(one, other)
            if shared:
                raise ValueError(
                    f"{one.path} and {other.path} must show different people; {shared}; leave one "
                    "out, or make it with another --seed"
                )


def shared_people(one: FaceDataset, other: FaceDataset) -> str:
    """Why two datasets show the same people, as far as their plans tell; else empty."""
    if Path(one.path).resolve() == Path(other.path).resolve():
        return "they are one folder"
    if not one.plan or not other.plan:
        return ""
    makers = [(p.plan.get("seed"), p.plan.get("generator", {}).get("name")) for p in (one, other)]
    spans = [
        (int(p.plan.get("first_identity", 0)), int(p.plan.get("identities", 0)))
        for p in (one, other)
    ]
    low = max(first for first, _ in spans)
    high = min(first + count for first, count in spans) - 1
    if makers[0] != makers[1] or low > high:
        return ""
    return f"both have the people {low} to {high} of seed {makers[0][0]}"
