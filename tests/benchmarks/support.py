"""What the benchmarks share: photos, scenes with known faces, deface as it runs itself, tables.

Only ``guise_detector`` needs guise. Photos of real people are read from ``--data`` and are never
copied into the repository.
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import platform
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

Image = NDArray[np.uint8]  # [H, W, 3], RGB
Box = tuple[float, float, float, float]  # x0, y0, x1, y1 in pixels, x1 and y1 exclusive
Detector = Callable[[Image], list[Box]]

DEFAULT_DATA = Path("../shared/data/eval")
THREAD_VARIABLES = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "OPENCV_FOR_THREADS_NUM",
)
SCENE_SIZE_PX = (4000, 3000)  # width, height: 12 megapixels
FACE_HEIGHTS_PX = (12, 16, 20, 24, 32, 40, 64, 100, 200, 300)
PLACES_WITH_PEOPLE = ("venice_sunset", "potsdamer_platz")  # seen in these maps: not used
HEAD_SCALE = 2.0  # the pasted patch is this many face boxes wide and high
MAX_ROTATION_DEG = 30.0
SENSOR_NOISE = 2.0  # standard deviation, grey levels, added to the finished scene


@dataclass(frozen=True)
class Portrait:
    """One portrait and the box of its only face."""

    name: str
    image: Image
    box: Box


@dataclass(frozen=True)
class Scene:
    """One generated photo, and where its faces are."""

    name: str
    image: Image
    truth: list[Box]
    heights_px: list[int]


def argument_parser(description: str) -> argparse.ArgumentParser:
    """The options all benchmarks share."""
    parser = argparse.ArgumentParser(
        description=description, formatter_class=argparse.ArgumentDefaultsHelpFormatter
    )
    parser.add_argument(
        "--data", type=Path, default=DEFAULT_DATA, help="folder of the evaluation photos"
    )
    parser.add_argument("--json", type=Path, default=None, help="also write the figures here")
    parser.add_argument("--threads", type=int, default=1, help="threads of every tool")
    return parser


def prepare(arguments: argparse.Namespace, *folders: str) -> None:
    """Limit the threads of this process, and leave with one line where photos are absent."""
    for folder in folders:
        if not (arguments.data / folder).is_dir():
            sys.exit(f"no {folder}/ in {arguments.data}: give the eval photos with --data DIR")
    limit_threads(arguments.threads)


def limit_threads(count: int) -> None:
    """Set the number of threads of OpenCV here and of everything in child processes."""
    cv2.setNumThreads(count)
    for name in THREAD_VARIABLES:
        os.environ[name] = str(count)
    if "torch" in sys.modules:
        sys.modules["torch"].set_num_threads(count)


def read_image(path: Path) -> Image:
    """Read a photo as RGB."""
    image = cv2.imread(str(path), cv2.IMREAD_COLOR)
    if image is None:
        raise ValueError(f"cannot read {path}")
    return np.ascontiguousarray(image[:, :, ::-1]).astype(np.uint8)


def list_photos(folder: Path, limit: int | None = None) -> list[Path]:
    """The photos of a folder in order of name, the first ``limit`` of them."""
    kinds = {".jpg", ".jpeg", ".png"}
    return sorted(p for p in folder.iterdir() if p.suffix.lower() in kinds)[:limit]


class DefaceDetector:
    """CenterFace as deface 1.5.0 runs it: full resolution, RGB, its own decoding."""

    def __init__(self, threshold: float = 0.2, backend: str = "opencv") -> None:
        from deface.centerface import CenterFace

        self.threshold = threshold
        self.net = CenterFace(in_shape=None, backend=backend)

    def raw(self, image: Image) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """deface's own arrays: boxes with score [N, 5] and landmarks [N, 10]."""
        found, landmarks = self.net(image, threshold=self.threshold)
        return found, landmarks

    def __call__(self, image: Image) -> list[Box]:
        """The boxes alone."""
        return [box_of(row) for row in self.raw(image)[0]]


def import_guise() -> Any:
    """guise, or one clear line where it is not installed."""
    try:
        return importlib.import_module("guise")
    except ImportError as problem:
        sys.exit(
            f"guise cannot be imported ({problem}): build it, or leave it out with --tools deface"
        )


def guise_detector(names: str) -> Detector:
    """guise's detectors by name, joined by commas."""
    guise = import_guise()

    def detect(image: Image) -> list[Box]:
        faces = guise.detect(image, detectors=tuple(names.split(",")))
        return [box_of(face.box) for face in faces]

    return detect


def box_of(values: Iterable[Any]) -> Box:
    """The first four numbers as a box of plain floats."""
    x0, y0, x1, y1 = [float(v) for v in values][:4]
    return x0, y0, x1, y1


def load_portraits(data: Path, limit: int = 300) -> list[Portrait]:
    """Congress portraits in which CenterFace finds exactly one face at 0.5."""
    detector = DefaceDetector(threshold=0.5)
    portraits = []
    for path in list_photos(data / "congress", limit):
        image = read_image(path)
        boxes = detector(image)
        if len(boxes) == 1:
            portraits.append(Portrait(path.stem, image, boxes[0]))
    return portraits


def load_places(folder: Path) -> list[tuple[str, NDArray[np.float32]]]:
    """Environment maps (places without people), linear RGB."""
    places = []
    for path in sorted(folder.glob("*.hdr")):
        if path.stem.startswith(PLACES_WITH_PEOPLE):
            continue
        radiance = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
        if radiance is None:
            raise ValueError(f"cannot read {path}")
        places.append((path.stem, np.ascontiguousarray(radiance[:, :, ::-1]).astype(np.float32)))
    if not places:
        sys.exit(f"no .hdr files in {folder}: scenes need the environment maps, --hdri DIR")
    return places


def make_background(radiance: NDArray[np.float32], rng: np.random.Generator) -> NDArray[np.float32]:
    """A view of a place at full size: tone-mapped, enlarged, with fine texture it no longer has."""
    width, height = SCENE_SIZE_PX
    rows, columns = radiance.shape[:2]
    view_w, view_h = round(rows * 1.1), round(rows * 1.1 * height / width)
    turned = np.roll(radiance, int(rng.integers(columns)), axis=1)
    top = int(rng.integers(rows // 16, rows - view_h))
    view = turned[top : top + view_h, :view_w]
    view = (view * np.float32(0.3 / max(float(np.median(view)), 1e-6))).astype(np.float32)
    view = np.power(view / (1 + view), np.float32(1 / 2.2)) * np.float32(255)
    scene = cv2.resize(view, SCENE_SIZE_PX, interpolation=cv2.INTER_CUBIC)
    texture = np.zeros((height, width), np.float32)
    for octave in range(1, 6):
        grain = rng.standard_normal((height >> octave, width >> octave), np.float32)
        texture += cv2.resize(grain, SCENE_SIZE_PX, interpolation=cv2.INTER_LINEAR)
    scene = scene * (1 + np.float32(0.04) * texture[:, :, None])
    finished: NDArray[np.float32] = np.clip(scene, 0, 255).astype(np.float32)
    return finished


def place_patch(
    portrait: Portrait, height_px: int, angle_deg: float
) -> tuple[NDArray[np.float32], NDArray[np.float32], Box]:
    """The head of a portrait, turned and scaled: pixels, opacity, and the face box in the patch.

    Turned at the portrait's own resolution, then scaled: area averaging down, bicubic up.
    """
    x0, y0, x1, y1 = portrait.box
    centre = ((x0 + x1) / 2, (y0 + y1) / 2)
    side = HEAD_SCALE * max(x1 - x0, y1 - y0)
    half = round(side / 2)
    turn = cv2.getRotationMatrix2D(centre, angle_deg, 1.0)
    turn[:, 2] += half - np.array(centre)
    size = (2 * half, 2 * half)
    patch = cv2.warpAffine(
        portrait.image, turn, size, flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE
    ).astype(np.float32)
    radius = np.hypot(*np.meshgrid(*[(np.arange(2 * half) + 0.5 - half) / half] * 2))
    opacity = np.clip((1.0 - radius) / 0.15, 0, 1).astype(np.float32)
    scale = height_px / (y1 - y0)
    target = max(round(2 * half * scale), 4)
    way = cv2.INTER_AREA if target < 2 * half else cv2.INTER_CUBIC
    patch = np.clip(cv2.resize(patch, (target, target), interpolation=way), 0, 255)
    opacity = np.clip(cv2.resize(opacity, (target, target), interpolation=way), 0, 1)
    # the box around the turned inscribed ellipse
    a, b, t = (x1 - x0) / 2, (y1 - y0) / 2, np.deg2rad(angle_deg)
    half_w = float(np.hypot(a * np.cos(t), b * np.sin(t))) * target / (2 * half)
    half_h = float(np.hypot(a * np.sin(t), b * np.cos(t))) * target / (2 * half)
    middle = target / 2
    return patch, opacity, (middle - half_w, middle - half_h, middle + half_w, middle + half_h)


def make_scene(
    name: str,
    radiance: NDArray[np.float32],
    portraits: Sequence[Portrait],
    heights_px: Sequence[int],
    seed: Sequence[int],
) -> Scene:
    """Paste one portrait per height into a view of a place, on a jittered grid without overlap."""
    rng = np.random.default_rng(list(seed))
    width, height = SCENE_SIZE_PX
    canvas = make_background(radiance, rng)
    columns = int(np.ceil(np.sqrt(len(heights_px) * width / height)))
    rows = int(np.ceil(len(heights_px) / columns))
    cell_w, cell_h = width // columns, height // rows
    cells = rng.permutation(columns * rows)[: len(heights_px)]
    chosen = rng.permutation(len(portraits))[: len(heights_px)]
    truth: list[Box] = []
    for cell, who, face_px in zip(cells, chosen, heights_px, strict=True):
        angle = float(rng.uniform(-MAX_ROTATION_DEG, MAX_ROTATION_DEG))
        patch, opacity, box = place_patch(portraits[int(who)], face_px, angle)
        side = patch.shape[0]
        if side > min(cell_w, cell_h):
            raise ValueError(f"{len(heights_px)} faces of {face_px} px do not fit one scene")
        x = int(cell % columns) * cell_w + int(rng.integers(cell_w - side + 1))
        y = int(cell // columns) * cell_h + int(rng.integers(cell_h - side + 1))
        region = canvas[y : y + side, x : x + side]
        region += opacity[:, :, None] * (patch - region)
        truth.append((box[0] + x, box[1] + y, box[2] + x, box[3] + y))
    canvas += SENSOR_NOISE * rng.standard_normal(canvas.shape, np.float32)
    image = np.clip(np.rint(canvas), 0, 255).astype(np.uint8)
    return Scene(name, image, truth, list(heights_px))


def write_scenes(
    folder: Path, data: Path, hdri: Path, per_size: int, mixed: int, seed: int = 0
) -> dict[str, dict[str, Any]]:
    """Write scenes of one size each and mixed ones as JPEG 95, with ``truth.json``."""
    places = load_places(hdri)
    portraits = load_portraits(data)
    jobs = [
        (f"size{px:03d}_{k}", [px] * (12 if px >= 200 else 20))
        for px in FACE_HEIGHTS_PX
        for k in range(per_size)
    ]
    rng = np.random.default_rng([seed, 1])
    jobs += [
        (f"mixed_{k}", [int(v) for v in rng.permutation(FACE_HEIGHTS_PX * 2)[:16]])
        for k in range(mixed)
    ]
    folder.mkdir(parents=True, exist_ok=True)
    truth: dict[str, dict[str, Any]] = {}
    for index, (name, heights_px) in enumerate(jobs):
        scene = make_scene(
            name, places[index % len(places)][1], portraits, heights_px, (seed, 2, index)
        )
        file = f"{name}.jpg"
        cv2.imwrite(str(folder / file), scene.image[:, :, ::-1], [cv2.IMWRITE_JPEG_QUALITY, 95])
        truth[file] = {"boxes": scene.truth, "heights_px": heights_px}
    (folder / "truth.json").write_text(json.dumps({k: v["boxes"] for k, v in truth.items()}))
    (folder / "heights.json").write_text(json.dumps({k: v["heights_px"] for k, v in truth.items()}))
    return truth


def is_hit(truth: Box, found: Box) -> bool:
    """The rule for all tools: the true centre lies in the box, the areas differ by 4x at most."""
    x, y = (truth[0] + truth[2]) / 2, (truth[1] + truth[3]) / 2
    inside = found[0] <= x < found[2] and found[1] <= y < found[3]
    ratio = area(found) / max(area(truth), 1e-6)
    return inside and 0.25 <= ratio <= 4.0


def area(box: Box) -> float:
    """Area of a box, 0 where it is empty."""
    return max(box[2] - box[0], 0.0) * max(box[3] - box[1], 0.0)


def match(truth: Sequence[Box], found: Sequence[Box]) -> tuple[list[bool], int]:
    """Which faces were found, each box used once, and how many boxes are left over."""
    free = list(found)
    hits = []
    for face in truth:
        index = next((i for i, box in enumerate(free) if is_hit(face, box)), None)
        hits.append(index is not None)
        if index is not None:
            free.pop(index)
    return hits, len(free)


def markdown_table(header: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A table for docs/measurements.md; numbers to the right."""
    lines = ["| " + " | ".join(header) + " |"]
    lines.append("|" + "|".join(["---"] + ["---:"] * (len(header) - 1)) + "|")
    lines += ["| " + " | ".join(str(cell) for cell in row) + " |" for row in rows]
    return "\n".join(lines)


def processor() -> str:
    """The processor's name, for the line above a table."""
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    except OSError:
        return platform.processor() or "unknown processor"
    names = [line.split(":", 1)[1].strip() for line in text.splitlines() if "model name" in line]
    return f"{names[0]}, {len(names)} cores" if names else "unknown processor"


def write_json(path: Path | None, figures: dict[str, Any]) -> None:
    """Write the figures with the machine they were taken on, where a path was given."""
    if path is not None:
        record = {"processor": processor(), "command": " ".join(sys.argv), **figures}
        path.write_text(json.dumps(record, indent=1, default=float) + "\n", encoding="utf-8")
