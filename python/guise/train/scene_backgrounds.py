"""Places without faces: photographed ones (panoramas) and drawn ones."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from guise.train.light import PANORAMAS, read_radiance

Picture = NDArray[np.uint8]


def load_panoramas(folder: Path) -> list[NDArray[np.float32]]:
    """[H, W, 3] linear radiance each, middle grey at 0.18. Only places where nobody is in view."""
    panoramas = []
    for name in sorted(PANORAMAS):
        radiance = read_radiance(folder / f"{name}.hdr").astype(np.float32)
        panoramas.append(radiance * (0.18 / float(np.median(radiance.mean(2)))))
    return panoramas


def draw_background(
    random: np.random.Generator, size_px: int, panoramas: list[NDArray[np.float32]]
) -> Picture:
    """uint8 [size_px, size_px, 3]."""
    kind = random.random()
    if panoramas and kind < 0.6:
        return view_of(random, size_px, panoramas[random.integers(len(panoramas))])
    if kind < 0.72:
        return clouds(random, size_px)
    if kind < 0.82:
        return plain(random, size_px)
    return shapes(random, size_px)


def view_of(random: np.random.Generator, size_px: int, panorama: NDArray[np.float32]) -> Picture:
    """What a camera sees that looks into a panorama from its middle."""
    height, width = panorama.shape[:2]
    half = np.tan(np.deg2rad(random.uniform(20, 100)) / 2)
    steps = ((np.arange(size_px) + 0.5) / size_px * 2 - 1).astype(np.float32) * np.float32(half)
    x, y = np.meshgrid(steps, -steps)
    pitch = np.float32(np.deg2rad(random.normal(0, 18)))
    up = y * np.cos(pitch) + np.sin(pitch)
    forward = np.cos(pitch) - y * np.sin(pitch)
    turn = random.random() * 360
    longitude = cv2.phase(forward, x, angleInDegrees=True) + np.float32(turn)
    away = np.sqrt(x * x + forward * forward)
    latitude = np.arctan2(up, away) * np.float32(1 / np.pi)
    column = np.remainder(longitude, np.float32(360)) * np.float32(width / 360) - np.float32(0.5)
    row = (np.float32(0.5) - latitude) * np.float32(height) - np.float32(0.5)
    if random.random() < 0.5:
        column = column[:, ::-1]
    light = cv2.remap(panorama, column, row, cv2.INTER_LINEAR, borderMode=cv2.BORDER_WRAP)
    light = np.maximum(light * np.float32(2.0 ** random.normal(0, 0.8)), 0)
    light = light / (1 + light * np.float32(random.uniform(0, 0.7)))
    return np.asarray(cv2.pow(np.minimum(light, 1), 1 / 2.2) * 255, dtype=np.uint8)


def clouds(random: np.random.Generator, size_px: int) -> Picture:
    """Noise of all scales."""
    total = np.zeros((size_px, size_px, 3), np.float32)
    for cells in (3, 6, 12, 24, 48, 96):
        noise = random.normal(0, 1, (cells, cells, 3)).astype(np.float32)
        if random.random() < 0.6:
            noise = noise.mean(2, keepdims=True).repeat(3, 2)
        large = cv2.resize(noise, (size_px, size_px), interpolation=cv2.INTER_CUBIC)
        total += large * random.uniform(0, 1) * (3 / cells) ** random.uniform(0.2, 1)
    total = total / (total.std() + 1e-6) * random.uniform(8, 60) + random.uniform(30, 220, 3)
    return np.asarray(np.clip(total, 0, 255), dtype=np.uint8)


def plain(random: np.random.Generator, size_px: int) -> Picture:
    """A wall: a colour that changes evenly, or not at all."""
    ends = random.uniform(0, 255, (2, 3))
    ends[1] = ends[0] + (ends[1] - ends[0]) * random.uniform(0, 0.6)
    angle = random.uniform(0, 2 * np.pi)
    steps = np.arange(size_px) / size_px - 0.5
    share = np.clip(0.5 + steps[None] * np.cos(angle) + steps[:, None] * np.sin(angle), 0, 1)
    wall = ends[0] + (ends[1] - ends[0]) * share[..., None]
    return np.asarray(np.clip(wall + random.normal(0, 2, wall.shape), 0, 255), dtype=np.uint8)


def shapes(random: np.random.Generator, size_px: int) -> Picture:
    """Ellipses, rectangles, lines and letters, among them the colours of skin."""
    picture = clouds(random, size_px) if random.random() < 0.5 else plain(random, size_px)
    canvas = np.ascontiguousarray(picture)
    for _ in range(random.integers(4, 40)):
        draw_shape(random, canvas)
    return canvas


def draw_shape(random: np.random.Generator, canvas: Picture) -> None:
    """One shape onto the picture."""
    size = canvas.shape[0]
    colour = random.uniform(0, 255, 3)
    if random.random() < 0.4:
        colour = np.array([205, 150, 120]) * 2.0 ** random.uniform(-2, 0.3)
    tone: Any = tuple(float(v) for v in np.clip(colour, 0, 255))
    at = _pair(random.integers(0, size, 2))
    axes = _pair(np.exp(random.uniform(np.log(2), np.log(size / 3), 2)))
    thickness = -1 if random.random() < 0.6 else int(random.integers(1, 6))
    kind = random.integers(4)
    if kind == 0:
        angle = float(random.uniform(0, 180))
        cv2.ellipse(canvas, at, axes, angle, 0, 360, tone, thickness, cv2.LINE_AA)
    elif kind == 1:
        other = (at[0] + axes[0], at[1] + axes[1])
        cv2.rectangle(canvas, at, other, tone, thickness, cv2.LINE_AA)
    elif kind == 2:
        other = _pair(random.integers(0, size, 2))
        cv2.line(canvas, at, other, tone, int(random.integers(1, 8)), cv2.LINE_AA)
    else:
        text = "".join(chr(int(c)) for c in random.integers(48, 91, random.integers(1, 8)))
        scale = float(np.exp(random.uniform(-1, 1.3)))
        cv2.putText(canvas, text, at, int(random.integers(8)), scale, tone, 2, cv2.LINE_AA)


def _pair(values: NDArray[Any]) -> tuple[int, int]:
    return int(values[0]), int(values[1])
