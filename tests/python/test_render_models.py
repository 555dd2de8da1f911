"""The house models travel inside the package and are what the registry says."""

from __future__ import annotations

from pathlib import Path

import pytest

import guise
from guise import models
from guise.models import store
from guise.models.fetch import fetch_model
from guise.models.pin_bundled import pinned
from guise.models.registry import (
    BundledSource,
    load_registry,
    packaged_model,
    packaged_text,
)

ROOT = Path(__file__).resolve().parents[2]
RENDERERS = ("house-head", "house-skin", "house-light")
TASKS = {
    "house-detector": "detect",
    "house-recogniser": "recognise",
    "house-vec2face": "generate",
}
HOUSE = (*RENDERERS, *TASKS)


def test_the_registry_of_the_sources_is_pinned() -> None:
    text = (ROOT / "models/registry.toml").read_text(encoding="utf-8")
    assert pinned(text, ROOT / "models") == text, "run: python -m guise.models.pin_bundled"


def test_pinning_sees_another_file(tmp_path: Path) -> None:
    bundled = {e.name for e in load_registry().values() if isinstance(e.source, BundledSource)}
    assert bundled == set(HOUSE)
    for name in HOUSE:
        (tmp_path / name).mkdir()
        (tmp_path / name / f"{name}.safetensors").write_bytes(name.encode())
    text = packaged_text("registry.toml")
    changed = pinned(text, tmp_path)
    assert changed != text
    assert changed.count("bytes = 10\n") == 2
    assert pinned(changed, tmp_path) == changed
    (tmp_path / "house-skin/house-skin.safetensors").unlink()
    with pytest.raises(FileNotFoundError):
        pinned(text, tmp_path)


@pytest.mark.parametrize("name", HOUSE)
def test_a_house_model_is_part_of_the_package(name: str, empty_store: Path) -> None:
    entry = models.get(name)
    assert isinstance(entry.source, BundledSource)
    task = TASKS.get(name, "render")
    assert (entry.task, entry.role, entry.commercial) == (task, "engine", "yes")
    assert store.inspect(entry).state == "present"
    assert models.path(name) == packaged_model(f"{name}.safetensors")
    assert fetch_model(name) == models.path(name), "nothing is to be fetched"
    assert not empty_store.exists()
    assert entry.bytes <= 25e6
    assert (ROOT / "models" / entry.card).is_file()


def test_a_wrong_byte_in_the_package_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    damaged = tmp_path / "house-head.safetensors"
    data = bytearray(models.path("house-head").read_bytes())
    data[len(data) // 2] ^= 1
    damaged.write_bytes(data)
    monkeypatch.setattr(store, "packaged_model", lambda file: tmp_path / file)
    with pytest.raises(guise.CorruptFile, match=r"house-head\.safetensors must have sha256"):
        guise.Renderer()
    damaged.unlink()
    with pytest.raises(guise.Unavailable, match="install guise again"):
        guise.Renderer()


def test_a_house_model_is_not_fetched_from_a_file(tmp_path: Path) -> None:
    mine = tmp_path / "mine.safetensors"
    mine.write_bytes(b"x")
    with pytest.raises(ValueError, match="house-head is part of guise"):
        fetch_model("house-head", from_file=mine)
