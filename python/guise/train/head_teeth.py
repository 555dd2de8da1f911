"""Rows of teeth along the coarse dental arches of MakeHuman.

Every new point is a fixed combination of arch points plus a fixed offset, so that it follows every
morph of the arch.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

# Width of the crowns from the midline outwards, dm: incisors, canine, premolars, molars.
_WIDTHS = {
    "upper": (0.086, 0.066, 0.076, 0.070, 0.068, 0.098, 0.092, 0.085),
    "lower": (0.054, 0.060, 0.068, 0.071, 0.072, 0.110, 0.105, 0.095),
}
_CROWN_LENGTHS = {
    "upper": (0.100, 0.090, 0.102, 0.086, 0.080, 0.072, 0.068, 0.066),
    "lower": (0.088, 0.090, 0.100, 0.090, 0.084, 0.076, 0.072, 0.070),
}
# How far the corners of the biting edge are rounded off, dm.
_EDGE_ROUNDING = (0.006, 0.010, 0.018, 0.012, 0.008, 0.006, 0.005, 0.005)
_THICKNESS = (0.020, 0.020, 0.030, 0.050, 0.055, 0.070, 0.070, 0.060)
_QUADS_ACROSS = (5, 5, 5, 4, 4, 2, 2, 2)
# The helper's outer strip from the midline to the subject's left: root, middle and edge of each of
# its columns, counted from the first point of the group.
_STRIP = {
    "upper": (
        (1, 0, 2, 3, 4, 5, 6, 7, 8),
        (19, 15, 14, 13, 12, 24, 23, 22, 21),
        (9, 26, 11, 10, 25, 18, 17, 16, 20),
    ),
    "lower": (
        (1, 0, 2, 3, 4, 5, 6, 7, 8),
        (20, 21, 22, 23, 19, 24, 25, 26, 17),
        (18, 9, 10, 11, 12, 13, 14, 15, 16),
    ),
}
# The lower row closes behind the upper one, which covers its edge: offsets inwards and down, dm.
_INWARDS = {"upper": 0.0, "lower": 0.024}
_NARROWER = 0.09  # dm inwards per dm along the arch: the helper's arch touches the mouth corners
_DOWN = {"upper": 0.008, "lower": 0.004}


@dataclass(frozen=True)
class Arch:
    """One jaw: its points are `weights` [P, N] @ the helper's points + `offsets` [P, 3]."""

    weights: Floats
    offsets: Floats
    quads: Ints
    is_gum: npt.NDArray[np.bool_]  # of each quad
    uv: Floats  # [P, 2]: along the arch, and from the root (0) to the edge (1)


def build_arch(helper: Floats, jaw: str) -> Arch:
    """`helper` [N, 3]: points of MakeHuman's group in base order; `jaw`: "upper" or "lower"."""
    strip = _whole_strip(helper, jaw)
    middle = helper[strip[1]]
    steps = np.linalg.norm(np.diff(middle, axis=0), axis=1)
    length = np.concatenate([[0.0], np.cumsum(steps)])
    length -= length[8]
    weights: list[Floats] = []
    offsets: list[Floats] = []
    uv: list[tuple[float, float]] = []
    columns = _columns(jaw)
    for along, across, tooth in columns:
        place = float(np.interp(along, length, np.arange(17.0) - 8))
        by_column, outwards = _column_frame(helper, strip, place)
        for row, (toward_edge, out, lift) in enumerate(_profile(jaw, tooth, across)):
            at = np.clip(toward_edge, 0, 2)
            share = np.clip([1 - at, 1 - abs(at - 1), at - 1], 0, 1)
            line = np.zeros(len(helper))
            for k in range(3):
                line[strip[k]] += by_column * share[k]
            weights.append(line)
            down = np.array([0.0, lift - _DOWN[jaw], 0.0])
            inwards = _INWARDS[jaw] + _NARROWER * abs(along)
            offsets.append((out - inwards) * outwards + down)
            uv.append((0.5 + along / (2 * length[-1]), row / 6))
    quads, is_gum = _grid(len(columns), flip=jaw == "lower")
    return Arch(np.array(weights), np.array(offsets), quads, is_gum, np.array(uv))


def _whole_strip(helper: Floats, jaw: str) -> Ints:
    """[3, 17] points from the subject's right to the left."""
    left = np.array(_STRIP[jaw])
    mirrored = helper[left] * [-1, 1, 1]
    right = np.argmin(((helper[None, None] - mirrored[:, :, None]) ** 2).sum(-1), axis=2)
    return np.concatenate([right[:, :0:-1], left], axis=1)


def _columns(jaw: str) -> list[tuple[float, float, int]]:
    """Of each column from right to left: length along the arch, -1..1 across its tooth, tooth."""
    left: list[tuple[float, float, int]] = []
    start = 0.0
    for tooth, (width, count) in enumerate(zip(_WIDTHS[jaw], _QUADS_ACROSS, strict=True)):
        for i in range(count):
            across = 2 * i / count - 1
            left.append((start + width * i / count, across, tooth))
        start += width
    left.append((start, 1.0, len(_WIDTHS[jaw]) - 1))
    return [(-a, -x, t) for a, x, t in reversed(left[1:])] + left


def _column_frame(helper: Floats, strip: Ints, place: float) -> tuple[Floats, Floats]:
    """Catmull-Rom weights [17] at column `place` (-8..8), and the outward direction there."""
    first = int(np.clip(np.floor(place), -8, 7))
    t = np.clip(place - first, 0, 1)
    cubic = 0.5 * np.array(
        [-t + 2 * t**2 - t**3, 2 - 5 * t**2 + 3 * t**3, t + 4 * t**2 - 3 * t**3, t**3 - t**2]
    )
    slope = 0.5 * np.array(
        [-1 + 4 * t - 3 * t**2, -10 * t + 9 * t**2, 1 + 8 * t - 9 * t**2, 3 * t**2 - 2 * t]
    )
    by_column, tangent = np.zeros(17), np.zeros(3)
    for k in range(4):
        column = int(np.clip(first - 1 + k, -8, 8)) + 8
        by_column[column] += cubic[k]
        tangent += slope[k] * helper[strip[1, column]]
    outwards = np.array([-tangent[2], 0.0, tangent[0]])
    return by_column, outwards / np.linalg.norm(outwards)


def _profile(jaw: str, tooth: int, across: float) -> list[tuple[float, float, float]]:
    """Seven rows from the gum's root over the edge to the back of the tooth.

    Of each: row of the helper (0 root, 1 middle, 2 edge), offset outwards and upwards in dm.
    """
    up = 1.0 if jaw == "upper" else -1.0
    crown = _CROWN_LENGTHS[jaw][tooth] / 0.095  # rows of the helper are about 0.095 dm apart
    side = abs(across)
    papilla = 0.15 * side**3
    contact = -0.009 * side**4
    rounding = up * _EDGE_ROUNDING[tooth] * side**3
    back = _THICKNESS[tooth]
    return [
        (0.0, 0.004, 0.0),
        (2 - crown + papilla, 0.006 + 0.4 * contact, 0.0),
        (2 - 0.68 * crown, 0.010 + contact, 0.0),
        (2 - 0.28 * crown, 0.008 + contact, 0.3 * rounding),
        (2.0, -0.002 + contact, rounding),
        (2.0, -0.002 - back * (0.6 + 0.4 * (1 - side)), rounding),
        (2 - 0.6 * crown, -0.010 - back * 1.2, 0.0),
    ]


def _grid(columns: int, *, flip: bool) -> tuple[Ints, npt.NDArray[np.bool_]]:
    quads, is_gum = [], []
    for c in range(columns - 1):
        for r in range(6):
            corner = c * 7 + r
            quad = [corner, corner + 1, corner + 8, corner + 7]
            quads.append(quad[::-1] if flip else quad)
            is_gum.append(r == 0)
    return np.array(quads), np.array(is_gum)
