"""The command line: options, output, exit codes. The engine's work is replaced."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from processes import heed_interrupts
from typer.testing import CliRunner, Result

import guise
from guise import _core, faces, models
from guise.cli import app
from guise.cli._anonymize_options import _OPTIONS

runner = CliRunner()


def call(*arguments: object) -> Result:
    # A wide terminal, so that help texts are not cut.
    return runner.invoke(app, [str(a) for a in arguments], env={"COLUMNS": "200", "TERM": "dumb"})


def summary(**values: Any) -> types.SimpleNamespace:
    """What a run returns, as the engine would."""
    zero = dict.fromkeys(("total", "written", "without_face", "review", "failed", "skipped"), 0)
    rest = {"faces": 0, "seconds": 1.25, "report": "out/guise-report.jsonl", "cancelled": False}
    return types.SimpleNamespace(**{**zero, **rest, "problems": [], **values})


class Folder:
    """Stands in for guise.anonymize_folder: records what it was given, returns or raises."""

    def __init__(self, result: object) -> None:
        self.result = result
        self.options: dict[str, Any] = {}

    def __call__(self, source: str, target: str, **options: Any) -> object:
        self.options = {"input": source, "output": target, **options}
        if isinstance(self.result, BaseException):
            raise self.result
        return self.result


@pytest.fixture
def folder(monkeypatch: pytest.MonkeyPatch) -> Callable[[object], Folder]:
    def use(result: object) -> Folder:
        stand_in = Folder(result)
        monkeypatch.setattr(models, "open_detectors", lambda names: list(names))
        monkeypatch.setattr(faces, "anonymize_folder", stand_in)
        return stand_in

    return use


@pytest.fixture
def photo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Path]:
    """One photo on disk, and guise.anonymize_file replaced by the status and reason given."""

    def use(status: str = "written", reason: str = "") -> Path:
        def anonymize(source: Path, target: Path, **options: Any) -> types.SimpleNamespace:
            if status in ("written", "without_face"):
                _core.write_image(str(target), _core.read_image(str(source)) * 0)
            found = [1] if status == "written" else []
            return types.SimpleNamespace(status=status, reason=reason, faces=found, options=options)

        monkeypatch.setattr(faces, "anonymize_file", anonymize)
        monkeypatch.setattr(models, "open_detectors", lambda names: list(names))
        path = tmp_path / "in.png"
        _core.write_image(str(path), torch.full((40, 30, 3), 200, dtype=torch.uint8))
        return path

    return use


# ---- options -------------------------------------------------------------------------------------


def test_help_names_every_option_and_the_engines_defaults() -> None:
    text = " ".join(call("anonymize", "--help").output.split())
    for option in _OPTIONS:
        assert option.flags[0].split("/")[0] in text
    mask_scale = _core.CollectionOptions().as_dict()["anonymize"]["obscure"]["mask_scale"]
    assert f"Default: {mask_scale:g}." in text
    assert "130 stopped" in text
    assert ",".join(faces.DEFAULT_DETECTORS) in text


def test_only_what_is_given_is_passed_on(
    folder: Callable[[object], Folder], tmp_path: Path
) -> None:
    run = folder(summary(total=1, written=1))
    assert call("anonymize", tmp_path, tmp_path / "out").exit_code == 0
    assert set(run.options) == {"input", "output", "detectors", "on_progress", "cancel"}
    assert run.options["detectors"] == list(faces.DEFAULT_DETECTORS)


def test_every_option_arrives_under_its_name(
    folder: Callable[[object], Folder], tmp_path: Path
) -> None:
    run = folder(summary(total=1, written=1))
    values: dict[type, tuple[list[str], object]] = {
        float: (["0.5"], 0.5),
        int: (["3"], 3),
        str: (["x"], "x"),
        bool: ([], True),
    }
    arguments: list[str] = []
    for option in _OPTIONS:
        arguments += [option.flags[0].split("/")[0], *values[option.type][0]]
    assert call("anonymize", tmp_path, "out", *arguments).exit_code == 0
    for option in _OPTIONS:
        assert run.options[option.name] == values[option.type][1], option.name


def test_words_of_deface_are_understood(folder: Callable[[object], Folder], tmp_path: Path) -> None:
    run = folder(summary(total=1, written=1))
    words = ["-t", "0.3", "--replacewith", "mosaic", "--boxes", "--mask-scale", "1.5"]
    assert call("anonymize", tmp_path, "out", *words).exit_code == 0
    given = {name: run.options[name] for name in ("threshold", "method", "shape", "mask_scale")}
    assert given == {"threshold": 0.3, "method": "pixelate", "shape": "box", "mask_scale": 1.5}
    call("anonymize", tmp_path, "out", "--thresh", "0.4", "--detector", "yunet, centerface")
    assert run.options["threshold"] == 0.4
    assert run.options["detectors"] == ["yunet", "centerface"]


# ---- exit codes ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("result", "code"),
    [
        (summary(total=2, written=1, without_face=1), 0),
        (summary(total=2, written=1, review=1, problems=[("a.jpg", "review", "why")]), 3),
        (summary(total=2, written=1, failed=1, problems=[("a.jpg", "failed", "why")]), 3),
        (summary(total=2, written=1, cancelled=True), 130),
        (ValueError("OUT must not be inside IN"), 2),
        (guise.Unavailable("the disk is full"), 4),
        (guise.CorruptFile("model.onnx must have sha256 0"), 4),
        (PermissionError(13, "Permission denied", "out"), 4),
    ],
)
def test_exit_codes_of_a_folder(
    folder: Callable[[object], Folder], tmp_path: Path, result: object, code: int
) -> None:
    folder(result)
    answer = call("anonymize", tmp_path, tmp_path / "out")
    assert answer.exit_code == code
    assert "Traceback" not in answer.output
    if isinstance(result, Exception):
        assert answer.stderr.startswith("guise: error: ")
        assert answer.stderr.count("\n") == 1
    else:
        assert "report: out/guise-report.jsonl" in answer.stdout


def test_the_summary_lists_what_was_not_written(
    folder: Callable[[object], Folder], tmp_path: Path
) -> None:
    problems = [(f"[b]{i}.jpg", "review", "doubtful [0.4]") for i in range(30)]
    folder(summary(total=40, written=10, review=30, problems=problems, faces=12))
    answer = call("anonymize", tmp_path, tmp_path / "out")
    assert "faces found: 12" in answer.stdout
    assert "  [b]0.jpg: review: doubtful [0.4]" in answer.stdout
    assert "and 10 more" in answer.stdout


def test_an_empty_folder_is_said_aloud(folder: Callable[[object], Folder], tmp_path: Path) -> None:
    folder(summary())
    assert "no photo found" in call("anonymize", tmp_path, tmp_path / "out").stderr


def test_ctrl_c_while_a_model_is_fetched(
    folder: Callable[[object], Folder], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = folder(summary())

    def interrupted(names: list[str]) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(models, "open_detectors", interrupted)
    answer = call("anonymize", tmp_path, tmp_path / "out")
    assert (answer.exit_code, answer.stderr) == (130, "guise: stopped\n")
    assert run.options == {}


def test_an_input_that_is_not_there_is_said_before_anything_is_fetched(tmp_path: Path) -> None:
    answer = call("anonymize", tmp_path / "nothing", tmp_path / "out", "--detector", "nope")
    assert answer.exit_code == 2
    assert "IN must be a folder or a photo that exists" in answer.stderr


def test_a_bug_is_not_dressed_up(folder: Callable[[object], Folder], tmp_path: Path) -> None:
    folder(KeyError("a bug of ours"))
    assert isinstance(call("anonymize", tmp_path, tmp_path / "out").exception, KeyError)


@pytest.mark.parametrize(
    "arguments",
    [["anonymize"], ["anonymize", "in", "out", "--nonsense"], ["models", "show", "qqq"], ["nope"]],
)
def test_wrong_use_is_2(arguments: list[str]) -> None:
    assert call(*arguments).exit_code == 2


def test_ctrl_c_stops_cleanly(tmp_path: Path) -> None:
    """The real command in a process of its own; the engine's run is a loop that heeds the token."""
    program = """
import sys, time, types
from guise import faces, models
models.open_detectors = list
from guise.cli import main
def run(source, target, *, cancel, **_):
    print("started", flush=True)
    while not cancel.cancelled:
        time.sleep(0.01)
    return types.SimpleNamespace(total=9, written=1, without_face=0, review=0, failed=0, skipped=0,
        faces=1, seconds=1.0, report="r.jsonl", cancelled=True, problems=[])
faces.anonymize_folder = run
sys.argv = ["guise", "anonymize", sys.argv[1], sys.argv[1] + "-out"]
main()
"""
    process = subprocess.Popen(
        [sys.executable, "-c", program, str(tmp_path)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ},
        preexec_fn=heed_interrupts,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "started\n"
    process.send_signal(signal.SIGINT)
    output, errors = process.communicate(timeout=60)
    assert process.returncode == 130, errors
    assert "stopped; run the same command to go on" in errors
    assert "report: r.jsonl" in output
    assert "Traceback" not in errors


# ---- one photo -----------------------------------------------------------------------------------


def test_one_photo_is_written(photo: Callable[..., Path], tmp_path: Path) -> None:
    source, target = photo(), tmp_path / "result.jpg"
    answer = call("anonymize", source, target)
    assert answer.exit_code == 0, answer.output
    assert "1 face covered" in answer.stdout
    assert target.read_bytes()[:2] == b"\xff\xd8"
    (tmp_path / "out").mkdir()
    assert call("anonymize", source, tmp_path / "out").exit_code == 0
    assert (tmp_path / "out/in.png").is_file()
    answer = call("anonymize", photo("without_face"), tmp_path / "plain.bmp")
    assert (answer.exit_code, (tmp_path / "plain.bmp").read_bytes()[:2]) == (0, b"BM")
    assert "no face found" in answer.stdout


def test_one_photo_that_needs_review_is_not_written(
    photo: Callable[..., Path], tmp_path: Path
) -> None:
    source = photo("review", "1 doubtful candidate")
    answer = call("anonymize", source, tmp_path / "result.png")
    assert answer.exit_code == 3
    assert "review, not written: 1 doubtful candidate" in answer.stderr
    assert not (tmp_path / "result.png").exists()


def test_one_photo_that_is_none_fails(photo: Callable[..., Path], tmp_path: Path) -> None:
    answer = call("anonymize", photo("failed", "cut off"), tmp_path / "result.png")
    assert answer.exit_code == 3
    assert "failed, not written: cut off" in answer.stderr
    assert not (tmp_path / "result.png").exists()


@pytest.mark.parametrize(
    ("target", "options", "code", "text"),
    [
        ("in.png", [], 2, "must not exist yet"),
        ("result.gif", [], 2, "must end in one of"),
        ("result.png", ["--format", "jpeg"], 2, "must agree with OUT"),
        ("result.png", ["--workers", "2"], 2, "--workers must be used with a folder"),
        ("result.png", ["--boxes", "--shape", "ellipse"], 2, "--boxes"),
        ("none/result.png", [], 4, "the folder of OUT must exist"),
    ],
)
def test_wrong_use_of_one_photo(
    photo: Callable[..., Path],
    tmp_path: Path,
    target: str,
    options: list[str],
    code: int,
    text: str,
) -> None:
    source = photo()
    before = source.read_bytes()
    answer = call("anonymize", source, tmp_path / target, *options)
    assert answer.exit_code == code
    assert text in answer.stderr
    assert source.read_bytes() == before


# ---- models, doctor ------------------------------------------------------------------------------


def test_models_list_and_show(empty_store: Path) -> None:
    rows = [line.split("\t") for line in call("models", "list").stdout.splitlines()]
    assert rows[0][:3] == ["centerface", "detect", "absent"]
    values = json.loads(call("models", "list", "--json").stdout)
    assert [entry["name"] for entry in values] == [row[0] for row in rows]
    shown = call("models", "show", "centerface").stdout
    for word in ("WIDER FACE", "unknown", "guise models fetch centerface", "09189deaaf8646c5"):
        assert word in shown
    one = json.loads(call("models", "show", "yunet", "--json").stdout)
    assert one["source"]["kind"] == "url"
    assert one["source"]["converted_from"]["file"] == "yunet_n.pth"
    assert one["state"] == "absent"


def test_models_verify(empty_store: Path, tmp_path: Path) -> None:
    assert call("models", "verify").exit_code == 0
    answer = call("models", "verify", "yunet")
    assert answer.exit_code == 4
    assert "guise models fetch yunet" in answer.stdout
    name = guise.models.get("yunet")
    assert name.sha256 is not None
    empty_store.mkdir(parents=True)
    (empty_store / f"{name.sha256[:16]}-{name.file}").write_bytes(b"wrong")
    answer = call("models", "verify")
    assert answer.exit_code == 4
    assert "yunet: corrupt" in answer.stdout


def test_models_fetch_errors(
    empty_store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GUISE_OFFLINE", "1")
    answer = call("models", "fetch", "centerface")
    assert answer.exit_code == 4
    assert "guise models fetch centerface" in answer.stderr
    (tmp_path / "mine").write_bytes(b"wrong")
    answer = call("models", "fetch", "yunet", "--from", tmp_path / "mine")
    assert answer.exit_code == 4
    assert "nothing was stored" in answer.stderr
    assert call("models", "fetch", "centreface").exit_code == 2


@pytest.mark.needs_shared
def test_models_fetch_and_convert(empty_store: Path, tmp_path: Path, shared: Path) -> None:
    weights = shared / "weights/yunet"
    onnx = weights / "face_detection_yunet_2023mar.onnx"
    answer = call("models", "fetch", "yunet-2023mar", "--from", onnx)
    assert answer.exit_code == 0
    assert Path(answer.stdout.strip()).is_file()
    assert call("models", "verify", "yunet-2023mar").exit_code == 0
    answer = call("models", "fetch", "yunet", "--from", weights / "yunet_n.pth")
    assert answer.exit_code == 0
    stored = Path(answer.stdout.strip())
    stored.unlink()
    assert call("models", "convert", weights / "yunet_n.pth").stdout.strip() == str(stored)
    assert call("models", "verify", "yunet").exit_code == 0
    out = tmp_path / "own.safetensors"
    words = [weights / "yunet_n.pth", out, "--architecture", "yunet"]
    assert call("models", "convert", *words).exit_code == 0
    assert out.read_bytes() == stored.read_bytes()


def test_doctor_says_what_is_missing(empty_store: Path) -> None:
    answer = call("doctor")
    assert answer.exit_code == 4
    for word in ("torch", "opencv", "compiler", "cuda", "threads", "not ready"):
        assert word in answer.stdout
    for name in faces.DEFAULT_DETECTORS:
        assert f"guise models fetch {name}" in answer.stdout
    assert json.loads(call("doctor", "--json").stdout)["ready"] is False


def test_version() -> None:
    answer = call("--version")
    assert answer.exit_code == 0
    assert answer.stdout.strip() == f"guise {_core.__version__}"
