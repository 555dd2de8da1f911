"""`guise evaluate recogniser`: one clear error for each mistake, and nothing half-written."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from evaluate_runs import bin_of, figures, run, write_people
from toy_recogniser import open_toy

from guise import _core, embedding, evaluate, models

FILES = ["det.svg", "figures.json", "index.html", "roc.svg"]


@pytest.fixture(scope="module")
def embedder(tmp_path_factory: pytest.TempPathFactory) -> _core.Embedder:
    return open_toy(tmp_path_factory.mktemp("toy"))


@pytest.fixture(autouse=True)
def toy(monkeypatch: pytest.MonkeyPatch, embedder: _core.Embedder) -> None:
    """The registry knows a recogniser called toy."""
    known = models.open_embedder

    def open_embedder(name: str) -> _core.Embedder:
        return embedder if name == "toy" else known(name)

    monkeypatch.setattr(models, "open_embedder", open_embedder)


@pytest.fixture(scope="module")
def people(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of identities: p0/p0_0001.png ..."""
    return write_people(tmp_path_factory.mktemp("people") / "faces")


def empty(folder: Path) -> None:
    folder.mkdir()


def one_person(folder: Path) -> None:
    write_people(folder, people=1)


def one_photo_each(folder: Path) -> None:
    write_people(folder, each=1)


def absent(folder: Path) -> None:
    pass


@pytest.mark.parametrize(
    ("make", "code", "words"),
    [
        (empty, 2, "folder of photos for each person"),
        (one_person, 2, "at least two people"),
        (one_photo_each, 2, "two photos of at least one person"),
        (absent, 4, "there is nothing"),
    ],
)
def test_sets_without_pairs(
    tmp_path: Path, make: Callable[[Path], None], code: int, words: str
) -> None:
    make(tmp_path / "set")
    text = run(
        "recogniser", "--model", "toy", "--on", tmp_path / "set", "--out", tmp_path / "o", code=code
    )
    assert words in " ".join(text.split())
    assert not (tmp_path / "o").exists()


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", 2),
        ("# nothing\n", 2),
        ("2 3\np0 1 2\n", 2),
        ("1\np0\t1\t2\np0\t1\tp1\tx\n", 2),
        ("1\np0\t1\t99\np0\t1\tp1\t1\n", 4),
        ("p0/p0_0001.png p0/p0_0002.png 2\n", 2),
        ("p0/p0_0001.png p0/none.png 1\n", 4),
        ("p0/p0_0001.png p0/p0_0002.png 1\n", 2),
        ("p0/p0_0001.png p1/p1_0002.png 0\n", 2),
        ("p0/p0_0001.png 1\n", 2),
        ("\x00\xff", 2),
    ],
)
def test_lists_that_are_none(people: Path, tmp_path: Path, text: str, code: int) -> None:
    path = tmp_path / "pairs.txt"
    path.write_text(text)
    run("recogniser", "--model", "toy", "--on", path, "--images", people, code=code)
    path.write_bytes(b"\xff\xfe\x00")
    run("recogniser", "--model", "toy", "--on", path, "--images", people, code=4)


def test_lying_verification_sets(tmp_path: Path) -> None:
    path = bin_of(tmp_path / "a.bin")
    data = path.read_bytes()
    for wrong in (data[:-20], data.replace(b"\x88", b"N", 1), b"", data + b"x"):
        path.write_bytes(wrong)
        run("recogniser", "--model", "toy", "--on", path, code=4)
    _core.write_verification_bin(str(path), [b"no picture", b"no"] * 2, [True, False])
    text = run("recogniser", "--model", "toy", "--on", path, code=4)
    assert "2 of 2 pictures" in text
    _core.write_verification_bin(str(path), [b"one", b"two"] * 2, [True, True])
    run("recogniser", "--model", "toy", "--on", path, code=2)


def test_unreadable_pictures_are_all_named(tmp_path: Path) -> None:
    folder = write_people(tmp_path / "faces", people=3)
    for name in ("p0/p0_0002.png", "p2/p2_0004.png"):
        (folder / name).write_bytes((folder / name).read_bytes()[:500])
    arguments = ("recogniser", "--model", "toy", "--on", folder, "--out", tmp_path / "o")
    text = run(*arguments, code=4)
    assert "2 of 12 pictures" in text and "p0/p0_0002.png" in text and "p2/p2_0004.png" in text
    assert not (tmp_path / "o").exists()
    text = run(*arguments, "--skip-unreadable")
    assert "p2/p2_0004.png" in text and "2 photos could not be read" in text
    assert figures(tmp_path / "o")["on"]["photos"] == 10
    for path in folder.glob("p[12]/*"):
        path.write_bytes(b"")
    text = run(*arguments[:-2], "--skip-unreadable", code=2)
    assert "left out" in text


def test_wrong_use(people: Path, tmp_path: Path) -> None:
    on = ("--on", people)
    (tmp_path / "file").write_text("")
    assert "none" in run("recogniser", "--model", "none", *on, code=2)
    assert "a recogniser must be" in run("recogniser", "--model", "yunet", *on, code=2)
    run("recogniser", "--model", "toy", *on, "--aligned", "--detect", code=2)
    run("recogniser", "--model", "toy", *on, "--out", tmp_path / "file", code=2)
    run("recogniser", "--model", "toy", *on, "--images", people, code=2)
    run("recogniser", "--model", "toy", *on, "--nearest", -1, code=2)
    with pytest.raises(ValueError, match="align must be"):
        evaluate.evaluate_recogniser("toy", people, align="perhaps")


def test_a_full_disk_leaves_nothing(
    people: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def replace(self: Path, target: Path) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "rename", replace)
    run("recogniser", "--model", "toy", "--on", people, "--out", tmp_path / "o", code=4)
    assert list(tmp_path.iterdir()) == []


def test_an_earlier_evaluation_is_replaced(people: Path, tmp_path: Path) -> None:
    out = tmp_path / "o"
    run("recogniser", "--model", "toy", "--on", people, "--no-flip", "--out", out)
    (out / "notes.txt").write_text("kept")
    run("recogniser", "--model", "toy", "--on", people, "--out", out)
    assert figures(out)["flip"] is True
    assert sorted(path.name for path in out.iterdir()) == sorted([*FILES, "notes.txt"])
    assert [path.name for path in tmp_path.iterdir()] == ["o"]


def test_ctrl_c_ends_cleanly(people: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def stop(*_: Any, **__: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(embedding, "embed_crops", stop)
    text = run("recogniser", "--model", "toy", "--on", people, "--out", tmp_path / "o", code=130)
    assert "stopped" in text and list(tmp_path.iterdir()) == []
