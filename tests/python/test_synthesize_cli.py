"""`guise synthesize`: formats, crashes, other workers and orders, wrong use."""

from __future__ import annotations

import hashlib
import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from dataset_twins import READERS

import guise

FORMATS = ("folder", "webdataset", "recordio", "parquet")
# Small: 24 people x 4 at 64 px in 6 shards take about 1.5 s.
RUN = "from guise.cli import main; main()"
SMALL = ("-n", "24", "-m", "4", "--size", "64", "--identities-per-shard", "4", "--no-gate")


def command(*arguments: object) -> list[str]:
    return [sys.executable, "-c", RUN, "synthesize", *map(str, arguments)]


def synthesize(*arguments: object, code: int = 0, **environment: str) -> str:
    """Output and errors of the command, which must end with `code`."""
    done = subprocess.run(
        command(*arguments), capture_output=True, text=True, env={**os.environ, **environment}
    )
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout + done.stderr


def tree(folder: Path) -> dict[str, str]:
    """sha256 of every file but the log of the runs."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name != "run.jsonl"
    }


@pytest.fixture(scope="module")
def datasets(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """An undisturbed dataset of each format."""
    pytest.importorskip("pyarrow")
    root = tmp_path_factory.mktemp("undisturbed")
    for each in FORMATS:
        synthesize(root / each, *SMALL, "--format", each)
    return {each: root / each for each in FORMATS}


def test_all_formats_hold_the_same_pictures(datasets: dict[str, Path]) -> None:
    pytest.importorskip("webdataset")
    read = {each: READERS[each](path) for each, path in datasets.items()}
    assert len(read["folder"]) == 96
    for each in FORMATS:
        assert read[each] == read["folder"], each


def test_our_reader_gives_the_same_pictures(datasets: dict[str, Path]) -> None:
    opened = {each: guise.data.open(path, verify=True) for each, path in datasets.items()}
    folder = opened["folder"]
    for each, dataset in opened.items():
        assert len(dataset) == 96 and dataset.classes == 24
        for i in (0, 5, 95):
            image, label = dataset[i]
            expected, same = folder[i]
            assert image.equal(expected) and label == same == i // 4, each
            assert dataset.metadata(i) == folder.metadata(i), each
        assert dataset.labels.equal(folder.labels)


def test_pictures_say_that_they_are_generated(datasets: dict[str, Path]) -> None:
    packet = guise._core.find_xmp((datasets["folder"] / "000003/002.jpg").read_bytes())
    assert "trainedAlgorithmicMedia" in packet and "render" in packet
    assert "trainedAlgorithmicMedia" in (datasets["folder"] / "README.md").read_text()


def test_without_provenance_the_card_says_so(tmp_path: Path) -> None:
    synthesize(tmp_path / "d", "-n", 1, "-m", 1, "--size", 64, "--no-gate", "--no-provenance")
    assert guise._core.find_xmp((tmp_path / "d/000000/000.jpg").read_bytes()) == ""
    assert "--no-provenance" in (tmp_path / "d/README.md").read_text()


@pytest.mark.parametrize("each", FORMATS)
def test_kill_at_random_moments_changes_no_byte(
    datasets: dict[str, Path], tmp_path: Path, each: str
) -> None:
    """Five kills a format here; `tests/benchmarks/dataset_crashes.py` does twenty of each."""
    target = tmp_path / "killed"
    moments = random.Random(each)
    killed = 0
    while killed < 5:
        process = subprocess.Popen(
            command(target, *SMALL, "--format", each, "--workers", 2),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        wait_for(target / "plan.json", process)
        time.sleep(moments.uniform(0, 0.5))
        process.send_signal(signal.SIGKILL)
        process.wait()
        killed += 1
    synthesize(target, *SMALL, "--format", each)
    assert tree(target) == tree(datasets[each])


def wait_for(path: Path, process: subprocess.Popen[bytes]) -> None:
    """Until the file is there or the process has ended."""
    while not path.exists() and process.poll() is None:
        time.sleep(0.005)


@pytest.mark.parametrize("workers", [1, 4])
def test_workers_change_no_byte(datasets: dict[str, Path], tmp_path: Path, workers: int) -> None:
    synthesize(tmp_path / "d", *SMALL, "--format", "recordio", "--workers", workers)
    assert tree(tmp_path / "d") == tree(datasets["recordio"])


@pytest.mark.parametrize("each", FORMATS)
def test_shards_in_another_order_change_no_byte(
    datasets: dict[str, Path], tmp_path: Path, each: str
) -> None:
    target = tmp_path / "d"
    for shards in ("4:6", "0:1", "1:4"):
        said = synthesize(target, *SMALL, "--format", each, "--shard-range", shards)
        assert "--all-shards" in said
    assert not (target / "manifest.jsonl").exists()
    synthesize(target, *SMALL, "--format", each, "--all-shards")
    assert tree(target) == tree(datasets[each])


def test_ranks_share_the_work(datasets: dict[str, Path], tmp_path: Path) -> None:
    target = tmp_path / "d"
    for rank in (1, 0):
        said = synthesize(target, *SMALL, RANK=str(rank), WORLD_SIZE="2")
        assert f"process {rank} of 2" in said
    synthesize(target, *SMALL, "--all-shards")
    assert tree(target) == tree(datasets["folder"])


def test_ranks_may_start_together(datasets: dict[str, Path], tmp_path: Path) -> None:
    target = tmp_path / "d"
    together = [
        subprocess.Popen(
            command(target, *SMALL),
            env={**os.environ, "RANK": str(rank), "WORLD_SIZE": "3"},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        for rank in range(3)
    ]
    for process in together:
        said = process.communicate()[0].decode()
        assert process.returncode == 0, said
    synthesize(target, *SMALL, "--all-shards")
    assert tree(target) == tree(datasets["folder"])


def test_interrupt_keeps_what_is_there_and_goes_on(
    datasets: dict[str, Path], tmp_path: Path
) -> None:
    target = tmp_path / "d"
    process = subprocess.Popen(
        command(target, *SMALL, "--workers", 1), stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    wait_for(target / "parts/000000.json", process)
    process.send_signal(signal.SIGINT)
    said = process.communicate()[0].decode()
    assert process.returncode == 130, said
    assert "run the same command to go on" in said
    synthesize(target, *SMALL)
    assert tree(target) == tree(datasets["folder"])


def test_another_plan_is_refused_with_what_differs(datasets: dict[str, Path]) -> None:
    before = tree(datasets["webdataset"])
    said = synthesize(
        datasets["webdataset"], *SMALL, "--format", "webdataset", "--seed", 3, "-m", 5,
        "--yaw-limit-deg", 30, code=2,
    )  # fmt: skip
    for part in ("seed: 0 there, 3 asked for", "images_per_identity: 4 there, 5", "yaw_limit_deg"):
        assert part in said
    assert "webdataset" not in said.split("plan:")[1].split(";")[0]
    assert tree(datasets["webdataset"]) == before


def test_done_is_done(datasets: dict[str, Path]) -> None:
    before = {path: path.stat().st_mtime_ns for path in datasets["folder"].rglob("*")}
    assert "all were there" in synthesize(datasets["folder"], *SMALL)
    assert {path: path.stat().st_mtime_ns for path in datasets["folder"].rglob("*")} == before


@pytest.mark.parametrize("each", FORMATS)
def test_truncated_manifest_is_mended(datasets: dict[str, Path], tmp_path: Path, each: str) -> None:
    target = tmp_path / "d"
    subprocess.run(["cp", "-r", datasets[each], target], check=True)
    manifest = target / "manifest.jsonl"
    manifest.write_bytes(manifest.read_bytes()[: manifest.stat().st_size // 2])
    with pytest.raises((guise.Unavailable, guise.CorruptFile), match="guise synthesize"):
        guise.data.open(target)
    synthesize(target, *SMALL, "--format", each)
    assert tree(target) == tree(datasets[each])


def test_verify_finds_a_flipped_byte(datasets: dict[str, Path], tmp_path: Path) -> None:
    target = tmp_path / "d"
    subprocess.run(["cp", "-r", datasets["webdataset"], target], check=True)
    shard = target / "shard-000002.tar"
    data = bytearray(shard.read_bytes())
    data[len(data) // 2] ^= 1
    shard.write_bytes(data)
    flags = (*SMALL, "--format", "webdataset")
    assert "all were there" in synthesize(target, *flags)
    assert "16 new" in synthesize(target, *flags, "--verify")
    assert tree(target) == tree(datasets["webdataset"])


def test_foreign_files_are_refused_before_and_kept_after(
    datasets: dict[str, Path], tmp_path: Path
) -> None:
    target = tmp_path / "d"
    target.mkdir()
    (target / "thesis.txt").write_text("mine")
    said = synthesize(target, *SMALL, code=2)
    assert "thesis.txt" in said and "another folder" in said
    assert [path.name for path in target.iterdir()] == ["thesis.txt"]
    (target / "thesis.txt").rename(tmp_path / "thesis.txt")
    synthesize(target, *SMALL, "--shard-range", "0:2")
    (tmp_path / "thesis.txt").rename(target / "thesis.txt")
    (target / "parts/mine.json").write_text("mine")
    synthesize(target, *SMALL, "--all-shards")
    assert (target / "thesis.txt").read_text() == "mine"
    assert [path.name for path in (target / "parts").iterdir()] == ["mine.json"]
    (target / "thesis.txt").unlink()
    (target / "parts/mine.json").unlink()
    assert tree(target) == tree(datasets["folder"])


def test_full_disk_and_read_only_folder_lose_nothing(
    datasets: dict[str, Path], tmp_path: Path
) -> None:
    """A file size limit stands for the full disk: both make write() fail half-way."""
    target = tmp_path / "d"
    flags = (*SMALL, "--format", "recordio")
    limited = "import resource, sys; resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000));"
    limited += "import signal; signal.signal(signal.SIGXFSZ, signal.SIG_IGN);"
    limited += "from guise.cli import main; sys.argv[0] = 'guise'; main()"
    done = subprocess.run(
        [sys.executable, "-c", limited, "synthesize", str(target), *flags],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 4, done.stdout + done.stderr
    assert "parts/" in done.stderr and "too large" in done.stderr.lower()
    synthesize(target, *flags)
    assert tree(target) == tree(datasets["recordio"])


def test_read_only_folder_keeps_what_is_there(datasets: dict[str, Path], tmp_path: Path) -> None:
    target = tmp_path / "d"
    synthesize(target, *SMALL, "--shard-range", "0:2")
    folders = [target, *(path for path in target.rglob("*") if path.is_dir())]
    for folder in folders:
        folder.chmod(0o500)
    # root may write everywhere, unless it lays that right down
    plain = ["setpriv", "--inh-caps=-all", "--bounding-set=-all"] if os.geteuid() == 0 else []
    done = subprocess.run([*plain, *command(target, *SMALL)], capture_output=True, text=True)
    for folder in folders:
        folder.chmod(0o700)
    assert done.returncode == 4, done.stdout + done.stderr
    assert "Permission denied" in done.stderr and str(target) in done.stderr
    synthesize(target, *SMALL)
    assert tree(target) == tree(datasets["folder"])


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        (("-n", 0), "identities must be at least 1; got 0"),
        (("-m", 0), "images_per_identity must be at least 1; got 0"),
        (("--format", "tfrecord"), "got 'tfrecord'"),
        (("--engine", "gan"), "engine must be 'render' or 'house-vec2face'"),
        (("--mask-share", -0.1), "mask_share must lie from 0 to 1; got -0.1"),
        (("--identities-per-shard", 0), "--identities-per-shard must be at least 1; got 0"),
        (("--size", 7), "size_px must lie from 32 to 1024; got 7"),
        (("--attempts", 0), "attempts must lie from 1 to 1000; got 0"),
        (("--shard-range", "5:9"), "0 <= FIRST < END <= 1"),
        (("--gate", "dlib-resnet"), "a detector must be one of"),
        (("--seed", -1), "seed must be a whole number of at least 0; got -1"),
        (("--workers", -1), "workers must be 0 to 1024; got -1"),
        (("--cluster", "spark"), "--cluster must be ray"),
        (("--no-provenance", "--provenance", "card"), "--no-provenance must stand alone"),
        (("--format", "recordio", "-n", 20_000_000), "recordio counts in float32"),
    ],
)
def test_wrong_options_say_what_must_hold(
    tmp_path: Path, flags: tuple[object, ...], said: str
) -> None:
    assert said in synthesize(tmp_path / "d", *flags, code=2)
    assert not (tmp_path / "d").exists() or not any((tmp_path / "d").iterdir())


def test_a_gate_that_cannot_be_met_ends_with_the_counts(tmp_path: Path) -> None:
    said = synthesize(
        tmp_path / "d", "-n", 8, "-m", 4, "--landmark-tolerance", 0.001, "--attempts", 2, code=4
    )
    assert "2 times and turned down each time" in said
    assert "landmarks elsewhere in" in said and "max_given_up_share" in said
    assert not (tmp_path / "d/manifest.jsonl").exists()
    synthesize(tmp_path / "d", "-n", 2, "-m", 2, "--size", 64)  # another plan: nothing was drawn


def test_the_gate_draws_again_and_counts(tmp_path: Path) -> None:
    target = tmp_path / "d"
    synthesize(target, "-n", 12, "-m", 6, "--landmark-tolerance", 0.06)
    totals = json.loads((target / "manifest.jsonl").read_text().splitlines()[-1])
    lines = [json.loads(line) for line in (target / "metadata.jsonl").read_text().splitlines()]
    rejected = sum(totals["rejected"].values())
    assert rejected > 0 and totals["attempts"] == totals["pictures"] + rejected
    assert sum(line["attempt"] for line in lines) == rejected
    assert totals["pictures"] == 72


def test_clock_that_jumps_changes_no_byte(datasets: dict[str, Path], tmp_path: Path) -> None:
    """Files from the future and the past, as after a clock was set: times are never compared."""
    target = tmp_path / "d"
    synthesize(target, *SMALL, "--shard-range", "0:3")
    for number, path in enumerate(sorted(target.rglob("*"))):
        os.utime(path, (0, 0) if number % 2 else (4e9, 4e9))
    synthesize(target, *SMALL, "--all-shards")
    assert tree(target) == tree(datasets["folder"])
