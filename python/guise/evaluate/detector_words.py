"""What was measured of detectors, in tables and a curve."""

from __future__ import annotations

import math

import numpy as np

from guise.dataset_report.charts import number, percent
from guise.evaluate.curves import Axis, Line, chart, share_axis
from guise.evaluate.detector import DetectorReport, DetectorReports
from guise.evaluate.recogniser import Rate
from guise.evaluate.recogniser_words import interval
from guise.evaluate.results import Table

_MOST_NAMED = 200


def about(reports: DetectorReports) -> list[str]:
    """What was searched, in sentences."""
    known = "no boxes are given" if reports.known_faces is None else f"{reports.known_faces} faces"
    lines = [
        f"{reports.photos:,} photos; {known}. Intervals are 95 % (Wilson), photos or faces "
        "taken as independent.",
        "Small faces: each photo is shrunk by area until its largest face has that height; a face "
        "counts as found if a box of up to 4 times more or less area has its centre on it.",
    ]
    if reports.known_faces is None:
        lines.append(
            "Without boxes the largest face is the one that each detector finds itself at full "
            "size: the curve says what it loses, not what it never found."
        )
    if reports.unreadable:
        lines.append(f"Left out: {len(reports.unreadable)} photos could not be read.")
    return lines


def tables(reports: DetectorReports) -> list[Table]:
    """Everything that was measured."""
    columns = ("", *(report.model for report in reports.reports))

    found = reports.reports
    rows = [
        ["photos with a face found", *(_with_interval(each.with_face) for each in found)],
        ["boxes a photo", *(number(each.boxes_per_photo) for each in found)],
        ["photos with one box", *(_share_with(each, 1) for each in found)],
    ]
    if reports.known_faces is not None:
        rows += [
            ["recall", *(_with_interval(each.recall) for each in found)],
            ["precision", *(_with_interval(each.precision) for each in found)],
        ]
    rows.append(["time a photo, median", *(f"{number(each.median_ms)} ms" for each in found)])
    result = [Table("Photos as they are", columns, rows)]
    heights = sorted({size.height_px for each in found for size in each.sizes})
    if heights:
        sizes = [[f"{height} px", *(_at(each, height) for each in found)] for height in heights]
        result.append(Table("Recall by height of the face", columns, sizes))
    for each in found:
        if each.without_face:
            names = [[name] for name in each.without_face[:_MOST_NAMED]]
            more = f" (the first {_MOST_NAMED})" if len(each.without_face) > _MOST_NAMED else ""
            result.append(Table(f"{each.model} finds no face in{more}", ("photo",), names))
    if reports.unreadable:
        cells = [[each.name, each.reason] for each in reports.unreadable]
        result.append(Table("Not readable", ("photo", "why"), cells))
    return result


def _with_interval(rate: Rate | None) -> str:
    return "–" if rate is None else f"{percent(rate.value)} ({interval(rate)})"


def _share_with(report: DetectorReport, boxes: int) -> str:
    return percent(report.photos_by_boxes.get(boxes, 0) / report.photos)


def _at(report: DetectorReport, height_px: int) -> str:
    for size in report.sizes:
        if size.height_px == height_px:
            return f"{percent(size.found.value)} of {size.photos}"
    return "–"


def charts(reports: DetectorReports) -> dict[str, str]:
    """sizes.svg, where there are photos large enough to be shrunk."""
    drawn = [report for report in reports.reports if len(report.sizes) > 1]
    if not drawn:
        return {}
    heights = sorted({size.height_px for report in drawn for size in report.sizes})
    lines = [
        Line(
            report.model,
            np.array([float(size.height_px) for size in report.sizes]),
            np.array([size.found.value for size in report.sizes]),
        )
        for report in drawn
    ]
    across = Axis(
        "height of the face, px",
        tuple(float(height) for height in heights),
        lambda px: str(round(px)),
        math.log,
        float(heights[0]),
        float(heights[-1]),
    )
    told = "; ".join(
        f"{report.model}: " + ", ".join(f"{_at(report, h)} at {h} px" for h in heights)
        for report in drawn
    )
    return {
        "sizes.svg": chart(
            lines,
            title="Recall by size of the face",
            across=across,
            up=share_axis("recall"),
            text=f"{told}.",
            names_below=True,
        )
    }
