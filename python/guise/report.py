"""The report of a run: read it, and show it as one page with pictures before and after.

The report itself is JSON Lines, written by the engine, and holds no pixels. The page does: whoever
makes it decides with `show_originals` whether un-anonymised pictures go in.
"""

from __future__ import annotations

import base64
import json
import os
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

import jinja2
import torch

from guise import _core
from guise.models.registry import packaged_text

_TEMPLATE = "comparison.html.j2"
_PICTURE_SIDE_PX = 640
_JPEG_QUALITY = 82
# Rows of the table; beyond that a page is slow to open and the report itself serves better.
_ROWS_SHOWN = 2000
# Order on the page and in the figures: what needs a person first.
_STATUSES = ("review", "failed", "written", "without_face")
_WORDS = {
    "review": "needs review",
    "failed": "failed",
    "written": "written",
    "without_face": "written, no face found",
}


@dataclass(frozen=True)
class Report:
    """A report as it was written. `summary` is None where the run did not end."""

    header: dict[str, Any]
    photos: tuple[dict[str, Any], ...]
    summary: dict[str, Any] | None


def read_report(path: str | os.PathLike[str]) -> Report:
    """Reads a report. A photo that occurs twice (a run taken up again) counts as it was last.

    Raises Unavailable (no such file) and CorruptFile naming the line. Only the last line may be
    cut off: that is what a killed run leaves.
    """
    try:
        lines = Path(path).read_bytes().split(b"\n")
    except OSError as error:
        raise _core.Unavailable(f"{path} must be a readable report: {error.strerror}") from None
    header: dict[str, Any] | None = None
    photos: dict[str, dict[str, Any]] = {}
    summary: dict[str, Any] | None = None
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            values = json.loads(line)
        except ValueError:
            if number == len(lines):
                break
            raise _core.CorruptFile(
                f"{path} must hold JSON on line {number}; it does not"
            ) from None
        if not isinstance(values, dict):
            raise _core.CorruptFile(f"{path} must hold a JSON object on line {number}")
        if "guise" in values:
            header = values
        elif "summary" in values:
            summary = values["summary"]
        elif values.get("status") in _STATUSES and isinstance(values.get("photo"), str):
            photos[values["photo"]] = values
            summary = None
        else:
            raise _core.CorruptFile(f"{path} must hold a photo or a summary on line {number}")
    if header is None:
        raise _core.CorruptFile(f"{path} must begin with a line that names guise's version")
    return Report(header, tuple(photos.values()), summary)


@dataclass
class _Card:
    """One photo on the page."""

    photo: str
    status: str
    words: str
    reason: str
    faces: int
    details: str
    width_px: int
    height_px: int
    boxes: list[dict[str, Any]] = field(default_factory=list)
    before: str = ""
    after: str = ""


def write_comparison_page(
    path: str | os.PathLike[str],
    *,
    report: str | os.PathLike[str],
    input_folder: str | os.PathLike[str],
    output_folder: str | os.PathLike[str],
    title: str = "Anonymised photos",
    show_originals: bool = False,
    max_pictures: int = 60,
) -> Path:
    """Writes one self-contained HTML page about a run and returns its path.

    report: the JSON Lines file of the run. input_folder, output_folder: the folders of the run.
    show_originals: put the un-anonymised photos in, with the boxes found. False: the page holds no
    pixel that the run did not write. max_pictures: photos that are shown with pictures, those that
    need review first; all others are in the table only.
    Raises ValueError, Unavailable (no report), CorruptFile (the report is none).
    """
    if max_pictures < 0:
        raise ValueError(f"max_pictures must be 0 or more; got {max_pictures}")
    found = read_report(report)
    photos = sorted(found.photos, key=lambda p: (_STATUSES.index(p["status"]), p["photo"]))
    cards = [_card(photo) for photo in photos]
    for card, photo in list(zip(cards, photos, strict=True))[:max_pictures]:
        if show_originals:
            card.before = _picture(Path(input_folder), photo["photo"])
        if photo.get("output"):
            card.after = _picture(Path(output_folder), photo["output"])
    environment = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined)
    page = environment.from_string(packaged_text(_TEMPLATE)).render(
        title=title,
        figures=_figures(found, cards),
        finished=found.summary is not None,
        version=found.header.get("guise", ""),
        options=_option_lines(found.header.get("options", {})),
        cards=cards,
        rows=cards[:_ROWS_SHOWN],
        pictured=cards[:max_pictures],
        show_originals=show_originals,
    )
    target = Path(path)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(page, encoding="utf-8")
    except OSError as error:
        raise _core.Unavailable(f"{target} cannot be written: {error.strerror}") from None
    return target


def _card(photo: dict[str, Any]) -> _Card:
    times = photo.get("times_ms") or {}
    steps = [f"{name.replace('_', ' ')} {ms:.0f} ms" for name, ms in times.items()]
    total = f"{sum(times.values()):.0f} ms" if times else ""
    size = f"{photo.get('width_px') or 0} x {photo.get('height_px') or 0} px"
    mask = [photo.get("method"), photo.get("shape")]
    details = [size if photo.get("width_px") else "", " ".join(filter(None, mask)), total]
    return _Card(
        photo=photo["photo"],
        status=photo["status"],
        words=_WORDS[photo["status"]],
        reason=str(photo.get("reason") or ""),
        faces=len(photo.get("faces") or []),
        details=" · ".join(filter(None, details)) + (f" ({', '.join(steps)})" if steps else ""),
        width_px=int(photo.get("width_px") or 0),
        height_px=int(photo.get("height_px") or 0),
        boxes=list(_boxes(photo)),
    )


def _boxes(photo: dict[str, Any]) -> Iterable[dict[str, Any]]:
    for kind, word in (("faces", "face"), ("doubtful", "doubtful"), ("uncovered", "uncovered")):
        for face in photo.get(kind) or []:
            x0, y0, x1, y1 = (float(value) for value in face["box"])
            score = float(face.get("score") or 0)
            label = f"{word} {score:.2f} {face.get('detector') or ''}".strip()
            yield {"kind": word, "x": x0, "y": y0, "w": x1 - x0, "h": y1 - y0, "label": label}


def _figures(report: Report, cards: list[_Card]) -> list[tuple[str, str]]:
    """The figures at the top, counted from the photos: they hold for an unfinished run too."""
    counts = {status: sum(card.status == status for card in cards) for status in _STATUSES}
    figures = [
        ("photos", str(len(cards))),
        ("written", str(counts["written"] + counts["without_face"])),
        ("no face found", str(counts["without_face"])),
        ("need review", str(counts["review"])),
        ("failed", str(counts["failed"])),
        ("faces covered", str(sum(c.faces for c in cards if c.status == "written"))),
    ]
    seconds = float((report.summary or {}).get("seconds") or 0)
    if seconds > 0:
        figures.append(("time", f"{seconds:.1f} s"))
        figures.append(("photos per second", f"{len(cards) / seconds:.1f}"))
    return figures


def _option_lines(options: object, prefix: str = "") -> list[tuple[str, str]]:
    if not isinstance(options, dict):
        return []
    lines: list[tuple[str, str]] = []
    for name, value in options.items():
        if isinstance(value, dict):
            lines += _option_lines(value, f"{prefix}{name}.")
        elif isinstance(value, list):
            texts = [
                " ".join(str(v) for v in item.values()) if isinstance(item, dict) else str(item)
                for item in value
            ]
            lines.append((prefix + name, ", ".join(texts)))
        else:
            lines.append((prefix + name, str(value)))
    return lines


def _picture(folder: Path, name: str) -> str:
    """A small copy of a photo as a data URI; empty where it cannot be read.

    Read and encoded by the engine: its limits hold, orientation is applied, metadata stays behind.
    A name that leads out of the folder is not followed.
    """
    relative = PurePosixPath(name)
    if relative.is_absolute() or ".." in relative.parts:
        return ""
    try:
        image = _core.read_image(str(folder / relative))
        with tempfile.TemporaryDirectory(prefix="guise-page-") as scratch:
            small = str(Path(scratch) / "small.jpg")
            options = _core.WriteOptions(jpeg_quality=_JPEG_QUALITY)
            _core.write_image(small, _shrink(image), options=options)
            data = Path(small).read_bytes()
    except (_core.CorruptFile, _core.Unavailable, OSError):
        return ""
    return "data:image/jpeg;base64," + base64.b64encode(data).decode("ascii")


def _shrink(image: torch.Tensor) -> torch.Tensor:
    """[H, W, 3] uint8 to at most `_PICTURE_SIDE_PX` on the longer side, with antialiasing."""
    height, width = int(image.shape[0]), int(image.shape[1])
    factor = _PICTURE_SIDE_PX / max(height, width)
    if factor >= 1:
        return image
    size = [max(1, round(height * factor)), max(1, round(width * factor))]
    planes = image.permute(2, 0, 1).unsqueeze(0)
    small = torch.nn.functional.interpolate(planes, size=size, mode="bilinear", antialias=True)
    return small[0].permute(1, 2, 0).contiguous()
