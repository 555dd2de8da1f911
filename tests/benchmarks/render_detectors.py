"""Do detectors accept rendered faces, and where do they put the five landmarks?

    python render_detectors.py --out build/detectors

Pictures of the renderer's default recipe with a yaw of at most 60 degrees; detectors through
guise's own API with their default thresholds. A face counts as found where a detection overlaps
the true box with an IoU of at least 0.4, or its landmarks lie within half an eye distance of the
true ones on average. Errors are shares of the eye distance in the picture, and of the eye distance
as it would be seen from the front (`rotations` in render_support.py), which a turned head does not
shorten.

The second table is for the head's `detector_points`: the constant vector in the head's own frame
(x to the subject's left, y up, z out of the face; in eye distances) that, added to a point,
explains the detector's place for it best over all poses (least squares; left and right tied).
"""

from __future__ import annotations

import argparse
import itertools
import sys
from pathlib import Path
from typing import Any

import numpy as np
from render_support import (
    Faces,
    Floats,
    Source,
    data_folder,
    describe_source,
    draw_points,
    eye_distances,
    is_present,
    open_detector,
    open_source,
    parameter,
    percent,
    render_parser,
    rotations,
    write_sheet,
)
from support import markdown_table, prepare, processor, write_json

POINTS = ("eye on the left", "eye on the right", "nose", "mouth on the left", "mouth on the right")
MIRRORED = (1, 0, 2, 4, 3)
YAW_BANDS = ((0, 15), (15, 30), (30, 45), (45, 60.01))
MIN_IOU = 0.4
MAX_LANDMARK_ERROR = 0.5
WORST = 32


def overlap(box: Floats, other: Floats) -> float:
    """Intersection over union."""
    corner = np.minimum(box[2:], other[2:]) - np.maximum(box[:2], other[:2])
    inside = float(np.prod(np.maximum(corner, 0)))
    total = float(np.prod(box[2:] - box[:2]) + np.prod(other[2:] - other[:2])) - inside
    return inside / max(total, 1e-9)


def collect(source: Source, arguments: argparse.Namespace) -> Faces:
    """The first pictures of new people within the bound of the yaw, ``--samples`` of each."""
    parts: list[Faces] = []
    count = 0
    people = range(arguments.first, arguments.first + 10 * arguments.count)
    for faces in source.stream(people, range(arguments.samples)):
        kept = faces.take(np.abs(faces.pose_deg[:, 0]) <= arguments.max_yaw)
        if len(kept):
            parts.append(kept)
            count += len(kept)
        if count >= arguments.count:
            break
    if not parts:
        sys.exit("no pictures within the bound of the yaw")
    names = ("images", "landmarks_5", "landmarks_68", "boxes", "pose_deg", "identities", "samples")
    joined = {name: np.concatenate([getattr(part, name) for part in parts]) for name in names}
    parameters = list(itertools.chain.from_iterable(part.parameters for part in parts))
    return Faces(parameters=parameters, **joined).take(np.arange(min(count, arguments.count)))


class Found:
    """What one detector found."""

    def __init__(self, name: str, faces: Faces, data: Path) -> None:
        detect = open_detector(name, data)
        self.name = name
        self.landmarks = np.full((len(faces), 5, 2), np.nan)
        self.scores = np.full(len(faces), np.nan)
        self.extra = np.zeros(len(faces), np.int64)
        self.overlaps = np.zeros(len(faces))
        sizes = eye_distances(faces.landmarks_5, faces.pose_deg)
        for index in range(len(faces)):
            found = detect(faces.images[index])
            self.extra[index] = len(found)
            for face in found:
                points = np.asarray(face.landmarks, dtype=np.float64)
                iou = overlap(faces.boxes[index], np.asarray(face.box, dtype=np.float64))
                gap = np.linalg.norm(points - faces.landmarks_5[index], axis=1).mean()
                if iou >= MIN_IOU or gap <= MAX_LANDMARK_ERROR * sizes[index]:
                    self.landmarks[index] = points
                    self.scores[index] = face.score
                    self.overlaps[index] = iou
                    self.extra[index] -= 1
                    break
            if index % 200 == 199:
                print(f"\r{name}: {index + 1} ", end="", file=sys.stderr, flush=True)
        print(file=sys.stderr)
        self.hit = ~np.isnan(self.scores)
        self.gaps = np.linalg.norm(self.landmarks - faces.landmarks_5, axis=2)  # [N, 5] px
        self.by_picture = self.gaps / eye_distances(faces.landmarks_5)[:, None]
        self.by_front = self.gaps / sizes[:, None]

    def figures(self, faces: Faces) -> dict[str, float]:
        """Shares and mean errors."""
        yaw = np.abs(faces.pose_deg[:, 0])
        result = {
            "found": float(self.hit.mean()),
            "extra a picture": float(self.extra.mean()),
            "error": float(np.nanmean(self.by_picture)),
            "error, frontal eye distance": float(np.nanmean(self.by_front)),
            "median error, frontal": float(np.nanmedian(np.nanmean(self.by_front[self.hit], 1))),
            "IoU": float(self.overlaps[self.hit].mean()),
        }
        for low, high in YAW_BANDS:
            band = (yaw >= low) & (yaw < high)
            if band.any():
                name = f"yaw {low:g} to {high:.0f}"
                result[f"found, {name}"] = float(self.hit[band].mean())
                if (band & self.hit).any():
                    result[f"error, {name}"] = float(np.nanmean(self.by_picture[band]))
        for index, name in enumerate(POINTS):
            result[f"error, {name}"] = float(np.nanmean(self.by_front[:, index]))
        return result

    def offsets(self, faces: Faces) -> tuple[Floats, Floats, Floats]:
        """[5, 3] the vector in the head's frame, [5] scatter and [5] mean error that remain.

        All in eye distances.
        """
        turn = rotations(faces.pose_deg[self.hit])[:, :2]  # [K, 2, 3]
        size = eye_distances(faces.landmarks_5, faces.pose_deg)[self.hit, None, None]
        seen = (self.landmarks - faces.landmarks_5)[self.hit] / size  # [K, 5, 2], y down
        seen = seen * (1, -1)
        vectors = np.zeros((5, 3))
        for index in range(5):
            other = MIRRORED[index]
            # the mirrored point has the mirrored vector: x changes its sign
            rows = np.concatenate([turn.reshape(-1, 3), (turn * (-1, 1, 1)).reshape(-1, 3)])
            goal = np.concatenate([seen[:, index].reshape(-1), seen[:, other].reshape(-1)])
            vectors[index] = np.linalg.lstsq(rows, goal, rcond=None)[0]
        rest = seen - np.einsum("kij,pj->kpi", turn, vectors)
        gaps = np.linalg.norm(rest, axis=2)
        return vectors, np.sqrt((rest**2).mean((0, 2))), gaps.mean(0)

    def write_worst(self, faces: Faces, folder: Path) -> list[list[int]]:
        """A sheet of missed faces and of the largest errors: truth green, found red."""
        error = np.where(self.hit, np.nan_to_num(self.by_front.mean(1)), np.inf)
        order = np.argsort(-error, kind="stable")[:WORST]
        tiles = []
        for index in order:
            image = faces.images[index].copy()
            draw_points(image, faces.landmarks_5[index], (0, 255, 0))
            draw_points(image, self.landmarks[index], (255, 0, 0))
            label = f"{faces.identities[index]}/{faces.samples[index]} "
            label += f"{error[index]:.2f}" if self.hit[index] else "missed"
            tiles.append((image, label))
        write_sheet(folder / f"worst_{self.name}.png", tiles)
        return [[int(faces.identities[i]), int(faces.samples[i])] for i in order]


def print_missed(finders: list[Found], faces: Faces) -> None:
    """What the missed faces have in common: share found by what is worn."""
    groups: dict[str, list[int]] = {}
    for index, values in enumerate(faces.parameters):
        for what in ("glasses", "hat", "occluder"):
            worn = parameter(values, f"photo.wearing.{what}")
            if worn is not None:
                name = str(worn) if is_present(worn) else "none"
                groups.setdefault(f"{what}: {name}", []).append(index)
        style = parameter(values, "photo.hair.style")
        if style is not None:
            groups.setdefault(f"hair: {style}", []).append(index)
    if not groups:
        return
    rows = [
        [name, len(members), *[percent(float(f.hit[members].mean())) for f in finders]]
        for name, members in sorted(groups.items())
    ]
    print()
    print(markdown_table(["found, %", "pictures", *[f.name for f in finders]], rows))


def main() -> None:
    """Run the detectors and print the tables."""
    parser = render_parser(__doc__ or "", size_px=224)
    parser.add_argument("--count", type=int, default=2000, help="pictures")
    parser.add_argument("--samples", type=int, default=2, help="pictures of one person")
    parser.add_argument("--first", type=int, default=0, help="first person")
    parser.add_argument("--max-yaw", type=float, default=60.0, help="degrees")
    parser.add_argument("--frontal", action="store_true", help="mild poses and no occluder")
    parser.add_argument("--detectors", nargs="+", default=["yunet", "yunet-2023mar", "centerface"])
    parser.add_argument("--out", type=Path, default=None, help="folder for sheets of the worst")
    arguments = parser.parse_args()
    prepare(arguments)
    faces = collect(open_source(arguments, frontal=arguments.frontal), arguments)
    finders = [Found(name, faces, data_folder(arguments)) for name in arguments.detectors]
    figures = {finder.name: finder.figures(faces) for finder in finders}
    print(
        f"{len(faces)} pictures with a yaw of at most {arguments.max_yaw:g}° "
        f"({describe_source(arguments)}), {processor()}\n"
    )
    keys = list(dict.fromkeys(itertools.chain.from_iterable(figures.values())))
    rows = []
    for key in keys:
        row = [figures[finder.name].get(key, float("nan")) for finder in finders]
        as_share = key not in ("extra a picture", "IoU")
        cells = [percent(v, 2) if as_share else f"{v:.3f}" for v in row]
        rows.append([key + (", %" if as_share else ""), *cells])
    print(markdown_table(["", *[finder.name for finder in finders]], rows))
    vectors: dict[str, Any] = {}
    rows = []
    for finder in finders:
        if finder.hit.any():
            offsets, scatter, rest = finder.offsets(faces)
            vectors[finder.name] = offsets.tolist()
            for point, vector, s, r in zip(POINTS, offsets, scatter, rest, strict=True):
                cells = [f"{v:+.3f}" for v in vector]
                rows.append([f"{finder.name}, {point}", *cells, f"{s:.3f}", f"{r:.3f}"])
    print("\nFrom the true point to the detector's, in eye distances, head's frame:\n")
    header = ["", "x", "y", "z", "scatter an axis that remains", "mean error that remains"]
    print(markdown_table(header, rows))
    print_missed(finders, faces)
    worst = {}
    if arguments.out is not None:
        worst = {finder.name: finder.write_worst(faces, arguments.out) for finder in finders}
    write_json(arguments.json, {"figures": figures, "offsets": vectors, "worst": worst})


if __name__ == "__main__":
    main()
