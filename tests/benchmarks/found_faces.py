"""How many portraits have their face found, and how many boxes too many there are.

The first 400 congress, 100 interfaces and 400 ORL photos show one person each. A photo counts as
found if there is at least one box; every further box counts as extra. Both tools get the same
pixels in the same run.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from typing import Any

from support import (
    DefaceDetector,
    Detector,
    argument_parser,
    guise_detector,
    list_photos,
    markdown_table,
    prepare,
    processor,
    read_image,
    write_json,
)

SETS = {"congress": 400, "interfaces": 100, "orl": 400}


def main() -> None:
    """Count faces in the three sets and print the table."""
    parser = argument_parser(__doc__ or "")
    parser.add_argument(
        "--detectors",
        action="append",
        default=None,
        help="of guise, e.g. yunet,centerface; repeatable",
    )
    parser.add_argument(
        "--tools", nargs="+", choices=["deface", "guise"], default=["deface", "guise"]
    )
    arguments = parser.parse_args()
    prepare(arguments, *SETS)
    detectors: dict[str, Detector] = {}
    if "deface" in arguments.tools:
        detectors["deface, CenterFace 0.2"] = DefaceDetector(threshold=0.2)
    if "guise" in arguments.tools:
        for names in arguments.detectors or ["centerface", "yunet", "yunet,centerface"]:
            detectors[f"guise, {names}"] = guise_detector(names)
    photos = {name: list_photos(arguments.data / name, limit) for name, limit in SETS.items()}
    rows: list[Sequence[object]] = []
    figures: dict[str, Any] = {}
    for label, detector in detectors.items():
        cells = []
        start = time.perf_counter()
        for name, paths in photos.items():
            counts = {path.name: len(detector(read_image(path))) for path in paths}
            found = sum(count > 0 for count in counts.values())
            extra = sum(max(count - 1, 0) for count in counts.values())
            missed = [file for file, count in counts.items() if count == 0]
            figures[f"{label}, {name}"] = {"found": found, "extra": extra, "missed": missed}
            cells.append(f"{found}/{len(paths)}, {extra} extra")
        rows.append([label, *cells, f"{time.perf_counter() - start:.1f}"])
        print(label, cells, file=sys.stderr, flush=True)
    print(f"{processor()}, {arguments.threads} thread(s)\n")
    print(markdown_table(["photos with a face found", *SETS, "seconds in all"], rows))
    write_json(arguments.json, figures)


if __name__ == "__main__":
    main()
