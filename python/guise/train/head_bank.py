"""Cut-out heads to train a detector on: rendered pictures with what of them is a person.

Two banks: many small pictures for faces among others, fewer large ones for faces that fill a photo.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

import guise
from guise import _core

CHUNK_PEOPLE = 32


@dataclass(frozen=True)
class HeadBank:
    """N square pictures of S px."""

    pixels: NDArray[np.uint8]  # [N, S, S, 4]: RGB, and 255 where the person is
    boxes: NDArray[np.float32]  # [N, 4] px: x0, y0, x1, y1 (exclusive)
    landmarks: NDArray[np.float32]  # [N, 5, 2] px

    def __len__(self) -> int:
        return len(self.pixels)


def render_heads(
    folder: Path,
    *,
    size_px: int,
    people: int,
    samples: int,
    seed: int,
    threads: int = 0,
    on_progress: Callable[[int, int], None] | None = None,
) -> HeadBank:
    """Read from `folder`, or rendered into it; goes on where it stopped."""
    folder.mkdir(parents=True, exist_ok=True)
    stem = folder / f"heads-{size_px}px-{people}x{samples}-seed{seed}"
    rows, note = people * samples, stem.with_suffix(".json")
    done = int(json.loads(note.read_text(encoding="utf-8"))["people"]) if note.is_file() else 0
    pixels = _open(stem.with_suffix(".u8"), np.uint8, (rows, size_px, size_px, 4))
    places = _open(stem.with_suffix(".f32"), np.float32, (rows, 14))
    renderer = guise.Renderer(size_px=size_px, threads=threads, maps=True)
    for first in range(done, people, CHUNK_PEOPLE):
        last = min(first + CHUNK_PEOPLE, people)
        for batch in renderer.stream(
            identities=range(first, last), samples=samples, seed=seed, batch=32
        ):
            assert batch.parts is not None
            row = batch.identities.numpy() * samples + batch.samples.numpy()
            pixels[row, ..., :3] = batch.images.numpy()
            pixels[row, ..., 3] = np.where(batch.parts.numpy() > 0, 255, 0)
            places[row, :4] = batch.boxes.numpy()
            places[row, 4:] = batch.landmarks_5.numpy().reshape(-1, 10)
        pixels.flush()
        places.flush()
        part = note.with_suffix(".part")
        part.write_text(json.dumps({"people": last}), encoding="utf-8")
        part.replace(note)
        if on_progress is not None:
            on_progress(last, people)
    return HeadBank(pixels, places[:, :4], places[:, 4:].reshape(-1, 5, 2))


def _open(path: Path, dtype: type, shape: tuple[int, ...]) -> Any:
    return np.memmap(path, dtype, mode="r+" if path.is_file() else "w+", shape=shape)


@dataclass(frozen=True)
class PortraitBank:
    """Generated portraits with the box of the one face of each."""

    pictures: list[NDArray[np.uint8]]  # [H, W, 3] RGB
    boxes: NDArray[np.float32]  # [N, 4] px

    def __len__(self) -> int:
        return len(self.pictures)


def label_portraits(pictures: list[Path], detector: _core.Detector, labels: Path) -> PortraitBank:
    """The portraits in which `detector` finds one face far larger than whatever else it finds.

    Meant for a detector that has seen renders only: portraits are easy (one large face), and what
    it learns from them next is what photos hold beside faces. Boxes are kept in the file `labels`
    and read from there the next time.
    """
    names = [path.stem for path in pictures]
    if labels.is_file():
        known = {row["name"]: row["box"] for row in json.loads(labels.read_text(encoding="utf-8"))}
    else:
        known = {}
        for name, path in zip(names, pictures, strict=True):
            box = _largest_face(_core.detect_faces(guise.read_image(path), [detector]).faces)
            if box is not None:
                known[name] = box
        rows = [{"name": name, "box": list(box)} for name, box in known.items()]
        labels.write_text(json.dumps(rows), encoding="utf-8")
    kept = [path for name, path in zip(names, pictures, strict=True) if name in known]
    if not kept:
        raise ValueError("portraits must show one large face each; none does")
    boxes = np.array([known[path.stem] for path in kept], dtype=np.float32)
    return PortraitBank([guise.read_image(path).numpy() for path in kept], boxes)


def _largest_face(faces: list[_core.Face]) -> tuple[float, float, float, float] | None:
    """The box of the largest face, where it has three times the area of the next."""
    boxes = sorted((face.box for face in faces), key=_area, reverse=True)
    if not boxes or (len(boxes) > 1 and _area(boxes[0]) < 3 * _area(boxes[1])):
        return None
    return boxes[0]


def _area(box: tuple[float, float, float, float]) -> float:
    return (box[2] - box[0]) * (box[3] - box[1])
