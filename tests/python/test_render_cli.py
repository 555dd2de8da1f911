"""`guise render`: files, ground truth, going on, and what is refused."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import torch
from processes import heed_interrupts
from typer.testing import CliRunner, Result

import guise
from guise import _core
from guise.cli import app
from guise.cli._render_options import recipe_flag

runner = CliRunner()
SMALL = ("--identities", "2", "--images-per-identity", "3", "--size", "48", "--seed", "5")


def call(*arguments: object) -> Result:
    # A wide terminal, so that help texts are not cut.
    return runner.invoke(
        app, ["render", *(str(a) for a in arguments)], env={"COLUMNS": "200", "TERM": "dumb"}
    )


def truth(folder: Path) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    header, *lines = (folder / "ground_truth.jsonl").read_text().splitlines()
    return json.loads(header), [json.loads(line) for line in lines]


def contents(folder: Path) -> dict[str, bytes]:
    files = [path for path in folder.rglob("*") if path.is_file()]
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}


def test_help_names_every_option_with_its_default() -> None:
    text = " ".join(call("--help").output.split())
    for name, _, low, high, _ in _core.recipe_axes():
        assert recipe_flag(name) in text
        assert f"From {low:g} to {high:g}" in text
    for word in ("--sheet", "--preset", "130 stopped", "Default: 224"):
        assert word in text


def test_a_folder_of_faces(tmp_path: Path) -> None:
    out = tmp_path / "deep/out"
    answer = call(out, *SMALL, "--sheet", "--format", "png")
    assert answer.exit_code == 0, answer.output
    assert "6 of 6 pictures, 6 new" in answer.stdout
    assert "pictures/s" in answer.stdout
    names = {f"{i:06d}/{s:03d}.png" for i in range(2) for s in range(3)}
    assert set(contents(out)) == {*names, "ground_truth.jsonl", "sheet.png"}
    faces = guise.Renderer(size_px=48).sample(identities=2, samples=3, seed=5)
    header, lines = truth(out)
    assert (header["seed"], header["size_px"], header["format"]) == (5, 48, "png")
    assert set(header["models"]) == {"house-head", "house-skin", "house-light"}
    for i, line in enumerate(lines):
        picture = guise.read_image(out / line["file"])
        assert torch.equal(picture, faces.images[i]), "png keeps every pixel"
        assert (line["identity"], line["sample"]) == (i // 3, i % 3)
        assert line["parameters"] == faces.parameters[i]
        assert torch.allclose(torch.tensor(line["landmarks_68"]), faces.landmarks_68[i], atol=1e-3)
        assert torch.allclose(torch.tensor(line["landmarks_5"]), faces.landmarks_5[i], atol=1e-3)
        assert torch.allclose(torch.tensor(line["box"]), faces.boxes[i], atol=1e-3)
        pose = torch.tensor([line["yaw_deg"], line["pitch_deg"], line["roll_deg"]])
        assert torch.allclose(pose, faces.pose_deg[i], atol=1e-3)
    sheet = guise.read_image(out / "sheet.png")
    assert torch.equal(sheet, guise.contact_sheet(faces.images, columns=3))


def test_maps_are_written_beside(tmp_path: Path) -> None:
    assert call(tmp_path, *SMALL, "--maps", "--first-identity", "7").exit_code == 0
    faces = guise.Renderer(size_px=48, maps=True).render([(7, 2)], seed=5)
    assert faces.parts is not None
    assert faces.depth is not None
    parts = _core.decode_image(str(tmp_path / "000007/002.parts.png"))
    assert parts.grey
    assert torch.equal(parts.pixels[..., 0], faces.parts[0])
    maps = _core.read_safetensors(str(tmp_path / "000007/002.maps.safetensors"))
    assert torch.equal(maps["depth"], faces.depth[0])
    assert (maps["normals"].shape, maps["normals"].dtype) == ((48, 48, 3), torch.float16)
    assert (tmp_path / "000007/002.jpg").read_bytes()[:2] == b"\xff\xd8"


def test_the_same_command_gives_the_same_bytes(tmp_path: Path) -> None:
    assert call(tmp_path / "a", *SMALL, "--sheet", "--threads", 1).exit_code == 0
    assert call(tmp_path / "b", *SMALL, "--sheet", "--threads", 3).exit_code == 0
    assert contents(tmp_path / "a") == contents(tmp_path / "b")


def test_options_arrive(tmp_path: Path) -> None:
    flags = ["--female-share", "1", "--age-low-years", "40", "--age-high-years", "45"]
    assert call(tmp_path, *SMALL, "--preset", "frontal", *flags).exit_code == 0
    header, lines = truth(tmp_path)
    assert header["recipe"]["yaw_limit_deg"] == 30
    for line in lines:
        person = line["parameters"]["identity"]
        assert person["sex"] == "female"
        assert 40 <= person["age_years"] <= 45
        assert abs(line["yaw_deg"]) <= 30


# ---- going on ------------------------------------------------------------------------------------


def test_a_run_goes_on_where_it_stopped(tmp_path: Path) -> None:
    assert call(tmp_path / "whole", *SMALL, "--sheet").exit_code == 0
    part = tmp_path / "part"
    assert call(part, *SMALL[:1], "1", *SMALL[2:]).exit_code == 0
    # Killed in the middle of a line.
    with (part / "ground_truth.jsonl").open("ab") as file:
        file.write(b'{"file": "000001/0')
    answer = call(part, *SMALL, "--sheet")
    assert "6 of 6 pictures, 3 new" in answer.stdout, answer.output
    assert contents(part) == contents(tmp_path / "whole")
    answer = call(part, *SMALL)
    assert "6 of 6 pictures, 0 new" in answer.stdout
    assert contents(part) == contents(tmp_path / "whole")


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (["--seed", "6"], "seed: 5 there, 6 asked for"),
        (["--size", "64"], "size_px: 48 there, 64 asked for"),
        (["--images-per-identity", "4"], "images_per_identity: 3 there, 4 asked for"),
        (["--hat-share", "0.5"], "hat_share: 0.08 there, 0.5 asked for"),
        (["--format", "png"], "format: jpg there, png asked for"),
    ],
)
def test_a_run_with_other_options_is_refused(tmp_path: Path, flags: list[str], words: str) -> None:
    assert call(tmp_path, *SMALL).exit_code == 0
    before = contents(tmp_path)
    answer = call(tmp_path, *SMALL, *flags)
    assert answer.exit_code == 2
    assert words in answer.stderr
    assert "--overwrite" in answer.stderr
    assert contents(tmp_path) == before


def test_other_files_are_neither_touched_nor_deleted(tmp_path: Path) -> None:
    (tmp_path / "holiday.jpg").write_bytes(b"mine")
    answer = call(tmp_path, *SMALL)
    assert answer.exit_code == 2
    assert "OUT must be new, empty, or hold an earlier run" in answer.stderr
    assert contents(tmp_path) == {"holiday.jpg": b"mine"}
    assert call(tmp_path, *SMALL, "--overwrite").exit_code == 0
    assert (tmp_path / "holiday.jpg").read_bytes() == b"mine"
    assert call(tmp_path, *SMALL, "--overwrite", "--seed", "6").exit_code == 0
    assert (tmp_path / "holiday.jpg").read_bytes() == b"mine"
    assert truth(tmp_path)[0]["seed"] == 6


def test_a_ground_truth_of_something_else_is_refused(tmp_path: Path) -> None:
    for text in ("", "hello\n", "[1]\n", "{}\n"):
        (tmp_path / "ground_truth.jsonl").write_text(text)
        answer = call(tmp_path, *SMALL)
        assert answer.exit_code == 4
        assert "must begin with a line of options" in answer.stderr


def test_ctrl_c_leaves_whole_files_and_goes_on(tmp_path: Path) -> None:
    """The real command in a process of its own."""
    out = tmp_path / "out"
    program = "from guise.cli import main\nmain()\n"
    arguments = ["render", str(out), "-n", "200", "-m", "4", "--size", "128", "--seed", "5"]
    process = subprocess.Popen(
        [sys.executable, "-c", program, *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ},
        preexec_fn=heed_interrupts,
    )
    deadline = time.monotonic() + 120
    while not list(out.glob("*/*.jpg")) and process.poll() is None:
        assert time.monotonic() < deadline
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=120)
    assert process.returncode == 130, errors
    assert "stopped; run the same command to go on" in errors
    assert "Traceback" not in errors
    _, lines = truth(out)
    assert 0 < len(lines) < 800
    assert {line["file"] for line in lines} == {
        str(path.relative_to(out)) for path in out.rglob("*.jpg")
    }
    for line in lines:
        assert guise.read_image(out / line["file"]).shape == (128, 128, 3)
    assert not list(out.rglob(".*"))


# ---- refusals ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (["--identities", "0"], "--identities must be at least 1; got 0"),
        (["--images-per-identity", "-2"], "--images-per-identity must be at least 1; got -2"),
        (["--first-identity", "-1"], "--first-identity must be at least 0"),
        (["--seed", "-1"], "--seed must be at least 0"),
        (["--size", "7"], "size_px must"),
        (["--size", "5000"], "size_px must"),
        (["--threads", "-1"], "threads must"),
        (["--format", "gif"], "--format must be jpg or png; got 'gif'"),
        (["--preset", "sideways"], "a preset must be"),
        (["--glasses-share", "-0.1"], "glasses_share must lie from 0 to 1; got -0.1"),
        (["--plain-share", "0.9"], "plain_share must sum to 1"),
        (["--mask-share", "0.9", "--hand-share", "0.9"], "must sum to at most 1"),
        (["--age-low-years", "70", "--age-high-years", "60"], "age_low_years must not exceed"),
    ],
)
def test_wrong_options_are_refused(tmp_path: Path, flags: list[str], words: str) -> None:
    answer = call(tmp_path / "out", *flags)
    assert answer.exit_code == 2
    assert words in answer.stderr
    assert answer.stderr.count("\n") == 1
    assert not (tmp_path / "out").exists(), "nothing was begun"


def test_an_unknown_axis_is_refused(tmp_path: Path) -> None:
    answer = call(tmp_path / "out", "--height-cm", "180")
    assert answer.exit_code == 2
    assert "--height-cm" in answer.stderr


def test_out_must_be_a_folder(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    answer = call(tmp_path / "file", *SMALL)
    assert answer.exit_code == 2
    assert "OUT must be a folder" in answer.stderr


# ---- the sheet -----------------------------------------------------------------------------------


def test_contact_sheet() -> None:
    images = torch.arange(5, dtype=torch.uint8).view(5, 1, 1, 1).expand(5, 6, 8, 3)
    sheet = guise.contact_sheet(images, columns=2, gap_px=1)
    assert sheet.shape == (3 * 7 + 1, 2 * 9 + 1, 3)
    assert (sheet[1:7, 1:9] == 0).all()
    assert (sheet[1:7, 10:18] == 1).all()
    assert (sheet[15:21, 1:9] == 4).all()
    assert (sheet[15:21, 10:18] == 255).all(), "the last row is filled up"
    assert (sheet[0] == 255).all()
    shrunk = guise.contact_sheet(images, columns=5, gap_px=0, tile_px=3)
    assert shrunk.shape == (3, 20, 3)
    for wrong in (images.float(), images[0], images[:0]):
        with pytest.raises(ValueError, match="images must be uint8"):
            guise.contact_sheet(wrong, columns=2)
    with pytest.raises(ValueError, match="columns"):
        guise.contact_sheet(images, columns=0)
