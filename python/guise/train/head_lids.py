"""Lids that lie on the eyeball, whatever the head's shape, and eyes as open as a relaxed face's."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from guise.train.head_mesh import HeadMesh
from guise.train.head_parts import landmark_positions_on
from guise.train.head_rest import RestHead
from guise.train.head_source import Floats, Ints, Source

_REACH = 0.16  # dm beyond the eyeball: skin that a closing lid may drag over it
# Skin this near to the eyeball keeps its distance from it; farther skin is free.
_HELD, _FREE = 0.018, 0.065
# Elevation of the upper lid's edge seen from the eye's centre, degrees, by sex; less in old age.
_UPPER_LID_DEG = (18.0, 15.5)
_OLD_LID_DEG = -3.5
# Share of MakeHuman's own differences between groups that stays.
_NATURAL = 0.35


@dataclass(frozen=True)
class Lids:
    """Points around the left, then the right eye."""

    points: Ints
    heights: Floats  # dm over the eyeball at rest
    holds: Floats  # 0..1, how strongly the height is kept
    right: Ints  # 1 for the right eye


def find_lids(mesh: HeadMesh, mean: Floats) -> Lids:
    """Skin in front of each eye's centre and near its ball."""
    skin = np.unique(mesh.vertex_point[mesh.triangles[mesh.surface == 0]])
    points, heights, sides = [], [], []
    for side in (0, 1):
        center, radius = eye_ball(mesh, mean, side)
        height = np.linalg.norm(mean[skin] - center, axis=1) - radius
        near = (height < _REACH) & (mean[skin, 2] > center[2] + 0.01)
        points.append(skin[near])
        heights.append(height[near])
        sides.append(np.full(int(near.sum()), side))
    all_heights = np.concatenate(heights)
    t = np.clip((np.abs(all_heights) - _HELD) / (_FREE - _HELD), 0, 1)
    holds = 1 - t * t * (3 - 2 * t)
    return Lids(np.concatenate(points), all_heights, holds, np.concatenate(sides))


def eye_ball(mesh: HeadMesh, points: Floats, side: int) -> tuple[Floats, float]:
    """Centre and radius of the left (0) or right (1) eye."""
    center = points[mesh.first_joint + 3 + side]
    return center, float(np.linalg.norm(points[mesh.first_joint + 5 + side] - center))


def carry_eyes(mesh: HeadMesh, mean: Floats, moves: Floats) -> None:
    """Moves the eyes in the fields [K, P, 3] so that they stay under their lids; in place.

    The centre follows the lids' motion, most of all across the ball; the radius stays.
    """
    lids = find_lids(mesh, mean)
    for side in (0, 1):
        center, _ = eye_ball(mesh, mean, side)
        chosen = (lids.right == side) & (lids.holds > 0.3)
        points, hold = lids.points[chosen], lids.holds[chosen]
        normal = mean[points] - center
        normal /= np.linalg.norm(normal, axis=1, keepdims=True)
        # Radial agreement counts fully, the rest a little.
        pull = normal[:, :, None] * normal[:, None, :] + 0.15 * np.eye(3)
        system = (pull * hold[:, None, None]).sum(0)
        right_side = np.einsum("n,nij,knj->ki", hold, pull, moves[:, points])
        moved = np.linalg.solve(system, right_side.T).T
        moves[:, mesh.first_joint + 3 + side] = moved
        moves[:, mesh.first_joint + 5 + side] = moved


def open_lids(source: Source, mesh: HeadMesh, rest: RestHead, shift: Floats) -> RestHead:
    """The same with each ancestry's eyes opened or narrowed towards a relaxed look.

    `shift` [P, 3] is what every head gets besides.
    """
    wide = mesh.displacements(
        source.base.points, source.unit("eyeWideLeft") + source.unit("eyeWideRight")
    )
    wide[mesh.first_joint :] = 0
    ancestry = rest.ancestry.copy()
    for k in range(12):
        sex, old = (k // 2) % 2, k % 2
        start = rest.base[: mesh.morphed] + rest.ancestry[k] + shift
        start = start + rest.build[(sex * 2 + old) * 9 + 4]
        now, per_unit = _lid_deg(mesh, start), _lid_deg(mesh, start + wide)
        goal = _UPPER_LID_DEG[sex] + old * _OLD_LID_DEG
        amount = (1 - _NATURAL) * (goal - now) / (per_unit - now)
        ancestry[k] = ancestry[k] + amount * wide
    return replace(rest, ancestry=ancestry)


def _lid_deg(mesh: HeadMesh, points: Floats) -> float:
    """Elevation of the upper lid's middle seen from the eye's centre, both eyes' mean."""
    marks = landmark_positions_on(mesh.kept, points)
    angles = []
    for side, pair in ((0, (43, 44)), (1, (37, 38))):
        center, _ = eye_ball(mesh, points, side)
        way = marks[list(pair)].mean(0) - center
        angles.append(np.degrees(np.arctan2(way[1], way[2])))
    return float(np.mean(angles))
