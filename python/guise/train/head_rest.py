"""The mean adult head and its macro shape: ancestry, sex, age, muscle and weight."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from guise.train.head_mesh import HeadMesh
from guise.train.head_source import Floats, Source

# Ages at which the "young" and the "old" targets hold, years.
YOUNG_YEARS, OLD_YEARS = 25.0, 90.0
REST_YEARS = 35.0
# Expression units added to every head for good: MakeHuman's neutral face looks cross.
_RELAXATION = {
    "mouthUpperUpLeft": -0.25, "mouthUpperUpRight": -0.25,
    "mouthLowerDownLeft": -0.30, "mouthLowerDownRight": -0.30,
}  # fmt: skip


def relaxed_base(source: Source) -> Floats:
    """[B, 3] base points with a relaxed face."""
    points: Floats = source.base.points.copy()
    for unit, weight in _RELAXATION.items():
        points += weight * source.unit(unit)
    return points


@dataclass(frozen=True)
class RestHead:
    """`base` [G, 3] points; `ancestry` [12, P, 3] by ancestry, sex, age; `build` [36, P, 3]."""

    base: Floats
    ancestry: Floats
    build: Floats

    def macro(self, sex: int, age_years: float, ancestry: Floats) -> Floats:
        """[P, 3] displacement of an average build."""
        old = np.clip((age_years - YOUNG_YEARS) / (OLD_YEARS - YOUNG_YEARS), 0, 1)
        total: Floats = np.zeros_like(self.ancestry[0])
        for age, share in enumerate((1 - old, old)):
            for kind in range(3):
                total += share * ancestry[kind] * self.ancestry[kind * 4 + sex * 2 + age]
            total += share * self.build[(sex * 2 + age) * 9 + 4]
        return total

    def mean(self, mesh: HeadMesh, shift: Floats | float = 0.0) -> Floats:
        """[G, 3] the mean adult: both sexes, all ancestries alike, 35 years; moved by `shift`."""
        third = np.full(3, 1 / 3)
        moved = 0.5 * (self.macro(0, REST_YEARS, third) + self.macro(1, REST_YEARS, third))
        return follow_eyes(mesh, self.base[: mesh.morphed] + moved + shift)


def follow_eyes(mesh: HeadMesh, morphed: Floats) -> Floats:
    """[P, 3] -> [G, 3]: adds the eyes' points around their centres."""
    centers = morphed[mesh.first_joint + 3 : mesh.first_joint + 5]
    rims = morphed[mesh.first_joint + 5 : mesh.first_joint + 7]
    blocks = [morphed]
    for center, rim, mirror in zip(centers, rims, (1.0, -1.0), strict=True):
        radius = np.linalg.norm(rim - center)
        blocks.append(center + radius * mesh.eye_directions * [mirror, 1, 1])
    return np.concatenate(blocks)
