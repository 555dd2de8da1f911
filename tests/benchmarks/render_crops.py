"""Aligned faces to train and to measure on: rendered ones in a file, and the ORL photos."""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
import time
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from render_support import (
    Bools,
    Integers,
    Source,
    crop_faces,
    data_folder,
    is_present,
    open_detector,
    parameter,
)
from support import list_photos, read_image
from torch import Tensor

CROP_PX = 80  # kept on disk
INPUT_PX = 64  # seen by the network
CHUNK = 32  # people rendered between two notes of progress
# Shots of ORL that show glasses, for the people who wear them; noted by looking.
ORL_GLASSES: dict[int, tuple[int, ...]] = {
    4: (1, 2, 3, 8, 9),
    7: (4, 5, 10),
    13: (1, 2, 5, 6, 7, 8, 9, 10),
    17: (1, 2, 5, 6, 7, 8, 9, 10),
    19: (1, 2, 3, 6, 10),
    20: (1, 2, 3, 5, 7, 8, 9, 10),
    36: (9, 10),
} | {person: tuple(range(1, 11)) for person in (2, 6, 14, 27, 28, 31, 34, 37)}


@dataclass(frozen=True)
class Crops:
    """Aligned faces: 64 px in the middle are the view, the rest is room for augmentation."""

    pixels: NDArray[np.uint8]  # [N, 80, 80, 3]
    people: Integers  # [N]
    glasses: Bools  # [N]

    def of(self, low: int, high: int) -> Crops:
        """The people from low to high."""
        inside = np.flatnonzero((self.people >= low) & (self.people < high))
        span = slice(inside[0], inside[-1] + 1) if len(inside) else slice(0, 0)
        return Crops(self.pixels[span], self.people[span], self.glasses[span])


def margin_of(view: float) -> float:
    """What an 80 px crop shows beyond the ArcFace square when 64 px show ``view`` squares."""
    return (CROP_PX / INPUT_PX * view - 1) / 2


class Cache:
    """Crops of rendered people in one memory-mapped file, filled once."""

    def __init__(self, source: Source, arguments: argparse.Namespace) -> None:
        self.source, self.arguments = source, arguments
        people = arguments.identities + arguments.held_out
        first = next(iter(source.stream(range(1), range(arguments.images))), None)
        if first is None:
            sys.exit("the first person has no pictures")
        settings = [arguments.size, arguments.seed, arguments.images, arguments.view, people]
        key = hashlib.sha256(json.dumps(settings).encode())
        key.update(first.images.tobytes() + first.landmarks_5.tobytes())
        arguments.cache.mkdir(parents=True, exist_ok=True)
        self.stem = arguments.cache / f"crops_{key.hexdigest()[:12]}"
        self.people = people
        self.rows = people * arguments.images

    def _open(self, suffix: str, dtype: type, shape: tuple[int, ...]) -> Any:
        path = self.stem.with_suffix(suffix)
        return np.memmap(path, dtype, mode="r+" if path.exists() else "w+", shape=shape)

    def fill(self) -> Crops:
        """Render what is missing, and open the file."""
        pixels = self._open(".u8", np.uint8, (self.rows, CROP_PX, CROP_PX, 3))
        labels = self._open(".i32", np.int32, (self.rows, 2))
        note = self.stem.with_suffix(".json")
        progress = {"rows": 0, "next": 0}
        if note.is_file():
            progress = json.loads(note.read_text(encoding="utf-8"))
        row, start, begun = progress["rows"], progress["next"], time.perf_counter()
        begin_row = row
        for person in range(start, self.people, CHUNK):
            people = range(person, min(person + CHUNK, self.people))
            for faces in self.source.stream(people, range(self.arguments.images)):
                end = row + len(faces)
                pixels[row:end] = crop_faces(
                    faces.images, faces.landmarks_5, CROP_PX, margin_of(self.arguments.view)
                )
                labels[row:end, 0] = faces.identities
                labels[row:end, 1] = [
                    is_present(parameter(p, "photo.wearing.glasses")) for p in faces.parameters
                ]
                row = end
            pixels.flush()
            labels.flush()
            part = note.with_suffix(".part")
            part.write_text(json.dumps({"rows": row, "next": people.stop}), encoding="utf-8")
            part.replace(note)
            rate = (row - begin_row) / (time.perf_counter() - begun)
            print(f"\r{row}/{self.rows} crops, {rate:.0f}/s ", end="", file=sys.stderr, flush=True)
        print(file=sys.stderr)
        return Crops(pixels[:row], labels[:row, 0].astype(np.int64), labels[:row, 1].astype(bool))


def load_orl(arguments: argparse.Namespace) -> Crops:
    """ORL cut by the detector's landmarks, found in the photo or, failing that, with a border."""
    paths = list_photos(data_folder(arguments) / "orl")
    if not paths:
        sys.exit(f"no photos in {data_folder(arguments)}/orl: name the folder with --data DIR")
    detect = open_detector(arguments.detector, data_folder(arguments))
    crops, missed = [], []
    for path in paths:
        image = read_image(path)
        padded = np.pad(image, ((28, 28), (28, 28), (0, 0)), mode="edge")
        tries = [(image, 0), (padded, 28)]
        found = next(((f[0], shift) for view, shift in tries if (f := detect(view))), None)
        if found is None:
            missed.append(path.stem)
            points = np.array([[30, 45], [62, 45], [46, 62], [33, 80], [59, 80]], np.float64)
        else:
            points = np.asarray(found[0].landmarks, dtype=np.float64) - found[1]
        crops.append(crop_faces([image], points[None], CROP_PX, margin_of(arguments.view))[0])
    if missed:
        print(f"ORL: no face found in {missed}, cut by the middle of the photo", file=sys.stderr)
    names = [path.stem[1:].split("_") for path in paths]
    worn = [int(shot) in ORL_GLASSES.get(int(person), ()) for person, shot in names]
    people = np.array([int(person) for person, _ in names], dtype=np.int64)
    return Crops(np.stack(crops), people, np.array(worn))


def middle(crops: Crops) -> Tensor:
    """[N, 3, 64, 64] in -1..1: the view without augmentation."""
    edge = (CROP_PX - INPUT_PX) // 2
    view = torch.from_numpy(crops.pixels[:, edge:-edge, edge:-edge].copy())
    return view.permute(0, 3, 1, 2).float().div_(127.5).sub_(1)
