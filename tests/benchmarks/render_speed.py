"""How many pictures a second the renderer makes, and what one picture costs step by step.

    python render_speed.py

New people are rendered once each; "x8" and "x50" are people with that many pictures, where shape
and skin are prepared once. Cases take turns in every round; the best and the median of the rounds
are shown. Each case is warmed up with another person before its clock starts.
"""

from __future__ import annotations

import math
import statistics
import sys
import time
from typing import Any

from render_support import FolderSource, RenderSource, Source, render_parser
from support import import_guise, markdown_table, prepare, processor, write_json

REPEATS = (1, 8, 50)
PICTURES = {112: 400, 224: 200, 512: 50}
WARM_UP_IDENTITY = 1_000_000
PROFILE_PICTURES = 64
GOALS = {112: 150.0, 224: 80.0, 512: 12.0}  # pictures a second, two threads, people x8


def render_count(source: Source, first: int, pictures: int, repeats: int, batch: int) -> int:
    """Render and throw away; the number of pictures that came."""
    people = range(first, first + -(-pictures // repeats))
    return sum(len(faces) for faces in source.stream(people, range(repeats), batch=batch))


def print_profile(sources: dict[tuple[int, int], Source], batch: int) -> dict[str, Any]:
    """Milliseconds a step of one picture on one thread, new people and people x8."""
    columns: dict[str, dict[str, float]] = {}
    for (size, threads), source in sources.items():
        if threads != 1 or not isinstance(source, RenderSource):
            continue
        for repeats in (1, 8):
            before, start = dict(source.times_ms), time.perf_counter()
            count = render_count(source, 500_000, PROFILE_PICTURES, repeats, batch)
            whole = 1000 * (time.perf_counter() - start) / count
            steps = {k: (v - before.get(k, 0.0)) / count for k, v in source.times_ms.items()}
            steps["everything, by the clock"] = whole
            columns[f"{size} px, {'new people' if repeats == 1 else 'x8'}"] = steps
    if not columns:
        return {}
    names = list(dict.fromkeys(step for steps in columns.values() for step in steps))
    rows = [[name, *[f"{c.get(name, math.nan):.2f}" for c in columns.values()]] for name in names]
    print()
    print(markdown_table(["ms of one picture, one thread", *columns], rows))
    return columns


def main() -> None:
    """Time all cases and print the tables."""
    parser = render_parser(__doc__ or "", size_px=224)
    parser.add_argument("--sizes", type=int, nargs="+", default=list(PICTURES))
    parser.add_argument("--thread-counts", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--scale", type=float, default=1.0, help="of the number of pictures")
    parser.add_argument("--batch", type=int, default=64)
    arguments = parser.parse_args()
    prepare(arguments)
    guise = import_guise() if arguments.pictures is None else None
    sources: dict[tuple[int, int], Source] = {}
    starts: dict[str, float] = {}
    for size in arguments.sizes:
        for threads in arguments.thread_counts:
            start = time.perf_counter()
            if guise is None:
                sources[size, threads] = FolderSource(arguments.pictures, size)
            else:
                sources[size, threads] = RenderSource(size, arguments.seed, threads)
            starts[f"{size} px, {threads} thread(s)"] = time.perf_counter() - start
    rates: dict[tuple[int, int, int], list[float]] = {}
    for turn in range(arguments.rounds):
        for (size, threads), source in sources.items():
            for repeats in REPEATS:
                wanted = max(round(PICTURES.get(size, 100) * arguments.scale), repeats)
                first = 0 if guise is None else turn * 10_000 + repeats * 1000
                render_count(source, WARM_UP_IDENTITY, 2, 1, arguments.batch)
                start = time.perf_counter()
                count = render_count(source, first, wanted, repeats, arguments.batch)
                rate = count / (time.perf_counter() - start)
                rates.setdefault((size, threads, repeats), []).append(rate)
                print(f"{size} px, {threads}, x{repeats}: {rate:.1f}/s", file=sys.stderr)
    rows = []
    for size, threads in sources:
        cells = []
        for repeats in REPEATS:
            values = rates[size, threads, repeats]
            cells.append(f"{max(values):.1f} ({statistics.median(values):.1f})")
        goal = f"{GOALS[size]:g}" if threads == 2 and size in GOALS else "–"
        rows.append([f"{size} px, {threads} thread(s)", *cells, goal])
    print(
        f"{processor()}; best of {arguments.rounds} rounds (median), batches of {arguments.batch}"
    )
    if starts:
        print(f"First opening {max(starts.values()):.2f} s, later {min(starts.values()):.3f} s.\n")
    header = ["pictures a second", *[f"people x{repeats}" for repeats in REPEATS], "goal, x8"]
    header[1] = "new people"
    print(markdown_table(header, rows))
    profile = print_profile(sources, arguments.batch)
    record = {f"{s} px, {t} thread(s), x{r}": v for (s, t, r), v in rates.items()}
    write_json(arguments.json, {"rates": record, "profile": profile, "opening": starts})


if __name__ == "__main__":
    main()
