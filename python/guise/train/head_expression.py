"""Expression units as displacements of house-head's points."""

from __future__ import annotations

import numpy as np

from guise.train.head_mesh import HeadMesh
from guise.train.head_source import Floats, Source
from guise.train.head_targets import EXPRESSIONS

# An open jaw also lowers and flattens the tongue, which else hides the mouth: dm, root and tip.
_TONGUE_DOWN = (0.03, 0.075)


def expression_unit(source: Source, mesh: HeadMesh, base: Floats, name: str) -> Floats:
    """[P, 3]. Eyes stay: gaze turns them."""
    delta = source.unit(name)
    if name == "jawOpen":
        tongue = source.base.group("helper-tongue")
        z = base[tongue, 2]
        forward = (z - z.min()) / (z.max() - z.min())
        delta[tongue, 1] -= _TONGUE_DOWN[0] + (_TONGUE_DOWN[1] - _TONGUE_DOWN[0]) * forward
    moved = mesh.displacements(base, delta)
    moved[mesh.first_joint + 3 :] = 0
    return moved


def open_mouth(points: Floats, units: list[Floats]) -> Floats:
    """[P, 3] with the mouth half open and smiling: how the teeth are seen."""
    for name, weight in (("jawOpen", 0.5), ("mouthSmileLeft", 0.5), ("mouthSmileRight", 0.5)):
        points = points + weight * units[EXPRESSIONS.index(name)]
    return np.asarray(points)
