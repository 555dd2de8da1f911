"""The dataset as the lines look at it: embeddings, digests and small pictures, read once."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from guise import _core
from guise.data import FaceDataset
from guise.evaluate.embedded_photos import EmbeddedRows, embed_rows
from guise.evaluate.photo_sets import Photo, PhotoSet

THUMB_PX = 16
_LUMINANCE = torch.tensor([0.299, 0.587, 0.114])

Integers = NDArray[np.int64]


@dataclass(frozen=True)
class AuditedDataset:
    """Pictures that have an embedding, one a row.

    places: int64 [N], numbers in the dataset. people: int64 [N], numbers of identities. vectors:
    float32 [N, D], unit norm. digests: of each picture's pixels. thumbs: float32 [N, 16, 16],
    luminance. lines: metadata of each. without_face: pictures in which no face was found.
    """

    faces: FaceDataset
    places: Integers
    people: Integers
    vectors: torch.Tensor
    digests: list[bytes]
    thumbs: torch.Tensor
    lines: list[dict[str, Any]]
    without_face: int

    def __len__(self) -> int:
        return len(self.places)

    def name(self, row: int) -> str:
        """A picture as the user knows it."""
        return str(
            self.lines[row].get("file")
            or f"picture {self.places[row]} of identity {self.people[row]}"
        )


class _Seen:
    """Pixels of each picture, looked at while it is on its way to the recogniser."""

    def __init__(self, faces: FaceDataset, model: _core.Embedder) -> None:
        self.faces, self.model = faces, model
        self.digests: dict[int, bytes] = {}
        self.thumbs: dict[int, torch.Tensor] = {}
        self.lines: dict[int, dict[str, Any]] = {}
        self.cut = bool(faces.plan) and faces.plan.get("crop") != "arcface"

    def photo(self, i: int) -> Photo:
        return Photo(f"picture {i}", lambda: self._read(i))

    def _read(self, i: int) -> torch.Tensor:
        image: torch.Tensor = self.faces[i][0]
        shape = "x".join(map(str, image.shape)).encode()
        self.digests[i] = hashlib.sha256(shape + image.numpy().tobytes()).digest()
        self.thumbs[i] = thumbnail(image)
        line = self.faces.metadata(i)
        self.lines[i] = {key: line.get(key) for key in ("file", "sample", "attributes")}
        if not self.cut:
            return image
        landmarks = line.get("landmarks")
        if landmarks is None:
            raise _core.CorruptFile("its metadata must give landmarks; it gives none")
        return _core.align_faces(
            image,
            torch.tensor([landmarks], dtype=torch.float32),
            size_px=self.model.crop_size_px,
            template=self.model.crop.crop_template,
            smooth=True,
        )[0]


def thumbnail(image: torch.Tensor) -> torch.Tensor:
    """float32 [16, 16]: luminance of a uint8 [H, W, 3] picture, 0 to 255, by area."""
    grey = (image.float() @ _LUMINANCE)[None, None]
    return torch.nn.functional.interpolate(grey, size=(THUMB_PX, THUMB_PX), mode="area")[0, 0]


def read_dataset(
    faces: FaceDataset,
    model: _core.Embedder,
    *,
    flip: bool,
    progress: Callable[[int, int], None] | None = None,
) -> AuditedDataset:
    """Reads and embeds every picture. Crops are taken as they are; others are cut out by their
    landmarks or, where nobody noted any, around the largest face that is found.

    Raises CorruptFile for a picture that cannot be read, ValueError where no face is left.
    """
    seen = _Seen(faces, model)
    found = embed_rows(
        PhotoSet(
            str(faces.path),
            f"dataset ({faces.format})",
            [seen.photo(i) for i in range(len(faces))],
            faces.labels.tolist(),
            None,
            aligned=bool(faces.plan),
        ),
        model,
        flip=flip,
        progress=progress,
    )
    if not found.kept:
        raise ValueError(
            f"{faces.path} must show faces; in none of its {len(faces)} pictures one was found"
        )
    return _kept(faces, seen, found)


def _kept(faces: FaceDataset, seen: _Seen, found: EmbeddedRows) -> AuditedDataset:
    places = np.array(found.kept, dtype=np.int64)
    return AuditedDataset(
        faces=faces,
        places=places,
        people=faces.identities.numpy()[places].astype(np.int64),
        vectors=found.vectors,
        digests=[seen.digests[i] for i in found.kept],
        thumbs=torch.stack([seen.thumbs[i] for i in found.kept]),
        lines=[seen.lines[i] for i in found.kept],
        without_face=len(found.without_face),
    )
