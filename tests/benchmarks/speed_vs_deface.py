"""Files to files: deface's command line against guise's, on the same photos, in one run, by turns.

Two collections: the 500-px photos of eval/interfaces, and generated 12-megapixel scenes with
faces of mixed sizes. Every round runs both tools over the whole collection, start of the program
included; the order changes from round to round. Memory is the largest sum of resident pages over
the tool's process tree, polled 20 times a second (pages shared by several processes count once
for each). Recall on the scenes: for guise from its own report, for deface from its detector on
the same files; the rule is that of size_curve.py.

deface cannot write several files into another folder: it writes beside its input, so it works on
a copy. --threads 0, the default here, lets each tool choose its own threads as its users do; any
other number is given to OpenMP, BLAS and OpenCV in both. A run on one core for certain:
`taskset -c 0 python tests/benchmarks/speed_vs_deface.py`.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from support import (
    THREAD_VARIABLES,
    Box,
    DefaceDetector,
    argument_parser,
    box_of,
    limit_threads,
    list_photos,
    markdown_table,
    match,
    prepare,
    processor,
    read_image,
    write_json,
    write_scenes,
)

POLL_S = 0.05


@dataclass
class Runs:
    """What one tool did with one collection."""

    seconds: list[float] = field(default_factory=list)
    peak_mib: list[float] = field(default_factory=list)

    def photos_per_second(self, photos: int) -> float:
        """Photos a second in the median round."""
        return photos / float(np.median(self.seconds))


def resident_mib(root: int) -> float:
    """Resident memory of a process and all its descendants now."""
    parents: dict[int, int] = {}
    pages: dict[int, int] = {}
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            after_name = (entry / "stat").read_text().rsplit(")", 1)[1].split()
        except (OSError, IndexError):
            continue  # the process has ended
        parents[int(entry.name)] = int(after_name[1])
        pages[int(entry.name)] = int(after_name[21])
    family = {root}
    grown = True
    while grown:
        more = {pid for pid, parent in parents.items() if parent in family} - family
        family |= more
        grown = bool(more)
    total = sum(pages.get(pid, 0) for pid in family)
    return total * os.sysconf("SC_PAGE_SIZE") / 2**20


def run_timed(command: Sequence[str], log: Path, runs: Runs) -> None:
    """Run a tool to its end; keep seconds and peak memory; leave with its log if it fails."""
    with log.open("wb") as output:
        start = time.perf_counter()
        child = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT)
        peak = 0.0
        ended = threading.Event()

        def poll() -> None:
            nonlocal peak
            while not ended.wait(POLL_S):
                peak = max(peak, resident_mib(child.pid))

        watcher = threading.Thread(target=poll)
        watcher.start()
        status = child.wait()
        seconds = time.perf_counter() - start
        ended.set()
        watcher.join()
    if status != 0:
        sys.exit(
            f"{' '.join(command)} ended with {status}:\n{log.read_text(errors='replace')[-2000:]}"
        )
    runs.seconds.append(seconds)
    runs.peak_mib.append(peak)


def copy_photos(photos: Sequence[Path], folder: Path, copies: int) -> None:
    """Each photo under its own name, and again under others."""
    for photo in photos:
        for copy in range(copies):
            name = photo.name if copy == 0 else f"{photo.stem}_{copy}{photo.suffix}"
            shutil.copy(photo, folder / name)


def run_deface(
    program: str, photos: Sequence[Path], work: Path, options: argparse.Namespace, runs: Runs
) -> None:
    """deface over a fresh copy of the photos; it writes name_anonymized beside each."""
    folder = work / "deface"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    copy_photos(photos, folder, options.copies)
    run_timed([program, "--backend", "opencv", str(folder)], work / "deface.log", runs)
    written = len(list(folder.glob("*_anonymized.*")))
    if written != len(photos) * options.copies:
        sys.exit(f"deface wrote {written} of {len(photos) * options.copies} photos")


def run_guise(program: str, photos: Sequence[Path], work: Path, options: Any, runs: Runs) -> Path:
    """guise over the same photos, into a fresh folder; its report."""
    folder, output, report = work / "guise_in", work / "guise_out", work / "guise.jsonl"
    for old in (folder, output):
        shutil.rmtree(old, ignore_errors=True)
    report.unlink(missing_ok=True)
    folder.mkdir()
    copy_photos(photos, folder, options.copies)
    command = [program, "anonymize", str(folder), str(output), "--detector", options.detector]
    command += ["--workers", str(options.workers), "--report", str(report)]
    # Every photo is to be written, as deface does.
    command += ["--when-unsure", "obscure-all"]
    run_timed(command, work / "guise.log", runs)
    written = sum(1 for path in output.rglob("*") if path.is_file())
    if written < len(photos) * options.copies:
        print(f"guise wrote {written} of {len(photos) * options.copies} photos", file=sys.stderr)
    return report


def boxes_in_report(report: Path) -> dict[str, list[Box]]:
    """The face boxes of guise's report, by name of the photo."""
    found: dict[str, list[Box]] = {}
    for line in report.read_text(encoding="utf-8").splitlines():
        record = json.loads(line)
        keys = [key for key in ("input", "file", "path", "name", "photo") if key in record]
        if keys and "faces" in record:
            found[Path(record[keys[0]]).name] = [box_of(face["box"]) for face in record["faces"]]
    return found


def recall(truth: dict[str, list[Any]], found: dict[str, list[Box]]) -> tuple[str, float]:
    """Share of faces found, as text, and extra boxes a photo."""
    hits: list[bool] = []
    extra = 0
    for name, boxes in truth.items():
        right, left_over = match([box_of(box) for box in boxes], found.get(name, []))
        hits += right
        extra += left_over
    return f"{100 * float(np.mean(hits)):.1f} ({sum(hits)}/{len(hits)})", extra / len(truth)


def measure(
    photos: Sequence[Path], work: Path, options: argparse.Namespace
) -> tuple[dict[str, Runs], dict[str, list[Box]]]:
    """All rounds of both tools over one collection, order alternating."""
    runs = {tool: Runs() for tool in options.tools}
    boxes: dict[str, list[Box]] = {}
    for index in range(options.rounds):
        order = list(runs) if index % 2 == 0 else list(runs)[::-1]
        for tool in order:
            if tool == "deface":
                run_deface(options.deface, photos, work, options, runs[tool])
            else:
                boxes = boxes_in_report(run_guise(options.guise, photos, work, options, runs[tool]))
            print(f"{tool}: {runs[tool].seconds[-1]:.1f} s", file=sys.stderr, flush=True)
    return runs, boxes


def speed_cells(run: Runs, base: Runs | None, photos: int) -> list[str]:
    """Photos a second, their range, the ratio to deface and the peak memory."""
    rate = run.photos_per_second(photos)
    spread = f"{photos / max(run.seconds):.2f} to {photos / min(run.seconds):.2f}"
    ratio = f"{rate / base.photos_per_second(photos):.2f}" if base else "–"
    return [f"{rate:.2f}", spread, ratio, f"{max(run.peak_mib):.0f}"]


def parse() -> argparse.Namespace:
    """The options."""
    parser = argument_parser(__doc__ or "")
    parser.set_defaults(threads=0)
    parser.add_argument("--hdri", type=Path, default=None, help="default: hdri beside --data")
    parser.add_argument("--deface", default="deface", help="deface's program")
    parser.add_argument("--guise", default="guise", help="guise's program")
    parser.add_argument(
        "--tools", nargs="+", choices=["deface", "guise"], default=["deface", "guise"]
    )
    parser.add_argument("--detector", default="yunet", help="of guise")
    parser.add_argument("--workers", type=int, default=2, help="of guise")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--photos", type=int, default=100, help="photos of eval/interfaces")
    parser.add_argument(
        "--copies",
        dest="copies_500",
        type=int,
        default=10,
        help="of each of them, so that the start of the programs weighs little",
    )
    parser.add_argument("--scenes", type=int, default=12, help="scenes of 12 megapixels")
    return parser.parse_args()


def main() -> None:
    """Measure both collections and print the tables."""
    options = parse()
    prepare(options, "interfaces", "congress")
    for tool in options.tools:
        if shutil.which(getattr(options, tool)) is None:
            program = getattr(options, tool)
            sys.exit(f"no program {program}: give it with --{tool}, or name the others in --tools")
    limit_threads(1)  # of this process, for making the scenes
    if options.threads == 0:
        for name in THREAD_VARIABLES:
            os.environ.pop(name, None)
    else:
        limit_threads(options.threads)
    rows: list[list[str]] = []
    figures: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as temporary:
        work = Path(temporary)
        hdri = options.hdri or options.data.parent / "hdri"
        write_scenes(work / "scenes", options.data, hdri, 0, options.scenes)
        truth = json.loads((work / "scenes" / "truth.json").read_text(encoding="utf-8"))
        collections = {
            "500 px": list_photos(options.data / "interfaces", options.photos),
            "12 megapixels": list_photos(work / "scenes"),
        }
        for title, photos in collections.items():
            options.copies = options.copies_500 if title == "500 px" else 1
            runs, boxes = measure(photos, work, options)
            on_scenes = title == "12 megapixels"
            found = {"guise": boxes}
            if on_scenes and "deface" in runs:
                detector = DefaceDetector(threshold=0.2)
                found["deface"] = {p.name: detector(read_image(p)) for p in photos}
            for tool, run in runs.items():
                share, extra = recall(truth, found[tool]) if on_scenes else ("–", 0.0)
                rows.append(
                    [
                        f"{title}, {tool}",
                        *speed_cells(run, runs.get("deface"), len(photos) * options.copies),
                        share,
                    ]
                )
                rows[-1].append(f"{extra:.2f}" if on_scenes else "–")
                figures[f"{title}, {tool}"] = {**vars(run), "recall": share, "extra": extra}
    header = ["files to files", "photos/s, median", "range", "ratio to deface", "peak MiB"]
    threads = f"{options.threads} thread(s)" if options.threads else "threads as each tool chooses"
    print(f"{processor()}, {threads}, guise --workers {options.workers}, {options.rounds} rounds\n")
    print(markdown_table([*header, "recall, %", "extra boxes a photo"], rows))
    write_json(options.json, figures)


if __name__ == "__main__":
    main()
