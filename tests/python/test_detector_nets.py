"""RetinaFace and 6DRepNet: the engine's networks beside plain PyTorch ones, and what they find."""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping
from pathlib import Path

import pytest
import torch
from detector_twins import RetinaFaceTwin, SixDRepNetTwin, retinaface_faces, rotation_of
from torch import nn
from yunet_twin import Found, overlap

import guise
from guise import _core
from guise.models.detector_layouts import LAYOUTS
from guise.models.repvgg_fold import fold_repvgg, is_training_form

nets = _core.nets
MOBILE = ["mnet025-leaky", "mnet025-relu"]
PRESETS = [*MOBILE, "r50"]
FILES = {"mnet025-leaky": "mobilenet0.25_leaky.pth", "mnet025-relu": "mobilenet0.25_relu.pth"}
SMALL = {"channels": (4, 6, 8, 10, 12), "blocks": (2, 3, 2, 1)}


@torch.no_grad()
def seed_weights(net: nn.Module, seed: int) -> None:
    """BatchNorm statistics that are not neutral, and weights that keep signals at their size."""
    generator = torch.Generator().manual_seed(seed)
    for module in net.modules():
        if isinstance(module, nn.BatchNorm2d):
            for name, value in module.named_parameters():
                noise = torch.randn(value.shape, generator=generator)
                value.copy_((0.2 * noise).exp() if name == "weight" else 0.1 * noise)
            module.running_mean.copy_(
                0.1 * torch.randn(module.running_mean.shape, generator=generator)
            )
            module.running_var.copy_(
                (0.2 * torch.randn(module.running_var.shape, generator=generator)).exp()
            )
        elif isinstance(module, nn.Conv2d | nn.Linear):
            noise = torch.randn(module.weight.shape, generator=generator)
            module.weight.copy_(noise * (2 / module.weight[0].numel()) ** 0.5)


def elements(state: Mapping[str, torch.Tensor]) -> int:
    return sum(value.numel() for value in state.values())


@pytest.mark.parametrize(
    ("preset", "tensors", "count"),
    [
        ("mnet025-leaky", 300, 433_343),
        ("mnet025-relu", 300, 433_343),
        ("r50", 456, 27_351_657),
    ],
)
def test_names_and_sizes_are_the_published_ones(preset: str, tensors: int, count: int) -> None:
    state = nets.RetinaFace(preset=preset).state_dict()
    twin = RetinaFaceTwin(preset).state_dict()
    assert {k: v.shape for k, v in state.items()} == {k: v.shape for k, v in twin.items()}
    assert (len(state), elements(state)) == (tensors, count)
    if preset == "r50":
        # torchvision's ResNet-50 has 25,557,032 parameters, 2,049,000 of them in its classifier.
        net = nets.RetinaFace(preset=preset)
        body = sum(p.numel() for name, p in net.named_parameters() if name.startswith("body."))
        assert body == 25_557_032 - 2_049_000


@pytest.mark.parametrize("preset", PRESETS)
def test_seeded_weights_give_the_twins_maps(preset: str) -> None:
    twin, net = RetinaFaceTwin(preset), nets.RetinaFace(preset=preset)
    seed_weights(twin, 5)
    net.load_state_dict(twin.state_dict())
    generator = torch.Generator().manual_seed(1)
    x = 100 * torch.randn(2, 3, 75, 101, generator=generator)
    for is_training in (False, True):
        twin.train(is_training)
        net.train(is_training)
        with torch.no_grad():
            wanted = twin(x)
        for got, want in zip(net(x), wanted, strict=True):
            torch.testing.assert_close(got.detach(), want, atol=1e-4, rtol=1e-4)
        assert min(float(want.std()) for want in wanted) > 0.1
    if preset in MOBILE:
        other = nets.RetinaFace(preset=MOBILE[1 - MOBILE.index(preset)])
        other.load_state_dict(twin.state_dict())
        other.eval()
        twin.eval()
        with pytest.raises(AssertionError):
            torch.testing.assert_close(other(x)[2], twin(x)[2], atol=1e-4, rtol=1e-4)


@torch.no_grad()
def spread_scores(twin: RetinaFaceTwin, image: torch.Tensor) -> None:
    """Sets the heads so that boxes differ from prior to prior and dozens of scores are high."""
    x = (image.flip(-1).float() - 110).permute(2, 0, 1).unsqueeze(0)
    twin.eval()
    heads = (twin.ClassHead, twin.BboxHead, twin.LandmarkHead)
    for head, values, spread in zip(heads, twin(x), (3.0, 1.5, 1.5), strict=True):
        for level in head:
            level.conv1x1.weight.mul_(spread / values.std())


def threshold_between(twin: RetinaFaceTwin, image: torch.Tensor, ranks: range) -> float:
    """A score that some priors reach, in the widest gap there, so that rounding moves none."""
    x = (image.flip(-1).float() - torch.tensor([104.0, 117.0, 123.0])).permute(2, 0, 1)
    with torch.no_grad():
        scores = twin.eval()(x.unsqueeze(0))[0][0].softmax(-1)[:, 1].sort(descending=True).values
    near = scores[ranks.start : ranks.stop]
    widest = int((near[:-1] - near[1:]).argmax())
    return float(near[widest] + near[widest + 1]) / 2


def open_retinaface(preset: str, state: Mapping[str, torch.Tensor], folder: Path) -> _core.Detector:
    path = folder / "own.safetensors"
    _core.write_safetensors(str(path), dict(state))
    return _core.Detector(f"retinaface-{preset}", path=str(path), sha256="")


def assert_equal_faces(got: list[_core.Face], wanted: list[Found], *, px: float) -> None:
    assert len(got) == len(wanted)

    # By place: scores that differ by rounding alone may change their order.
    def place(face: _core.Face | Found) -> float:
        return face.box[0] + 2 * face.box[1]

    for mine, other in zip(sorted(got, key=place), sorted(wanted, key=place), strict=True):
        assert mine.box == pytest.approx(other.box, abs=px)
        assert mine.score == pytest.approx(other.score, abs=1e-4)
        torch.testing.assert_close(
            mine.landmarks, other.landmarks, atol=px, rtol=0, check_dtype=False
        )


@pytest.mark.parametrize("preset", PRESETS)
def test_the_detector_decodes_as_the_twin(tmp_path: Path, preset: str) -> None:
    generator = torch.Generator().manual_seed(7)
    image = torch.randint(0, 256, (93, 150, 3), generator=generator, dtype=torch.uint8)
    twin = RetinaFaceTwin(preset)
    seed_weights(twin, 8)
    spread_scores(twin, image)
    detector = open_retinaface(preset, twin.state_dict(), tmp_path)
    assert detector.name == f"retinaface-{preset}"
    threshold = threshold_between(twin, image, range(30, 60))
    assert threshold > 0.95, "lower scores get a second look, which the twin does not take"
    options = _core.DetectOptions(
        threshold=threshold, review_threshold=0.2, smallest_face_px=1, max_closer_looks=0
    )
    got = _core.detect_faces(image, [detector], options).faces
    wanted = retinaface_faces(twin, preset, image, threshold, options.nms_iou)
    assert len(wanted) >= 3
    assert_equal_faces(got, wanted, px=0.02)


def test_files_of_another_network_are_refused(tmp_path: Path) -> None:
    state = RetinaFaceTwin("mnet025-leaky").state_dict()
    with pytest.raises(guise.CorruptFile, match=r"missing: body\.bn1"):
        open_retinaface("r50", state, tmp_path)
    del state["ssh2.conv7x7_3.0.weight"]
    with pytest.raises(guise.CorruptFile, match=r"1 missing: ssh2\.conv7x7_3\.0\.weight"):
        open_retinaface("mnet025-leaky", state, tmp_path)
    with pytest.raises(ValueError, match="retinaface-mnet025-relu"):
        _core.Detector("retinaface-mnet", path=str(tmp_path / "own.safetensors"), sha256="")
    with pytest.raises(ValueError, match="mnet025-leaky"):
        nets.RetinaFace(preset="mnet")
    with pytest.raises(ValueError, match=r"\[N, 3, H, W\]"):
        nets.RetinaFace(preset="mnet025-relu")(torch.zeros(1, 4, 32, 32))


def published(shared: Path, preset: str) -> dict[str, torch.Tensor]:
    path = shared / "weights/retinaface_mnet025" / FILES[preset]
    if not path.is_file():
        pytest.skip(f"needs published weights: {path} is absent")
    content = torch.load(path, map_location="cpu", weights_only=True)
    layout = LAYOUTS[f"retinaface-{preset}"]
    return {name.removeprefix(layout.strip): value for name, value in content.items()}


def photos(shared: Path, folder: str, side_px: int, count: int) -> list[torch.Tensor]:
    chosen = []
    for path in sorted((shared / "data/eval" / folder).iterdir())[:count]:
        planes = _core.read_image(str(path)).permute(2, 0, 1).unsqueeze(0).float()
        small = nn.functional.interpolate(planes, size=(side_px, side_px), mode="area")
        chosen.append(small[0].permute(1, 2, 0).round().byte().contiguous())
    return chosen


@pytest.mark.needs_shared
@pytest.mark.parametrize("preset", MOBILE)
def test_published_weights_give_the_twins_faces(tmp_path: Path, shared: Path, preset: str) -> None:
    state = published(shared, preset)
    assert elements(state) == 433_343
    layout = LAYOUTS[f"retinaface-{preset}"]
    assert tuple(state[layout.landmark].shape) == layout.shape
    assert all(name.startswith(layout.prefixes) for name in state)
    twin = RetinaFaceTwin(preset)
    twin.load_state_dict(state)
    detector = open_retinaface(preset, state, tmp_path)
    options = _core.DetectOptions(threshold=0.95, review_threshold=0.95, max_closer_looks=0)
    found = 0
    # Of this size only one level is searched: what the twin sees.
    for image in photos(shared, "congress", 160, 8):
        got = _core.detect_faces(image, [detector], options).faces
        wanted = retinaface_faces(twin, preset, image, 0.95, options.nms_iou)
        assert_equal_faces(got, [f for f in wanted if f.box[2] - f.box[0] >= 8], px=0.01)
        found += len(got)
    assert found >= 7


@pytest.mark.needs_shared
def test_the_wrong_activation_loads_and_misplaces_the_landmarks(
    tmp_path: Path, shared: Path
) -> None:
    """Nothing in a file says which of the two it is: the registry's preset decides."""
    pictures = photos(shared, "interfaces", 320, 6)
    yunet = _core.Detector(
        "yunet", path=str(shared / "weights/yunet/face_detection_yunet_2023mar.onnx"), sha256=""
    )
    truths = [_core.detect_faces(image, [yunet]).faces for image in pictures]
    for own in MOBILE:
        for preset in MOBILE:
            detector = open_retinaface(preset, published(shared, own), tmp_path)
            errors = [
                float((face.landmarks - truth.landmarks).norm(dim=1).mean())
                / (truth.box[2] - truth.box[0])
                for image, faces in zip(pictures, truths, strict=True)
                for face in _core.detect_faces(image, [detector]).faces
                for truth in faces
                if overlap(face.box, truth.box) > 0.3
            ]
            if preset == own:
                assert len(errors) >= 6
                assert statistics.median(errors) < 0.08
            else:
                assert not errors or statistics.median(errors) > 0.2


def test_the_deploy_form_has_the_published_size() -> None:
    state = nets.SixDRepNet().state_dict()
    # 27 blocks and layer0, each a weight and a bias, and the last layer.
    assert len(state) == 2 * 28 + 2
    assert elements(state) == 39_323_398
    assert state["layer1.1.rbr_reparam.weight"].shape == (128, 64, 3, 3)  # two groups
    assert state["linear_reg.weight"].shape == LAYOUTS["six-d-rep-net"].shape


def test_the_folded_form_is_the_trained_one() -> None:
    twin = SixDRepNetTwin(**SMALL)
    seed_weights(twin, 3)
    twin.eval()
    state = twin.state_dict()
    assert is_training_form(state)
    folded = fold_repvgg(state, "twin")
    assert not is_training_form(folded)
    net = nets.SixDRepNet(**SMALL)
    net.load_state_dict(folded)
    net.eval()
    x = torch.randn(3, 3, 64, 64, generator=torch.Generator().manual_seed(4))
    with torch.no_grad():
        torch.testing.assert_close(net(x), twin(x), atol=1e-5, rtol=1e-5)
        # The check can fail: one branch left out is seen.
        twin.layer1[1].rbr_identity.weight.zero_()
        assert float((net(x) - twin(x)).abs().max()) > 1e-3
    assert fold_repvgg(folded, "again").keys() == folded.keys()


def test_broken_blocks_are_named() -> None:
    state = SixDRepNetTwin(**SMALL).state_dict()
    for missing in ("layer1.0.rbr_1x1.conv.weight", "layer2.1.rbr_dense.bn.running_var"):
        rest = {name: value for name, value in state.items() if name != missing}
        with pytest.raises(guise.CorruptFile, match=f"{missing} is missing"):
            fold_repvgg(rest, "file")
    with pytest.raises(guise.CorruptFile, match="belong to none"):
        fold_repvgg({**state, "layer9.rbr_1x1.conv.weight": torch.zeros(1)}, "file")
    wide = {**state, "layer0.rbr_1x1.conv.weight": torch.zeros(4, 3, 3, 3)}
    with pytest.raises(guise.CorruptFile, match="1 x 1 convolution in layer0"):
        fold_repvgg(wide, "file")


def euler_matrix(pitch: float, yaw: float, roll: float) -> torch.Tensor:
    """Rz(roll) Ry(yaw) Rx(pitch), degrees."""
    p, y, r = (math.radians(v) for v in (pitch, yaw, roll))
    about_x = [[1, 0, 0], [0, math.cos(p), -math.sin(p)], [0, math.sin(p), math.cos(p)]]
    about_y = [[math.cos(y), 0, math.sin(y)], [0, 1, 0], [-math.sin(y), 0, math.cos(y)]]
    about_z = [[math.cos(r), -math.sin(r), 0], [math.sin(r), math.cos(r), 0], [0, 0, 1]]
    x, y_, z = (torch.tensor(m, dtype=torch.float64) for m in (about_x, about_y, about_z))
    return z @ y_ @ x


def test_six_numbers_are_a_rotation_and_angles_come_back() -> None:
    six = torch.randn(50, 6, generator=torch.Generator().manual_seed(2), dtype=torch.float64)
    rotations = nets.rotations_of_six(six)
    wanted = torch.stack([rotation_of(row) for row in six])
    torch.testing.assert_close(rotations, wanted)
    eye = torch.eye(3, dtype=torch.float64).expand(50, 3, 3)
    torch.testing.assert_close(rotations @ rotations.transpose(1, 2), eye, atol=1e-12, rtol=0)
    assert float((torch.linalg.det(rotations) - 1).abs().max()) < 1e-12
    angles = [(10.0, 20, 30), (-80, 60, -170), (120, -89, 5), (0, 0, 0), (-35, -45, 175)]
    matrices = torch.stack([euler_matrix(*each) for each in angles])
    torch.testing.assert_close(
        nets.euler_degrees(matrices), torch.tensor(angles, dtype=torch.float64)
    )
    edge = nets.euler_degrees(euler_matrix(25, 90, 0).unsqueeze(0))[0]
    assert edge.tolist() == pytest.approx([25, 90, 0], abs=1e-4)
    # No direction: a rotation cannot be told, but nothing is endless.
    assert bool(torch.isfinite(nets.rotations_of_six(torch.zeros(1, 6))).all())
    with pytest.raises(ValueError, match=r"\[N, 6\]"):
        nets.rotations_of_six(torch.zeros(2, 5))
    with pytest.raises(ValueError, match=r"\[N, 3, 3\]"):
        nets.euler_degrees(torch.zeros(3, 3))
