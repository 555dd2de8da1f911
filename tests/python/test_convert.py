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
from detector_twins import RetinaFaceTwin, SixDRepNetTwin
from mobilefacenet_twins import FoamliuTwin, MbfTwin, TrebMobileTwin, XiaoccerTwin
from recogniser_twins import HouseTwin, InceptionResnetTwin, IrBackboneTwin, IResNetTwin
from yunet_twin import YuNetTwin

import guise
from guise import _core, models
from guise.models.convert import convert_checkpoint, load_weights_only
from guise.models.fetch import fetch_model
from guise.models.layouts import named_tensors, recognise


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
    both = torch.arange(128, dtype=torch.float32)
    chosen = named_tensors({"state_dict": {"a": both[:64], "b": both[::2]}}, Path("x.pth"))
    assert chosen["a"].untyped_storage().nbytes() == 64 * 4
    assert chosen["b"].is_contiguous()


@pytest.mark.parametrize(
    ("content", "text"),
    [
        ([], "a dict of tensors; got list"),
        ({}, "hold tensors by name; got nothing"),
        ({"state_dict": {}}, "by name under 'state_dict'; got nothing"),
        ({"net_state_dict": 3}, "by name under 'net_state_dict'; got int"),
        ({3: torch.zeros(1)}, "hold tensors by name; got 3"),
        ({"neck.x": "text"}, "dense tensor as neck.x; got str"),
        ({"neck.x": torch.zeros(2, 2).to_sparse()}, "dense tensor as neck.x"),
        ({"neck.x": torch.tensor([1.0, float("nan")])}, "finite values in neck.x"),
        ({"module.x": torch.zeros(1), "x": torch.zeros(1)}, "hold x once; got x beside it"),
    ],
)
def test_what_is_not_tensors_by_name_is_refused(content: object, text: str) -> None:
    with pytest.raises(guise.CorruptFile, match=text):
        named_tensors(content, Path("x.pth"))


@pytest.mark.parametrize(
    "wrapped",
    [
        lambda state: state,
        lambda state: {"net_state_dict": state, "iters": 3},
        lambda state: {"state_dict_backbone": {f"module.{k}": v for k, v in state.items()}},
        lambda state: {"state_dict": {f"model._orig_mod.{k}": v for k, v in state.items()}},
    ],
)
def test_wrappers_come_off(wrapped: Any) -> None:
    state = toy_state()
    assert sorted(named_tensors(wrapped(state), Path("x.pth"))) == sorted(state)


# Nets on the meta device: names and shapes without memory.
LAYOUTS: dict[str, tuple[str, str, Any]] = {
    "r18": ("iresnet", "r18", lambda: IResNetTwin("18")),
    "r100-se": ("iresnet", "r100-se", lambda: IResNetTwin("100", se=True)),
    "cr-fiqa": ("iresnet", "r50-fiqa", lambda: IResNetTwin("50", quality=True)),
    "ir_se50": (
        "ir-backbone",
        "treb1en-ir-se-50",
        lambda: IrBackboneTwin("50", layout="treb1en", se=True),
    ),
    "ir100": ("ir-backbone", "treb1en-ir-100", lambda: IrBackboneTwin("100", layout="treb1en")),
    "ada18": ("ir-backbone", "adaface-ir-18", lambda: IrBackboneTwin("18", layout="adaface")),
    "ada101": (
        "ir-backbone",
        "adaface-ir-se-101",
        lambda: IrBackboneTwin("100", layout="adaface", se=True),
    ),
    "mbf": ("mobilefacenet", "mbf", lambda: MbfTwin(2, (1, 4, 6, 2))),
    "mbf-large": ("mobilefacenet", "mbf-large", lambda: MbfTwin(4, (2, 8, 12, 4))),
    "treb1en": ("mobilefacenet", "treb1en", TrebMobileTwin),
    "xiaoccer": ("mobilefacenet", "xiaoccer", XiaoccerTwin),
    "foamliu": ("mobilefacenet", "foamliu", FoamliuTwin),
    "facenet": ("inception-resnet", "v1", InceptionResnetTwin),
    "house": ("house-recogniser", "v1", lambda: HouseTwin((8, 8, 8, 8), (1, 1, 1, 1), 16, True)),
    "yunet": ("yunet", "s", lambda: YuNetTwin("s")),
    "retinaface-r50": ("retinaface-r50", "r50", lambda: RetinaFaceTwin("r50")),
}


@pytest.mark.parametrize("name", LAYOUTS)
def test_a_layout_is_told_by_its_names(name: str) -> None:
    architecture, preset, make = LAYOUTS[name]
    with torch.device("meta"):
        state = make().state_dict()
    network = recognise(state, Path("x.pth"))
    assert (network.architecture, network.preset) == (architecture, preset)
    assert network.tensors == state
    with pytest.raises(guise.CorruptFile, match=f"its names are those of {architecture}"):
        recognise(state, Path("x.pth"), "yunet" if architecture != "yunet" else "iresnet")


def test_a_file_that_could_be_either_of_two_must_be_named() -> None:
    with torch.device("meta"):
        state = RetinaFaceTwin("mnet025-leaky").state_dict()
    with pytest.raises(ValueError, match=r"retinaface-mnet025-leaky, retinaface-mnet025-relu.*ask"):
        recognise(state, Path("x.pth"))
    for preset in ("mnet025-leaky", "mnet025-relu"):
        network = recognise(state, Path("x.pth"), f"retinaface-{preset}")
        assert network.preset == preset


def test_the_training_form_of_repvgg_is_folded() -> None:
    state = SixDRepNetTwin((64, 128, 256, 512, 2048), (1, 1, 1, 1)).state_dict()
    network = recognise(state, Path("x.pth"))
    assert network.architecture == "six-d-rep-net"
    assert any(".rbr_reparam." in name for name in network.tensors)
    assert not any(".rbr_dense." in name for name in network.tensors)


def test_other_depths_and_other_networks_are_refused() -> None:
    with torch.device("meta"):
        state = IResNetTwin("18").state_dict()
    deeper = {**state, "layer1.2.bn1.weight": torch.zeros(64)}
    with pytest.raises(guise.CorruptFile, match="a preset of iresnet that the engine has"):
        recognise(deeper, Path("x.pth"))
    with pytest.raises(guise.CorruptFile, match=r"one of: yunet, iresnet.*they begin with: a, b"):
        recognise({"b": torch.zeros(1), "a": torch.zeros(1)}, Path("x.pth"))


def test_a_recogniser_is_converted_without_its_classifier(tmp_path: Path) -> None:
    state = HouseTwin((8, 8, 8, 8), (1, 1, 1, 1), 16, has_quality=False).state_dict()
    source = tmp_path / "house.pt"
    torch.save({"net_state_dict": {f"module.{name}": each for name, each in state.items()}}, source)
    path = convert_checkpoint(source, tmp_path / "house.safetensors")
    read = _core.read_safetensors(str(path))
    assert all(torch.equal(read[name], value) for name, value in state.items())
    crop = _core.CropContract(height_px=64, width_px=64)
    embedder = _core.Embedder(
        "house-recogniser", preset="v1", path=str(path), sha256="", name="toy", crop=crop
    )
    assert embedder.dimension == 16
    with torch.device("meta"):
        facenet = InceptionResnetTwin().state_dict()
        logits = {"logits.weight": torch.zeros(8631, 512), "logits.bias": torch.zeros(8631)}
        adaface = IrBackboneTwin("18", layout="adaface").state_dict()
        head = {"head.kernel": torch.zeros(512, 10), "head.t": torch.zeros(1)}
    assert recognise({**facenet, **logits}, Path("x.pt")).tensors == facenet
    assert recognise({**adaface, **head}, Path("x.ckpt")).tensors == adaface
    # Nothing else is dropped: what the engine does not know, it refuses.
    torch.save({**state, "logits.weight": torch.zeros(3)}, source)
    with pytest.raises(guise.CorruptFile, match=r"1 unexpected: logits\.weight"):
        convert_checkpoint(source, tmp_path / "again.safetensors")
    assert not (tmp_path / "again.safetensors").exists()


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
    with pytest.raises(guise.CorruptFile, match=r"network of iresnet.*those of yunet"):
        convert_checkpoint(source, tmp_path / "o.safetensors", architecture="iresnet")
    assert convert_checkpoint(source, tmp_path / "told.safetensors").is_file()
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


@pytest.mark.needs_shared
def test_the_published_mobilefacenet(empty_store: Path, shared: Path) -> None:
    path = convert_checkpoint(shared / "weights/mobilefacenet_foamliu/mobilefacenet.pt")
    # The registered sum has been checked on the way.
    assert path.parent == empty_store
    assert models.path("mobilefacenet-foamliu", fetch=False) == path
