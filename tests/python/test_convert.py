"""Checkpoints to safetensors, and what must never be opened."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from yunet_twin import YuNetTwin

import guise
from guise import _core, models
from guise.models.convert import LAYOUTS, convert_checkpoint, load_weights_only, select_tensors
from guise.models.fetch import fetch_model


def toy_state(preset: str = "n") -> dict[str, torch.Tensor]:
    return YuNetTwin(preset).state_dict()


def save(path: Path, state: dict[Any, Any], **extra: object) -> Path:
    torch.save({"meta": {"epoch": 3}, "state_dict": state, "optimizer": {}, **extra}, path)
    return path


class _Payload:
    """What a hostile checkpoint does: a call that happens while it is unpickled."""

    def __init__(self, command: str) -> None:
        self._command = command

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.system, (self._command,)


@pytest.mark.parametrize("zipped", [True, False])
def test_a_pickle_with_a_payload_is_refused_and_never_run(tmp_path: Path, zipped: bool) -> None:
    ran = tmp_path / "ran"
    path = tmp_path / "hostile.pth"
    content = {"state_dict": toy_state(), "meta": _Payload(f"touch '{ran}'")}
    torch.save(content, path, _use_new_zipfile_serialization=zipped)
    with pytest.raises(guise.CorruptFile, match=r"it asks for \S*system.*not opened any other way"):
        convert_checkpoint(path, tmp_path / "out.safetensors", architecture="yunet")
    assert not ran.exists()
    assert not (tmp_path / "out.safetensors").exists()
    # The check can fail: the payload does run where a pickle is simply loaded.
    with open(tmp_path / "plain.pickle", "wb") as file:
        pickle.dump(content["meta"], file)
    program = "import pickle, sys; pickle.load(open(sys.argv[1], 'rb'))"
    subprocess.run([sys.executable, "-c", program, str(tmp_path / "plain.pickle")], check=True)
    assert ran.exists()


def test_an_environment_variable_does_not_open_the_door(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD", "1")
    ran = tmp_path / "ran"
    path = tmp_path / "hostile.pth"
    torch.save({"state_dict": _Payload(f"touch '{ran}'")}, path)
    with pytest.raises(guise.CorruptFile):
        load_weights_only(path)
    assert not ran.exists()


def test_tensors_keep_names_values_and_types(tmp_path: Path) -> None:
    state = toy_state()
    out = tmp_path / "toy.safetensors"
    source = save(tmp_path / "toy.pth", state)
    assert convert_checkpoint(source, out, architecture="yunet") == out
    read = _core.read_safetensors(str(out))
    assert sorted(read) == sorted(state)
    for name, tensor in state.items():
        assert read[name].dtype == tensor.dtype
        assert torch.equal(read[name], tensor)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["toy.pth", "toy.safetensors"]


@pytest.mark.parametrize("preset", ["n", "s"])
def test_metadata_names_the_source_and_nothing_that_changes(tmp_path: Path, preset: str) -> None:
    safetensors = pytest.importorskip("safetensors")
    source = save(tmp_path / "toy.pth", toy_state(preset))
    out = convert_checkpoint(source, tmp_path / "toy.safetensors", architecture="yunet")
    with safetensors.safe_open(out, "pt") as file:
        assert file.metadata() == {
            "architecture": "yunet",
            "preset": preset,
            "source_file": "toy.pth",
            "source_sha256": _core.sha256_file(str(source)),
        }


def test_what_the_engine_would_not_open_is_not_written(tmp_path: Path) -> None:
    state = toy_state()
    del state["neck.lateral_convs.2.bn.bias"]
    out = tmp_path / "out.safetensors"
    out.write_bytes(b"what was there before")
    with pytest.raises(guise.CorruptFile, match=r"missing.*neck\.lateral_convs\.2\.bn\.bias"):
        convert_checkpoint(save(tmp_path / "toy.pth", state), out, architecture="yunet")
    assert out.read_bytes() == b"what was there before"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out.safetensors", "toy.pth"]


def test_tensors_that_share_memory_are_parted() -> None:
    state = toy_state()
    both = torch.arange(128, dtype=torch.float32)
    state["neck.a"], state["neck.b"] = both[:64], both[::2]
    chosen = select_tensors({"state_dict": state}, LAYOUTS["yunet"], Path("x.pth"))
    assert chosen["neck.a"].untyped_storage().nbytes() == 64 * 4
    assert chosen["neck.b"].is_contiguous()


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"head.weight": torch.zeros(1)}, "names that begin with"),
        ({3: torch.zeros(1)}, "names that begin with"),
        ({"neck.x": "text"}, "dense tensor as neck.x"),
        ({"neck.x": torch.zeros(2, 2).to_sparse()}, "dense tensor as neck.x"),
        ({"neck.x": torch.tensor([1.0, float("nan")])}, "finite values in neck.x"),
        ({"backbone.model0.conv1.weight": torch.zeros(8, 3, 3, 3)}, r"shape \(16, 3, 3, 3\)"),
    ],
)
def test_another_layout_is_refused(tmp_path: Path, change: dict[Any, Any], text: str) -> None:
    content = {"state_dict": {**toy_state(), **change}}
    with pytest.raises(guise.CorruptFile, match=text):
        select_tensors(content, LAYOUTS["yunet"], tmp_path / "x.pth")


@pytest.mark.parametrize("content", [[], {"model": {}}, {"state_dict": {}}, {"state_dict": 3}])
def test_no_state_dict_is_refused(tmp_path: Path, content: object) -> None:
    with pytest.raises(guise.CorruptFile, match="state_dict"):
        select_tensors(content, LAYOUTS["yunet"], tmp_path / "x.pth")


def test_broken_files_are_corrupt_files(tmp_path: Path) -> None:
    whole = save(tmp_path / "toy.pth", toy_state()).read_bytes()
    for share in range(10):
        path = tmp_path / f"cut{share}.pth"
        path.write_bytes(whole[: len(whole) * share // 10])
        with pytest.raises(guise.CorruptFile, match=path.name):
            convert_checkpoint(path, tmp_path / "out.safetensors", architecture="yunet")
    (tmp_path / "text.pth").write_text("not a checkpoint")
    with pytest.raises(guise.CorruptFile, match=r"text\.pth"):
        convert_checkpoint(tmp_path / "text.pth", architecture="yunet")


def test_wrong_use(tmp_path: Path, empty_store: Path) -> None:
    source = save(tmp_path / "toy.pth", toy_state())
    with pytest.raises(ValueError, match="architecture must be one of: yunet"):
        convert_checkpoint(source, tmp_path / "o.safetensors", architecture="resnet")
    with pytest.raises(ValueError, match="--architecture"):
        convert_checkpoint(source, tmp_path / "o.safetensors")
    with pytest.raises(ValueError, match=r"end in \.safetensors"):
        convert_checkpoint(source, tmp_path / "o.pth", architecture="yunet")
    with pytest.raises(ValueError, match="one that the registry knows"):
        convert_checkpoint(source, architecture="yunet")
    with pytest.raises(guise.Unavailable, match="folder of OUT"):
        convert_checkpoint(source, tmp_path / "no/o.safetensors", architecture="yunet")
    with pytest.raises(guise.Unavailable, match="readable"):
        convert_checkpoint(tmp_path / "none.pth", architecture="yunet")
    with pytest.raises(guise.CorruptFile, match=r"or yunet_n\.pth with sha256.*nothing was stored"):
        fetch_model("yunet", from_file=source)


@pytest.mark.needs_shared
def test_the_published_checkpoint(tmp_path: Path, empty_store: Path, shared: Path) -> None:
    source = shared / "weights/yunet/yunet_n.pth"
    path = convert_checkpoint(source)
    assert path.parent == empty_store
    assert models.path("yunet", fetch=False) == path
    # Again, under another name: the same bytes, the same file.
    copy = tmp_path / "renamed.pth"
    copy.write_bytes(source.read_bytes())
    assert convert_checkpoint(copy) == path
    assert fetch_model("yunet", from_file=copy) == path
    # The converted file itself will do too.
    own = tmp_path / "own.safetensors"
    own.write_bytes(path.read_bytes())
    path.unlink()
    assert fetch_model("yunet", from_file=own) == path
    content = torch.load(source, map_location="cpu", weights_only=True)
    read = _core.read_safetensors(str(path))
    assert sorted(read) == sorted(content["state_dict"])
    assert all(torch.equal(read[name], value) for name, value in content["state_dict"].items())
    damaged = bytearray(path.read_bytes())
    damaged[-1] ^= 1
    path.write_bytes(damaged)
    with pytest.raises(guise.CorruptFile, match=path.name):
        models.path("yunet")
