"""Scenes to train a detector on: faces of all sizes in places, treated as cameras treat pictures.

A scene is a function of (seed, number). Faces that others cover, or that hardly fit into the
picture, are neither right nor wrong: their boxes are marked to be ignored.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from guise.train.head_bank import HeadBank, PortraitBank
from guise.train.scene_backgrounds import Picture, draw_background, draw_shape

Floats = NDArray[np.float64]

SMALLEST_FACE_PX = 7.0  # smaller faces are ignored
LEAST_VISIBLE = 0.55  # of the box, inside the picture and not behind another head
FINE_FACE_PX = 110.0  # larger faces are taken from the bank of large pictures


@dataclass
class Scene:
    """A picture and its faces."""

    image: Picture  # [S, S, 3] RGB
    boxes: Floats = field(default_factory=lambda: np.zeros((0, 4)))
    landmarks: Floats = field(default_factory=lambda: np.zeros((0, 5, 2)))
    has_landmarks: NDArray[np.bool_] = field(default_factory=lambda: np.zeros(0, dtype=bool))
    ignored: NDArray[np.bool_] = field(default_factory=lambda: np.zeros(0, dtype=bool))


@dataclass(frozen=True)
class SceneSource:
    """What scenes are made of."""

    small: HeadBank
    large: HeadBank
    panoramas: list[NDArray[np.float32]]
    portraits: PortraitBank | None = None
    size_px: int = 320

    def draw(self, seed: int, number: int) -> Scene:
        """Scene `number`."""
        random = np.random.default_rng([seed, number])
        builder = _Builder(self, random)
        kind = random.random()
        if self.portraits is not None and kind < 0.36:
            builder.fill_with_portrait(self.portraits)
        elif kind < 0.46:
            builder.fill_with_render()
        else:
            builder.fill_with_place()
        return builder.finish()


class _Builder:
    def __init__(self, source: SceneSource, random: np.random.Generator) -> None:
        self.source, self.random, self.size = source, random, source.size_px
        self.canvas: Picture = np.zeros((self.size, self.size, 3), np.uint8)
        self.boxes: list[Floats] = []
        self.points: list[Floats | None] = []
        self.hidden: list[float] = []  # share of the box behind later heads

    def fill_with_place(self) -> None:
        self.canvas = draw_background(self.random, self.size, self.source.panoramas)
        kind = self.random.random()
        if kind < 0.12:
            self.distract(int(self.random.integers(0, 8)))
            return
        count = 1 if kind < 0.45 else int(self.random.integers(2, 5 if kind < 0.78 else 16))
        largest = 300.0 if count == 1 else 170.0 if count < 5 else 64.0
        sizes = np.exp(self.random.uniform(np.log(SMALLEST_FACE_PX), np.log(largest), count))
        self.distract(int(self.random.integers(0, 4)))
        for size in np.sort(sizes):
            self.add_head(float(size))

    def fill_with_render(self) -> None:
        """A rendered picture as it is, background and all."""
        bank = self.source.large if self.random.random() < 0.5 else self.source.small
        row = int(self.random.integers(len(bank)))
        picture = np.ascontiguousarray(bank.pixels[row][..., :3])
        self._fill(picture, bank.boxes[row], bank.landmarks[row])

    def fill_with_portrait(self, bank: PortraitBank) -> None:
        if self.random.random() < 0.15:
            piece = self._piece_without_face()
            if piece is not None:
                self.canvas = cv2.resize(
                    np.ascontiguousarray(piece),
                    (self.size, self.size),
                    interpolation=cv2.INTER_AREA,
                ).astype(np.uint8)
            self.distract(int(self.random.integers(0, 4)))
            return
        row = int(self.random.integers(len(bank)))
        self._fill(bank.pictures[row], bank.boxes[row], None)
        if self.random.random() < 0.3:
            for _ in range(int(self.random.integers(1, 4))):
                self.add_head(float(np.exp(self.random.uniform(np.log(10), np.log(80)))))

    def _fill(self, picture: Picture, box: Floats, points: Floats | None) -> None:
        """The whole canvas from one picture, its face 25 to 290 px large."""
        face = float(max(box[2] - box[0], box[3] - box[1]))
        wanted = np.exp(self.random.uniform(np.log(25), np.log(290)))
        scale = max(wanted / face, 0.08)
        middle = (np.asarray(box[:2]) + box[2:]) / 2
        at = self.random.uniform(0.3, 0.7, 2) * self.size
        matrix = self._similarity(scale, self.random.normal(0, 8), middle, at)
        small = _halved(picture, matrix)
        mode = cv2.BORDER_REFLECT_101 if self.random.random() < 0.5 else cv2.BORDER_CONSTANT
        if mode == cv2.BORDER_CONSTANT:
            # The picture lies in a place, as a print on a wall does.
            place = draw_background(self.random, self.size, self.source.panoramas)
            self.canvas = cv2.warpAffine(
                small, matrix, (self.size, self.size), dst=place, borderMode=cv2.BORDER_TRANSPARENT
            ).astype(np.uint8)
        else:
            # What is reflected may hold the face again: only so much is shown as has no second one.
            self.canvas = cv2.warpAffine(
                small, matrix, (self.size, self.size), borderMode=cv2.BORDER_REPLICATE
            ).astype(np.uint8)
        moved = None if points is None else _apply(self._last, points)
        self._note(_apply(self._last, _corners(box)), moved)

    def _similarity(self, scale: float, roll_deg: float, middle: Floats, at: Floats) -> Floats:
        """[2, 3] from picture to canvas; also kept for boxes and points."""
        angle = np.deg2rad(roll_deg)
        c, s = scale * np.cos(angle), scale * np.sin(angle)
        linear = np.array([[c, -s], [s, c]])
        if self.random.random() < 0.5:
            linear = linear @ np.diag([-1.0, 1.0])
        matrix = np.hstack([linear, (at - linear @ middle)[:, None]])
        self._last = matrix.copy()
        return matrix

    def add_head(self, face_px: float) -> None:
        """A cut-out head whose box is `face_px` high, behind nothing that comes later."""
        bank = self.source.large if face_px > FINE_FACE_PX else self.source.small
        row = int(self.random.integers(len(bank)))
        box, points = bank.boxes[row], bank.landmarks[row]
        scale = face_px / float(max(box[2] - box[0], box[3] - box[1]))
        middle = (np.asarray(box[:2], dtype=np.float64) + box[2:]) / 2
        slack = min(face_px, self.size) * 0.35
        at = self.random.uniform(slack, self.size - slack, 2)
        matrix = self._similarity(scale, self.random.normal(0, 10), middle, at)
        small = self._recoloured(_halved(np.asarray(bank.pixels[row]), matrix))
        x0, y0, x1, y1 = self._reach(matrix, small.shape[1], small.shape[0])
        if x1 <= x0 or y1 <= y0:
            return
        matrix[:, 2] -= (x0, y0)
        warped = cv2.warpAffine(small, matrix, (x1 - x0, y1 - y0), flags=cv2.INTER_LINEAR)
        weight = warped[..., 3:].astype(np.float32) * np.float32(1 / 255)
        below = self.canvas[y0:y1, x0:x1]
        below[:] = np.minimum(warped[..., :3] + below * (1 - weight), 255).astype(np.uint8)
        mask = np.zeros((self.size, self.size), bool)
        mask[y0:y1, x0:x1] = weight[..., 0] > 0.5
        self._cover(mask)
        self._note(_apply(self._last, _corners(box)), _apply(self._last, points))

    def _reach(self, matrix: Floats, width: int, height: int) -> tuple[int, int, int, int]:
        """The part of the canvas that a picture of this size covers: x0, y0, x1, y1."""
        corners = _apply(matrix, _corners((0, 0, width, height)))
        low = np.clip(np.floor(corners.min(0)), 0, self.size).astype(int)
        high = np.clip(np.ceil(corners.max(0)) + 1, 0, self.size).astype(int)
        return int(low[0]), int(low[1]), int(high[0]), int(high[1])

    def _recoloured(self, cutout: Picture) -> Picture:
        """Other exposure and contrast than the place; RGB multiplied by the weight."""
        gain = 2.0 ** self.random.normal(0, 0.35) * 2.0 ** self.random.normal(0, 0.06, 3)
        weight = cutout[..., 3:] * np.float32(1 / 255)
        colour = np.minimum(cutout[..., :3] * gain.astype(np.float32), 255) * weight
        return np.concatenate([colour.astype(np.uint8), cutout[..., 3:]], 2)

    def distract(self, count: int) -> None:
        """Shapes, and pieces of people without a face."""
        for _ in range(count):
            if self.random.random() < 0.4:
                draw_shape(self.random, self.canvas)
                continue
            piece = self._piece_without_face()
            if piece is not None:
                self._paste(piece)

    def _piece_without_face(self) -> Picture | None:
        """What lies beside or below a face, the top of a head, or a small part of a face."""
        portraits = self.source.portraits
        if portraits is not None and self.random.random() < 0.65:
            row = int(self.random.integers(len(portraits)))
            picture, box = portraits.pictures[row], portraits.boxes[row]
        else:
            row = int(self.random.integers(len(self.source.small)))
            picture, box = self.source.small.pixels[row], self.source.small.boxes[row]
        x0, y0, x1, y1 = (max(int(v), 0) for v in box)
        kind = self.random.random()
        if kind < 0.15:
            # Half of a face box is a piece too: hair and forehead.
            piece = picture[: y0 + (y1 - y0) // 4, :, :3]
        elif kind < 0.35:
            # An ear, an eye or a cheek alone is no face.
            side = int(self.random.uniform(0.15, 0.35) * (y1 - y0))
            left = int(self.random.integers(max(x0 - side, 0), max(x1, x0 - side + 1)))
            top = int(self.random.integers(y0, max(y1 - side, y0 + 1)))
            piece = picture[top : top + side, left : left + side, :3]
        else:
            beside = [
                picture[y1:, :, :3],
                picture[:, : max(x0 - 4, 0), :3],
                picture[:, x1 + 4 :, :3],
            ]
            piece = beside[self.random.integers(3)]
        return piece if min(piece.shape[:2]) >= picture.shape[0] // 12 else None

    def _paste(self, strip: Picture) -> None:
        scale = np.exp(self.random.uniform(np.log(0.15), np.log(1.2)))
        width, height = (max(4, int(v * scale)) for v in strip.shape[1::-1])
        width, height = min(width, self.size), min(height, self.size)
        piece = cv2.resize(
            np.ascontiguousarray(strip), (width, height), interpolation=cv2.INTER_AREA
        )
        x = int(self.random.integers(0, self.size - width + 1))
        y = int(self.random.integers(0, self.size - height + 1))
        self.canvas[y : y + height, x : x + width] = (
            np.rot90(piece, 2) if (self.random.random() < 0.3) else piece
        )

    def _cover(self, mask: NDArray[np.bool_]) -> None:
        """Notes what a new head hides of the earlier faces."""
        for index, box in enumerate(self.boxes):
            x0, y0 = np.clip(box[:2], 0, self.size - 1).astype(int)
            x1, y1 = np.clip(np.ceil(box[2:]), 1, self.size).astype(int)
            inside = mask[y0:y1, x0:x1]
            if inside.size:
                self.hidden[index] = min(1.0, self.hidden[index] + float(inside.mean()))

    def _note(self, corners: Floats, points: Floats | None) -> None:
        """A face, by the corners of its box before it was turned."""
        middle = corners.mean(0)
        across = float(np.linalg.norm(corners[1] - corners[0])) / 2
        along = float(np.linalg.norm(corners[2] - corners[1])) / 2
        half = np.array([across, along])
        self.boxes.append(np.array([*(middle - half), *(middle + half)]))
        mirrored = self._last[0, 0] * self._last[1, 1] - self._last[0, 1] * self._last[1, 0] < 0
        if mirrored and points is not None:
            points = points[[1, 0, 2, 4, 3]]
        self.points.append(points)
        self.hidden.append(0.0)

    def finish(self) -> Scene:
        if not self.boxes:
            return Scene(self.canvas)
        boxes = np.stack(self.boxes)
        has_landmarks = np.array([points is not None for points in self.points])
        points = np.stack([np.zeros((5, 2)) if p is None else p for p in self.points])
        clipped = np.clip(boxes, 0, self.size)
        area = np.prod(boxes[:, 2:] - boxes[:, :2], axis=1)
        inside = np.prod(np.maximum(clipped[:, 2:] - clipped[:, :2], 0), axis=1) / area
        visible = inside * (1 - np.array(self.hidden))
        side = (boxes[:, 2:] - boxes[:, :2]).max(1)
        ignored = (visible < LEAST_VISIBLE) | (side < SMALLEST_FACE_PX)
        return Scene(self.canvas, boxes, points, has_landmarks, ignored)


def _halved(picture: Picture, matrix: Floats) -> Picture:
    """The picture halved until `matrix` (changed in place) shrinks it by less than two."""
    while np.linalg.norm(matrix[:, 0]) < 0.5 and min(picture.shape[:2]) > 3:
        width, height = picture.shape[1] // 2, picture.shape[0] // 2
        picture = cv2.resize(picture, (width, height), interpolation=cv2.INTER_AREA).astype(
            np.uint8
        )
        matrix[:, 2] += matrix[:, :2] @ (0.5, 0.5)
        matrix[:, :2] *= 2
    return picture


def _corners(box: Sequence[float] | Floats) -> Floats:
    x0, y0, x1, y1 = (float(v) for v in box)
    return np.array([[x0, y0], [x1, y0], [x1, y1], [x0, y1]])


def _apply(matrix: Floats, points: Floats) -> Floats:
    result: Floats = np.asarray(points, dtype=np.float64) @ matrix[:, :2].T + matrix[:, 2]
    return result


def expose(random: np.random.Generator, image: Picture) -> Picture:
    """Contrast, gamma, colour, grey, blur, shake, low resolution, noise, JPEG."""
    x: NDArray[Any] = image.astype(np.float32) / 255
    x = np.clip(x, 1e-4, 1) ** (2.0 ** random.normal(0, 0.35))
    mean = x.mean()
    x = (x - mean) * 2.0 ** random.normal(0, 0.3) + mean * 2.0 ** random.normal(0, 0.25)
    kind = random.random()
    if kind < 0.25:
        x = (x @ np.array([0.299, 0.587, 0.114], np.float32))[..., None].repeat(3, 2)
    elif kind < 0.6:
        x = x * (2.0 ** random.normal(0, 0.18, 3)).astype(np.float32)
    x = np.ascontiguousarray(x, dtype=np.float32)
    if random.random() < 0.25:
        x = cv2.GaussianBlur(x, (0, 0), random.uniform(0.3, 1.8))
    if random.random() < 0.08:
        taps = np.zeros((9, 9), np.float32)
        angle, reach = random.uniform(0, np.pi), random.uniform(1, 4)
        for t in np.linspace(-reach, reach, 17):
            taps[round(4 + t * np.sin(angle)), round(4 + t * np.cos(angle))] += 1
        x = cv2.filter2D(x, -1, taps / taps.sum())
    if random.random() < 0.2:
        size, scale = x.shape[0], random.uniform(0.4, 0.9)
        small = cv2.resize(x, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
        way = [cv2.INTER_LINEAR, cv2.INTER_CUBIC, cv2.INTER_NEAREST][random.integers(3)]
        x = cv2.resize(small, (size, size), interpolation=way)
    if random.random() < 0.5:
        level = random.uniform(0, 0.06)
        noise = random.standard_normal((*x.shape[:2], 1 if kind < 0.25 else 3), dtype=np.float32)
        x = x + noise * np.float32(level)
    if random.random() < 0.15:
        x = x + (x - cv2.GaussianBlur(x, (0, 0), 1.2)) * np.float32(random.uniform(0.3, 1.5))
    result = (np.clip(x, 0, 1) * 255 + 0.5).astype(np.uint8)
    if random.random() < 0.5:
        quality = [cv2.IMWRITE_JPEG_QUALITY, int(random.integers(25, 96))]
        result = cv2.imdecode(cv2.imencode(".jpg", result, quality)[1], cv2.IMREAD_COLOR)
    return np.asarray(result, dtype=np.uint8)
