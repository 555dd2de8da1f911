"""How many faces detectors find in a folder of photos, and how small they may be."""

from __future__ import annotations

import os
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch

from guise import _core
from guise.evaluate.embedded_photos import LeftOut, Progress
from guise.evaluate.face_boxes import Box, count_hits, is_found, read_boxes
from guise.evaluate.recogniser import Rate, torch_threads
from guise.faces import detect

#: Heights of faces to which photos are shrunk for the curve, px.
FACE_HEIGHTS_PX = (8, 10, 12, 16, 20, 24, 32, 48, 64, 96)
LEAST_OVERLAP = 0.5
_FEWEST_AT_A_SIZE = 5
_PICTURES = (".jpg", ".jpeg", ".png", ".webp", ".bmp")
_NAMED = 10

#: A photo -> boxes, highest score first.
Detect = Callable[[torch.Tensor], Sequence[Box]]


@dataclass(frozen=True)
class SizeRate:
    """Share of faces that are found at one height. photos: how many were shrunk to it."""

    height_px: int
    photos: int
    found: Rate


@dataclass(frozen=True)
class DetectorReport:
    """What one detector did. recall, precision: None without known boxes.

    sizes: of the largest face of each photo (the largest known one, or without boxes the largest
    that this detector finds at full size), in photos shrunk by area.
    """

    model: str
    photos: int
    with_face: Rate
    boxes_per_photo: float
    photos_by_boxes: dict[int, int]
    recall: Rate | None
    precision: Rate | None
    sizes: list[SizeRate]
    median_ms: float
    without_face: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class DetectorReports:
    """Detectors on the same photos. known_faces: None without boxes."""

    source: str
    photos: int
    known_faces: int | None
    unreadable: list[LeftOut]
    reports: list[DetectorReport]


def evaluate_detector(
    names: Sequence[str],
    on: str | os.PathLike[str],
    *,
    boxes: str | os.PathLike[str] | None = None,
    least_overlap: float = LEAST_OVERLAP,
    heights_px: Sequence[int] = FACE_HEIGHTS_PX,
    threshold: float | None = None,
    skip_unreadable: bool = False,
    threads: int = 0,
    progress: Progress | None = None,
) -> DetectorReports:
    """Runs each detector over every photo below a folder, and over shrunk copies.

    names: of the registry. boxes: a CSV file with file, x0, y0, x1, y1 of every face.
    least_overlap: area of both over area of either from which on a face counts as found. threshold:
    accept score; by default each detector's own. Raises ValueError, Unavailable, and CorruptFile
    naming pictures that cannot be read, unless skip_unreadable leaves them out.
    """
    if not names:
        raise ValueError("at least one detector must be named; got none")
    if not 0 < least_overlap <= 1:
        raise ValueError(f"least_overlap must lie above 0 and at most at 1; got {least_overlap}")
    folder = Path(on)
    photos = list_photos(folder)
    known = None if boxes is None else read_boxes(Path(boxes), photos)
    images, unreadable = _check_readable(folder, photos, skip_unreadable)
    work = [
        _Tally(name, _detector(name, threshold), least_overlap) for name in dict.fromkeys(names)
    ]
    with torch_threads(threads):
        for done, name in enumerate(images):
            image = _core.read_image(str(folder / name))
            for tally in work:
                tally.add(name, image, None if known is None else known[name], heights_px)
            if progress is not None:
                progress(done + 1, len(images))
    faces = None if known is None else sum(len(known[name]) for name in images)
    reports = [tally.report(has_boxes=known is not None) for tally in work]
    return DetectorReports(str(folder), len(images), faces, unreadable, reports)


def list_photos(folder: Path) -> list[str]:
    """Pictures below a folder by name, in order. Raises ValueError (none) and Unavailable."""
    if not folder.is_dir():
        raise _core.Unavailable(f"{folder} must be a folder of photos; there is none")
    found = [
        path.relative_to(folder).as_posix()
        for path in sorted(folder.rglob("*"))
        if path.suffix.lower() in _PICTURES and path.name[0] != "." and path.is_file()
    ]
    if not found:
        raise ValueError(f"{folder} must hold photos (JPEG, PNG, WebP or BMP); it has none")
    return found


def _check_readable(
    folder: Path, photos: Sequence[str], skip: bool
) -> tuple[list[str], list[LeftOut]]:
    """Decodes every photo once: a run of hours must not end at the last of them."""
    readable, failures = [], []
    for name in photos:
        try:
            _core.read_image(str(folder / name))
            readable.append(name)
        except (_core.CorruptFile, _core.Unavailable) as error:
            failures.append(LeftOut(name, str(error)))
    if failures and not skip:
        named = "; ".join(f"{each.name}: {each.reason}" for each in failures[:_NAMED])
        raise _core.CorruptFile(
            f"{len(failures)} of {len(photos)} pictures of {folder} cannot be read: {named}; mend "
            "them, or leave them out with skip_unreadable (--skip-unreadable)"
        )
    if not readable:
        raise ValueError(f"{folder} must hold a photo that can be read; all {len(photos)} cannot")
    return readable, failures


def _detector(name: str, threshold: float | None) -> Detect:
    def run(image: torch.Tensor) -> list[Box]:
        if threshold is None:
            return [face.box for face in detect(image, detectors=(name,))]
        return [face.box for face in detect(image, detectors=(name,), threshold=threshold)]

    run(torch.zeros(64, 64, 3, dtype=torch.uint8))  # opened now: a missing model is an early error
    return run


class _Tally:
    """What one detector has done so far."""

    def __init__(self, name: str, run: Detect, least_overlap: float) -> None:
        self.name, self.run, self.least_overlap = name, run, least_overlap
        self.counts: dict[int, int] = {}
        self.without: list[str] = []
        self.milliseconds: list[float] = []
        self.known = self.hits = self.boxes = 0
        self.sizes: dict[int, list[bool]] = {}

    def add(
        self, name: str, image: torch.Tensor, known: list[Box] | None, heights_px: Sequence[int]
    ) -> None:
        started = time.perf_counter()
        found = self.run(image)
        self.milliseconds.append(1000 * (time.perf_counter() - started))
        self.counts[len(found)] = self.counts.get(len(found), 0) + 1
        self.boxes += len(found)
        if not found:
            self.without.append(name)
        if known is not None:
            self.known += len(known)
            self.hits += count_hits(known, found, self.least_overlap)
        faces = found if known is None else known
        if faces:
            self._shrink(image, max(faces, key=lambda box: box[3] - box[1]), heights_px)

    def _shrink(self, image: torch.Tensor, face: Box, heights_px: Sequence[int]) -> None:
        for height in heights_px:
            scale = height / (face[3] - face[1])
            if scale > 1:
                continue
            smaller, scales = shrunk(image, scale)
            x, y = scales
            target = (face[0] * x, face[1] * y, face[2] * x, face[3] * y)
            self.sizes.setdefault(height, []).append(is_found(target, self.run(smaller)))

    def report(self, *, has_boxes: bool) -> DetectorReport:
        photos = sum(self.counts.values())
        return DetectorReport(
            model=self.name,
            photos=photos,
            with_face=_wilson(photos - len(self.without), photos),
            boxes_per_photo=self.boxes / photos,
            photos_by_boxes=dict(sorted(self.counts.items())),
            recall=_wilson(self.hits, self.known) if has_boxes and self.known else None,
            precision=_wilson(self.hits, self.boxes) if has_boxes and self.boxes else None,
            sizes=[
                SizeRate(height, len(hits), _wilson(sum(hits), len(hits)))
                for height, hits in sorted(self.sizes.items())
                if len(hits) >= _FEWEST_AT_A_SIZE
            ],
            median_ms=statistics.median(self.milliseconds),
            without_face=self.without,
        )


def shrunk(image: torch.Tensor, scale: float) -> tuple[torch.Tensor, tuple[float, float]]:
    """uint8 [h, w, 3] averaged down by area, and the scales across and down that came of it."""
    height, width = int(image.shape[0]), int(image.shape[1])
    size = (max(1, round(height * scale)), max(1, round(width * scale)))
    planes = image.permute(2, 0, 1).unsqueeze(0).float()
    smaller = torch.nn.functional.interpolate(planes, size=size, mode="area")[0]
    pixels = smaller.round().clamp(0, 255).to(torch.uint8).permute(1, 2, 0).contiguous()
    return pixels, (size[1] / width, size[0] / height)


def _wilson(hits: int, trials: int) -> Rate:
    found = _core.wilson_interval(hits, trials)
    return Rate(hits / trials, found.low, found.high)


def report_figures(reports: DetectorReports) -> dict[str, Any]:
    """Everything as plain values for JSON."""

    def plain(report: DetectorReport) -> Mapping[str, Any]:
        values = asdict(report)
        values["photos_by_boxes"] = {str(k): v for k, v in report.photos_by_boxes.items()}
        return values

    return {
        "on": {
            "name": Path(reports.source).name,
            "photos": reports.photos,
            "known_faces": reports.known_faces,
            "unreadable": [asdict(each) for each in reports.unreadable],
        },
        "detectors": [plain(report) for report in reports.reports],
    }
