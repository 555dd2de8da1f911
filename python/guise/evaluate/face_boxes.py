"""Faces that are known to be in photos: a CSV file, and which of them a detector found."""

from __future__ import annotations

import csv
import math
from collections.abc import Sequence
from pathlib import Path

from guise import _core

#: x0, y0, x1, y1 in px; x1 and y1 just outside.
Box = tuple[float, float, float, float]
_COLUMNS = ("file", "x0", "y0", "x1", "y1")
# A small face's box differs much between detectors: its centre must lie in the face, and its area
# be within this factor.
_AREA_FACTOR = 4.0


def read_boxes(path: Path, photos: Sequence[str]) -> dict[str, list[Box]]:
    """Faces by photo, from a CSV file with the columns file, x0, y0, x1, y1 (px, others ignored).

    photos: names below the folder. A photo without a row has no face. Raises ValueError (a row that
    is no box, or names no photo) and Unavailable.
    """
    boxes: dict[str, list[Box]] = {name: [] for name in photos}
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            reader = csv.DictReader(file)
            missing = [name for name in _COLUMNS if name not in (reader.fieldnames or ())]
            if missing:
                raise ValueError(
                    f"{path} must have the columns {', '.join(_COLUMNS)}; it lacks "
                    f"{', '.join(missing)}"
                )
            for row in reader:
                where = f"{path} line {reader.line_num}"
                name = str(row["file"]).replace("\\", "/")
                if name not in boxes:
                    raise ValueError(f"{where} must name a photo of the folder; got {name!r}")
                boxes[name].append(_box(where, [row[column] for column in _COLUMNS[1:]]))
    except OSError as error:
        raise _core.Unavailable(f"{path} cannot be read: {error.strerror}") from None
    except (UnicodeDecodeError, csv.Error) as error:
        raise _core.CorruptFile(f"{path} must be a CSV file in UTF-8: {error}") from None
    if not any(boxes.values()):
        raise ValueError(f"{path} must hold a face; it has none")
    return boxes


def _box(where: str, texts: Sequence[str | None]) -> Box:
    try:
        x0, y0, x1, y1 = (float(text or "") for text in texts)
    except ValueError:
        x0 = y0 = x1 = y1 = math.nan
    if not (x0 < x1 and y0 < y1 and all(map(math.isfinite, (x0, y0, x1, y1)))):
        raise ValueError(f"{where} must have x0 < x1 and y0 < y1 in px; got {list(texts)}")
    return x0, y0, x1, y1


def overlap(a: Box, b: Box) -> float:
    """Area of both over area of either (IoU)."""
    width = min(a[2], b[2]) - max(a[0], b[0])
    height = min(a[3], b[3]) - max(a[1], b[1])
    both = max(width, 0.0) * max(height, 0.0)
    return both / (area(a) + area(b) - both) if both > 0 else 0.0


def area(box: Box) -> float:
    """In square px."""
    return (box[2] - box[0]) * (box[3] - box[1])


def count_hits(known: Sequence[Box], found: Sequence[Box], least_overlap: float) -> int:
    """How many known faces are found. found: highest score first; each takes the known face that
    it overlaps most of those that are left."""
    left = list(known)
    for box in found:
        best = max(left, key=lambda face: overlap(face, box), default=None)
        if best is not None and overlap(best, box) >= least_overlap:
            left.remove(best)
    return len(known) - len(left)


def is_found(face: Box, found: Sequence[Box]) -> bool:
    """Whether a box lies on the face, however roughly."""
    return any(
        face[0] <= (box[0] + box[2]) / 2 <= face[2]
        and face[1] <= (box[1] + box[3]) / 2 <= face[3]
        and 1 / _AREA_FACTOR <= area(box) / area(face) <= _AREA_FACTOR
        for box in found
        if area(box) > 0
    )
