"""Recall by face size in 12-megapixel photos: deface and guise on the same files.

Congress portraits (225x275) are turned by up to 30 degrees either way and pasted into views of
places without people. The true box is CenterFace's own on the clear portrait, so it is deface's
notion of a face that both tools must meet. Below the portrait's own size faces are averaged down
by area; 200 and 300 px faces are enlarged from about 100 px. A face counts as found if its centre
lies in a box whose area is within 4x of the true one; each box is used once, and every box left
over, duplicates included, counts as extra. deface runs as it does by default: threshold 0.2, full
resolution; guise runs as it does by default.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from support import (
    FACE_HEIGHTS_PX,
    DefaceDetector,
    Detector,
    argument_parser,
    guise_detector,
    markdown_table,
    match,
    prepare,
    processor,
    read_image,
    write_json,
    write_scenes,
)


def measure(
    folder: Path, detectors: dict[str, Detector]
) -> tuple[dict[str, dict[int, list[bool]]], dict[str, list[int]], dict[str, list[float]]]:
    """Hits by face height, extra boxes and seconds by scene, for each detector on each file."""
    truth = json.loads((folder / "truth.json").read_text(encoding="utf-8"))
    heights = json.loads((folder / "heights.json").read_text(encoding="utf-8"))
    hits: dict[str, dict[int, list[bool]]] = {
        name: {px: [] for px in FACE_HEIGHTS_PX} for name in detectors
    }
    extra: dict[str, list[int]] = {name: [] for name in detectors}
    seconds: dict[str, list[float]] = {name: [] for name in detectors}
    for file in sorted(truth):
        image = read_image(folder / file)
        for name, detector in detectors.items():
            start = time.perf_counter()
            boxes = detector(image)
            seconds[name].append(time.perf_counter() - start)
            found, left_over = match([tuple(box) for box in truth[file]], boxes)
            for px, hit in zip(heights[file], found, strict=True):
                hits[name][px].append(hit)
            extra[name].append(left_over)
        print(file, {name: extra[name][-1] for name in detectors}, file=sys.stderr, flush=True)
    return hits, extra, seconds


def print_tables(
    hits: dict[str, dict[int, list[bool]]],
    extra: dict[str, list[int]],
    seconds: dict[str, list[float]],
) -> None:
    """Recall by size, then extra boxes and seconds a scene."""
    names = list(hits)
    rows: list[Sequence[object]] = []
    for px in FACE_HEIGHTS_PX:
        shares = [hits[name][px] for name in names]
        if shares[0]:
            cells = [f"{100 * np.mean(s):.1f} ({sum(s)}/{len(s)})" for s in shares]
            rows.append([f"{px} px", *cells])
    totals = [[hit for found in hits[name].values() for hit in found] for name in names]
    rows.append(["all", *[f"{100 * np.mean(s):.1f} ({sum(s)}/{len(s)})" for s in totals]])
    rows.append(["extra boxes a scene", *[f"{np.mean(extra[name]):.2f}" for name in names]])
    rows.append(["seconds a scene, median", *[f"{np.median(seconds[name]):.2f}" for name in names]])
    print(markdown_table(["face height: recall, %", *names], rows))


def main() -> None:
    """Make the scenes, run every detector over them, print the tables."""
    parser = argument_parser(__doc__ or "")
    parser.add_argument("--hdri", type=Path, default=None, help="default: hdri beside --data")
    parser.add_argument(
        "--detectors",
        action="append",
        default=None,
        help="of guise, e.g. yunet,centerface; repeatable",
    )
    parser.add_argument(
        "--tools", nargs="+", choices=["deface", "guise"], default=["deface", "guise"]
    )
    parser.add_argument("--per-size", type=int, default=3, help="scenes of each face size")
    parser.add_argument("--mixed", type=int, default=6, help="scenes of mixed face sizes")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--scenes", type=Path, default=None, help="keep or reuse the scenes here")
    arguments = parser.parse_args()
    prepare(arguments, "congress")
    hdri = arguments.hdri or arguments.data.parent / "hdri"
    detectors: dict[str, Detector] = {}
    if "deface" in arguments.tools:
        detectors["deface, CenterFace 0.2"] = DefaceDetector(threshold=0.2)
    if "guise" in arguments.tools:
        for names in arguments.detectors or ["yunet", "yunet,centerface"]:
            detectors[f"guise, {names}"] = guise_detector(names)
    with tempfile.TemporaryDirectory() as temporary:
        folder = arguments.scenes or Path(temporary)
        if not (folder / "truth.json").is_file():
            write_scenes(
                folder, arguments.data, hdri, arguments.per_size, arguments.mixed, arguments.seed
            )
        hits, extra, seconds = measure(folder, detectors)
    print(f"{processor()}, {arguments.threads} thread(s)\n")
    print_tables(hits, extra, seconds)
    figures: dict[str, Any] = {"hits": hits, "extra": extra, "seconds": seconds}
    write_json(arguments.json, figures)


if __name__ == "__main__":
    main()
