"""The skin chart with the head in it: where on the mean face each texel lies.

Maps are [H, W, ...] with W = 2 H, row 0 up; texel centres lie at (i + 0.5) / size of the uv.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from scipy import ndimage
from scipy.spatial import cKDTree

from guise import _core
from guise.train.head_rest import OLD_YEARS, REST_YEARS, YOUNG_YEARS

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]
Ints = npt.NDArray[np.int64]

SKIN_SURFACE = 0


@dataclass(frozen=True)
class Chart:
    """The skin of house-head: V vertices, T triangles. Lengths in dm."""

    uv: Floats  # [V, 2]
    sheet_uv: Floats  # [V, 2] of the MakeHuman sheet; negative where the sheet shows nothing
    positions: Floats  # [V, 3] of the mean head
    scalp_distance: Floats  # [V] inside (+) or outside (-) the hairline
    triangles: Ints  # [T, 3]
    landmarks: Floats  # [68, 3]

    def draw(self, values: Floats, width: int) -> tuple[Floats, Bools]:
        """Interpolates [V, C] over the chart: [H, W, C], and where there is skin [H, W]."""
        height = width // 2
        corners = self.uv * [width, height] - 0.5
        drawn = np.zeros((height, width, values.shape[1]))
        covered = np.zeros((height, width), bool)
        for triangle in self.triangles:
            _draw_triangle(corners[triangle], values[triangle], drawn, covered)
        return drawn, covered


def _draw_triangle(corners: Floats, values: Floats, drawn: Floats, covered: Bools) -> None:
    height, width = covered.shape
    low = np.maximum(np.ceil(corners.min(0) - 0.5), 0).astype(int)
    high = np.minimum(np.floor(corners.max(0) + 0.5), [width - 1, height - 1]).astype(int)
    (ax, ay), (bx, by), (cx, cy) = corners
    area = (bx - ax) * (cy - ay) - (by - ay) * (cx - ax)
    # A triangle across the whole chart would be a seam that was not split.
    if abs(area) < 1e-9 or (high < low).any() or np.ptp(corners, 0).max() > 0.3 * width:
        return
    x, y = np.meshgrid(np.arange(low[0], high[0] + 1), np.arange(low[1], high[1] + 1))
    second = ((x - ax) * (cy - ay) - (y - ay) * (cx - ax)) / area
    third = ((bx - ax) * (y - ay) - (by - ay) * (x - ax)) / area
    weights = np.stack([1 - second - third, second, third], -1)
    # A little beyond the edges, so that no texel falls between two triangles.
    slack = 0.35 * np.abs([bx - ax, by - ay, cx - ax, cy - ay]).max() / abs(area)
    inside = (weights > -min(slack, 0.5)).all(-1)
    window = np.s_[low[1] : high[1] + 1, low[0] : high[0] + 1]
    exact = (weights >= 0).all(-1)
    take = inside & (exact | ~covered[window])
    drawn[window][take] = (weights @ values)[take]
    covered[window] |= inside


def read_chart(path: Path) -> Chart:
    """Reads house-head. Raises CorruptFile or Unavailable as the engine does."""
    tensors = {
        name: np.asarray(tensor.numpy())
        for name, tensor in _core.read_safetensors(str(path)).items()
    }
    points = _mean_head(tensors)
    of_vertex = tensors["vertex_point"].astype(np.int64)
    skin = tensors["triangle_surface"] == SKIN_SURFACE
    marks = tensors["marker_points"].astype(np.int64)[:68]
    shares = tensors["marker_weights"].astype(np.float64)[:68]
    return Chart(
        uv=tensors["uv"].astype(np.float64),
        sheet_uv=tensors["sheet_uv"].astype(np.float64),
        positions=points[of_vertex],
        scalp_distance=tensors["scalp_distance"].astype(np.float64)[of_vertex],
        triangles=tensors["triangles"].astype(np.int64)[skin],
        landmarks=(points[marks] * shares[..., None]).sum(1),
    )


def _mean_head(tensors: dict[str, npt.NDArray[np.generic]]) -> Floats:
    """[G, 3] points of the mean adult: both sexes, all ancestries alike, average build."""
    ancestry, build = (tensors[name].astype(np.float64) for name in ("ancestry", "build"))
    points = tensors["base_points"].astype(np.float64)
    old = (REST_YEARS - YOUNG_YEARS) / (OLD_YEARS - YOUNG_YEARS)
    moved = np.zeros_like(ancestry[0])
    for sex in range(2):
        for age, share in enumerate((1 - old, old)):
            moved += 0.5 * share * ancestry[sex * 2 + age :: 4].mean(0)
            moved += 0.5 * share * build[(sex * 2 + age) * 9 + 4]
    points[: len(moved)] += moved
    return points


def spread_outwards(values: Floats, known: Bools) -> Floats:
    """Fills [H, W, C] outside `known` with the nearest known value."""
    nearest = ndimage.distance_transform_edt(~known, return_distances=False, return_indices=True)
    return np.asarray(values[nearest[0], nearest[1]])


class SpaceFiller:
    """Continues maps over the head beyond where they are known, by nearness in space: so that the
    two sides of a seam of the chart agree."""

    # Distance within which the nearest known places outweigh the others, dm.
    _REACH = 0.12
    _NEIGHBOURS = 96

    def __init__(self, positions: Floats, weight: Floats) -> None:
        """`positions` [H, W, 3] of every texel, `weight` [H, W]: 1 known .. 0 unknown."""
        self._weight = weight
        known = np.flatnonzero(weight.reshape(-1) > 0.9)[::3]
        flat = positions.reshape(-1, 3)
        distance, nearest = cKDTree(flat[known]).query(flat, k=self._NEIGHBOURS)
        share = (distance**2 + self._REACH**2) ** -1.5
        self._shares = share / share.sum(axis=1, keepdims=True)
        self._sources = known[nearest]

    def __call__(self, values: Floats) -> Floats:
        """[H, W, C] with the unknown filled."""
        flat = values.reshape(-1, values.shape[-1])
        filled = np.einsum("tn,tnc->tc", self._shares, flat[self._sources])
        weight = self._weight[..., None]
        return np.asarray(values * weight + filled.reshape(values.shape) * (1 - weight))
