"""Landmarks and detector points as weighted points of house-head."""

from __future__ import annotations

import numpy as np

from guise.train.head_landmarks import LANDMARKS, Weighted
from guise.train.head_mesh import HeadMesh
from guise.train.head_source import Floats, Ints

COLUMNS = 6
# Detectors such as YuNet place the nose and the mouth corners higher than the mesh has them: pixels
# of a 112 px crop, in which the eyes lie 35.2 px apart.
NOSE_HIGHER_PX, CORNER_HIGHER_PX, EYE_DISTANCE_PX = 2.6, 3.3, 35.2
_RIGHT_LIDS, _LEFT_LIDS = range(36, 42), range(42, 48)


def marker_table(mesh: HeadMesh, mean: Floats) -> tuple[Ints, Floats]:
    """[73, 6] points and weights: the 68 landmarks, then the five points of detectors.

    Five points: eye, eye, nose, mouth corner, mouth corner, the one on the subject's right first.
    """
    rows = [_on_points(mesh, one) for one in LANDMARKS]
    marks = np.array([sum(w * mean[i] for i, w in row) for row in rows])
    left, right = marks[list(_LEFT_LIDS)].mean(0), marks[list(_RIGHT_LIDS)].mean(0)
    pixel = float(np.linalg.norm(left - right)) / EYE_DISTANCE_PX
    for lids in (_RIGHT_LIDS, _LEFT_LIDS):
        rows.append([(rows[k][0][0], 1 / 6) for k in lids])
    rows.append(_under(mesh, mean, marks[30], NOSE_HIGHER_PX * pixel))
    for corner in (48, 54):
        rows.append(_under(mesh, mean, marks[corner], CORNER_HIGHER_PX * pixel))
    points = np.zeros((len(rows), COLUMNS), np.int64)
    weights = np.zeros((len(rows), COLUMNS))
    for k, row in enumerate(rows):
        for column, (point, weight) in enumerate(row):
            points[k, column], weights[k, column] = point, weight
    return points, weights


def _on_points(mesh: HeadMesh, one: Weighted) -> list[tuple[int, float]]:
    total = sum(w for _, w in one)
    return [(int(np.searchsorted(mesh.kept, i)), w / total) for i, w in one]


def _under(mesh: HeadMesh, mean: Floats, mark: Floats, higher: float) -> list[tuple[int, float]]:
    """The point of the skin that lies `higher` dm above `mark`, seen from the front."""
    triangles = mesh.vertex_point[mesh.triangles[mesh.surface == 0]]
    x, y = mark[0], mark[1] + higher
    corner = mean[triangles]
    a, b, c = corner[:, 0], corner[:, 1], corner[:, 2]
    area = (b[:, 0] - a[:, 0]) * (c[:, 1] - a[:, 1]) - (c[:, 0] - a[:, 0]) * (b[:, 1] - a[:, 1])
    area = np.where(np.abs(area) < 1e-12, 1e-12, area)
    wb = ((x - a[:, 0]) * (c[:, 1] - a[:, 1]) - (c[:, 0] - a[:, 0]) * (y - a[:, 1])) / area
    wc = ((b[:, 0] - a[:, 0]) * (y - a[:, 1]) - (x - a[:, 0]) * (b[:, 1] - a[:, 1])) / area
    hit = (wb >= -1e-9) & (wc >= -1e-9) & (wb + wc <= 1 + 1e-9) & (area > 0)
    depth = np.where(hit, a[:, 2] + wb * (b - a)[:, 2] + wc * (c - a)[:, 2], -np.inf)
    best = int(depth.argmax())
    shares = (1 - wb[best] - wc[best], wb[best], wc[best])
    return [(int(p), float(w)) for p, w in zip(triangles[best], shares, strict=True)]
