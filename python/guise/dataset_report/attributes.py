"""Charts of what the metadata says about each picture, and of what is measured on a sample."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from guise.dataset_report.charts import Chart, Floats, bars, histogram, word_bars

SECTIONS = (
    "Pose",
    "Light",
    "People",
    "Worn and in the way",
    "Picture quality",
    "Other attributes",
)


@dataclass(frozen=True)
class _Known:
    """How an attribute is shown. `title` of a truth value names what is true."""

    section: str
    title: str
    quantity: str = ""
    unit: str = ""
    bounds: tuple[float, float] | None = None
    whole: bool = False
    #: `unit` tells what the ends of a scale mean.
    scale: bool = False


_KNOWN = {
    "yaw_deg": _Known("Pose", "Yaw", "yaw (+ to the right of the picture)", "degrees"),
    "pitch_deg": _Known("Pose", "Pitch", "pitch (+ up)", "degrees"),
    "roll_deg": _Known("Pose", "Roll", "roll (+ clockwise)", "degrees"),
    "lamp_share": _Known(
        "Light", "Light from lamps", "share of the light", "0 (none) to 1 (all)", (0, 1), scale=True
    ),
    "exposure_ev": _Known("Light", "Exposure", "exposure", "EV"),
    "female": _Known("People", "women"),
    "age_years": _Known("People", "Age", "age", "years"),
    "monk_tone": _Known(
        "People", "Skin tone", "Monk scale", "1 (lightest) to 10", (1, 10), whole=True, scale=True
    ),
    "beard": _Known("People", "beard"),
    "glasses": _Known("Worn and in the way", "glasses"),
    "sunglasses": _Known("Worn and in the way", "sunglasses"),
    "hat": _Known("Worn and in the way", "hat"),
    "occluder": _Known("Worn and in the way", "In front of the face"),
    "grey": _Known("Picture quality", "in grey"),
    "jpeg_quality": _Known(
        "Picture quality", "JPEG quality", "quality of the camera's JPEG", "0 to 100", scale=True
    ),
    "defocus_px": _Known("Picture quality", "Defocus", "blur of the lens", "px"),
    "noise": _Known("Picture quality", "Noise", "noise", "share of full scale", scale=True),
    "sharpness": _Known(
        "Picture quality", "Sharpness", "variance of the Laplacian", "grey levels²"
    ),
    "brightness": _Known(
        "Picture quality", "Brightness", "mean grey", "grey levels, 0 to 255", (0, 255), scale=True
    ),
}
# The unit that the end of a name promises (CONVENTIONS.md).
_ENDINGS = {
    "_deg": "degrees",
    "_px": "px",
    "_ms": "ms",
    "_years": "years",
    "_ev": "EV",
    "_share": "0 to 1",
    "_mm": "mm",
    "_dm": "dm",
}
_NO_UNIT = "no unit stated"
_FEW_WHOLE_NUMBERS = 20


def attribute_sections(
    metadata: Sequence[Mapping[str, Any]], measured: Mapping[str, Floats]
) -> list[tuple[str, list[Chart]]]:
    """(heading, charts) in the order of the page; headings without charts are left out.

    metadata: the lines of the pictures, each with a flat map "attributes". measured: further
    numbers by name, of some of the pictures. Whatever else a generator notes gets a chart too.
    """
    columns: dict[str, list[Any]] = {}
    for line in metadata:
        for name, value in (line.get("attributes") or {}).items():
            if value is not None:
                columns.setdefault(name, []).append(value)
    sections: dict[str, list[Chart]] = {name: [] for name in SECTIONS}
    for name in sorted({*columns, *measured}, key=_place):
        values = measured[name].tolist() if name in measured else columns[name]
        chart = _chart(name, values)
        if chart is not None:
            sections[_known(name).section].append(chart)
    for heading, charts in sections.items():
        truths = {n: v for n, v in columns.items() if _is_truth(v) and _section(n) == heading}
        if truths:
            charts.append(_truth_chart(truths, heading))
    return [(heading, charts) for heading, charts in sections.items() if charts]


def redraw_chart(metadata: Sequence[Mapping[str, Any]]) -> Chart | None:
    """How often pictures were drawn again before one passed; None where none ever was."""
    attempts = np.array([int(line.get("attempt") or 0) for line in metadata], dtype=np.float64)
    if not len(attempts) or attempts.max() == 0:
        return None
    return histogram(
        attempts,
        title="Drawn again",
        quantity="times a picture was drawn again",
        unit="times",
        whole=True,
        bounds=(0, float(attempts.max())),
    )


def measured_quality(image: torch.Tensor) -> tuple[float, float]:
    """(variance of the Laplacian, mean) of a uint8 [H, W, 3] picture in grey, 0 to 255.

    The Laplacian is that of four neighbours, inside the picture only.
    """
    grey = image.double() @ torch.tensor([0.299, 0.587, 0.114], dtype=torch.float64)
    inner = grey[1:-1, 1:-1]
    laplacian = grey[:-2, 1:-1] + grey[2:, 1:-1] + grey[1:-1, :-2] + grey[1:-1, 2:] - 4 * inner
    sharpness = float(laplacian.var(correction=0)) if laplacian.numel() else 0.0
    return sharpness, float(grey.mean())


def _place(name: str) -> tuple[int, str]:
    known = list(_KNOWN)
    return (known.index(name), "") if name in _KNOWN else (len(known), name)


def _known(name: str) -> _Known:
    if name in _KNOWN:
        return _KNOWN[name]
    words = name
    unit = _NO_UNIT
    for ending, meaning in _ENDINGS.items():
        if name.endswith(ending):
            unit = meaning
            words = name if ending == "_share" else name.removesuffix(ending)
    words = words.replace("_", " ")
    scale = unit in (_NO_UNIT, "0 to 1")
    return _Known("Other attributes", words[:1].upper() + words[1:], words, unit, scale=scale)


def _section(name: str) -> str:
    return _known(name).section


def _is_truth(values: Sequence[Any]) -> bool:
    return all(isinstance(value, bool) for value in values)


def _chart(name: str, values: Sequence[Any]) -> Chart | None:
    """The chart of one attribute; None for truth values, which share one chart a section."""
    known = _known(name)
    if _is_truth(values):
        return None
    if not all(isinstance(value, (int, float)) for value in values):
        return word_bars([str(value) for value in values], title=known.title)
    numbers = np.array([v for v in values if math.isfinite(v)], dtype=np.float64)
    if not len(numbers):
        return None
    whole = known.whole or (
        name not in _KNOWN
        and bool((numbers == np.rint(numbers)).all())
        and float(np.ptp(numbers)) <= _FEW_WHOLE_NUMBERS
    )
    return histogram(
        np.rint(numbers) if whole else numbers,
        title=known.title,
        quantity=known.quantity,
        unit=known.unit,
        scale=known.scale,
        bounds=known.bounds,
        whole=whole,
    )


def _truth_chart(columns: Mapping[str, Sequence[bool]], heading: str) -> Chart:
    shares: list[tuple[str, float]] = []
    for name in sorted(columns, key=_place):
        share = sum(columns[name]) / len(columns[name])
        shares.append((_known(name).title, share))
        if name == "female":
            shares.append(("men", 1 - share))
    count = max(len(values) for values in columns.values())
    title = {
        "People": "Sex and beard",
        "Worn and in the way": "Worn",
        "Picture quality": "Without colour",
    }.get(heading, "True of")
    return bars(shares, title=title, axis="pictures, %", text=f"{count:,} pictures.")
