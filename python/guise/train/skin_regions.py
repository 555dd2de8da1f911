"""Where on the face things happen: soft masks over the chart, from the landmarks of the mean head.

Places are given by landmarks (iBUG order, 0 on the subject's right); lengths are dm on the mean
head.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import numpy as np

from guise.train.skin_chart import Bools, Chart, Floats, spread_outwards

# Order of the channels in the file; csrc/render/skin_tables.h has the same.
REGIONS = (
    "flush",  # cheeks, nose tip, ears, chin: where blood shows
    "oil",  # forehead, nose, chin
    "golden",  # forehead, upper lip and round the mouth: yellower
    "eye_bag",  # under the eyes
    "lid",  # upper lids, up to the crease
    "vein",  # temples, lids, under the eyes
    "freckle",  # nose and cheeks, less on forehead
    "pore",  # nose, inner cheeks, chin
    "blush",  # where rouge goes
    "lid_shadow",  # where eye shadow goes, with the rim of the lids
    "age_spot",  # temples, cheeks, forehead
    "ear",
)


def moved(points: Floats, *by: float) -> Floats:
    """Points [..., n] shifted by n numbers."""
    return np.asarray(points + np.array(by))


def _bump(at: Floats, centre: Floats, radius: float | Sequence[float]) -> Floats:
    """1 at the centre, 0.37 at the radius (per axis where three are given)."""
    return np.asarray(np.exp(-(((at - centre) / np.asarray(radius)) ** 2).sum(-1)))


def _both(at: Floats, centre: Floats, radius: float | Sequence[float]) -> Floats:
    """The same on both sides, whichever side the centre is on."""
    mirrored = centre * [-1, 1, 1]
    return np.maximum(_bump(at, centre, radius), _bump(at, mirrored, radius))


def _along(at: Floats, line: Floats, radius: float) -> Floats:
    """1 on a polyline [N, 3], 0.37 at the radius; and its mirror image."""
    best = np.zeros(at.shape[:-1])
    for start, end in itertools.pairwise(line):
        for step in np.linspace(0, 1, 5):
            best = np.maximum(best, _both(at, start + (end - start) * step, radius))
    return best


def _step(low: float, high: float, value: Floats) -> Floats:
    t = np.clip((value - low) / (high - low), 0, 1)
    return np.asarray(t * t * (3 - 2 * t))


def _strongest(*masks: Floats) -> Floats:
    return np.asarray(np.maximum.reduce(masks))


def _draw_eye_regions(at: Floats, mark: Floats) -> tuple[Floats, Floats, Floats]:
    """Bags under the eyes, the upper lids, and where eye shadow goes: [H, W] each."""
    x, y = at[..., 0], at[..., 1]
    under_eye = mark[[36, 41, 40, 39]] - [0, 0.085, 0]
    bag = _along(at, under_eye, 0.085) * _step(0, 0.05, mark[41][1] + 0.03 - y)
    lid_line = mark[[36, 37, 38, 39]] + [0, 0.035, 0]
    above_lashes = _step(-0.035, 0.0, y - _lid_height(mark, x))
    lid = _along(at, lid_line, 0.06) * above_lashes
    shadow = np.maximum(
        _along(at, moved(lid_line, -0.02, 0.03, 0), 0.085) * above_lashes,
        0.55 * _along(at, mark[[36, 41, 40]] - [0, 0.01, 0], 0.025),
    )
    return bag, lid, shadow


def draw_regions(chart: Chart, width: int) -> Floats:
    """[H, W, len(REGIONS)] in 0..1."""
    drawn, skin = chart.draw(chart.positions, width)
    at = spread_outwards(drawn, skin)
    mark = chart.landmarks
    root, eye, nose_tip, chin = mark[27], mark[36:42].mean(0), mark[30], mark[8]
    brow_y = mark[17:22, 1].mean()
    cheek = np.array([-0.39, 0.5 * (eye[1] + mark[48][1]) + 0.02, root[2] - 0.22])
    front = _step(-0.95, -0.5, at[..., 2] - root[2])
    forehead = _bump(at, np.array([0, brow_y + 0.36, root[2] - 0.08]), (0.5, 0.26, 0.5))
    nose = _bump(at, nose_tip - [0, 0.02, 0.08], (0.14, 0.13, 0.22))
    bridge = _along(at, mark[[27, 28, 29, 30]], 0.11)
    ear_at = moved(root, -0.79, -0.20, -1.22)
    ear = _both(at, ear_at, (0.13, 0.36, 0.36)) * _step(0.64, 0.72, np.abs(at[..., 0]))
    bag, lid, shadow = _draw_eye_regions(at, mark)
    temple = _both(at, np.array([-0.62, brow_y + 0.06, root[2] - 0.55]), (0.2, 0.26, 0.3))
    mouth = mark[48:60].mean(0)
    around_mouth = _bump(at, mouth - [0, 0.02, 0], (0.36, 0.24, 0.35))
    apple = np.array([-0.36, cheek[1] + 0.10, root[2] - 0.17])
    cheek_bump = _both(at, cheek, (0.27, 0.25, 0.35))
    regions = {
        "flush": _strongest(
            0.85 * cheek_bump,
            nose,
            0.9 * ear,
            0.45 * _bump(at, moved(chin, 0, 0.14, 0.05), 0.16),
            0.5 * _along(at, mark[[31, 33]], 0.06),
            0.35 * _bump(at, np.array([0, brow_y, root[2]]), (0.16, 0.1, 0.2)),
        ),
        "oil": _strongest(
            0.85 * forehead,
            nose,
            0.8 * bridge,
            0.6 * _bump(at, moved(chin, 0, 0.12, 0.08), 0.15),
            0.35 * _both(at, apple, 0.16),
        ),
        "golden": np.maximum(0.9 * forehead, 0.8 * around_mouth) * front,
        "eye_bag": bag,
        "lid": lid,
        "vein": _strongest(temple, 0.7 * lid, 0.6 * bag),
        "freckle": _strongest(
            cheek_bump, 0.9 * bridge, 0.8 * nose, 0.5 * forehead, 0.25 * temple, 0.12 * front
        ),
        "pore": _strongest(
            nose,
            0.8 * bridge,
            0.75 * _both(at, moved(cheek, 0.12, 0, 0.05), 0.24),
            0.6 * _bump(at, moved(chin, 0, 0.1, 0.05), 0.2),
            0.5 * forehead,
            0.25 * front,
        ),
        "blush": _both(at, np.array([-0.45, cheek[1] + 0.06, root[2] - 0.33]), (0.23, 0.17, 0.3)),
        "lid_shadow": shadow,
        "age_spot": _strongest(temple, 0.7 * cheek_bump, 0.6 * forehead, 0.2 * front),
        "ear": ear,
    }
    return np.stack([np.clip(regions[name], 0, 1) for name in REGIONS], -1)


def _lid_height(mark: Floats, x: Floats) -> Floats:
    """y of the upper lash line above each |x|."""
    line = mark[[36, 37, 38, 39]]
    order = np.argsort(-line[:, 0])
    return np.asarray(np.interp(np.abs(x), -line[order, 0], line[order, 1]))


def chart_places(chart: Chart, points: Floats, width: int) -> Floats:
    """[N, 3] on the skin to [N, 2] texels (x, y) of a chart of this width: the nearest ones.

    Eye sockets share their rim with the lids and have a place of their own: they are left out.
    """
    drawn, skin = chart.draw(np.concatenate([chart.positions, chart.sheet_uv], 1), width)
    socket = (drawn[..., 3] < 0.2) & (drawn[..., 4] < 0.65)
    rows, columns = np.nonzero(skin & ~socket)
    known = drawn[rows, columns, :3]
    places = []
    for point in points:
        distance = ((known - point) ** 2).sum(1)
        near = np.argsort(distance)[:4]
        share = 1 / (distance[near] + 1e-6)
        places.append(
            [(columns[near] * share).sum() / share.sum(), (rows[near] * share).sum() / share.sum()]
        )
    return np.array(places)


def smooth_curve(points: Floats, closed: bool = False, steps: int = 16) -> Floats:
    """[N, 2] to a Catmull-Rom curve through them."""
    padded = (
        np.concatenate([points[-1:], points, points[:2]])
        if closed
        else np.concatenate([2 * points[:1] - points[1:2], points, 2 * points[-1:] - points[-2:-1]])
    )
    curve = []
    for i in range(len(padded) - 3):
        a, b, c, d = padded[i : i + 4]
        for t in np.arange(steps) / steps:
            curve.append(
                0.5
                * (
                    2 * b
                    + (c - a) * t
                    + (2 * a - 5 * b + 4 * c - d) * t**2
                    + (3 * b - a - 3 * c + d) * t**3
                )
            )
    if not closed:
        curve.append(points[-1])
    return np.array(curve)


def inside_polygon(polygon: Floats, width: int) -> Bools:
    """[H, W] texel centres inside [N, 2] (even-odd rule)."""
    x, y = np.meshgrid(np.arange(width), np.arange(width // 2))
    inside = np.zeros(x.shape, bool)
    for (ax, ay), (bx, by) in zip(polygon, np.roll(polygon, -1, axis=0), strict=True):
        if ay == by:
            continue
        crosses = (ay > y) != (by > y)
        inside ^= crosses & (x < (bx - ax) * (y - ay) / (by - ay) + ax)
    return inside


def draw_lips(chart: Chart, width: int) -> Floats:
    """[H, W] 1 on the vermilion, with an edge of about 0.02 dm."""
    fine = 2 * width
    outline = chart_places(chart, chart.landmarks[48:60], fine)
    outline = 0.5 * (outline + _mirror_outline(outline, fine))
    inside = inside_polygon(smooth_curve(outline, closed=True), fine).astype(float)
    small = inside.reshape(width // 2, 2, width, 2).mean(axis=(1, 3))
    padded = np.pad(small, 1, mode="edge")
    # A 3x3 binomial: the edge of lips is soft.
    rows = 0.25 * padded[:-2] + 0.5 * padded[1:-1] + 0.25 * padded[2:]
    return np.asarray(0.25 * rows[:, :-2] + 0.5 * rows[:, 1:-1] + 0.25 * rows[:, 2:])


def _mirror_outline(outline: Floats, width: int) -> Floats:
    """The outer lip points 48..59 as the other side has them."""
    order = [6, 5, 4, 3, 2, 1, 0, 11, 10, 9, 8, 7]
    flipped = outline[order].copy()
    flipped[:, 0] = width - 1 - flipped[:, 0]
    return np.asarray(flipped)
