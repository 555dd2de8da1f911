"""The mesh of house-head: which points and triangles are kept, added and labelled.

Points carry the shape. In order: surface points (skin, eye sockets, inside of the mouth, tongue),
teeth, joints, left eye, right eye. Each is a combination of base points, so that a target of the
base mesh gives its displacements (`HeadMesh.displacements`).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import torch

from guise.train.head_chart import chart_from_sheet_uv
from guise.train.head_parts import PART, ear_points, label_skin
from guise.train.head_source import Base, Floats, Ints, Source
from guise.train.head_teeth import Arch, build_arch

# Values of Triangle::surface (csrc/render/head_model.h).
SURFACE = {"skin": 0, "left_eye": 1, "right_eye": 2, "mouth": 3, "teeth": 4, "tongue": 5}
# Shoulders are kept above this height and inside this half width, dm.
LOWEST, WIDEST = 4.3, 2.4
# Besides the head's. MakeHuman's head joint wanders against the skull, so the ears carry it.
JOINTS = ("neck", "jaw")
EYE_COLUMNS, EYE_ROWS = 24, 16


@dataclass(frozen=True)
class Corners:
    """Quads before their corners become vertices: points, uv and sheet uv of each corner."""

    points: Ints  # [Q, 4]
    uv: Floats  # [Q, 4, 2]
    sheet_uv: Floats  # [Q, 4, 2], -1 where the sheet shows nothing
    surface: Ints  # [Q]
    part: Ints  # [Q]


@dataclass(frozen=True)
class HeadMesh:
    """G points, V vertices, T triangles."""

    kept: Ints  # base points of the surface points
    arches: tuple[tuple[Ints, Arch], ...]  # base points of the helper, and the teeth on it
    eyes: tuple[Ints, Ints]  # base points of the helper of the left and right eye
    joints: tuple[Ints, ...]  # base points whose mean is the joint; the ears for the head's
    pivot: Floats  # [3] from the middle of the ears to the head joint
    eye_directions: Floats  # [E, 3] unit; the left eye's, the right one's are mirrored in x
    rest: Floats  # [G, 3] on the base mesh
    vertex_point: Ints
    uv: Floats
    sheet_uv: Floats
    triangles: Ints
    surface: Ints
    part: Ints

    @property
    def surface_count(self) -> int:
        """Points of skin, mouth and tongue: those before the teeth."""
        return len(self.kept)

    @property
    def first_joint(self) -> int:
        """Joints, in order: head, neck, jaw, left eye, right eye, rim of the left and right eye."""
        return len(self.kept) + sum(len(arch.offsets) for _, arch in self.arches)

    @property
    def morphed(self) -> int:
        """P: points that targets move. Eye points follow, made anew from centre and rim."""
        return self.first_joint + 7

    @property
    def mirror(self) -> Ints:
        """[P] for each morphed point the one on the other side."""
        points = torch.from_numpy(self.rest[: self.morphed])
        other = points * torch.tensor([-1.0, 1.0, 1.0], dtype=points.dtype)
        return torch.cdist(other, points).argmin(1).numpy()

    def place(self, base: Floats) -> Floats:
        """Base points [B, 3] -> points [G, 3]."""
        return self._combine(base)

    def displacements(self, base: Floats, delta: Floats) -> Floats:
        """A displacement of the base points [B, 3] -> that of the morphed points [P, 3], linear."""
        moved = self._combine(base + delta * 1e-3) - self._combine(base)
        return moved[: self.morphed] * 1e3

    def _combine(self, base: Floats) -> Floats:
        blocks = [base[self.kept]]
        for helper, arch in self.arches:
            blocks.append(arch.weights @ base[helper] + arch.offsets)
        centers, rims, eyes = [], [], []
        for helper, mirror in zip(self.eyes, (1.0, -1.0), strict=True):
            center = base[helper].mean(0)
            radius = np.linalg.norm(base[helper] - center, axis=1).mean()
            eyes.append(center + radius * self.eye_directions * [mirror, 1, 1])
            centers.append(center)
            rims.append(center + np.array([0, 0, radius]))
        joints = [base[j].mean(0) for j in self.joints]
        joints[0] = joints[0] + self.pivot
        blocks.append(np.array([*joints, *centers, *rims]))
        return np.concatenate(blocks + eyes)


def build_mesh(source: Source) -> HeadMesh:
    """Cuts the head out of the base mesh and adds eyes and teeth."""
    base = source.base
    islands = _islands(base)
    tongue = np.array([g == "helper-tongue" for g in base.groups])
    surface_quads = np.concatenate([*islands.values(), np.flatnonzero(tongue)])
    kept = np.unique(base.quads[surface_quads])
    index = np.full(len(base.points), -1)
    index[kept] = np.arange(len(kept))

    blocks = [_skin(source, islands, index), _mouth(base, islands["mouth"], index)]
    blocks.append(_tongue(base, np.flatnonzero(tongue), index))
    count = len(kept)
    arches = []
    for jaw in ("upper", "lower"):
        helper = base.group(f"helper-{jaw}-teeth")
        arch = build_arch(base.points[helper], jaw)
        arches.append((helper, arch))
        blocks.append(_teeth(arch, count))
        count += len(arch.offsets)
    count += len(JOINTS) + 5
    directions, eye_quads, eye_uv = _eyeball()
    for name in ("left_eye", "right_eye"):
        blocks.append(_eye(name, eye_quads, eye_uv, count))
        count += len(directions)
    corners = Corners(
        *(np.concatenate([getattr(b, f) for b in blocks]) for f in Corners.__dataclass_fields__)
    )
    vertex_point, uv, sheet_uv, quads = _split(corners)
    ears = np.flatnonzero(ear_points(source, "l") | ear_points(source, "r"))
    mesh = HeadMesh(
        kept=kept,
        arches=tuple(arches),
        eyes=(base.group("helper-l-eye"), base.group("helper-r-eye")),
        joints=(ears, *(base.joint(name) for name in JOINTS)),
        pivot=base.points[base.joint("head")].mean(0) - base.points[ears].mean(0),
        eye_directions=directions,
        rest=np.empty((0, 3)),
        vertex_point=vertex_point,
        uv=uv,
        sheet_uv=sheet_uv,
        triangles=np.empty((0, 3), np.int64),
        surface=np.repeat(corners.surface, 2),
        part=np.repeat(corners.part, 2),
    )
    rest = mesh.place(base.points)
    triangles = _triangulate(quads, rest[vertex_point])
    real = (triangles != np.roll(triangles, 1, axis=1)).all(1)  # poles of the eyes have others
    kept_fields = {"surface": mesh.surface[real], "part": mesh.part[real]}
    return replace(mesh, rest=rest, triangles=triangles[real], **kept_fields)


def _islands(base: Base) -> dict[str, Ints]:
    """Quads of the body's uv islands that belong to the head, and the shoulders cut off."""
    body = np.flatnonzero(np.array([g == "body" for g in base.groups]))
    label = _components(base.uv_quads[body], len(base.uv))[base.uv_quads[body][:, 0]]
    centers = base.points[base.quads[body]].mean(1)

    def holding(point: Floats) -> Ints:
        nearest = int(np.argmin(((centers - point) ** 2).sum(1)))
        return np.asarray(body[label == label[nearest]])

    sockets = []
    for side in ("l", "r"):
        center = base.points[base.joint(f"{side}-eye")].mean(0)
        sockets.append(holding(center - [0, 0, 0.14]))
    shoulders = body[label == np.bincount(label).argmax()]
    corners = base.points[base.quads[shoulders]]
    inside = (corners[:, :, 1].min(1) > LOWEST) & (np.abs(corners[:, :, 0]).max(1) < WIDEST)
    mouth = base.points[base.joint("mouth")].mean(0)
    islands = {
        "head": holding(np.array([0.0, 8.5, 0.7])),
        "left_socket": sockets[0],
        "right_socket": sockets[1],
        "mouth": holding(mouth),
        "shoulders": shoulders[inside],
    }
    return islands


def _components(faces: Ints, count: int) -> Ints:
    """[count] component of each node, by the smallest node joined to it."""
    label = np.arange(count)
    while True:
        lowest = label.copy()
        np.minimum.at(lowest, faces, label[faces].min(1, keepdims=True))
        lowest = lowest[lowest]
        if (lowest == label).all():
            return label
        label = lowest


def _skin(source: Source, islands: dict[str, Ints], index: Ints) -> Corners:
    base = source.base
    names = ("head", "left_socket", "right_socket", "shoulders")
    quads = np.concatenate([islands[n] for n in names])
    part = np.concatenate(
        [
            label_skin(source, base.quads[islands["head"]]),
            np.full(len(islands["left_socket"]) * 2, PART["skin"]),
            np.full(len(islands["shoulders"]), PART["neck"]),
        ]
    )
    sheet = base.uv[base.uv_quads[quads]]
    uv = chart_from_sheet_uv(sheet.reshape(-1, 2)).reshape(sheet.shape)
    surface = np.full(len(quads), SURFACE["skin"])
    return Corners(index[base.quads[quads]], uv, sheet, surface, part)


def _inside(points: Ints, uv: Floats, surface: str, part: str = "mouth") -> Corners:
    """Quads that the sheet does not show."""
    count = len(points)
    sheet = np.full((count, 4, 2), -1.0)
    return Corners(points, uv, sheet, np.full(count, SURFACE[surface]), np.full(count, PART[part]))


def _mouth(base: Base, quads: Ints, index: Ints) -> Corners:
    uv = base.uv[base.uv_quads[quads]]
    low, high = uv.reshape(-1, 2).min(0), uv.reshape(-1, 2).max(0)
    return _inside(index[base.quads[quads]], (uv - low) / (high - low) * [1, -1] + [0, 1], "mouth")


def _tongue(base: Base, quads: Ints, index: Ints) -> Corners:
    corners = base.points[base.quads[quads]][:, :, [0, 2]]
    low, high = corners.reshape(-1, 2).min(0), corners.reshape(-1, 2).max(0)
    return _inside(index[base.quads[quads]], (corners - low) / (high - low), "tongue")


def _teeth(arch: Arch, first: int) -> Corners:
    gum = _inside(arch.quads + first, arch.uv[arch.quads], "mouth")
    surface = np.where(arch.is_gum, SURFACE["mouth"], SURFACE["teeth"])
    return Corners(gum.points, gum.uv, gum.sheet_uv, surface, gum.part)


def _eye(name: str, quads: Ints, uv: Floats, first: int) -> Corners:
    if name == "right_eye":  # mirrored: turned over so that it stays counter-clockwise
        quads, uv = quads[:, ::-1], uv[:, ::-1] * [-1, 1] + [1, 0]
    return _inside(quads + first, uv, name, name)


def _eyeball() -> tuple[Floats, Ints, Floats]:
    """Unit directions [E, 3], quads and uv of a ball whose rings are closest around +z."""
    polar = np.pi * (np.arange(1, EYE_ROWS) / EYE_ROWS) ** 1.35
    around = 2 * np.pi * np.arange(EYE_COLUMNS) / EYE_COLUMNS
    ring = np.stack([np.cos(around), np.sin(around)], 1)
    points = [np.array([[0.0, 0.0, 1.0]])]
    for angle in polar:
        z = np.full((EYE_COLUMNS, 1), np.cos(angle))
        points.append(np.concatenate([ring * np.sin(angle), z], 1))
    points.append(np.array([[0.0, 0.0, -1.0]]))
    quads = []
    last = 1 + (EYE_ROWS - 1) * EYE_COLUMNS
    for row in range(EYE_ROWS):
        for c in range(EYE_COLUMNS):
            d = (c + 1) % EYE_COLUMNS
            inner, outer = 1 + (row - 1) * EYE_COLUMNS, 1 + row * EYE_COLUMNS
            if row == 0:
                quads.append([0, outer + c, outer + d, 0])
            elif row == EYE_ROWS - 1:
                quads.append([inner + d, inner + c, last, inner + d])
            else:
                quads.append([inner + c, outer + c, outer + d, inner + d])
    directions = np.concatenate(points)
    angle = np.arccos(directions[:, 2:3]) / np.pi
    flat = directions[:, :2] / np.maximum(np.linalg.norm(directions[:, :2], axis=1), 1e-9)[:, None]
    disc = 0.5 + 0.5 * angle * flat * [1, -1]
    return directions, np.array(quads), disc[np.array(quads)]


def _split(corners: Corners) -> tuple[Ints, Floats, Floats, Ints]:
    """One vertex for each point and uv: their points, uv and sheet uv, and the quads over them."""
    rows = np.concatenate(
        [corners.points.reshape(-1, 1), np.round(corners.uv.reshape(-1, 2) * 1e6)], 1
    )
    _, first, inverse = np.unique(rows, axis=0, return_index=True, return_inverse=True)
    return (
        corners.points.reshape(-1)[first],
        corners.uv.reshape(-1, 2)[first],
        corners.sheet_uv.reshape(-1, 2)[first],
        inverse.reshape(-1, 4),
    )


def _triangulate(quads: Ints, positions: Floats) -> Ints:
    """[2 Q, 3]: each quad is cut along its shorter diagonal; none of the triangles is empty."""
    corner = positions[quads]
    first = np.linalg.norm(corner[:, 0] - corner[:, 2], axis=1)
    second = np.linalg.norm(corner[:, 1] - corner[:, 3], axis=1)
    swap: npt.NDArray[np.bool_] = (second < first - 1e-6)[:, None]
    swap[quads[:, 0] == quads[:, 3]] = False
    turned = np.where(swap, np.roll(quads, -1, axis=1), quads)
    triangles = np.stack([turned[:, [0, 1, 2]], turned[:, [0, 2, 3]]], 1)
    return triangles.reshape(-1, 3)
