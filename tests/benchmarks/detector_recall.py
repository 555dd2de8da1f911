"""Recall of detectors on real photos at the threshold that keeps boxes without a face rare.

    python detector_recall.py --detectors house-detector centerface
    python detector_recall.py --weights build/train-detector/house-detector.safetensors

The photos of eval/congress (874), interfaces (100) and orl (400) show one person each. Where the
face is, ``--reference`` says (CenterFace, with a border where it finds nothing without one); a
photo counts as found if a box overlaps that face by more than 0.3 (IoU), as a photo with a wrong
box if another box has no such overlap with any face of the reference. Each detector is searched
once at a low threshold; the table gives, for every threshold, what is found and the share of photos
with a wrong box, and at the end recall at the threshold where wrong boxes are one in twenty photos
of each set. Landmarks: mean distance from the reference's, in its eye distances (median of photos).
Where you show ORL faces, give credit to Olivetti Research Laboratory.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from support import (
    Image,
    argument_parser,
    import_guise,
    list_photos,
    markdown_table,
    prepare,
    processor,
    read_image,
    write_json,
)

SETS = ("congress", "interfaces", "orl")
THRESHOLDS = (0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)
LOWEST = 0.1
SAME_FACE_IOU = 0.3
WRONG_BOXES = 0.05  # a photo
BORDER_PX = 28

Search = Callable[[Image], Sequence[Any]]


@dataclass(frozen=True)
class Outcome:
    """What a detector gave for one photo."""

    found: float  # score of the best box on a face; 0: none
    wrong: float  # score of the best box on no face; 0: none
    landmark_error: float  # eye distances; NaN where not found


def overlap(a: Sequence[float], b: Sequence[float]) -> float:
    """Intersection over union of two boxes."""
    width = max(0.0, min(a[2], b[2]) - max(a[0], b[0]))
    height = max(0.0, min(a[3], b[3]) - max(a[1], b[1]))
    areas = [(box[2] - box[0]) * (box[3] - box[1]) for box in (a, b)]
    return width * height / (sum(areas) - width * height)


def reference_faces(image: Image, search: Search) -> list[tuple[list[float], Any]]:
    """(box, landmarks) of each face; searched with a border where none is found without."""
    faces = search(image)
    shift = 0
    if not faces:
        border = ((BORDER_PX, BORDER_PX), (BORDER_PX, BORDER_PX), (0, 0))
        faces, shift = search(np.pad(image, border, mode="edge")), BORDER_PX
    return [([v - shift for v in f.box], np.asarray(f.landmarks) - shift) for f in faces]


def judge(faces: Sequence[Any], truth: list[tuple[list[float], Any]]) -> Outcome:
    """Faces that were found beside those of the reference."""
    found = wrong = 0.0
    error = float("nan")
    for face in faces:
        shares = [overlap(face.box, box) for box, _ in truth]
        best = int(np.argmax(shares)) if shares else -1
        if best >= 0 and shares[best] > SAME_FACE_IOU:
            if face.score > found:
                found, points = face.score, truth[best][1]
                away = np.linalg.norm(np.asarray(face.landmarks) - points, axis=1).mean()
                error = float(away / np.linalg.norm(points[1] - points[0]))
        else:
            wrong = max(wrong, face.score)
    return Outcome(found, wrong, error)


def searcher(detector: Any, threshold: float) -> Search:
    """The whole search of guise, closer looks and all."""
    guise = import_guise()
    options = guise._core.DetectOptions()
    if threshold >= 0:
        options.threshold = options.review_threshold = threshold
    return lambda image: (
        guise._core.detect_faces(
            torch.from_numpy(np.ascontiguousarray(image)), [detector], options
        ).faces
    )


def table_of(outcomes: dict[str, dict[str, list[Outcome]]]) -> tuple[str, dict[str, Any]]:
    """Recall and wrong boxes by threshold, and recall where wrong boxes are one in twenty."""
    rows, figures = [], {}
    for name, sets in outcomes.items():
        for threshold in THRESHOLDS:
            cells = []
            for each in sets.values():
                found = np.mean([o.found >= threshold for o in each])
                wrong = np.mean([o.wrong >= threshold for o in each])
                cells.append(f"{100 * found:.1f} / {100 * wrong:.1f}")
            rows.append([name, f"{threshold:.1f}", *cells])
        cells = []
        for set_name, each in sets.items():
            ordered = np.sort([o.wrong for o in each])[::-1]
            least = max(float(ordered[int(WRONG_BOXES * len(each))]), LOWEST)
            recall = float(np.mean([o.found > least for o in each]))
            error = float(np.nanmedian([o.landmark_error for o in each]))
            figures[f"{name}, {set_name}"] = {
                "recall": recall,
                "threshold": least,
                "landmark error": error,
            }
            cells.append(f"{100 * recall:.2f} (from {least:.2f}; landmarks {100 * error:.1f} %)")
        rows.append([name, "1 wrong in 20", *cells])
    header = ["found / photos with a wrong box, %", "threshold", *SETS]
    return markdown_table(header, rows), figures


def main() -> None:
    """Search all photos with all detectors and print the table."""
    parser = argument_parser(__doc__ or "")
    parser.add_argument("--detectors", nargs="*", default=[], help="names of the registry")
    parser.add_argument("--weights", type=Path, nargs="*", default=[], help="YuNets of your own")
    parser.add_argument("--reference", default="centerface")
    parser.add_argument("--limit", type=int, default=None, help="photos of each set")
    arguments = parser.parse_args()
    prepare(arguments, *SETS)
    guise = import_guise()
    opened = {name: guise.models.open_detectors([name])[0] for name in arguments.detectors}
    for path in arguments.weights:
        sha256 = guise._core.sha256_file(str(path))
        opened[path.stem] = guise._core.Detector("house-detector", path=str(path), sha256=sha256)
    if not opened:
        sys.exit("name detectors with --detectors or files with --weights")
    reference = searcher(guise.models.open_detectors([arguments.reference])[0], -1)
    searches = {name: searcher(detector, LOWEST) for name, detector in opened.items()}
    outcomes: dict[str, dict[str, list[Outcome]]] = {name: {} for name in searches}
    for set_name in SETS:
        for path in list_photos(arguments.data / set_name, arguments.limit):
            image = read_image(path)
            truth = reference_faces(image, reference)
            for name, search in searches.items():
                outcomes[name].setdefault(set_name, []).append(judge(search(image), truth))
        print(set_name, file=sys.stderr, flush=True)
    table, figures = table_of(outcomes)
    print(f"{processor()}, {arguments.threads} thread(s); faces by {arguments.reference}\n")
    print(table)
    write_json(arguments.json, figures)


if __name__ == "__main__":
    main()
