"""Resident memory while pictures are streamed: it must not grow with their number.

    python render_memory.py                    # 100,000 pictures at 112 px
    python render_memory.py --count 10000

Linux only (/proc). "Growth" is against the first checkpoint.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

from render_support import describe_source, open_source, render_parser
from support import markdown_table, prepare, processor, write_json

CHECKPOINTS = (1_000, 2_000, 5_000, 10_000, 20_000, 50_000, 100_000, 200_000, 500_000, 1_000_000)


def memory_mib(field: str) -> float:
    """VmRSS (now) or VmHWM (the most so far), MiB."""
    for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines():
        if line.startswith(field + ":"):
            return int(line.split()[1]) / 1024
    raise ValueError(f"/proc/self/status has no {field}")


def main() -> None:
    """Stream and print the table."""
    parser = render_parser(__doc__ or "", size_px=112)
    parser.add_argument("--count", type=int, default=100_000, help="pictures")
    parser.add_argument("--samples", type=int, default=8, help="pictures of one person")
    parser.add_argument("--batch", type=int, default=64)
    arguments = parser.parse_args()
    prepare(arguments)
    before = memory_mib("VmRSS")
    source = open_source(arguments)
    opened = memory_mib("VmRSS")
    left = [point for point in CHECKPOINTS if point <= arguments.count]
    if not left or left[-1] != arguments.count:
        left.append(arguments.count)
    points: list[dict[str, float]] = []
    done, checksum, start = 0, 0, time.perf_counter()
    while left:
        came = 0
        # A folder holds few pictures: it is read again. The renderer gives all in one stream.
        for faces in source.stream(
            range(-(-arguments.count // arguments.samples)),
            range(arguments.samples),
            arguments.batch,
        ):
            came += len(faces)
            done += len(faces)
            checksum = (checksum + int(faces.images[:, ::16, ::16].sum())) % 2**32
            while left and done >= left[0]:
                left.pop(0)
                points.append(
                    {
                        "pictures": done,
                        "resident": memory_mib("VmRSS"),
                        "most": memory_mib("VmHWM"),
                        "rate": done / (time.perf_counter() - start),
                    }
                )
                print(points[-1], file=sys.stderr, flush=True)
            if not left:
                break
        if came == 0:
            sys.exit("no pictures came")
    first = points[0]["resident"]
    rows = []
    for p in points:
        cells = [f"{p['resident']:.0f}", f"{p['resident'] - first:+.1f}", f"{p['most']:.0f}"]
        rows.append([int(p["pictures"]), *cells, f"{p['rate']:.1f}"])
    print(
        f"{describe_source(arguments)}, batches of {arguments.batch}, {arguments.threads} "
        f"thread(s), {processor()}; {before:.0f} MiB before the renderer is opened, {opened:.0f} "
        f"after; checksum {checksum:08x}\n"
    )
    header = ["pictures", "resident, MiB", "growth, MiB", "most so far, MiB", "pictures/s"]
    print(markdown_table(header, rows))
    write_json(arguments.json, {"points": points, "before": before, "opened": opened})


if __name__ == "__main__":
    main()
