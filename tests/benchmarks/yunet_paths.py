"""YuNet by its two paths: the engine's own network against the ONNX graph in OpenCV's dnn module.

One pass over square pictures of places, one thread, both detectors in the same run by turns; the
best of several rounds in milliseconds a megapixel.
"""

from __future__ import annotations

import os
import sys
import time

import torch
from support import argument_parser, import_guise, markdown_table, prepare, processor, write_json

SIDES_PX = (224, 512, 704, 1024)


def main() -> None:
    """Time both paths and print the table."""
    parser = argument_parser(__doc__ or "")
    parser.add_argument("--rounds", type=int, default=8)
    arguments = parser.parse_args()
    prepare(arguments)
    # The engine's OpenCV takes the number of its threads from the processors it may use.
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[: arguments.threads])
    import_guise()
    from guise import _core, models

    weights = arguments.data.parent.parent / "weights/yunet"
    graph = weights / "face_detection_yunet_2023mar.onnx"
    if not graph.is_file():
        sys.exit(f"no {graph}: name the folder of the photos with --data, the weights beside it")
    detectors = {
        "yunet (n), guise": models.open_detectors(["yunet"])[0],
        "yunet-2023mar (s), OpenCV": _core.Detector("yunet", path=str(graph), sha256=""),
    }
    generator = torch.Generator().manual_seed(0)
    rows = []
    for side in SIDES_PX:
        noise = torch.randint(0, 256, (side, side, 3), generator=generator, dtype=torch.uint8)
        best = dict.fromkeys(detectors, float("inf"))
        for _ in range(arguments.rounds):
            for name, detector in detectors.items():
                start = time.perf_counter()
                detector.propose(noise, min_score=0.5)
                best[name] = min(best[name], time.perf_counter() - start)
        per_megapixel = {name: 1e9 * seconds / side**2 for name, seconds in best.items()}
        ratio = per_megapixel["yunet-2023mar (s), OpenCV"] / per_megapixel["yunet (n), guise"]
        rows.append([f"{side} px", *(f"{ms:.1f}" for ms in per_megapixel.values()), f"{ratio:.2f}"])
    print(f"{processor()}, {arguments.threads} thread(s)\n")
    print(markdown_table(["ms a megapixel", *detectors, "ratio"], rows))
    write_json(arguments.json, {"rows": rows})


if __name__ == "__main__":
    main()
