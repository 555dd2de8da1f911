"""Wrinkle lines of the mean face, drawn as height maps over the chart.

Curves run through places given by landmarks; all are drawn for the subject's right side and
mirrored. Two layers: folds, which the play of the face leaves first and deepest, and fine lines.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.spatial import cKDTree

from guise.train.skin_chart import Chart, Floats, Ints
from guise.train.skin_regions import chart_places, moved, smooth_curve

WIDTH = 1024
# Order of the groups in the file; csrc/render/skin_tables.h has the same.
GROUPS = (
    "forehead",
    "glabella",
    "crows_feet",
    "under_eye",
    "nasolabial",
    "marionette",
    "lip_lines",
    "neck",
    "cheek",
)
# dm for each texel of the chart of width WIDTH in the face.
TEXEL_X, TEXEL_Y = 0.0050, 0.0074
# Height in dm of one step of the 8-bit maps, whose zero is 128.
STEP_DM = 0.00016


@dataclass(frozen=True)
class Line:
    """A curve on the chart [N, 2] (texels), its depth and half width in dm, and its taper."""

    group: str
    layer: int
    curve: Floats
    depth: float
    width: float
    # Share of the length over which each end fades.
    taper: tuple[float, float] = (0.35, 0.35)


class _Face:
    """Places on the chart (texels of width WIDTH), subject's right side."""

    def __init__(self, chart: Chart) -> None:
        self.mark = chart_places(chart, chart.landmarks, WIDTH)
        self.middle = (WIDTH - 1) / 2

    def at(self, landmark: int, dx: float = 0, dy: float = 0) -> Floats:
        """A landmark shifted by dm: +dx to the subject's left (image right), +dy down."""
        return np.asarray(self.mark[landmark] + [dx / TEXEL_X, dy / TEXEL_Y])

    def between(self, a: int, b: int, share: float, dx: float = 0, dy: float = 0) -> Floats:
        spot = self.mark[a] + (self.mark[b] - self.mark[a]) * share
        return np.asarray(moved(spot, dx / TEXEL_X, dy / TEXEL_Y))


def _forehead(face: _Face) -> list[Line]:
    lines = []
    brow_y = face.mark[17:22, 1].mean()
    for index, up in enumerate((0.17, 0.25, 0.335, 0.425, 0.51)):
        half = 0.40 - 0.05 * abs(index - 1.5)
        dip = 0.016 + 0.005 * index
        spots = [
            [face.middle - s * half / TEXEL_X, brow_y - (up + dip * np.sin(s * 3.3)) / TEXEL_Y]
            for s in (-0.06, 0.25, 0.5, 0.75, 1.0)
        ]
        curve = smooth_curve(np.array(spots))
        depth = (0.0062, 0.008, 0.0078, 0.0066, 0.005)[index]
        lines.append(Line("forehead", 0, curve, depth, 0.016, (0.0, 0.6)))
    for index, up in enumerate((0.21, 0.292, 0.38, 0.468)):
        spots = [
            [face.middle - s / TEXEL_X, brow_y - (up + 0.02 * np.sin(5 * s + index)) / TEXEL_Y]
            for s in (0.05, 0.17, 0.29, 0.40)
        ]
        lines.append(Line("forehead", 1, smooth_curve(np.array(spots)), 0.0035, 0.010))
    return lines


def _glabella(face: _Face) -> list[Line]:
    inner = 21
    main = [face.at(inner, 0.055, 0.10), face.at(inner, 0.06, 0.0), face.at(inner, 0.045, -0.12)]
    second = [face.at(inner, 0.015, 0.03), face.at(inner, 0.01, -0.04), face.at(inner, -0.01, -0.1)]
    root = [face.at(27, -0.10, -0.01), face.at(27, -0.05, 0.01), face.at(27, 0.005, 0.014)]
    return [
        Line("glabella", 0, smooth_curve(np.array(main)), 0.0085, 0.017),
        Line("glabella", 1, smooth_curve(np.array(second)), 0.0045, 0.012),
        Line("glabella", 0, smooth_curve(np.array(root)), 0.005, 0.016, (0.4, 0.0)),
    ]


def _eyes(face: _Face) -> list[Line]:
    lines = []
    for index, degrees in enumerate((-34, -14, 6, 26, 44)):
        slope = np.deg2rad(degrees)
        out, down = np.cos(slope), np.sin(slope)
        start, long = 0.055 + 0.01 * abs(index - 2), 0.20 - 0.02 * abs(index - 2)
        spots = [
            face.at(36, -(start + long * s) * out, (start + long * s) * down + 0.04 * s * s)
            for s in (0, 0.35, 0.7, 1.0)
        ]
        depth = (0.0045, 0.0062, 0.0066, 0.0058, 0.0042)[index]
        lines.append(
            Line("crows_feet", 0, smooth_curve(np.array(spots)), depth, 0.011, (0.15, 0.6))
        )
    for index, degrees in enumerate((-24, -4, 16, 35, 52)):
        slope = np.deg2rad(degrees)
        spots = [
            face.at(
                36, -(0.10 + 0.16 * s) * np.cos(slope), (0.10 + 0.16 * s) * np.sin(slope) + 0.03
            )
            for s in (0, 0.5, 1.0)
        ]
        lines.append(Line("crows_feet", 1, smooth_curve(np.array(spots)), 0.003, 0.008))
        del index
    for index, drop in enumerate((0.062, 0.115, 0.165)):
        spots = [
            face.at(39, 0.02 - 0.02 * index, 0.03 + 0.6 * drop),
            face.at(40, 0.0, drop),
            face.at(41, -0.02, drop),
            face.at(36, -0.02 - 0.03 * index, 0.75 * drop + 0.02),
        ]
        depth = (0.0046, 0.0068, 0.0046)[index]
        lines.append(Line("under_eye", 0, smooth_curve(np.array(spots)), depth, 0.013, (0.2, 0.5)))
    for index in range(5):
        share = 0.1 + 0.2 * index
        top = face.between(39, 36, share, 0.0, 0.06)
        spots = [top, moved(top, -6, 3.5), moved(top, -13, 6.0)]
        lines.append(Line("under_eye", 1, smooth_curve(np.array(spots)), 0.0026, 0.008))
    return lines


def _mouth(face: _Face) -> list[Line]:
    fold = [
        face.at(31, -0.03, -0.06),
        face.between(31, 48, 0.25, -0.075),
        face.between(31, 48, 0.62, -0.100),
        face.at(48, -0.095, -0.01),
        face.at(48, -0.092, 0.07),
    ]
    marionette = [face.at(48, -0.015, 0.012), face.at(48, -0.055, 0.10), face.at(48, -0.075, 0.20)]
    crease = [face.at(57, -0.22, 0.075), face.at(57, -0.11, 0.10), face.at(57, 0.01, 0.105)]
    lines = [
        Line("nasolabial", 0, smooth_curve(np.array(fold)), 0.0130, 0.024, (0.2, 0.5)),
        Line("marionette", 0, smooth_curve(np.array(marionette)), 0.009, 0.020, (0.1, 0.6)),
        Line("marionette", 0, smooth_curve(np.array(crease)), 0.0042, 0.026, (0.5, 0.0)),
    ]
    for index in range(7):
        share = 0.08 + 0.13 * index + 0.03 * (index % 2)
        depth = (0.0016, 0.0028, 0.0020, 0.0030, 0.0014, 0.0026, 0.0018)[index]
        top = face.between(48, 51, share, 0.0, -0.02 - 0.03 * np.sin(np.pi * share))
        spots = [moved(top, -1.5, -9 + 2 * (index % 3)), moved(top, 0.5, -4), moved(top, 0, 1.5)]
        lines.append(Line("lip_lines", 1, smooth_curve(np.array(spots)), depth, 0.008))
        low = face.between(48, 57, share, 0.0, 0.045)
        spots = [low, moved(low, 0.5, 4), moved(low, 1, 7)]
        lines.append(Line("lip_lines", 1, smooth_curve(np.array(spots)), 0.0022, 0.008))
    for index in range(4):
        top = face.between(3, 48, 0.30 + 0.12 * index, 0.0, -0.25 + 0.035 * index)
        spots = [top, moved(top, 5, 9), moved(top, 8, 18), moved(top, 8, 27)]
        depth = 0.0030 if index % 2 else 0.0020
        lines.append(Line("cheek", 1, smooth_curve(np.array(spots)), depth, 0.011, (0.5, 0.5)))
    return lines


def _neck(chart: Chart) -> list[Line]:
    lines = []
    for index, below in enumerate((0.21, 0.44, 0.66, 0.88)):
        y = chart.landmarks[8][1] - below
        spots = []
        for x in (0.02, -0.14, -0.30, -0.44):
            height = y + 0.28 * x * x * (2 if index % 2 else 1) + 0.02 * index * x
            column = np.abs(chart.positions[:, 0] - x) < 0.09
            near = column & (np.abs(chart.positions[:, 1] - height) < 0.14)
            near &= chart.positions[:, 2] > chart.landmarks[27][2] - 1.4
            if near.any():
                depth = chart.positions[near, 2].max()
                spots.append([x, height, depth])
        if len(spots) < 3:
            continue
        places = chart_places(chart, np.array(spots), WIDTH)
        # A line may not jump over the seam between head and neck.
        if np.abs(np.diff(places[:, 1])).max() > 30:
            continue
        depth = (0.004, 0.0075, 0.006, 0.004)[index]
        lines.append(Line("neck", 0, smooth_curve(places), depth, 0.022, (0.0, 0.5)))
    return lines


def draw_wrinkles(chart: Chart) -> tuple[Floats, Ints]:
    """Heights in dm [2, 512, 1024] (folds, fine lines) and the group of each texel of a chart
    [64, 128], the one whose lines are nearest."""
    face = _Face(chart)
    lines = _forehead(face) + _glabella(face) + _eyes(face) + _mouth(face) + _neck(chart)
    lines += [
        Line(
            line.group,
            line.layer,
            np.stack([WIDTH - 1 - line.curve[:, 0], line.curve[:, 1]], 1),
            line.depth,
            line.width,
            line.taper,
        )
        for line in lines
    ]
    heights = np.zeros((2, WIDTH // 2, WIDTH))
    for line in lines:
        _draw_line(line, heights[line.layer])
    coarse = 128
    spots = np.concatenate([line.curve for line in lines])
    labels = np.concatenate([[GROUPS.index(line.group)] * len(line.curve) for line in lines])
    x, y = np.meshgrid(np.arange(coarse), np.arange(coarse // 2))
    centres = (np.stack([x, y], -1) + 0.5) * (WIDTH / coarse) - 0.5
    _, nearest = cKDTree(spots * [TEXEL_X, TEXEL_Y]).query(centres * [TEXEL_X, TEXEL_Y])
    return heights, labels[nearest].astype(np.int64)


def _draw_line(line: Line, heights: Floats) -> None:
    """Lowers the heights along the line, with a slight ridge beside it. Lines do not add up."""
    dense = _resampled(line.curve, 0.25)
    reach = 6 * line.width
    margin = np.array([reach / TEXEL_X, reach / TEXEL_Y])
    size = np.array([WIDTH, WIDTH // 2])
    low = np.clip(np.floor(dense.min(0) - margin).astype(int), 0, size - 1)
    high = np.clip(np.ceil(dense.max(0) + margin).astype(int), 0, size - 1)
    x, y = np.meshgrid(np.arange(low[0], high[0] + 1), np.arange(low[1], high[1] + 1))
    scale = np.array([TEXEL_X, TEXEL_Y])
    distance, index = cKDTree(dense * scale).query(np.stack([x, y], -1) * scale)
    along = index / (len(dense) - 1)
    ends = np.ones_like(along)
    if line.taper[0] > 0:
        ends *= np.clip(along / line.taper[0], 0, 1)
    if line.taper[1] > 0:
        ends *= np.clip((1 - along) / line.taper[1], 0, 1)
    ends = np.sin(0.5 * np.pi * ends)
    relative = distance / line.width
    valley = np.exp(-(relative**2))
    ridge = 0.30 * np.exp(-(((relative - 2.3) / 1.3) ** 2))
    shape = line.depth * ends * (ridge - valley)
    window = heights[low[1] : high[1] + 1, low[0] : high[0] + 1]
    np.copyto(window, np.where(np.abs(shape) > np.abs(window), shape, window))


def _resampled(curve: Floats, step: float) -> Floats:
    """[N, 2] to points `step` texels apart."""
    lengths = np.concatenate([[0], np.cumsum(np.linalg.norm(np.diff(curve, axis=0), axis=1))])
    at = np.linspace(0, lengths[-1], max(2, int(lengths[-1] / step)))
    return np.stack([np.interp(at, lengths, curve[:, axis]) for axis in range(2)], -1)
