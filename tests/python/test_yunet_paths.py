"""YuNet by every path: LibTorch, a plain PyTorch twin, and the published graph through OpenCV."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
import torch
from yunet_twin import Found, YuNetTwin, find_faces, network_input

import guise
from guise import _core, models
from guise.models.convert import convert_checkpoint

NEEDS_ONNX = "needs the package onnx: pip install 'guise[convert]'"
ONNX = "weights/yunet/face_detection_yunet_2023mar.onnx"
IOU = _core.DetectOptions().as_dict()["nms_iou"]
# At this threshold the engine takes a face as it is, without a closer look.
SURE = 0.9


def open_detector(path: Path) -> _core.Detector:
    return _core.Detector("yunet", path=str(path), sha256=_core.sha256_file(str(path)))


@torch.no_grad()
def random_twin(preset: str, seed: int, image: torch.Tensor) -> YuNetTwin:
    """Seeded weights, BatchNorm statistics that are not neutral, and heads whose outputs on `image`
    are boxes of some tens of px with scores on both sides of every threshold."""
    generator = torch.Generator().manual_seed(seed)
    twin = YuNetTwin(preset).eval()
    for name, tensor in twin.state_dict().items():
        if tensor.is_floating_point():
            noise = torch.randn(tensor.shape, generator=generator)
            wide = tensor[0].numel() ** -0.5 if tensor.dim() == 4 else 0.1
            positive = name.endswith(("running_var", "bn.weight", "bn1.weight"))
            tensor.copy_((noise * 0.2).exp() if positive else noise * wide)
    x = network_input(image)
    for head, spread in {"cls": 3.0, "obj": 3.0, "bbox": 0.5, "kps": 1.0}.items():
        for i, values in enumerate(twin(x)[head]):
            last = twin.bbox_head.get_submodule(f"multi_level_{head}.{i}.conv2")
            channels = values.transpose(0, 1).flatten(1)
            factor = spread / channels.std(1)
            last.weight *= factor.reshape(-1, 1, 1, 1)
            last.bias.sub_(channels.mean(1)).mul_(factor)
            if head == "bbox":
                last.bias[2:] += 1
    return twin


def small_portraits(shared: Path, count: int) -> list[torch.Tensor]:
    """160 x 160 px: one level and one tile to search, and no closer look at sure faces."""
    portraits = []
    for path in sorted((shared / "data/eval/congress").iterdir())[:count]:
        planes = _core.read_image(str(path)).permute(2, 0, 1).unsqueeze(0)
        small = torch.nn.functional.interpolate(planes, size=(160, 160), mode="nearest")
        portraits.append(small[0].permute(1, 2, 0).contiguous())
    return portraits


def assert_equal_faces(
    got: list[_core.Face], wanted: list[Found] | list[_core.Face], *, px: float, score: float
) -> None:
    assert len(got) == len(wanted)
    for mine, other in zip(got, wanted, strict=True):
        assert mine.box == pytest.approx(other.box, abs=px)
        assert mine.score == pytest.approx(other.score, abs=score)
        torch.testing.assert_close(
            mine.landmarks, other.landmarks, atol=px, rtol=0, check_dtype=False
        )


@pytest.mark.parametrize("preset", ["n", "s"])
def test_the_engine_takes_the_twins_names_and_shapes(tmp_path: Path, preset: str) -> None:
    path = tmp_path / "twin.safetensors"
    _core.write_safetensors(str(path), YuNetTwin(preset).state_dict())
    assert open_detector(path).name == "yunet"
    learnable = sum(tensor.numel() for tensor in YuNetTwin(preset).parameters())
    assert learnable == {"n": 75_856, "s": 54_608}[preset]


@pytest.mark.parametrize("preset", ["n", "s"])
def test_random_weights_give_the_twins_candidates(tmp_path: Path, preset: str) -> None:
    generator = torch.Generator().manual_seed(3)
    image = torch.randint(0, 256, (150, 131, 3), generator=generator, dtype=torch.uint8)
    twin = random_twin(preset, 2, image)
    path = tmp_path / "twin.safetensors"
    _core.write_safetensors(str(path), twin.state_dict())
    wanted = find_faces(twin, image, threshold=SURE, iou=IOU)
    # No closer look: it would judge the unsure ones again.
    options = _core.DetectOptions(
        threshold=SURE, review_threshold=0.5, smallest_face_px=1, max_closer_looks=0
    )
    got = _core.detect_faces(image, [open_detector(path)], options).faces
    assert len(wanted) >= 20
    assert_equal_faces(got, wanted, px=1e-2, score=1e-4)


@pytest.mark.needs_shared
@pytest.mark.needs_weights("yunet")
def test_published_weights_give_the_twins_faces(shared: Path) -> None:
    path = models.path("yunet", fetch=False)
    twin = YuNetTwin("n")
    twin.load_state_dict(_core.read_safetensors(str(path)))
    detector = open_detector(path)
    found = 0
    for image in small_portraits(shared, 12):
        options = _core.DetectOptions(threshold=SURE, review_threshold=SURE)
        got = _core.detect_faces(image, [detector], options).faces
        assert_equal_faces(got, find_faces(twin, image, SURE, IOU), px=1e-3, score=1e-5)
        found += len(got)
    assert found >= 10
    # The check can fail: one weight a little off is seen.
    with torch.no_grad():
        twin.neck.get_submodule("lateral_convs.1.conv1").weight[0] += 0.1
    with pytest.raises(AssertionError):
        assert_equal_faces(got, find_faces(twin, image, SURE, IOU), px=1e-3, score=1e-5)


@pytest.mark.needs_shared
def test_the_published_graph_is_the_same_network_in_libtorch(tmp_path: Path, shared: Path) -> None:
    pytest.importorskip("onnx", reason=NEEDS_ONNX)
    source = shared / ONNX
    out = tmp_path / "converted.safetensors"
    convert_checkpoint(source, out, architecture="yunet")
    by_opencv, by_torch = open_detector(source), open_detector(out)
    found = 0
    for path in sorted((shared / "data/eval/interfaces").iterdir())[:8]:
        image = _core.read_image(str(path))
        wanted = _core.detect_faces(image, [by_opencv])
        got = _core.detect_faces(image, [by_torch])
        assert_equal_faces(got.faces, wanted.faces, px=0.01, score=1e-4)
        assert_equal_faces(got.doubtful, wanted.doubtful, px=0.01, score=1e-4)
        found += len(got.faces)
    assert found >= 8


@pytest.mark.needs_shared
@pytest.mark.parametrize("change", ["stride", "group", "drop", "swap", "double", "other", "cut"])
def test_another_graph_is_refused(tmp_path: Path, shared: Path, change: str) -> None:
    onnx = pytest.importorskip("onnx", reason=NEEDS_ONNX)
    path = tmp_path / "changed.onnx"
    model = onnx.load(str(shared / ONNX))
    nodes = [node for node in model.graph.node if node.op_type == "Conv"]
    if change in ("stride", "group"):
        name = {"stride": "strides", "group": "group"}[change]
        for attribute in nodes[4].attribute:
            if attribute.name == name == "group":
                attribute.i = 1
            elif attribute.name == name:
                attribute.ints[:] = [2, 2]
    elif change == "drop":
        model.graph.node.remove(nodes[-1])
        model.graph.output.pop()
    elif change == "swap":
        nodes[1].input[1] = "backbone.model1.conv1.conv1.weight"
    elif change == "double":
        model.graph.initializer[0].data_type = onnx.TensorProto.DOUBLE
        for tensor in model.graph.initializer:
            tensor.data_type = onnx.TensorProto.INT32
    data = b"no graph at all" if change == "other" else model.SerializeToString()
    path.write_bytes(data[:-1000] if change == "cut" else data)
    out = tmp_path / "out.safetensors"
    with pytest.raises(guise.CorruptFile, match=r"changed\.onnx must"):
        convert_checkpoint(path, out, architecture="yunet")
    assert not out.exists()


def test_without_the_package_onnx_the_cure_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "onnx", None)
    (tmp_path / "some.onnx").write_bytes(b"anything")
    with pytest.raises(guise.Unavailable, match="pip install onnx"):
        convert_checkpoint(tmp_path / "some.onnx", tmp_path / "o.safetensors", architecture="yunet")
