"""One portrait as many photos: turned by the depth of a mean face, lit anew, with spectacles.

A generated portrait is the only picture of its person. What a recogniser must learn to ignore is
made in two and a half dimensions: the crop is the texture of a mean face (its depth is rendered
once from house-head), which is turned by a few degrees, shaded by a light from somewhere, and may
get spectacles drawn on.
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Any

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

import guise
from guise import _core
from guise.train.crop_bank import CROP_PX, Floats, crop_matrix, template_points
from guise.train.photo_augment import PhotoAugmenter

EYE_DISTANCE_DM = 0.64  # of an adult, between the pupils
FACE_PARTS = range(1, 14)  # of CelebAMask-HQ: skin to lower lip
# Where a turned face is put back: the axis lies this far behind the eyes, in half crops.
AXIS_DEPTH = 0.15


@lru_cache(maxsize=1)
def mean_depth() -> Tensor:
    """float32 [CROP_PX, CROP_PX]: how far each place of a mean face lies before the eyes, px."""
    renderer = guise.Renderer(
        options=_core.RecipeOptions.preset("passport"), size_px=224, maps=True
    )
    faces = renderer.sample(identities=60, samples=2, seed=77)
    assert faces.depth is not None and faces.parts is not None
    target = template_points()
    scale = EYE_DISTANCE_DM / float(np.linalg.norm(target[1] - target[0]))
    total, count = np.zeros((CROP_PX, CROP_PX)), np.zeros((CROP_PX, CROP_PX))
    for depth, parts, points in zip(
        faces.depth.numpy(), faces.parts.numpy(), faces.landmarks_5.numpy(), strict=True
    ):
        is_face = np.isin(parts, FACE_PARTS).astype(np.float32)
        matrix = crop_matrix(points.astype(np.float64), target)
        share = _warp(is_face, matrix)
        known = share > 0.98
        height = -_warp(depth * is_face, matrix) / np.maximum(share, 1e-3) / scale
        between_eyes = known[35:50, 30:50]
        if not between_eyes.any():
            continue
        height -= height[35:50, 30:50][between_eyes].mean()
        total += np.where(known, height, 0)
        count += known
    return torch.from_numpy(_fill(total, count, 0.3 * len(faces)).astype(np.float32))


def _warp(plane: NDArray[Any], matrix: Floats) -> Floats:
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    return np.asarray(cv2.warpAffine(plane, matrix, (CROP_PX, CROP_PX), flags=flags), np.float64)


def _fill(total: Floats, count: Floats, least: float) -> Floats:
    """Symmetric, and falling off smoothly where no face is."""
    known = count > least
    depth = np.where(known, total / np.maximum(count, 1), -45.0)
    for _ in range(300):
        smooth = cv2.GaussianBlur(depth, (0, 0), 2)
        depth = np.where(known, depth, np.maximum(smooth, -60))
    return np.asarray(cv2.GaussianBlur((depth + depth[:, ::-1]) / 2, (0, 0), 1), dtype=np.float64)


class PortraitAugmenter(PhotoAugmenter):
    """As PhotoAugmenter, for people of whom there is one picture only.

    yaw_deg: standard deviation of the turn to the sides. glasses: share of spectacles.
    """

    PITCH_DEG = 22.0
    LARGEST_YAW_DEG = 34.0

    def __init__(self, strength: float, yaw_deg: float = 16.0, glasses: float = 0.35) -> None:
        super().__init__(strength)
        self.yaw_deg, self.glasses = yaw_deg, glasses
        depth = mean_depth()
        self.depth = depth[None, None] / (CROP_PX / 2)
        down, across = torch.gradient(depth)
        normals = torch.stack([-across, -down, torch.ones_like(depth)])[None]
        normals = functional.avg_pool2d(normals, 5, 1, 2)[0]
        self.normals = normals / normals.norm(dim=0, keepdim=True)
        steps = torch.arange(CROP_PX).float() - (CROP_PX - 1) / 2
        self.down, self.across = torch.meshgrid(steps, steps, indexing="ij")
        middle = (CROP_PX - 1) / 2
        self.eyes = [tuple(point) for point in (template_points()[:2] - middle).tolist()]

    def place(self, x: Tensor) -> Tensor:
        """Spectacles, light, the turn, then crop, scale, stretch, rotate, flip; 0..1."""
        x = x.clone()
        self.shade(x)
        self.wear(x)
        grid = self.turned(self.placed_grid(len(x)))
        sampled = functional.grid_sample(x, grid, padding_mode="border", align_corners=False)
        return sampled.mul_(1 / 255).clamp_(1e-4, 1)

    def turned(self, grid: Tensor) -> Tensor:
        """[N, H, W, 2] of a face turned aside: where its places lie in the crop before."""
        count, radian = len(grid), math.pi / 180
        turn = torch.randn(count, generator=self.random) * self.yaw_deg
        yaw = turn.clamp(-self.LARGEST_YAW_DEG, self.LARGEST_YAW_DEG)[:, None, None] * radian
        pitch = self.uniform(-self.PITCH_DEG, self.PITCH_DEG, count, 1, 1) * radian
        depth = self.depth.expand(count, -1, -1, -1)
        found = grid
        # x' = x cos + z(x) sin, solved for x by three steps of a fixed point.
        for _ in range(3):
            z = functional.grid_sample(depth, found, padding_mode="border", align_corners=False)
            z = z[:, 0] + AXIS_DEPTH
            across = (grid[..., 0] - z * yaw.sin()) / yaw.cos()
            down = (grid[..., 1] - z * pitch.sin()) / pitch.cos()
            found = torch.stack([across, down], -1)
        return found

    def shade(self, x: Tensor) -> None:
        """A light from a side, of some colour, on the mean face."""
        count = len(x)
        angle = self.uniform(-math.pi, math.pi, count)
        light = torch.stack([0.8 * angle.cos(), 0.8 * angle.sin(), torch.full((count,), 0.6)], 1)
        shading = torch.einsum("nc,chw->nhw", light, self.normals).clamp(min=0)
        shading = shading - shading.mean((1, 2), keepdim=True)
        gain = torch.exp2(self.uniform(0, 1.8, count, 1, 1) * shading)[:, None]
        colour = 1 + 0.06 * torch.randn(count, 3, 1, 1, generator=self.random)
        x.mul_(gain * colour).clamp_(0, 255)

    def wear(self, x: Tensor) -> None:
        """Spectacles: two rounded lenses, a bridge, temples; some tinted, some reflecting."""
        picks = (torch.rand(len(x), generator=self.random) < self.glasses).nonzero().flatten()
        count = len(picks)
        if count == 0:
            return
        frame, lens, slant = self._outline(count)
        light = torch.stack([self.uniform(low, low + 95, count) for low in (90, 80, 65)], 1)
        dark = self.uniform(5, 60, count, 1).expand(count, 3)
        is_dark = torch.rand(count, 1, generator=self.random) < 0.65
        colour = torch.where(is_dark, dark, light)[:, :, None, None]
        is_tinted = torch.rand(count, 1, 1, generator=self.random) < 0.12
        tint = torch.where(is_tinted, self.uniform(0.4, 0.85, count, 1, 1), torch.tensor(0.08))
        gleam = self.uniform(-0.1, 0.25, count, 1, 1).clamp(min=0)
        behind = x[picks] * (1 - tint * lens)[:, None] + 255 * (gleam * lens * slant)[:, None]
        weight = (frame * self.uniform(0.6, 1, count, 1, 1))[:, None]
        x[picks] = (behind * (1 - weight) + colour * weight).clamp(0, 255)

    def _outline(self, count: int) -> tuple[Tensor, Tensor, Tensor]:
        """[count, H, W] each: the frame, the lenses, and a band of light across them, 0 to 1."""

        def draw(low: float, high: float) -> Tensor:
            return self.uniform(low, high, count, 1, 1)

        width, height, radius, thick = draw(7, 9.6), draw(4.5, 8.2), draw(1, 4.5), draw(0.45, 1.5)
        lower, apart = draw(-0.5, 2.0), draw(9.6, 10.6)
        is_half = torch.rand(count, 1, 1, generator=self.random) < 0.2
        band = (self.across + self.down * draw(-1, 1) + draw(-20, 20)).abs() < draw(1, 6)
        bridge_height = height * draw(0.2, 0.6)
        frame, lens = torch.zeros(2, count, CROP_PX, CROP_PX)
        for eye_x, eye_y in self.eyes:
            side = 1 if eye_x > 0 else -1
            below = self.down - eye_y - lower
            from_x = (self.across - side * apart).abs() - width + radius
            from_y = below.abs() - height + radius
            outside = (from_x.clamp(min=0) ** 2 + from_y.clamp(min=0) ** 2).sqrt()
            distance = outside + torch.maximum(from_x, from_y).clamp(max=0) - radius
            rim = torch.where(is_half & (below > 0), 0.3 * thick, thick)
            temple = (thick + 0.5 - (below + 0.5 * height).abs()).clamp(0, 1)
            temple = temple * (self.across * side > apart + width)
            frame = torch.maximum(frame, (rim - distance.abs() + 0.5).clamp(0, 1))
            frame = torch.maximum(frame, temple)
            lens = torch.maximum(lens, (0.5 - distance).clamp(0, 1))
        between = self.down - (self.eyes[0][1] + self.eyes[1][1]) / 2 - lower
        bridge = (0.8 * thick + 0.5 - (between + bridge_height).abs()).clamp(0, 1)
        frame = torch.maximum(frame, bridge * (self.across.abs() < apart - width))
        return frame, lens, band.float()
