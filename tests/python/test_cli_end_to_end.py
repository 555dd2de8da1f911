"""`guise anonymize` with the real engine, as a stranger runs it."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
from processes import heed_interrupts

from guise import _core
from guise.report import read_report

PROGRAM = "from guise.cli import main; main()"


def start(*arguments: object) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", PROGRAM, *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "TERM": "dumb"},
        preexec_fn=heed_interrupts,
    )


def guise(*arguments: object) -> tuple[int, str, str]:
    process = start(*arguments)
    output, errors = process.communicate(timeout=300)
    assert "Traceback" not in errors, errors
    return process.returncode, output, errors


def interfaces(shared: Path, folder: Path, count: int) -> Path:
    """Copies of photos with faces, some of them in a subfolder."""
    (folder / "sub").mkdir(parents=True)
    for i, path in enumerate(sorted((shared / "data/eval/interfaces").iterdir())[:count]):
        shutil.copy(path, folder / "sub" if i % 3 == 0 else folder)
    return folder


def contents(folder: Path) -> dict[str, bytes]:
    files = (path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}


@pytest.mark.needs_weights("centerface")
def test_one_photo_without_a_face(tmp_path: Path) -> None:
    source = tmp_path / "plain.png"
    _core.write_image(str(source), torch.full((64, 48, 3), 128, dtype=torch.uint8))
    code, output, _ = guise("anonymize", source, tmp_path / "out.webp")
    assert (code, "no face found" in output) == (0, True)
    assert (tmp_path / "out.webp").read_bytes()[8:12] == b"WEBP"
    before = (tmp_path / "out.webp").read_bytes()
    code, _, errors = guise("anonymize", source, tmp_path / "out.webp")
    assert (code, "must not exist yet" in errors) == (2, True)
    assert (tmp_path / "out.webp").read_bytes() == before
    code, _, errors = guise("anonymize", source, tmp_path / "b.png", "--mask-scale", "9")
    assert (code, "mask_scale" in errors) == (2, True)
    source.write_bytes(source.read_bytes()[:60])
    code, _, errors = guise("anonymize", source, tmp_path / "c.png")
    assert (code, "failed, not written" in errors) == (3, True)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out.webp", "plain.png"]


@pytest.mark.needs_shared
@pytest.mark.needs_weights("yunet")
def test_a_photo_alone_is_treated_as_in_a_folder(tmp_path: Path, shared: Path) -> None:
    source = interfaces(shared, tmp_path / "in", 4)
    before = contents(source)
    code, output, errors = guise("anonymize", source, tmp_path / "out", "--detector", "yunet")
    assert contents(source) == before
    report = read_report(tmp_path / "out/guise-report.jsonl")
    held = [photo for photo in report.photos if photo["status"] in ("review", "failed")]
    assert code == (3 if held else 0), errors
    assert len(report.photos) == 4
    assert sum(len(photo["faces"]) for photo in report.photos) >= 4
    assert f"photos: {len(report.photos)}" in output
    (tmp_path / "one").mkdir()
    for photo in report.photos:
        target = tmp_path / "one" / Path(photo["photo"]).name
        alone, _, errors = guise("anonymize", source / photo["photo"], target, "--detector=yunet")
        assert target.exists() == (tmp_path / "out" / photo["photo"]).exists()
        if photo["status"] in ("written", "without_face"):
            assert alone == 0
            assert target.read_bytes() == (tmp_path / "out" / photo["photo"]).read_bytes()
        else:
            assert alone == 3
            assert photo["reason"] in errors


@pytest.mark.needs_shared
@pytest.mark.needs_weights("yunet")
def test_ctrl_c_and_again(tmp_path: Path, shared: Path) -> None:
    source = interfaces(shared, tmp_path / "in", 12)
    words = ("anonymize", source, tmp_path / "out", "--detector", "yunet", "--workers", "1")
    process = start(*words)
    deadline = time.monotonic() + 120
    # The second photo stands there: the run is in its middle.
    while len(contents(tmp_path / "out")) < 3 and process.poll() is None:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    output, errors = process.communicate(timeout=120)
    assert process.returncode == 130, errors
    assert "run the same command to go on" in errors
    assert "report: " in output
    first = contents(tmp_path / "out")
    code, output, errors = guise(*words)
    assert code in (0, 3), errors
    assert "of these by an earlier run: 0" not in output
    report = read_report(tmp_path / "out/guise-report.jsonl")
    assert len(report.photos) == 12
    for name, data in contents(tmp_path / "out").items():
        if name in first and not name.endswith(".jsonl"):
            assert data == first[name]
    code, _, errors = guise(*words, "--method", "solid")
    assert code == 2, errors


def test_doctor_as_json() -> None:
    code, output, _ = guise("doctor", "--json")
    values = json.loads(output)
    assert code == (0 if values["ready"] else 4)
    lines = {line["what"]: line["value"] for line in values["versions"]}
    assert "C++20" in lines["compiler"]
    assert torch.__version__ in lines["torch"]
