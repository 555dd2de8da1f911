"""Fields over the points of the mean head: openness, hairline, beard, share of the neck's turn."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import numpy.typing as npt
import torch

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

_AO_DIRECTIONS = 160
_AO_CELL = 0.026  # dm
_AO_BIAS = 0.035  # dm: nearer than this nothing shades


def pose_weight(points: Floats) -> Floats:
    """[G] share of the head's rotation; with z, so that the chin does not bend with the neck."""
    along = np.clip((points[:, 1] + 0.55 * points[:, 2] - 5.6) / (6.75 - 5.6), 0, 1)
    return 0.08 + 0.92 * along**2 * (3 - 2 * along)


def point_normals(points: Floats, triangles: Ints) -> Floats:
    """[G, 3] unit, weighted by area; +z where no triangle is."""
    corner = points[triangles]
    face = np.cross(corner[:, 1] - corner[:, 0], corner[:, 2] - corner[:, 0])
    total = np.zeros_like(points)
    for k in range(3):
        np.add.at(total, triangles[:, k], face)
    length = np.linalg.norm(total, axis=1, keepdims=True)
    return np.where(length > 0, total / np.maximum(length, 1e-20), [0, 0, 1.0])


def ambient_occlusion(points: Floats, triangles: Ints) -> Floats:
    """[G] 0 closed .. 1 open: share of the sky that is seen, weighted by the cosine.

    From each of many directions the surface is drawn as a depth map of dense samples.
    """
    normals = point_normals(points, triangles)
    samples = _sample_surface(points, triangles)
    probes = points + 0.012 * normals
    seen, total = np.zeros(len(points)), np.zeros(len(points))
    for direction in _even_directions(_AO_DIRECTIONS):
        cosine = np.maximum(normals @ direction, 0)
        seen += cosine * _visible(samples, probes, direction)
        total += cosine
    return np.clip(_smoothed(seen / total, len(points), triangles), 0, 1)


def _even_directions(count: int) -> Floats:
    index = np.arange(count) + 0.5
    y = 1 - 2 * index / count
    turn = np.pi * (1 + 5**0.5) * index
    ring = np.sqrt(1 - y**2)
    return np.stack([ring * np.cos(turn), y, ring * np.sin(turn)], 1)


def _sample_surface(points: Floats, triangles: Ints) -> Floats:
    corner = points[triangles]
    sides = np.linalg.norm(corner - np.roll(corner, 1, axis=1), axis=2).max(1)
    steps = np.clip(np.ceil(sides / (_AO_CELL * 0.7)).astype(int), 1, 40)
    parts = []
    for count in np.unique(steps):
        a, b = np.meshgrid(np.arange(count + 1), np.arange(count + 1), indexing="ij")
        a, b = a[a + b <= count] / count, b[a + b <= count] / count
        weights = np.stack([1 - a - b, a, b], 1)
        parts.append((weights @ corner[steps == count]).reshape(-1, 3))
    return np.concatenate(parts)


def _visible(samples: Floats, probes: Floats, direction: Floats) -> npt.NDArray[np.bool_]:
    side = np.cross(direction, [0.0, 0.0, 1.0] if abs(direction[2]) < 0.9 else [1.0, 0.0, 0.0])
    side /= np.linalg.norm(side)
    axes = np.stack([side, np.cross(direction, side)], 1)
    low = samples @ axes
    origin = low.min(0) - 3 * _AO_CELL
    cells = np.floor((low - origin) / _AO_CELL).astype(int)
    width, height = cells.max(0) + 4
    depth = np.full(width * height, -np.inf)
    np.maximum.at(depth, cells[:, 0] * height + cells[:, 1], samples @ direction)
    at = np.floor((probes @ axes - origin) / _AO_CELL).astype(int)
    at = np.clip(at, 0, [width - 1, height - 1])
    return np.asarray(depth[at[:, 0] * height + at[:, 1]] < probes @ direction + _AO_BIAS)


def _smoothed(values: Floats, count: int, triangles: Ints, rounds: int = 2) -> Floats:
    edges = np.concatenate([triangles, np.roll(triangles, 1, axis=1)]).reshape(-1)
    others = np.concatenate([np.roll(triangles, 1, axis=1), triangles]).reshape(-1)
    degree = np.bincount(edges, minlength=count)
    for _ in range(rounds):
        mean = np.bincount(edges, values[others], count) / np.maximum(degree, 1)
        values = np.where(degree > 0, 0.5 * values + 0.5 * mean, values)
    return values


# Half of the usual hairline, from the middle of the forehead over the temple, the sideburn, around
# the ear to the middle of the nape: dm on the mean head, moved to the nearest skin.
_HAIRLINE = np.array(
    [
        (0.00, 8.02, 1.32), (0.22, 8.01, 1.26), (0.42, 7.97, 1.10), (0.56, 7.86, 0.98),
        (0.62, 7.70, 0.96), (0.655, 7.55, 0.93), (0.68, 7.40, 0.86), (0.70, 7.25, 0.76),
        (0.705, 7.10, 0.70), (0.70, 7.08, 0.62), (0.71, 7.25, 0.57), (0.715, 7.42, 0.50),
        (0.72, 7.52, 0.36), (0.71, 7.50, 0.20), (0.68, 7.35, 0.08), (0.65, 7.10, 0.04),
        (0.60, 6.90, 0.02), (0.48, 6.72, -0.05), (0.30, 6.60, -0.10), (0.00, 6.56, -0.12),
    ]
)  # fmt: skip


def scalp_distance(points: Floats, skin: Ints) -> Floats:
    """[G] dm, + where hair grows. `skin`: triangles of the scalp and face without the ears."""
    line = _dense_hairline(_sample_surface(points, skin))
    nearest = torch.cdist(torch.from_numpy(points), torch.from_numpy(line)).min(1)[0].numpy()
    return np.where(_inside_hairline(points, line), nearest, -nearest)


def _dense_hairline(skin: Floats) -> Floats:
    fine = np.concatenate(
        [a + (b - a) * np.linspace(0, 1, 24, endpoint=False)[:, None]
         for a, b in pairwise(_HAIRLINE)]
    )  # fmt: skip
    both = np.concatenate([fine, fine[::-1] * [-1, 1, 1]])
    nearest = [np.argmin(((skin - spot) ** 2).sum(1)) for spot in both]
    line = skin[nearest]
    for _ in range(3):  # samples are about 0.015 dm apart
        line = 0.5 * line + 0.25 * (np.roll(line, 1, axis=0) + np.roll(line, -1, axis=0))
    return line


def _inside_hairline(points: Floats, line: Floats) -> npt.NDArray[np.bool_]:
    """By the winding of the line seen from the middle of the head, above and behind up."""

    def flat(p: Floats) -> Floats:
        ray = p - [0, 7.35, 0.35]
        ray /= np.linalg.norm(ray, axis=1, keepdims=True)
        apex = np.array([0, 0.82, -0.5724])
        across = np.cross(apex, [1.0, 0, 0])
        angle = np.arccos(np.clip(ray @ apex, -1, 1))
        turn = np.arctan2(ray[:, 0], ray @ across)
        return np.stack([angle * np.cos(turn), angle * np.sin(turn)], 1)

    polygon, spots = flat(line), flat(points)
    inside = np.zeros(len(points), bool)
    for (x0, y0), (x1, y1) in zip(polygon, np.roll(polygon, -1, axis=0), strict=True):
        crosses = (spots[:, 1] < y0) != (spots[:, 1] < y1)
        if crosses.any():
            at = x0 + (spots[:, 1] - y0) / (y1 - y0) * (x1 - x0)
            inside ^= crosses & (spots[:, 0] < at)
    return inside


def _smoothstep(low: float, high: float, value: Floats) -> Floats:
    t = np.clip((value - low) / (high - low), 0, 1)
    return t * t * (3 - 2 * t)


def beard_density(points: Floats, marks: Floats, scalp: Floats) -> Floats:
    """[G] 0..1 where a full beard grows: chin, jaw, cheeks under a line from ear to mouth, neck."""
    x, y, z = np.abs(points[:, 0]), points[:, 1], points[:, 2]
    chin, corner = marks[8], marks[54]
    # Upper border: from the sideburn down to beside the mouth corner.
    border = np.interp(x, [0.0, corner[0] + 0.06, 0.45, 0.62, 0.72], [0, 0, 0.05, 0.33, 0.50])
    border += corner[1] + 0.06
    cheek = 1 - _smoothstep(-0.06, 0.07, y - border)
    throat = _smoothstep(-0.02, 0.22, y - (chin[1] - 0.42) - 0.25 * (1.4 - z).clip(0))
    behind = _smoothstep(0.28, 0.50, z)
    # Bare: the lips' red and a patch on either side below the lower lip.
    lips = np.hypot(x / (corner[0] * 1.12), (y - marks[48:60, 1].mean()) / 0.125)
    bare = _smoothstep(0.95, 1.25, lips)
    sideburn = 1 - _smoothstep(-0.02, 0.02, scalp)
    return np.where(z > 0.2, cheek * throat * behind * bare * np.maximum(sideburn, 0.0), 0.0)


def moustache_density(points: Floats, marks: Floats) -> Floats:
    """[G] 0..1 between the nose and the upper lip, thinner in the groove, running out past it."""
    x, y, z = np.abs(points[:, 0]), points[:, 1], points[:, 2]
    corner, base = marks[54], marks[33]
    lip = np.interp(x, np.sort(marks[51:55, 0]), marks[51:55, 1][np.argsort(marks[51:55, 0])])
    top = np.interp(x, [0, 0.16, corner[0] + 0.06], [base[1] + 0.005, base[1], corner[1] + 0.01])
    above = _smoothstep(-0.012, 0.012, y - lip)
    below = 1 - _smoothstep(-0.015, 0.025, y - top)
    ends = 1 - _smoothstep(corner[0] + 0.0, corner[0] + 0.09, x)
    groove = 1 - 0.6 * np.exp(-((x / 0.045) ** 2))
    return np.where(z > 1.2, above * below * ends * groove, 0.0)
