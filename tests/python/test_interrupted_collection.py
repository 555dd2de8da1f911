"""A folder run that is killed, that runs out of room, or that meets another run."""

from __future__ import annotations

import random
import subprocess
import time
from pathlib import Path

import numpy as np
import pytest
from folder_runs import (
    COMMAND,
    is_temporary,
    outputs,
    photo_lines,
    report_lines,
    run_guise,
)
from hostile_corpus import face_photo
from PIL import Image

import guise

pytestmark = pytest.mark.needs_weights("centerface")

_PHOTOS = 24
_KILLS = 6
_OPTIONS = ("--detector", "centerface", "--workers", "2")


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of photos, each a little different; the larger ones take a while to write."""
    folder = tmp_path_factory.mktemp("interrupted") / "photos"
    picture = face_photo()
    for i in range(_PHOTOS):
        place = folder / f"album-{i % 3}" / f"{i:02}.png"
        place.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.roll(picture, i, axis=1)[: 240 + i]).save(place)
    return folder


@pytest.fixture(scope="module")
def undisturbed(photos: Path) -> dict[str, bytes]:
    target = photos.parent / "undisturbed"
    process = run_guise("anonymize", photos, target, *_OPTIONS)
    assert process.returncode == 0, process.stderr
    result = outputs(target)
    assert len(result) == _PHOTOS
    return result


def start(photos: Path, target: Path) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [*COMMAND, "anonymize", str(photos), str(target), *_OPTIONS],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def wait_for_work(process: subprocess.Popen[bytes], target: Path) -> None:
    journal = target / "guise-report.jsonl.journal"
    until = time.monotonic() + 120
    while not journal.exists() and process.poll() is None and time.monotonic() < until:
        time.sleep(0.002)


def test_killed_at_any_moment_it_goes_on(
    photos: Path, undisturbed: dict[str, bytes], tmp_path: Path
) -> None:
    moments = random.Random(20)
    killed = 0
    for attempt in range(_KILLS):
        # Three runs share an output, so that a run also goes on from one that was killed twice.
        target = tmp_path / f"out-{attempt // 3}"
        process = start(photos, target)
        wait_for_work(process, target)
        time.sleep(moments.uniform(0, 0.6))
        process.kill()
        killed += process.wait() == -9
        for name, content in outputs(target).items():
            assert is_temporary(name) or content == undisturbed[name], f"{name} is half-written"
    assert killed >= _KILLS // 2, "the kills must hit running jobs for this to show anything"
    for target in sorted(tmp_path.iterdir()):
        finished = run_guise("anonymize", photos, target, *_OPTIONS)
        assert finished.returncode == 0, finished.stderr
        assert outputs(target) == undisturbed
        assert not (target / "guise-report.jsonl.journal").exists()
        assert photo_lines(target).keys() == undisturbed.keys()
        assert report_lines(target)[-1]["summary"]["written"] == _PHOTOS


def test_a_second_run_at_once_is_refused(
    photos: Path, undisturbed: dict[str, bytes], tmp_path: Path
) -> None:
    second: list[subprocess.CompletedProcess[str]] = []

    def start_another(progress: guise.CollectionProgress) -> None:
        if not second:
            second.append(run_guise("anonymize", photos, tmp_path / "out", *_OPTIONS))

    first = guise.anonymize_folder(
        photos, tmp_path / "out", detectors=["centerface"], workers=2, on_progress=start_another
    )
    assert second[0].returncode == 4, second[0].stderr
    assert "another run" in second[0].stderr
    assert first.written == _PHOTOS
    assert outputs(tmp_path / "out") == undisturbed


def test_a_full_disk_stops_it_and_room_lets_it_go_on(
    photos: Path, undisturbed: dict[str, bytes], tmp_path: Path
) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    kib = sum(map(len, undisturbed.values())) // 2048
    mount = ["mount", "-t", "tmpfs", "-o", f"size={kib}k", "tmpfs", str(disk)]
    try:
        mounted = subprocess.run(mount, capture_output=True, text=True)
        problem = mounted.stderr.strip() if mounted.returncode else ""
    except OSError as error:
        problem = str(error)
    if problem:
        pytest.skip(f"needs the right to mount a small tmpfs: {problem}")
    try:
        target = disk / "out"
        process = run_guise("anonymize", photos, target, *_OPTIONS)
        assert process.returncode == 4, process.stderr
        assert "space" in process.stderr
        written = outputs(target)
        assert 0 < len(written) < _PHOTOS
        assert all(undisturbed[name] == content for name, content in written.items())
        subprocess.run(["mount", "-o", "remount,size=100m", str(disk)], check=True)
        process = run_guise("anonymize", photos, target, *_OPTIONS)
        assert process.returncode == 0, process.stderr
        assert outputs(target) == undisturbed
        assert report_lines(target)[-1]["summary"]["skipped"] >= len(written) - 2
        assert len(photo_lines(target)) == _PHOTOS
    finally:
        subprocess.run(["umount", str(disk)], check=True)
