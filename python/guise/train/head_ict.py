"""Identity modes of the ICT face model (MIT), carried over to the points of house-head.

The mean ICT head is moved onto the mean MakeHuman head: first its landmarks' middle, then a smooth
spline through landmarks and closest points. Displacements are read off the closest surface in the
face, and from a smooth spline where surfaces do not correspond (ears, mouth, back of the skull).
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from guise import _core
from guise.train.head_fields import point_normals
from guise.train.head_mesh import HeadMesh
from guise.train.head_parts import PART, landmark_positions_on
from guise.train.head_source import Floats, Ints

_FACE, _HEAD_NECK = 0, 1  # of vertex_part
_DM = 0.1  # a centimetre
_ROUNDS = 6
_SAMPLES, _NOSE_SAMPLES = 1300, 300


@dataclass(frozen=True)
class IctHead:
    """Face and head of the ICT model in house-head's space: dm, over the MakeHuman mean head."""

    points: Floats  # [N, 3] before the smooth warp
    warped: Floats  # [N, 3] lying on the MakeHuman mean
    triangles: Ints
    modes: Floats  # [100, N, 3] dm of one standard deviation


class Spline:
    """Biharmonic spline in space: smooth displacement fields through scattered points."""

    def __init__(self, centers: Floats, stiffness: Floats | float) -> None:
        count = len(centers)
        kernel = _distances(centers, centers)
        kernel[np.diag_indices(count)] -= stiffness
        affine = np.concatenate([np.ones((count, 1)), centers], 1)
        system = np.block([[kernel, affine], [affine.T, np.zeros((4, 4))]])
        self._centers, self._inverse = centers, np.linalg.inv(system)[:, :count]

    def through(self, values: Floats, at: Floats) -> Floats:
        """`values` [count, C] at the centres -> [len(at), C]."""
        weights = self._inverse @ values
        affine = np.concatenate([np.ones((len(at), 1)), at], 1)
        return np.concatenate([_distances(at, self._centers), affine], 1) @ weights


def _distances(a: Floats, b: Floats) -> Floats:
    squares = (a**2).sum(1)[:, None] + (b**2).sum(1)[None] - 2 * a @ b.T
    return np.asarray(np.sqrt(np.maximum(squares, 0)))


def load_ict(path: Path, mean: Floats, triangles: Ints, marks: Floats) -> IctHead:
    """Reads model.npz and lays it over `mean` [G, 3] with skin `triangles` and 68 `marks`."""
    if not path.exists():
        raise _core.Unavailable(f"{path} must be the ICT model (faces3d/ict/model.npz)")
    with np.load(path, allow_pickle=False) as data:
        kept = np.flatnonzero(np.isin(data["vertex_part"], [_FACE, _HEAD_NECK]))
        index = np.full(len(data["vertices"]), -1)
        index[kept] = np.arange(len(kept))
        corners = index[data["triangles"]]
        corners = corners[(corners >= 0).all(1)]
        points = data["vertices"][kept].astype(float)
        modes = data["identity_modes"][:, kept].astype(float)
        own_marks = index[data["landmarks_68"]]
    inner = np.arange(17, 68)
    # Neither turned nor scaled: the scans have their true size and hold their heads upright.
    points = _DM * points
    points += (marks[inner] - points[own_marks[inner]]).mean(0)
    modes = _DM * modes
    warped = _warp(points, corners, own_marks, mean, triangles, marks)
    return IctHead(points, warped, corners, modes)


def _warp(
    points: Floats, corners: Ints, own_marks: Ints, mean: Floats, triangles: Ints, marks: Floats
) -> Floats:
    """[N, 3] points moved smoothly onto the surface of `mean`."""
    # Left out: jaw points in front of the ears (approximate), the tip of the nose (defined
    # differently) and the inner lips (rolled in differently).
    trusted = np.array([*range(5, 12), *range(17, 30), *range(31, 60)])
    anchor, goal = points[own_marks[trusted]], marks[trusted]
    spline = Spline(anchor, np.where(trusted < 17, 0.6, 0.02))
    warped = points + spline.through(goal - anchor, points)
    tip = np.flatnonzero(np.linalg.norm(points - points[own_marks[30]], axis=1) < 0.26)
    near_tip = tip[_spread(points[tip], _NOSE_SAMPLES)]
    candidates = np.unique(np.concatenate([_spread(points, _SAMPLES), near_tip]))
    normals = point_normals(mean, triangles)
    skin = np.unique(triangles)
    for turn in range(_ROUNDS):
        own_normals = point_normals(warped, corners)
        spot = warped[candidates]
        facing = own_normals[candidates]
        found = nearest_facing(spot, facing, mean[skin], normals[skin])
        triangle, weights = barycentric_on(spot, mean, triangles, skin[found])
        place = (mean[triangles[triangle]] * weights[..., None]).sum(1)
        agrees = (normals[skin[found]] * facing).sum(1) > 0.6
        agrees &= np.linalg.norm(place - spot, axis=1) < (0.35 if turn == 0 else 0.2)
        agrees &= (np.abs(spot[:, 0]) < 0.62) | (spot[:, 2] < 0.1)  # ears do not correspond
        chosen = candidates[agrees]
        centers = np.concatenate([anchor, points[chosen]])
        goals = np.concatenate([goal - anchor, place[agrees] - points[chosen]])
        stiffness = np.concatenate(
            [np.where(trusted < 17, 0.6, 0.02), np.full(len(chosen), 0.4 / (turn + 1) ** 1.5)]
        )
        warped = points + Spline(centers, stiffness).through(goals, points)
    return warped


def _spread(points: Floats, count: int) -> Ints:
    """Indices of `count` points far from each other."""
    chosen = [int(points[:, 2].argmax())]
    nearest = ((points - points[chosen[0]]) ** 2).sum(1)
    while len(chosen) < count:
        chosen.append(int(nearest.argmax()))
        nearest = np.minimum(nearest, ((points - points[chosen[-1]]) ** 2).sum(1))
    return np.array(chosen)


def nearest_facing(
    spots: Floats, facing: Floats, points: Floats, normals: Floats, turn: float = 0.08
) -> Ints:
    """Of each spot with direction `facing`: the nearest of `points`; a wrong side adds distance.

    `turn`: dm that a unit of difference between the normals counts. Else the wall of the nose
    would find the inside of the nostril.
    """
    a = np.concatenate([spots, turn * facing], 1)
    b = np.concatenate([points, turn * normals], 1)
    return torch.cdist(torch.from_numpy(a), torch.from_numpy(b)).argmin(1).numpy()


def barycentric_on(
    spots: Floats, points: Floats, triangles: Ints, around: Ints
) -> tuple[Ints, Floats]:
    """Of each spot: the nearest triangle that touches point `around`, and its weights [N, 3]."""
    order = np.argsort(triangles.reshape(-1), kind="stable")
    owner = triangles.reshape(-1)[order]
    first, last = np.searchsorted(owner, around), np.searchsorted(owner, around, side="right")
    best = np.full(len(spots), np.inf)
    triangle, weights = np.zeros(len(spots), np.int64), np.zeros((len(spots), 3))
    for k in range(int((last - first).max())):
        has = np.flatnonzero(first + k < last)
        tried = order[first[has] + k] // 3
        share = _project(spots[has], points[triangles[tried]])
        place = (points[triangles[tried]] * share[..., None]).sum(1)
        distance = ((place - spots[has]) ** 2).sum(1)
        better = distance < best[has]
        at = has[better]
        best[at], triangle[at], weights[at] = distance[better], tried[better], share[better]
    return triangle, weights


def _project(spots: Floats, corner: Floats) -> Floats:
    """Barycentric weights of the projection on each triangle, clipped to the triangle."""
    a, b, c = corner[:, 0], corner[:, 1], corner[:, 2]
    u, v, w = b - a, c - a, spots - a
    uu, uv, vv = (u * u).sum(1), (u * v).sum(1), (v * v).sum(1)
    wu, wv = (w * u).sum(1), (w * v).sum(1)
    area = np.maximum(uu * vv - uv**2, 1e-18)
    s, t = (vv * wu - uv * wv) / area, (uu * wv - uv * wu) / area
    weights = np.maximum(np.stack([1 - s - t, s, t], 1), 0)
    return np.asarray(weights / weights.sum(1, keepdims=True))


def transferred_modes(mesh: HeadMesh, mean: Floats, ict: IctHead, fields: Floats) -> Floats:
    """[K, P, 3]: the fields [K, N, 3] over the ICT head as displacements of the morphed points.

    The face as a whole stays where it is, and both sides move alike: asymmetry has its own modes.
    """
    count = mesh.morphed
    spots = mean[:count]
    flat = fields.transpose(1, 0, 2).reshape(len(ict.warped), -1)
    normals = point_normals(mean, mesh.vertex_point[mesh.triangles])[:count]
    near = nearest_facing(spots, normals, ict.warped, point_normals(ict.warped, ict.triangles))
    triangle, weights = barycentric_on(spots, ict.warped, ict.triangles, near)
    detailed = np.einsum("pk,pkc->pc", weights, flat[ict.triangles[triangle]])
    gap = np.linalg.norm(
        (ict.warped[ict.triangles[triangle]] * weights[..., None]).sum(1) - spots, axis=1
    )
    smooth_from = _smooth_sources(ict, landmark_positions_on(mesh.kept, mean)[60:68].mean(0))
    spline = Spline(ict.warped[smooth_from], 0.05)
    smooth = spline.through(flat[smooth_from], spots)
    own = point_normals(ict.warped, ict.triangles)[ict.triangles[triangle]].mean(1)
    agrees = np.clip(((own * normals).sum(1) - 0.3) / 0.4, 0, 1)  # nostrils do not correspond
    share = (_detail_share(mesh, mean, gap) * agrees)[:, None]
    moved = share * detailed + (1 - share) * smooth
    moves = moved.reshape(count, len(fields), 3).transpose(1, 0, 2)
    moves = 0.5 * (moves + moves[:, mesh.mirror] * [-1, 1, 1])
    face = face_weight(spots)
    moves = moves - (np.einsum("kpc,p->kc", moves, face) / face.sum())[:, None]
    return np.asarray(moves * neck_fade(spots)[:, None])


def _smooth_sources(ict: IctHead, mouth: Floats) -> Ints:
    """Points of the ICT head that lead the smooth field: none of the ears, more at the mouth."""
    x, z = np.abs(ict.warped[:, 0]), ict.warped[:, 2]
    allowed = np.flatnonzero(~((x > 0.70) & (z > 0.0) & (z < 0.8)))
    lips = allowed[np.linalg.norm(ict.warped[allowed] - mouth, axis=1) < 0.42]
    chosen = [allowed[_spread(ict.warped[allowed], 800)], lips[_spread(ict.warped[lips], 250)]]
    return np.unique(np.concatenate(chosen))


def _detail_share(mesh: HeadMesh, mean: Floats, gap: Floats) -> Floats:
    """[P] 1 where the surfaces correspond: the face without ears and without the lips' inside."""
    count = mesh.morphed
    triangles = mesh.vertex_point[mesh.triangles]
    share = np.zeros(len(mean))
    parts = [PART[p] for p in ("skin", "nose", "upper_lip", "lower_lip", "neck")]
    share[np.unique(triangles[np.isin(mesh.part, parts) & (mesh.surface == 0)])] = 1
    for part in ("left_ear", "right_ear"):
        share[np.unique(triangles[mesh.part == PART[part]])] = 0
    inside = np.unique(triangles[(mesh.surface != 0)])
    share[inside] = 0
    share = share[:count] * np.exp(-((gap / 0.06) ** 2))
    blocked = mean[:count][share < 0.1]
    blocked = blocked[blocked[:, 2] > -0.2]
    distance = (
        torch.cdist(torch.from_numpy(mean[:count]), torch.from_numpy(blocked)).min(1)[0].numpy()
    )
    x, y, z = np.abs(mean[:count, 0]), mean[:count, 1], mean[:count, 2]
    away = np.clip((z - 0.1) / 0.4, 0, 1) * np.clip((0.80 - x) / 0.15, 0, 1)
    away *= np.clip((y - 5.8) / 0.3, 0, 1)
    t = np.clip((distance - 0.01) / 0.10, 0, 1)
    return share * t * t * (3 - 2 * t) * away


def face_weight(points: Floats) -> Floats:
    """[P] 1 on the front of the face, 0 behind the ears and below the chin."""
    front = np.clip((points[:, 2] - 0.5) / 0.5, 0, 1)
    return front * np.clip((points[:, 1] - 6.0) / 0.2, 0, 1)


def neck_fade(spots: Floats) -> Floats:
    """[P] 1 on the head, 0 on the shoulders, between them along the neck."""
    t = np.clip((spots[:, 1] + 0.35 * spots[:, 2] - 5.4) / (6.6 - 5.4), 0, 1)
    return t * t * (3 - 2 * t)
