"""Builds house-head: mesh, targets, the learned spread of shapes, fields and landmarks."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from guise import _core
from guise.train import head_fields, head_modes
from guise.train.head_asymmetry import asymmetry_modes
from guise.train.head_detector import marker_table
from guise.train.head_expression import expression_unit, open_mouth
from guise.train.head_lids import find_lids, open_lids
from guise.train.head_mesh import HeadMesh, build_mesh
from guise.train.head_parts import PART, landmark_positions_on
from guise.train.head_rest import RestHead, follow_eyes, relaxed_base
from guise.train.head_source import Floats, Ints, Source, open_source
from guise.train.head_targets import (
    EXPRESSIONS,
    ancestry_targets,
    build_targets,
    displacement,
    local_parameters,
)

FORMAT, VERSION = "guise.house-head", "1"
# A displacement below this is not stored, dm.
_SMALLEST = 0.00025


@dataclass(frozen=True)
class Sparse:
    """Targets one after another: `offsets` [K + 1], `points` [N], `deltas` [N, 3]."""

    offsets: Ints
    points: Ints
    deltas: Floats


def pack(targets: list[Floats]) -> Sparse:
    """Dense displacements [P, 3] -> those points that move."""
    points = [np.flatnonzero(np.abs(t).max(1) > _SMALLEST) for t in targets]
    return Sparse(
        np.cumsum([0] + [len(p) for p in points]),
        np.concatenate(points),
        np.concatenate([t[p] for t, p in zip(targets, points, strict=True)]),
    )


def build(out: Path, wheel: Path | None = None, ict: Path | None = None) -> Path:
    """Writes `out`/house-head.safetensors and returns its path."""
    if ict is None:
        raise _core.Unavailable(
            "the spread of head shapes is learned from the ICT face model; name its model.npz "
            "with --ict"
        )
    with open_source(wheel) as source:
        tensors, metadata = _assemble(source, ict)
    out.mkdir(parents=True, exist_ok=True)
    path = out / "house-head.safetensors"
    _core.write_safetensors(str(path), tensors, metadata=metadata)
    return path


def _assemble(source: Source, ict: Path) -> tuple[dict[str, torch.Tensor], dict[str, str]]:
    mesh = build_mesh(source)
    base = relaxed_base(source)
    moves = [mesh.displacements(base, t) for t in ancestry_targets(source)]
    builds = [mesh.displacements(base, t) for t in build_targets(source)]
    rest = RestHead(mesh.place(base), _centred(mesh, moves), _centred(mesh, builds))
    parameters = [p for p in local_parameters(source) if p.name in head_modes.DETAILS]
    locals_ = [mesh.displacements(base, displacement(source, p)) for p in parameters]
    modes, figures = head_modes.learn(mesh, rest, parameters, ict)
    rest = open_lids(source, mesh, rest, modes.dense[-1])
    asymmetry = asymmetry_modes(source, mesh, base)
    units = [expression_unit(source, mesh, base, name) for name in EXPRESSIONS]
    sparse = pack([*locals_, *asymmetry, *units])

    lids = find_lids(mesh, rest.mean(mesh))
    mean = rest.mean(mesh, modes.dense[-1])
    markers, weights = marker_table(mesh, mean)
    tensors = {
        "base_points": _f32(rest.base),
        "eye_directions": _f32(mesh.eye_directions),
        "ancestry": _f16(rest.ancestry),
        "build": _f16(rest.build),
        "target_offsets": _i32(sparse.offsets),
        "target_points": torch.from_numpy(sparse.points.astype(np.int16)),
        "target_deltas": _f16(sparse.deltas),
        "dense_modes": _f16(modes.dense),
        "mode_factors": _f32(modes.factors),
        "mode_means": _f32(modes.means),
        "mahalanobis_limit": _f32(np.array([modes.limit])),
        "lid_points": _i32(lids.points),
        "lid_heights": _f32(lids.heights),
        "lid_holds": _f32(lids.holds),
        "lid_right": torch.from_numpy(lids.right.astype(np.uint8)),
        "vertex_point": _i32(mesh.vertex_point),
        "uv": _f32(mesh.uv),
        "sheet_uv": _f32(mesh.sheet_uv),
        "triangles": _i32(mesh.triangles),
        "triangle_surface": torch.from_numpy(mesh.surface.astype(np.uint8)),
        "triangle_part": torch.from_numpy(mesh.part.astype(np.uint8)),
        "marker_points": _i32(markers),
        "marker_weights": _f32(weights),
    }
    tensors.update({k: _f16(v) for k, v in _fields(mesh, mean, units).items()})
    names = {
        "local": [p.name for p in parameters],
        "asymmetry": len(asymmetry),
        "expression": list(EXPRESSIONS),
        "modes": modes.names,
    }
    for name, value in figures.items():
        print(f"{name:16s} {value:.2f}")
    metadata = {"format": FORMAT, "version": VERSION, "names": json.dumps(names)}
    return tensors, metadata


def _centred(mesh: HeadMesh, moves: list[Floats]) -> Floats:
    """[K, P, 3] without the displacement of the ears' middle: the head stays where it is."""
    return np.array([move - move[mesh.first_joint] for move in moves])


def _fields(mesh: HeadMesh, mean: Floats, units: list[Floats]) -> dict[str, Floats]:
    corners = mesh.vertex_point[mesh.triangles]
    marks = landmark_positions_on(mesh.kept, mean)
    ears = np.isin(mesh.part, [PART["left_ear"], PART["right_ear"]])
    face = corners[(mesh.surface == 0) & ~ears]
    skin = np.unique(face)
    bare = np.setdiff1d(np.arange(len(mean)), skin)
    scalp = head_fields.scalp_distance(mean, face)
    scalp[bare] = -np.maximum(np.abs(scalp[bare]), 0.05)
    beard = head_fields.beard_density(mean, marks, scalp)
    moustache = head_fields.moustache_density(mean, marks)
    beard[bare] = moustache[bare] = 0
    # What the closed lips hide is seen in an open mouth only.
    openness = head_fields.ambient_occlusion(mean, corners)
    inside = np.unique(corners[np.isin(mesh.surface, [3, 4, 5])])
    opened = follow_eyes(mesh, open_mouth(mean[: mesh.morphed], units))
    openness[inside] = head_fields.ambient_occlusion(opened, corners)[inside]
    return {
        "ambient_occlusion": openness,
        "scalp_distance": scalp,
        "beard_density": beard,
        "moustache_density": moustache,
        "pose_weight": head_fields.pose_weight(mean),
    }


def _f32(values: Floats) -> torch.Tensor:
    return torch.from_numpy(np.ascontiguousarray(values, np.float32))


def _f16(values: Floats) -> torch.Tensor:
    return torch.from_numpy(np.ascontiguousarray(values, np.float16))


def _i32(values: Ints) -> torch.Tensor:
    return torch.from_numpy(np.ascontiguousarray(values, np.int32))
