"""Labels of the head's skin: lips, nose, ears, neck, and the rest."""

from __future__ import annotations

import heapq

import numpy as np
import numpy.typing as npt

from guise.train.head_landmarks import LANDMARKS
from guise.train.head_source import Floats, Ints, Source

# Values of Part (csrc/render/mesh.h).
PART = {
    "skin": 1, "left_eye": 4, "right_eye": 5, "left_ear": 7, "right_ear": 8, "nose": 10,
    "mouth": 11, "upper_lip": 12, "lower_lip": 13, "neck": 14,
}  # fmt: skip
_JAW_BORDER = (6.15, 0.30, 1.40)  # dm: below y = first + second (third - z) the head is neck

Mask = npt.NDArray[np.bool_]


def landmark_positions(points: Floats) -> Floats:
    """[68, 3] on base points [B, 3]."""
    return np.array(
        [sum(w * points[i] for i, w in one) / sum(w for _, w in one) for one in LANDMARKS]
    )


def landmark_positions_on(kept: Ints, points: Floats) -> Floats:
    """[68, 3] on points of house-head, the first of which are the base points `kept`."""
    base = np.zeros((int(kept.max()) + 1, 3))
    base[kept] = points[: len(kept)]
    return landmark_positions(base)


def label_skin(source: Source, quads: Ints) -> Ints:
    """Part of each of the head's quads [Q, 4] of base points."""
    points = source.base.points
    centers = points[quads].mean(1)
    marks = landmark_positions(points)
    part = np.full(len(quads), PART["skin"])
    low, slope, front = _JAW_BORDER
    part[centers[:, 1] < low + slope * (front - centers[:, 2])] = PART["neck"]
    for side, name in (("l", "left_ear"), ("r", "right_ear")):
        part[ear_points(source, side)[quads].all(1)] = PART[name]
    part[_nose(centers, marks)] = PART["nose"]
    lips = _lips(source, quads)
    lower = source.unit("jawOpen")[:, 1]
    corner_drop = lower[[402, 7162]].mean()
    is_lower = lower[quads].mean(1) < corner_drop
    part[lips & ~is_lower] = PART["upper_lip"]
    part[lips & is_lower] = PART["lower_lip"]
    return part


def ear_points(source: Source, side: str) -> Mask:
    """[B] the ear on side "l" or "r": the points that lifting it moves fully."""
    moved = np.linalg.norm(source.target(f"ears/{side}-ear-trans-up"), axis=1)
    return np.asarray(moved > 0.93 * moved.max())


def _nose(centers: Floats, marks: Floats) -> Mask:
    """Between the bridge and the base, as wide as the wings below and narrow above."""
    x, y, z = np.abs(centers[:, 0]), centers[:, 1], centers[:, 2]
    bridge, base, wing = marks[27], marks[33], marks[35]
    heights = [base[1] - 0.03, wing[1] + 0.06, wing[1] + 0.16, bridge[1], bridge[1] + 0.02]
    widths = [wing[0] + 0.02, wing[0] + 0.045, 0.12, 0.075, 0.06]
    inside = (x < np.interp(y, heights, widths)) & (y > heights[0]) & (y < heights[-1])
    # The upper lip begins under the septum; beside it the wings reach down.
    return np.asarray(inside & (z > 1.30) & (y > base[1] - 0.01 - 0.12 * np.maximum(x - 0.06, 0)))


def _lips(source: Source, quads: Ints) -> Mask:
    """Of quads [Q, 4]: inside the loop of edges through the outline's landmarks, at the mouth."""
    points = source.base.points
    edges = np.stack([quads, np.roll(quads, -1, axis=1)], 2)  # [Q, 4, 2]
    edges.sort(axis=2)
    outline = [max(one, key=lambda pair: pair[1])[0] for one in LANDMARKS[48:60]]
    fence: set[tuple[int, int]] = set()
    for start, end in zip(outline, outline[1:] + outline[:1], strict=True):
        fence |= _shortest_path(points, edges.reshape(-1, 2), start, end)
    inside: Mask = np.asarray(np.isin(quads, [one[0][0] for one in LANDMARKS[60:68]]).any(1))
    keys = [[tuple(int(i) for i in edge) for edge in quad] for quad in edges]
    beside: dict[tuple[int, ...], list[int]] = {}
    for q, quad_keys in enumerate(keys):
        for key in quad_keys:
            beside.setdefault(key, []).append(q)
    front: list[int] = np.flatnonzero(inside).tolist()
    while front:
        for key in keys[front.pop()]:
            for other in beside[key] if key not in fence else []:
                if not inside[other]:
                    inside[other] = True
                    front.append(other)
    return inside


def _shortest_path(points: Floats, edges: Ints, start: int, end: int) -> set[tuple[int, int]]:
    """Edges (smaller point first) of the shortest way along `edges` from `start` to `end`."""
    straight = points[end] - points[start]
    near = np.linalg.norm(points[edges].mean(1) - (points[start] + points[end]) / 2, axis=1)
    ways: dict[int, list[int]] = {}
    for a, b in edges[near < np.linalg.norm(straight)]:
        ways.setdefault(int(a), []).append(int(b))
        ways.setdefault(int(b), []).append(int(a))
    queue: list[tuple[float, int, int]] = [(0.0, start, start)]
    came: dict[int, int] = {}
    while queue:
        cost, node, before = heapq.heappop(queue)
        if node in came:
            continue
        came[node] = before
        if node == end:
            break
        for other in ways.get(node, []):
            step = float(np.linalg.norm(points[other] - points[node]))
            heapq.heappush(queue, (cost + step, other, node))
    path = set()
    while end != start:
        path.add((min(end, came[end]), max(end, came[end])))
        end = came[end]
    return path
