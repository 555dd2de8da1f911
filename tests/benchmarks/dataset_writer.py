"""What does writing a dataset cost beside drawing it, and does its memory stay flat?

    python dataset_writer.py                                  # writer cost, opening 1,000 shards
    python dataset_writer.py --pictures 1000 10000 100000     # memory as well; 100,000 take a while

Writer cost: processor time of `synthesize_dataset` without crop and gate beside that of the same
pictures drawn by the renderer alone, in turns, both in this process: check sums, encoding, XMP,
files and flushes are the difference. Processor time, so that other work on the machine matters
little; flushing to the disk costs wall time that it does not show, so both are printed. Memory: the
highest resident size of a process of its own for each number of pictures.
"""

from __future__ import annotations

import argparse
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from support import import_guise, markdown_table, processor

FORMATS = ("folder", "webdataset", "recordio", "parquet")
IMAGES = 10


def times(function: object) -> tuple[float, float]:
    """(processor seconds, wall seconds) of a call."""
    processor_s, wall_s = time.process_time(), time.perf_counter()
    function()  # type: ignore[operator]
    return time.process_time() - processor_s, time.perf_counter() - wall_s


def writer_cost(folder: Path, identities: int, size_px: int, rounds: int) -> None:
    """A table of the formats."""
    guise = import_guise()
    renderer = guise.Renderer(size_px=size_px)
    pictures = [(who, which) for who in range(identities) for which in range(IMAGES)]
    shared = {"identities": identities, "images_per_identity": IMAGES, "size_px": size_px}
    renderer.render(pictures[:IMAGES])
    shares: dict[str, list[tuple[float, float]]] = {each: [] for each in FORMATS}
    alone: list[tuple[float, float]] = []
    for number in range(rounds):
        alone.append(times(lambda: renderer.render(pictures)))
        for each in FORMATS:
            job = guise.plan_dataset(format=each, crop="none", gate=None, **shared)
            target = folder / f"{each}_{number}"
            shares[each].append(times(lambda job=job, target=target: job.run(target)))
            shutil.rmtree(target)
    base = [statistics.median(values) for values in zip(*alone, strict=True)]
    rows = []
    for each in FORMATS:
        made = [statistics.median(values) for values in zip(*shares[each], strict=True)]
        rows.append(
            [each, f"{len(pictures) / made[1]:.0f}"]
            + [f"{100 * (m / b - 1):+.1f}" for m, b in zip(made, base, strict=True)]
        )
    print(
        f"{len(pictures)} pictures of {size_px} px; the renderer alone makes "
        f"{len(pictures) / base[1]:.0f} a second; median of {rounds} turns; {processor()}\n"
    )
    header = ["format", "pictures a second", "more processor time, %", "more wall time, %"]
    print(markdown_table(header, rows))


def gate_and_crop_cost(folder: Path, identities: int, size_px: int) -> None:
    """What a dataset for recognisers costs: a larger picture, the detector's look, the crop."""
    guise = import_guise()
    rows = []
    for crop, gate in (("none", None), ("none", "centerface"), ("arcface", "centerface")):
        job = guise.plan_dataset(
            identities=identities, images_per_identity=IMAGES, size_px=size_px, crop=crop, gate=gate
        )
        target = folder / f"{crop}_{gate}"
        used, wall = times(lambda job=job, target=target: job.run(target))
        count = identities * IMAGES
        rows.append([crop, gate or "none", f"{count / wall:.0f}", f"{1000 * used / count:.1f}"])
        shutil.rmtree(target)
    print()
    print(markdown_table(["crop", "gate", "pictures a second", "processor ms a picture"], rows))


def opening(folder: Path) -> None:
    """Opens datasets of 1,000 shards."""
    guise = import_guise()
    rows = []
    for each in FORMATS:
        target = folder / f"shards_{each}"
        guise.synthesize_dataset(
            target,
            format=each,
            identities=1000,
            images_per_identity=1,
            identities_per_shard=1,
            size_px=32,
            crop="none",
            gate=None,
        )
        opened = [times(lambda t=target: len(guise.data.open(t)))[1] for _ in range(5)]
        first = times(lambda t=target: guise.data.open(t)[777])[1]
        rows.append([each, f"{1000 * statistics.median(opened):.0f}", f"{1000 * first:.0f}"])
        shutil.rmtree(target)
    print()
    print(markdown_table(["1,000 shards", "open, ms", "open and read one picture, ms"], rows))


def memory(folder: Path, counts: list[int], size_px: int) -> None:
    """Highest resident size by number of pictures, each in a process of its own."""
    rows = []
    for count in counts:
        target = folder / f"memory_{count}"
        program = (
            "import guise, resource;"
            f"s = guise.synthesize_dataset({str(target)!r}, identities={count // IMAGES}, "
            f"images_per_identity={IMAGES}, size_px={size_px}, crop='none', gate=None, "
            "format='webdataset');"
            "print(s.pictures, s.seconds, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)"
        )
        done = subprocess.run(
            [sys.executable, "-c", program], capture_output=True, text=True, check=True
        )
        pictures, seconds, kib = done.stdout.split()
        size = sum(path.stat().st_size for path in target.rglob("*"))
        rows.append(
            [
                pictures,
                f"{float(kib) / 1024:.0f}",
                f"{int(pictures) / float(seconds):.0f}",
                f"{size / int(pictures):.0f}",
                f"{(target / 'manifest.jsonl').stat().st_size}",
            ]
        )
        shutil.rmtree(target)
        print(rows[-1], file=sys.stderr, flush=True)
    print()
    header = ["pictures", "highest memory, MiB", "pictures a second", "bytes a picture"]
    print(markdown_table([*header, "manifest, bytes"], rows))


def main() -> None:
    """Prints the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--identities", type=int, default=60, help="of the writer's cost")
    parser.add_argument("--size", type=int, default=112)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--pictures", type=int, nargs="*", default=[], help="memory for so many")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="guise-writer-") as name:
        folder = Path(name)
        if arguments.rounds:
            writer_cost(folder, arguments.identities, arguments.size, arguments.rounds)
            gate_and_crop_cost(folder, arguments.identities, arguments.size)
            opening(folder)
        if arguments.pictures:
            memory(folder, arguments.pictures, arguments.size)


if __name__ == "__main__":
    main()
