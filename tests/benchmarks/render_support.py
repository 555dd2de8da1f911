"""What the benchmarks of rendered faces share: sources of pictures, pairs, error rates, sheets.

Pictures are rendered on the spot, or read from a folder as ``guise render`` writes it (one folder
an identity, ``{identity:06d}/{sample:03d}.png`` or ``.jpg``, and ``ground_truth.jsonl``).
"""

from __future__ import annotations

import argparse
import json
import math
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, fields
from itertools import islice
from pathlib import Path
from typing import Any, Protocol

import cv2
import numpy as np
from numpy.typing import NDArray
from support import DEFAULT_DATA, Image, argument_parser, import_guise, read_image

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Integers = NDArray[np.int64]

GROUND_TRUTH = "ground_truth.jsonl"
POSE = ("yaw_deg", "pitch_deg", "roll_deg")
# The five points of InsightFace's template for crops of 112 px, pixel centres at whole numbers.
ARCFACE = np.array(
    [
        [38.2946, 51.6963],
        [73.5318, 51.5014],
        [56.0252, 71.7366],
        [41.5493, 92.3655],
        [70.7299, 92.2041],
    ]
)


@dataclass(frozen=True)
class Faces:
    """Pictures with their ground truth, N first."""

    images: NDArray[np.uint8]  # [N, H, W, 3], RGB
    landmarks_5: Floats  # [N, 5, 2] px, in the convention of detectors
    landmarks_68: Floats  # [N, 68, 2] px, NaN where unknown
    boxes: Floats  # [N, 4] px
    pose_deg: Floats  # [N, 3]: yaw (+ to the picture's right), pitch (+ up), roll (+ clockwise)
    identities: Integers  # [N]
    samples: Integers  # [N]
    parameters: Sequence[Mapping[str, Any]]  # {"identity": {...}, "photo": {...}}

    def __len__(self) -> int:
        return len(self.images)

    def take(self, index: Sequence[int] | Integers | Bools) -> Faces:
        """Some of the pictures."""
        numbers = np.arange(len(self))[np.asarray(index)]
        values: dict[str, Any] = {f.name: getattr(self, f.name) for f in fields(self)}
        chosen = {name: v[numbers] for name, v in values.items() if name != "parameters"}
        return Faces(parameters=[self.parameters[int(i)] for i in numbers], **chosen)


class LateParameters(Sequence[Mapping[str, Any]]):
    """The parameters of rendered faces, read when one is asked for."""

    def __init__(self, faces: Any) -> None:
        self.faces = faces

    def __len__(self) -> int:
        return len(self.faces)

    def __getitem__(self, index: Any) -> Any:
        return self.faces.parameters[index]


class Source(Protocol):
    """Where faces come from."""

    def stream(
        self, identities: Sequence[int], samples: Sequence[int], batch: int = 64
    ) -> Iterator[Faces]:
        """Batches in the order of identities, each with its samples."""
        ...


class RenderSource:
    """guise's own renderer."""

    def __init__(self, size_px: int, seed: int, threads: int, options: Any = None) -> None:
        guise = import_guise()
        if not hasattr(guise, "Renderer"):
            sys.exit("this guise has no Renderer: install a newer one, or give --pictures DIR")
        keywords = {} if options is None else {"options": options}
        self.renderer = guise.Renderer(size_px=size_px, threads=threads, **keywords)
        self.seed = seed
        self.times_ms: dict[str, float] = {}  # of each step, added over all pictures so far

    def stream(
        self, identities: Sequence[int], samples: Sequence[int], batch: int = 64
    ) -> Iterator[Faces]:
        """Rendered batch by batch."""
        for faces in self.renderer.stream(
            identities=identities, samples=samples, seed=self.seed, batch=batch
        ):
            for step, time_ms in faces.times_ms.items():
                self.times_ms[step] = self.times_ms.get(step, 0.0) + time_ms
            yield Faces(
                images=np.asarray(faces.images),
                landmarks_5=np.asarray(faces.landmarks_5, dtype=np.float64),
                landmarks_68=np.asarray(faces.landmarks_68, dtype=np.float64),
                boxes=np.asarray(faces.boxes, dtype=np.float64),
                pose_deg=np.asarray(faces.pose_deg, dtype=np.float64),
                identities=np.asarray(faces.identities, dtype=np.int64),
                samples=np.asarray(faces.samples, dtype=np.int64),
                parameters=LateParameters(faces),
            )


class FolderSource:
    """Pictures that were rendered before, scaled to the size that is asked for."""

    def __init__(self, folder: Path, size_px: int) -> None:
        truth = folder / GROUND_TRUTH
        if not truth.is_file():
            sys.exit(f"no {truth}: --pictures takes a folder that `guise render` wrote")
        self.folder, self.size_px = folder, size_px
        self.rows: dict[tuple[int, int], dict[str, Any]] = {}
        with truth.open(encoding="utf-8") as lines:
            for line in lines:
                row = json.loads(line)
                if "sample" in row:  # the first line says how the folder was made
                    self.rows[int(row["identity"]), int(row["sample"])] = row

    def _read(self, key: tuple[int, int]) -> tuple[Image, float]:
        row = self.rows[key]
        name = row.get("file") or row.get("path")
        stem = self.folder / f"{key[0]:06d}" / f"{key[1]:03d}"
        choices = [self.folder / name] if name else [stem.with_suffix(s) for s in (".png", ".jpg")]
        image = read_image(next((path for path in choices if path.is_file()), choices[0]))
        scale = self.size_px / image.shape[0]
        if scale != 1:
            way = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
            size = (round(image.shape[1] * scale), self.size_px)
            image = cv2.resize(image, size, interpolation=way).astype(np.uint8)
        return image, scale

    def stream(
        self, identities: Sequence[int], samples: Sequence[int], batch: int = 64
    ) -> Iterator[Faces]:
        """Those of the pictures asked for that are in the folder."""
        keys = ((i, s) for i in identities for s in samples if (i, s) in self.rows)
        with ThreadPoolExecutor(2) as pool:
            while chunk := list(islice(keys, batch)):
                read = list(pool.map(self._read, chunk))
                rows = [self.rows[key] for key in chunk]
                scales = np.array([scale for _, scale in read])
                unknown = np.full((68, 2), np.nan)

                def points(
                    name: str,
                    rows: list[dict[str, Any]] = rows,
                    scales: Floats = scales,
                    default: Floats | None = None,
                ) -> Floats:
                    values = np.array([r.get(name, default) for r in rows], dtype=np.float64)
                    return values * scales.reshape(-1, *[1] * (values.ndim - 1))

                yield Faces(
                    images=np.stack([image for image, _ in read]),
                    landmarks_5=points("landmarks_5"),
                    landmarks_68=points("landmarks_68", default=unknown),
                    boxes=points("box"),
                    pose_deg=np.array([[r[k] for k in POSE] for r in rows], dtype=np.float64),
                    identities=np.array([i for i, _ in chunk], dtype=np.int64),
                    samples=np.array([s for _, s in chunk], dtype=np.int64),
                    parameters=[r.get("parameters", r) for r in rows],
                )


def render_parser(description: str, size_px: int) -> argparse.ArgumentParser:
    """The options of every benchmark of rendered faces."""
    parser = argument_parser(description)
    parser.add_argument("--pictures", type=Path, help="read these instead of rendering")
    parser.add_argument("--size", type=int, default=size_px, help="of the rendered pictures, px")
    parser.add_argument("--seed", type=int, default=0, help="of the renderer")
    parser.set_defaults(threads=2)
    return parser


def open_source(arguments: argparse.Namespace, frontal: bool = False) -> Source:
    """The folder that was named, or the renderer. frontal: mild poses and no occluder."""
    if arguments.pictures is not None:
        return FolderSource(arguments.pictures, arguments.size)
    guise = import_guise()
    options = guise.RecipeOptions.frontal() if frontal and hasattr(guise, "Renderer") else None
    return RenderSource(arguments.size, arguments.seed, arguments.threads, options)


def describe_source(arguments: argparse.Namespace) -> str:
    """Where the pictures come from, for the line above a table."""
    if arguments.pictures is not None:
        return f"pictures of {arguments.pictures.name} at {arguments.size} px"
    return f"rendered at {arguments.size} px, seed {arguments.seed}"


def parameter(parameters: Mapping[str, Any], path: str, default: Any = None) -> Any:
    """A value of the nested parameters by its dotted name."""
    value: Any = parameters
    for name in path.split("."):
        if not isinstance(value, Mapping) or name not in value:
            return default
        value = value[name]
    return value


def number(parameters: Mapping[str, Any], path: str) -> float:
    """A number of the parameters, NaN where there is none."""
    value = parameter(parameters, path)
    return float(value) if isinstance(value, (int, float)) else math.nan


def is_present(value: Any) -> bool:
    """Whether something is worn: any value but none."""
    return value is not None and str(value).lower().removeprefix("k") not in {"0", "none", "false"}


def lamp_share(parameters: Mapping[str, Any]) -> float:
    """Radiance of the lamps beside that of the environment, 0 to 1; NaN where unknown."""
    strength = number(parameters, "photo.light.strength")
    lamps = parameter(parameters, "photo.light.lamps")
    if math.isnan(strength) or lamps is None:
        return math.nan
    lamps_sum = sum(float(np.dot(lamp["radiance"], (0.2126, 0.7152, 0.0722))) for lamp in lamps)
    return lamps_sum / max(lamps_sum + strength, 1e-9)


def rotations(pose_deg: Floats) -> Floats:
    """[N, 3] yaw, pitch, roll -> [N, 3, 3], head to camera (+x right, +y up, +z to the viewer)."""
    yaw, pitch, roll = np.deg2rad(pose_deg).T
    zero, one = np.zeros_like(yaw), np.ones_like(yaw)

    def stack(rows: Sequence[Sequence[Floats]]) -> Floats:
        return np.asarray(np.array(rows).transpose(2, 0, 1), dtype=np.float64)

    c, s = np.cos, np.sin
    turn = stack([[c(yaw), zero, s(yaw)], [zero, one, zero], [-s(yaw), zero, c(yaw)]])
    nod = stack([[one, zero, zero], [zero, c(pitch), s(pitch)], [zero, -s(pitch), c(pitch)]])
    tilt = stack([[c(roll), s(roll), zero], [-s(roll), c(roll), zero], [zero, zero, one]])
    product: Floats = turn @ nod @ tilt
    return product


def eye_distances(landmarks_5: Floats, pose_deg: Floats | None = None) -> Floats:
    """[N] px. With a pose, the distance as it would be seen from the front."""
    seen: Floats = np.linalg.norm(landmarks_5[:, 1] - landmarks_5[:, 0], axis=1)
    if pose_deg is None:
        return seen
    across = rotations(pose_deg)[:, :2, 0]
    return np.asarray(seen / np.maximum(np.linalg.norm(across, axis=1), 0.2))


def crop_faces(
    images: Sequence[Image] | NDArray[np.uint8], landmarks_5: Floats, side_px: int, margin: float
) -> NDArray[np.uint8]:
    """[N, side, side, 3]: upright crops with the ArcFace template in the middle of each.

    margin: what the crop shows beyond the template's square on every side, as a share of it.
    Least-squares similarity; drawn at twice the size and averaged, pixels outside repeat the edge.
    """
    inner = side_px / (1 + 2 * margin)
    target = (ARCFACE + 0.5) * inner / 112 + (side_px - inner) / 2
    goal = target - target.mean(0)
    crops = np.empty((len(images), side_px, side_px, 3), np.uint8)
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    for index, (image, points) in enumerate(zip(images, landmarks_5, strict=True)):
        centre = points.mean(0)
        p, q = (points - centre).T, goal.T
        # picture -> crop is [a -b; b a] / norm
        a, b = float((p * q).sum()), float((p[0] * q[1] - p[1] * q[0]).sum())
        linear = np.linalg.inv(np.array([[a, -b], [b, a]]) / float((p**2).sum()))
        shift = centre - linear @ target.mean(0)
        # pixel centres of the double-size crop lie at (i + .5) / 2 in the units of `target`
        matrix = np.hstack([linear / 2, (shift + linear @ (0.25, 0.25))[:, None]])
        large = cv2.warpAffine(
            image, matrix, (2 * side_px, 2 * side_px), flags=flags, borderMode=cv2.BORDER_REPLICATE
        )
        cv2.resize(large, (side_px, side_px), dst=crops[index], interpolation=cv2.INTER_AREA)
    return crops


def data_folder(arguments: argparse.Namespace) -> Path:
    """The folder of the eval photos: as given, or beside the clone from wherever this runs."""
    beside = Path(__file__).resolve().parents[2] / DEFAULT_DATA
    given: Path = arguments.data
    return beside if not given.is_dir() and given == DEFAULT_DATA else given


def open_detector(name: str, data: Path) -> Callable[[Image], list[Any]]:
    """A detector of the registry; its file may also lie in ``weights/`` beside the data."""
    guise = import_guise()
    import torch

    from guise import _core  # type: ignore[attr-defined, unused-ignore]

    entry = guise.models.get(name)
    beside = data.parent.parent / "weights" / entry.architecture / entry.file
    try:
        path = guise.models.path(name, fetch=not beside.is_file())
    except guise.Unavailable as problem:
        if not beside.is_file():
            sys.exit(str(problem))
        path = beside
    opened = [_core.Detector(entry.architecture, path=str(path), sha256=entry.sha256)]

    def detect(image: Image) -> list[Any]:
        tensor = torch.from_numpy(np.ascontiguousarray(image))
        return list(_core.detect_faces(tensor, opened, _core.DetectOptions()).faces)

    return detect


def draw_points(image: Image, points: Floats, colour: tuple[int, int, int]) -> None:
    """Small crosses, in place."""
    for x, y in points:
        if math.isfinite(x) and math.isfinite(y):
            at = (round(float(x)), round(float(y)))
            cv2.drawMarker(image, at, colour, cv2.MARKER_TILTED_CROSS, 7, 1)


def write_sheet(path: Path, tiles: Sequence[tuple[Image, str]], columns: int = 8) -> None:
    """A contact sheet with a line of text on each picture."""
    if not tiles:
        return
    height, width = tiles[0][0].shape[:2]
    rows = -(-len(tiles) // columns)
    sheet = np.zeros((rows * height, columns * width, 3), np.uint8)
    for index, (image, text) in enumerate(tiles):
        tile = np.ascontiguousarray(image)
        for colour, thickness in (((0, 0, 0), 3), ((255, 255, 255), 1)):
            cv2.putText(tile, text, (3, height - 5), 0, 0.4, colour, thickness, cv2.LINE_AA)
        row, column = divmod(index, columns)
        sheet[row * height : (row + 1) * height, column * width : (column + 1) * width] = tile
    path.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(path), sheet[:, :, ::-1])


def percent(share: float, digits: int = 1) -> str:
    """A share in per cent, a dash for none."""
    return "–" if math.isnan(share) else f"{100 * share:.{digits}f}"


def decimal(value: float, digits: int = 3) -> str:
    """A number, a dash for none."""
    return "–" if math.isnan(value) else f"{value:.{digits}f}"
