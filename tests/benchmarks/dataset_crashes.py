"""Kills `guise synthesize` at twenty random moments, then lets it end: is any byte different?

    python dataset_crashes.py            # 200 people x 10 at 112 px in every format, 20 kills each

Prints a line a format: how many of the kills came while it ran, in which state of the folder, and
whether the finished folder equals an undisturbed one (all files but run.jsonl); then whether all
formats hold the same pictures and labels. Exit status 1 when one does not.
"""

from __future__ import annotations

import argparse
import hashlib
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from support import import_guise, markdown_table

FORMATS = ("folder", "webdataset", "recordio", "parquet")
RUN = "from guise.cli import main; main()"


def tree(folder: Path) -> dict[str, str]:
    """sha256 of every file but the log of the runs."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name != "run.jsonl"
    }


def state(folder: Path, running: bool) -> str:
    """Where a run was when it was killed."""
    if not running:
        return "had ended"
    if not (folder / "plan.json").exists():
        return "before the plan"
    if (folder / "manifest.jsonl").exists():
        return "after the manifest"
    if (folder / "metadata.jsonl").exists() or (folder / "train.rec").exists():
        return "in the merge"
    return "drawing" if list(folder.glob("parts/*.json")) else "in the first shard"


def kill_and_resume(
    command: list[str], target: Path, kills: int, longest_s: float, seed: str
) -> Counter[str]:
    """Kills at random moments up to `longest_s`; what is there is kept from one to the next."""
    moments, states = random.Random(seed), Counter[str]()
    for _ in range(kills):
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(moments.uniform(0.3, longest_s))
        running = process.poll() is None
        process.send_signal(signal.SIGKILL)
        process.wait()
        states[state(target, running)] += 1
        if (target / "manifest.jsonl").exists():
            shutil.rmtree(target)  # it was finished early: the rest of the kills start anew
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return states


def pictures_of(folder: Path) -> str:
    """sha256 over the labels and encoded pictures in order, by guise's own reader."""
    dataset = import_guise().data.open(folder, verify=True)
    digest = hashlib.sha256(dataset.labels.numpy().tobytes())
    for i in range(len(dataset)):
        digest.update(dataset.picture_bytes(i))
    return digest.hexdigest()


def main() -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--identities", type=int, default=200)
    parser.add_argument("--images", type=int, default=10)
    parser.add_argument("--size", type=int, default=112)
    parser.add_argument("--kills", type=int, default=20)
    arguments = parser.parse_args()
    rows, equal, pictures = [], True, set[str]()
    with tempfile.TemporaryDirectory(prefix="guise-crashes-") as name:
        for each in FORMATS:
            flags = ["-n", arguments.identities, "-m", arguments.images, "--size", arguments.size]
            flags += ["--format", each, "--identities-per-shard", 4]
            undisturbed, target = Path(name) / f"{each}_whole", Path(name) / each

            def command(folder: Path, flags: list[object] = flags) -> list[str]:
                return [sys.executable, "-c", RUN, "synthesize", str(folder), *map(str, flags)]

            started = time.perf_counter()
            subprocess.run(command(undisturbed), check=True, stdout=subprocess.DEVNULL)
            seconds = time.perf_counter() - started
            states = kill_and_resume(
                command(target), target, arguments.kills, max(3.0, seconds / 4), each
            )
            same = tree(undisturbed) == tree(target)
            equal = equal and same
            pictures.add(pictures_of(target))
            rows.append(
                [
                    each,
                    f"{seconds:.0f}",
                    ", ".join(f"{count} {when}" for when, count in states.items()),
                    "yes" if same else "NO",
                ]
            )
            print(rows[-1], file=sys.stderr, flush=True)
    header = ["format", "undisturbed, s", "kills", "same bytes"]
    print(markdown_table(header, rows))
    print(f"\nAll formats hold the same pictures and labels: {len(pictures) == 1}")
    sys.exit(0 if equal and len(pictures) == 1 else 1)


if __name__ == "__main__":
    main()
