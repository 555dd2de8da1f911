"""Pictures of a dataset as small JPEGs inside a page."""

from __future__ import annotations

import base64
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from guise import _core
from guise.contact_sheet import contact_sheet
from guise.dataset_report.facts import Pictures
from guise.dataset_report.similarity import Integers

_JPEG_QUALITY = 85
_SHEET_ROWS, _SHEET_COLUMNS, _STRIP = 12, 10, 5
TILE_PX = 112


def as_labels(labels: torch.Tensor | Sequence[int]) -> Integers:
    """int64 [N]."""
    return np.asarray(labels, dtype=np.int64)


def spread(total: int, wanted: int) -> list[int]:
    """`wanted` places out of `total`, evenly spread; all where there are no more."""
    if total <= wanted:
        return list(range(total))
    return [i * total // wanted for i in range(wanted)]


def sheet_rows(pictures: Pictures, labels: Integers) -> list[dict[str, Any]]:
    """A row an identity: its number and strips of up to five pictures as data URIs."""
    order = np.argsort(labels, kind="stable")
    classes, starts = np.unique(labels[order], return_index=True)
    ends = np.append(starts[1:], len(order))
    rows = []
    for index in spread(len(classes), _SHEET_ROWS):
        own = np.sort(order[starts[index] : ends[index]])[:_SHEET_COLUMNS]
        lines = [pictures.metadata(int(place)) for place in own]
        tiles = [tile(pictures[int(place)][0]) for place in own]
        strips = []
        for start in range(0, len(tiles), _STRIP):
            part = tiles[start : start + _STRIP]
            samples = ", ".join(str(line["sample"]) for line in lines[start : start + _STRIP])
            strips.append(
                {
                    "uri": data_uri(contact_sheet(torch.stack(part), columns=len(part), gap_px=0)),
                    "alt": f"identity {lines[0]['identity']}, samples {samples}",
                    "share": 100 * len(part) / _STRIP,
                    "width": len(part) * TILE_PX,
                }
            )
        rows.append(
            {"identity": lines[0]["identity"], "about": _person(lines[0]), "strips": strips}
        )
    return rows


def _person(line: Mapping[str, Any]) -> str:
    known = line.get("attributes") or {}
    words = []
    if isinstance(known.get("female"), bool):
        words.append("woman" if known["female"] else "man")
    if known.get("age_years") is not None:
        words.append(f"{known['age_years']:.0f} years")
    if known.get("monk_tone") is not None:
        words.append(f"tone {known['monk_tone']:.0f} of 10")
    return ", ".join(words)


def tile(image: torch.Tensor) -> torch.Tensor:
    """uint8 [112, 112, 3] of a square picture; by area where it is larger."""
    planes = image.permute(2, 0, 1).unsqueeze(0).float()
    if tuple(image.shape[:2]) == (TILE_PX, TILE_PX):
        return image
    larger = image.shape[0] > TILE_PX
    mode = {"mode": "area"} if larger else {"mode": "bilinear", "align_corners": False}
    small = torch.nn.functional.interpolate(planes, size=(TILE_PX, TILE_PX), **mode)
    return small[0].round().clamp(0, 255).to(torch.uint8).permute(1, 2, 0).contiguous()


def data_uri(image: torch.Tensor) -> str:
    with tempfile.TemporaryDirectory(prefix="guise-page-") as scratch:
        path = str(Path(scratch) / "picture.jpg")
        _core.write_image(path, image, options=_core.WriteOptions(jpeg_quality=_JPEG_QUALITY))
        data = Path(path).read_bytes()
    return "data:image/jpeg;base64," + base64.b64encode(data).decode("ascii")
