"""Asymmetry: MakeHuman's one-sided targets combined into a few standard-normal modes."""

from __future__ import annotations

import numpy as np

from guise.train.head_mesh import HeadMesh
from guise.train.head_modes import signs
from guise.train.head_source import Floats, Source

# Target weight of one standard deviation, by the part that the name begins with.
_STRENGTH = {
    "brown": 0.16, "cheek": 0.16, "ear": 0.12, "eye": 0.10, "jaw": 0.13, "mouth": 0.13,
    "nose": 0.13, "temple": 0.12, "top": 0.06,
}  # fmt: skip
MODES = 14


def asymmetry_modes(source: Source, mesh: HeadMesh, base: Floats) -> list[Floats]:
    """14 displacements [P, 3] of one standard deviation each: the principal ones of all targets.

    The targets of the two sides are drawn as opposites: what is common to both sides is shape.
    """
    names = [n for n in source.names("asym") if n.startswith("asym/asym-") and n.endswith("-l")]
    moves = []
    for name in names:
        part = name.split("-")[1]
        left = mesh.displacements(base, source.target(name))
        right = mesh.displacements(base, source.target(name[:-1] + "r"))
        moves.append(_STRENGTH[part] * (left - right) / np.sqrt(2))
    stack = np.array(moves)
    flat = stack.reshape(len(stack), -1)
    _, _, directions = np.linalg.svd(flat @ flat.T)
    directions = directions[:MODES].T
    combined = (directions * signs(directions)).T @ flat
    return list(combined.reshape(MODES, *stack.shape[1:]))
