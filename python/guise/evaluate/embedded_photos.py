"""From photos to embeddings: read, cut out, embed; and an account of what was left out."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import torch

from guise import _core, embedding
from guise.evaluate.photo_sets import PhotoPair, PhotoSet, check_kinds
from guise.faces import DEFAULT_DETECTORS, detect

Progress = Callable[[int, int], None]

#: How photos become crops. auto: pictures that are crops already are taken as they are.
ALIGNMENTS = ("auto", "aligned", "detect")
_CROP_PX = 112  # a picture of this height and width is a crop, where nothing else is known
_BATCH = 64
_NAMED = 10  # files in one message
NO_FACE = "no face was found"


@dataclass(frozen=True)
class LeftOut:
    """A photo that has no embedding, and why."""

    name: str
    reason: str


@dataclass(frozen=True)
class EmbeddedPhotos:
    """Embeddings of those photos of a set that have one; `photos` holds these alone.

    vectors: float32 [N, D], of length 1. left_out_pairs: pairs that lack a photo. seconds: of the
    network alone.
    """

    photos: PhotoSet
    vectors: torch.Tensor
    unreadable: list[LeftOut]
    without_face: list[LeftOut]
    left_out_pairs: int
    detected: int
    seconds: float


@dataclass(frozen=True)
class EmbeddedRows:
    """Embeddings of those photos that have one. kept: their numbers, rising, one a row."""

    kept: list[int]
    vectors: torch.Tensor
    unreadable: list[LeftOut]
    without_face: list[LeftOut]
    detected: int
    seconds: float


def embed_photos(
    photos: PhotoSet,
    model: _core.Embedder,
    *,
    align: str = "auto",
    flip: bool = True,
    skip_unreadable: bool = False,
    progress: Progress | None = None,
) -> EmbeddedPhotos:
    """Embeds every photo once.

    Raises CorruptFile naming pictures that cannot be read (unless they are skipped), ValueError
    where too few photos are left, or crops are too small or not square.
    """
    rows = embed_rows(
        photos, model, align=align, flip=flip, skip_unreadable=skip_unreadable, progress=progress
    )
    fewer, left_out = only_photos(photos, rows.kept)
    return EmbeddedPhotos(
        photos=fewer,
        vectors=rows.vectors,
        unreadable=rows.unreadable,
        without_face=rows.without_face,
        left_out_pairs=left_out,
        detected=rows.detected,
        seconds=rows.seconds,
    )


def embed_rows(
    photos: PhotoSet,
    model: _core.Embedder,
    *,
    align: str = "auto",
    flip: bool = True,
    skip_unreadable: bool = False,
    progress: Progress | None = None,
) -> EmbeddedRows:
    """`embed_photos` of photos that need not make pairs; none may be left.

    Raises CorruptFile and, for crops that are too small or not square, ValueError.
    """
    if align not in ALIGNMENTS:
        raise ValueError(f"align must be {', '.join(ALIGNMENTS)}; got {align!r}")
    work = _Work(photos, model, align, flip)
    for i in range(len(photos.photos)):
        # After the first that cannot be read the others are only looked at, to name them all.
        work.take(i, embed=skip_unreadable or not work.unreadable)
        if progress is not None:
            progress(i + 1, len(photos.photos))
    if work.unreadable and not skip_unreadable:
        raise _core.CorruptFile(_unreadable(photos, work.unreadable))
    work.finish()
    return work.result()


def _unreadable(photos: PhotoSet, failures: list[LeftOut]) -> str:
    named = "; ".join(f"{each.name}: {each.reason}" for each in failures[:_NAMED])
    more = f"; and {len(failures) - _NAMED} more" if len(failures) > _NAMED else ""
    return (
        f"{len(failures)} of {len(photos.photos)} pictures of {photos.source} cannot be read: "
        f"{named}{more}; mend them, or leave them out with skip_unreadable (--skip-unreadable)"
    )


def is_crop(image: torch.Tensor) -> bool:
    """Whether a picture of which nothing else is known counts as cut out already."""
    return tuple(image.shape[:2]) == (_CROP_PX, _CROP_PX)


def largest_face(image: torch.Tensor, *, size_px: int, template: str) -> torch.Tensor | None:
    """uint8 [H, W, 3] -> uint8 [size_px, size_px, 3]: the largest face, cut out; None: no face."""
    faces = detect(image, detectors=DEFAULT_DETECTORS)
    if not faces:
        return None
    # Photos of one person: whoever else is on them is smaller.
    face = max(faces, key=lambda f: (f.box[2] - f.box[0]) * (f.box[3] - f.box[1]))
    # However few its pixels: an evaluation must not leave out what is hard.
    return _core.align_faces(
        image, face.landmarks.unsqueeze(0), size_px=size_px, template=template, smooth=True
    )[0]


class _Work:
    """Crops wait here until a batch is full."""

    def __init__(self, photos: PhotoSet, model: _core.Embedder, align: str, flip: bool) -> None:
        self.photos, self.align, self.flip = photos, align, flip
        self.model = model
        self.unreadable: list[LeftOut] = []
        self.without_face: list[LeftOut] = []
        self.rows: dict[int, torch.Tensor] = {}
        self.waiting: list[tuple[int, torch.Tensor]] = []
        self.detected, self.seconds = 0, 0.0

    def take(self, i: int, *, embed: bool) -> None:
        photo = self.photos.photos[i]
        try:
            image = photo.read()
        except (_core.CorruptFile, _core.Unavailable) as error:
            self.unreadable.append(LeftOut(photo.name, str(error)))
            return
        if not embed:
            return
        if self._is_crop(image):
            self._wait(i, image)
        else:
            self._detect(i, image)

    def _is_crop(self, image: torch.Tensor) -> bool:
        if self.align != "auto":
            return self.align == "aligned"
        return self.photos.aligned or is_crop(image)

    def _detect(self, i: int, image: torch.Tensor) -> None:
        self.detected += 1
        crop = largest_face(
            image, size_px=self.model.crop_size_px, template=self.model.crop.crop_template
        )
        if crop is None:
            self.without_face.append(LeftOut(self.photos.photos[i].name, NO_FACE))
        else:
            self._wait(i, crop)

    def _wait(self, i: int, crop: torch.Tensor) -> None:
        if crop.shape[0] != crop.shape[1]:
            raise ValueError(
                f"crops must be square; {self.photos.photos[i].name} has {crop.shape[1]} x "
                f"{crop.shape[0]} px; let faces be detected instead (--detect)"
            )
        if self.waiting and self.waiting[0][1].shape != crop.shape:
            self.finish()
        self.waiting.append((i, crop))
        if len(self.waiting) == _BATCH:
            self.finish()

    def finish(self) -> None:
        """Embeds what waits."""
        if not self.waiting:
            return
        crops = torch.stack([crop for _, crop in self.waiting])
        with self._timed():
            rows = embedding.embed_crops(
                crops, model=self.model, template=self.model.crop.crop_template, flip=self.flip
            )
        self.rows.update({i: row for (i, _), row in zip(self.waiting, rows, strict=True)})
        self.waiting = []

    @contextlib.contextmanager
    def _timed(self) -> Iterator[None]:
        started = time.perf_counter()
        yield
        self.seconds += time.perf_counter() - started

    def result(self) -> EmbeddedRows:
        kept = sorted(self.rows)
        return EmbeddedRows(
            kept=kept,
            vectors=torch.stack([self.rows[i] for i in kept]) if kept else torch.empty(0, 0),
            unreadable=self.unreadable,
            without_face=self.without_face,
            detected=self.detected,
            seconds=self.seconds,
        )


def only_photos(photos: PhotoSet, kept: list[int]) -> tuple[PhotoSet, int]:
    """The set with the photos that are kept, and how many pairs that costs.

    Raises ValueError where the rest has no pair of one person, or none of two.
    """
    place = {old: new for new, old in enumerate(kept)}
    pairs = None
    if photos.pairs is not None:
        pairs = [
            PhotoPair(place[pair.first], place[pair.second], pair.same)
            for pair in photos.pairs
            if pair.first in place and pair.second in place
        ]
    fewer = replace(
        photos,
        photos=[photos.photos[i] for i in kept],
        people=[photos.people[i] for i in kept],
        pairs=pairs,
    )
    if len(kept) < len(photos.photos):
        fewer_of = f"{photos.source}, without the {len(photos.photos) - len(kept)} photos left out,"
        check_kinds(replace(fewer, source=fewer_of))
    return fewer, len(photos.pairs or ()) - len(pairs or ())
