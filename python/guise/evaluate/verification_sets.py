"""Sets that several recognisers are measured on one after another: photos are cut out once."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import torch

from guise import _core
from guise.evaluate.embedded_photos import (
    NO_FACE,
    LeftOut,
    is_crop,
    largest_face,
    only_photos,
)
from guise.evaluate.photo_sets import Photo, PhotoSet, open_photo_set
from guise.rendering import Renderer
from guise.train.crop_size import INPUT_PX

Progress = Callable[[int, int], None]
TEMPLATE = "arcface"

# People whom no dataset shows: a seed that nobody types.
HELD_OUT_SEED = 0x6775697365657661
HELD_OUT_PEOPLE, HELD_OUT_EACH = 100, 5
HELD_OUT_PRESETS = ("frontal", "default")
_RENDER_PX = 180  # before the face is cut out, as in datasets
_CROP_PX = 112


@dataclass(frozen=True)
class VerificationSet:
    """A set of crops to measure on. detected: photos whose face had to be found."""

    name: str
    photos: PhotoSet
    detected: int = 0
    without_face: tuple[LeftOut, ...] = ()
    left_out_pairs: int = 0


def held_out_set(
    preset: str,
    *,
    people: int = HELD_OUT_PEOPLE,
    each: int = HELD_OUT_EACH,
    threads: int = 0,
    progress: Progress | None = None,
) -> VerificationSet:
    """Rendered people whom no dataset shows, drawn now and kept in memory.

    preset: of `guise.RecipeOptions`.
    """
    options = _core.RecipeOptions.preset(preset)
    renderer = Renderer(options=options, size_px=_RENDER_PX, threads=threads)
    photos, labels = [], []
    drawn = renderer.stream(identities=people, samples=each, seed=HELD_OUT_SEED, batch=50)
    for batch in drawn:
        for image, points, person, sample in zip(
            batch.images,
            batch.landmarks_5,
            batch.identities.tolist(),
            batch.samples.tolist(),
            strict=True,
        ):
            crop = _core.align_faces(
                image, points[None], size_px=_CROP_PX, template=TEMPLATE, smooth=True
            )[0]
            photos.append(_kept(f"person {person}, picture {sample}", crop))
            labels.append(person)
        if progress is not None:
            progress(len(photos), people * each)
    name = f"rendered people, {preset}"
    found = PhotoSet(name, "set of rendered people", photos, labels, None, aligned=True)
    return VerificationSet(name, found)


def verification_set(
    path: str | os.PathLike[str], *, name: str, progress: Progress | None = None
) -> VerificationSet:
    """What `evaluate recogniser` takes, its faces found and cut out.

    Pictures that are crops already are read again when they are needed.
    Raises what `open_photo_set` does, and CorruptFile for a picture that cannot be read.
    """
    photos = open_photo_set(path)
    if photos.aligned:
        return VerificationSet(name, photos)
    ready: list[Photo] = []
    kept: list[int] = []
    without_face, detected = [], 0
    for i, photo in enumerate(photos.photos):
        image = _read(photo)
        if is_crop(image):
            ready.append(photo)
            kept.append(i)
        else:
            detected += 1
            crop = largest_face(image, size_px=INPUT_PX, template=TEMPLATE)
            if crop is None:
                without_face.append(LeftOut(photo.name, NO_FACE))
                ready.append(photo)
            else:
                ready.append(_kept(photo.name, crop))
                kept.append(i)
        if progress is not None:
            progress(i + 1, len(photos.photos))
    crops, left_out = only_photos(replace(photos, photos=ready, aligned=True), kept)
    return VerificationSet(name, crops, detected, tuple(without_face), left_out)


def _read(photo: Photo) -> torch.Tensor:
    try:
        return photo.read()
    except _core.CorruptFile as error:
        raise _core.CorruptFile(f"{photo.name}: {error}") from None


def _kept(name: str, crop: torch.Tensor) -> Photo:
    crop = crop.clone()
    return Photo(name, lambda: crop)


def short_names(paths: Sequence[str | os.PathLike[str]]) -> list[str]:
    """The last part of each path; all of it where two end alike."""
    last = [Path(path).resolve().name for path in paths]
    return [
        name if last.count(name) == 1 else str(path) for name, path in zip(last, paths, strict=True)
    ]
