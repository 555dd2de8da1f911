"""Aligned crops to train a recogniser on: rendered people and generated portraits, kept on disk.

A crop shows the ArcFace square and a quarter more, so that augmentation has room to move: of
`CROP_PX` pixels the `INPUT_PX` in the middle are what a recogniser sees.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

import guise
from guise import _core
from guise.train.crop_size import CROP_PX as CROP_PX
from guise.train.crop_size import INPUT_PX as INPUT_PX
from guise.train.people_group import PeopleGroup as PeopleGroup

RENDER_PX = 128
CHUNK_PEOPLE = 32  # rendered between two notes of progress

Floats = NDArray[np.float64]
Bytes = NDArray[np.uint8]

# The five points of InsightFace's template for crops of 112 px, pixel centres at whole numbers.
ARCFACE_112 = np.array(
    [
        [38.2946, 51.6963],
        [73.5318, 51.5014],
        [56.0252, 71.7366],
        [41.5493, 92.3655],
        [70.7299, 92.2041],
    ]
)


def template_points(side_px: int = CROP_PX, inner_px: float = INPUT_PX) -> Floats:
    """[5, 2] px: where the five points lie in a crop whose middle `inner_px` are the square."""
    points: Floats = (ARCFACE_112 + 0.5) * inner_px / 112 + (side_px - inner_px) / 2 - 0.5
    return points


def crop_matrix(landmarks: Floats, target: Floats) -> Floats:
    """[2, 3]: crop to picture, the least-squares similarity (Umeyama 1991, without reflection)."""
    centre, middle = landmarks.mean(0), target.mean(0)
    p, q = (landmarks - centre).T, (target - middle).T
    a, b = float((p * q).sum()), float((p[0] * q[1] - p[1] * q[0]).sum())
    spread = float((p**2).sum())
    if spread <= 0 or a * a + b * b <= 0:
        raise ValueError("landmarks must not all lie in one place")
    linear = np.linalg.inv(np.array([[a, -b], [b, a]]) / spread)
    return np.hstack([linear, (centre - linear @ middle)[:, None]])


@dataclass(frozen=True)
class CropLayout:
    """What a crop shows and how finely it is drawn; by default what a recogniser learns from."""

    crop_px: int = CROP_PX  # kept on disk
    inner_px: int = INPUT_PX  # ArcFace's square in its middle
    render_px: int = RENDER_PX

    def __post_init__(self) -> None:
        if not 0 < self.inner_px <= self.crop_px:
            raise ValueError(
                f"inner_px must lie from 1 to crop_px; got {self.inner_px} of {self.crop_px}"
            )


def crop_face(
    image: Bytes, landmarks: Floats, side_px: int = CROP_PX, inner_share: float = INPUT_PX / CROP_PX
) -> Bytes:
    """uint8 [H, W, 3], [5, 2] px -> uint8 [side_px, side_px, 3].

    inner_share: of the side, how much ArcFace's square takes up. Drawn at twice the size from a
    picture that was halved until it is not more than twice as fine, then averaged: no aliasing.
    Pixels outside repeat the edge.
    """
    target = template_points(side_px, side_px * inner_share)
    matrix = crop_matrix(np.asarray(landmarks, dtype=np.float64), target)
    while np.linalg.norm(matrix[:, 0]) > 2 and min(image.shape[:2]) > 2:
        height, width = image.shape[0] // 2, image.shape[1] // 2
        image = cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA).astype(np.uint8)
        matrix[:, 2] = (matrix[:, 2] + 0.5) / 2 - 0.5
        matrix[:, :2] /= 2
    # Pixel i of the crop at twice the size lies at (i + 0.5) / 2 - 0.5 of the crop.
    fine = np.hstack([matrix[:, :2] / 2, (matrix[:, 2] - matrix[:, :2] @ (0.25, 0.25))[:, None]])
    large = cv2.warpAffine(
        image,
        fine,
        (2 * side_px, 2 * side_px),
        flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
        borderMode=cv2.BORDER_REPLICATE,
    )
    small = cv2.resize(large, (side_px, side_px), interpolation=cv2.INTER_AREA)
    return np.asarray(small, dtype=np.uint8)


def training_groups(people: int, samples: int, seed: int) -> list[PeopleGroup]:
    """What house-recogniser learns from: half of everything, half as people pose for photos."""
    posed = _core.RecipeOptions(
        yaw_limit_deg=60,
        yaw_tail_share=0.1,
        pitch_limit_deg=30,
        roll_limit_deg=25,
        mask_share=0.01,
        scarf_share=0.01,
        hand_share=0.01,
        hat_share=0.04,
        sunglasses_share=0.02,
        glasses_share=0.35,
    )
    return [
        PeopleGroup("all", _core.RecipeOptions(), people // 2, samples, 2 * seed),
        PeopleGroup("posed", posed, people - people // 2, samples, 2 * seed + 1),
    ]


@dataclass(frozen=True)
class Crops:
    """Crops in one array, the pictures of a person together."""

    pixels: Bytes  # [N, crop_px, crop_px, 3]
    people: NDArray[np.int64]  # [N], 0, 1, 2, ...

    def __len__(self) -> int:
        return len(self.people)


def _settings(group: PeopleGroup, layout: CropLayout) -> dict[str, Any]:
    settings = {
        "options": group.options.as_dict(),
        "render_px": layout.render_px,
        "crop_px": layout.crop_px,
    }
    if layout.inner_px * CROP_PX != layout.crop_px * INPUT_PX:
        settings["inner_px"] = layout.inner_px
    return settings


def render_crops(
    group: PeopleGroup,
    folder: Path,
    *,
    layout: CropLayout | None = None,
    threads: int = 0,
    on_progress: Callable[[str, int, int], None] | None = None,
) -> Crops:
    """The crops of a group, read from `folder` or rendered into it; goes on where it stopped.

    The file's name follows from everything that decides about its bytes but the renderer itself:
    use another folder after the renderer has changed.
    """
    layout = layout or CropLayout()
    rows = group.people * group.samples
    folder.mkdir(parents=True, exist_ok=True)
    stem = folder / f"{group.name}-{group.people}x{group.samples}-seed{group.seed}"
    note = stem.with_suffix(".json")
    settings = _settings(group, layout)
    done = 0
    if note.is_file():
        known = json.loads(note.read_text(encoding="utf-8"))
        if known["settings"] != settings:
            raise ValueError(
                f"{stem} must hold crops of the same options; it holds others; use another folder"
            )
        done = int(known["people"])
    shape = (rows, layout.crop_px, layout.crop_px, 3)
    pixels: Any = np.memmap(
        stem.with_suffix(".u8"),
        np.uint8,
        mode="r+" if stem.with_suffix(".u8").is_file() else "w+",
        shape=shape,
    )
    renderer = guise.Renderer(options=group.options, size_px=layout.render_px, threads=threads)
    for first in range(done, group.people, CHUNK_PEOPLE):
        last = min(first + CHUNK_PEOPLE, group.people)
        for batch in renderer.stream(
            identities=range(first, last), samples=group.samples, seed=group.seed, batch=64
        ):
            for image, points, person, sample in zip(
                batch.images.numpy(),
                batch.landmarks_5.numpy(),
                batch.identities.tolist(),
                batch.samples.tolist(),
                strict=True,
            ):
                pixels[person * group.samples + sample] = crop_face(
                    image, points, layout.crop_px, layout.inner_px / layout.crop_px
                )
        pixels.flush()
        part = note.with_suffix(".part")
        text = json.dumps({"people": last, "settings": settings})
        part.write_text(text, encoding="utf-8")
        part.replace(note)
        if on_progress is not None:
            on_progress(group.name, last, group.people)
    return Crops(pixels, np.repeat(np.arange(group.people, dtype=np.int64), group.samples))


def portrait_crops(pictures: Sequence[Path], detectors: Sequence[str]) -> Crops:
    """One crop of each generated portrait with exactly one face in it, each a person of its own."""
    crops = []
    for path in pictures:
        faces = guise.detect(path, detectors=tuple(detectors))
        if len(faces) == 1:
            image = guise.read_image(path)
            crops.append(crop_face(image.numpy(), faces[0].landmarks.numpy().astype(np.float64)))
    if not crops:
        raise ValueError("portraits must show one face each; none does")
    return Crops(np.stack(crops), np.arange(len(crops), dtype=np.int64))


def list_portraits(folder: Path) -> list[Path]:
    """The pictures below `folder`, sorted. Raises ValueError where there are none."""
    found: Iterator[Path] = (
        path for path in folder.rglob("*") if path.suffix.lower() in {".jpg", ".jpeg", ".png"}
    )
    pictures = sorted(found)
    if not pictures:
        raise ValueError(
            f"the folder of portraits must hold .jpg or .png pictures; {folder} holds none"
        )
    return pictures
