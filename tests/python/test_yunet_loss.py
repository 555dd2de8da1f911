"""YuNet as a module that learns, and the loss it learns by."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
import torch
from yunet_loss_twin import Faces, extended_iou_loss, yunet_loss
from yunet_twin import YuNetTwin

from guise import _core

POINTS = [[0.3, 0.4], [0.7, 0.4], [0.5, 0.6], [0.35, 0.8], [0.65, 0.8]]
PARTS = {
    "box": "box_weight",
    "class": "class_weight",
    "objectness": "objectness_weight",
    "landmarks": "landmark_weight",
}


def points_in(box: list[float]) -> list[list[float]]:
    x0, y0, x1, y1 = box
    return [[x0 + px * (x1 - x0), y0 + py * (y1 - y0)] for px, py in POINTS]


def random_maps(seed: int, pictures: int, size: tuple[int, int]) -> list[torch.Tensor]:
    """Raw maps whose boxes are some cells large: float64 with gradients."""
    generator = torch.Generator().manual_seed(seed)
    maps = []
    for stride in (8, 16, 32):
        shape = (pictures, 16, size[0] // stride, size[1] // stride)
        values = torch.randn(shape, generator=generator, dtype=torch.float64)
        values[:, 3:5] = 1 + 0.4 * values[:, 3:5]
        maps.append(values.requires_grad_())
    return maps


def crowd() -> list[Faces]:
    """A large face over a small one, one half outside, an ignored pair, and an empty picture."""
    large, small, outside = [10.0, 8, 74, 90], [50.0, 60, 63, 76], [-20.0, 30, 14, 71]
    tiny, other = [100.0, 40, 104, 45], [70.0, 20, 96, 55]
    return [
        Faces().add(large, points_in(large)).add(small).add(outside, points_in(outside)),
        Faces().add(tiny, ignored=True).add(other, points_in(other)).add(large, ignored=True),
        Faces(),
    ]


def arguments(faces: list[Faces]) -> tuple[list[torch.Tensor], dict[str, torch.Tensor]]:
    flat = [(i, k) for i, here in enumerate(faces) for k in range(len(here.boxes))]
    boxes = torch.tensor([faces[i].boxes[k] for i, k in flat], dtype=torch.float64)
    points = torch.tensor([faces[i].landmarks[k] for i, k in flat], dtype=torch.float64)
    owners = torch.tensor([i for i, _ in flat], dtype=torch.int64)
    masks = {
        name: torch.tensor([getattr(faces[i], name)[k] for i, k in flat], dtype=torch.bool)
        for name in ("ignored", "has_landmarks")
    }
    return [boxes.reshape(-1, 4), points.reshape(-1, 5, 2), owners], masks


def engine_loss(maps: list[torch.Tensor], faces: list[Faces], **options: float) -> torch.Tensor:
    targets, masks = arguments(faces)
    return _core.nets.yunet_loss(
        maps, *targets, **masks, options=_core.nets.YuNetLossOptions(**options)
    )


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_every_part_is_the_twins_with_its_gradients(seed: int) -> None:
    maps = random_maps(seed, 3, (96, 128))
    faces = crowd()
    wanted = yunet_loss(maps, faces)
    for name, weight in PARTS.items():
        default = _core.nets.YuNetLossOptions().as_dict()[weight]
        off = {other: 0.0 for other in PARTS.values() if other != weight}
        got = engine_loss(maps, faces, **off, **{weight: default})
        torch.testing.assert_close(got, wanted[name], atol=1e-9, rtol=1e-9)
        mine = torch.autograd.grad(got, maps, allow_unused=True)
        theirs = torch.autograd.grad(wanted[name], maps, retain_graph=True, allow_unused=True)
        for a, b, values in zip(mine, theirs, maps, strict=True):
            a = torch.zeros_like(values) if a is None else a
            b = torch.zeros_like(values) if b is None else b
            torch.testing.assert_close(a, b, atol=1e-9, rtol=1e-9)
    total = engine_loss(maps, faces)
    torch.testing.assert_close(total, sum(wanted.values()), atol=1e-9, rtol=1e-9)
    # The check can fail: one number a little off is seen.
    with torch.no_grad():
        maps[0][0, 5, 3, 3] += 0.01
    assert abs(engine_loss(maps, faces) - total) > 1e-6


def test_float32_and_channels_last_give_the_same() -> None:
    maps, faces = random_maps(4, 3, (96, 128)), crowd()
    wanted = engine_loss(maps, faces)
    for form in (torch.contiguous_format, torch.channels_last):
        short = [m.detach().float().contiguous(memory_format=form) for m in maps]
        got = engine_loss(short, faces)
        assert got.dtype == torch.float32
        assert got.item() == pytest.approx(wanted.item(), rel=1e-5)


def test_gradients_are_those_of_finite_differences() -> None:
    """In a small step nothing is assigned anew, and the overlaps count as constants in both."""
    box = [8.0, 6, 52, 58]
    faces = [Faces().add(box, points_in(box))]
    maps = random_maps(5, 1, (64, 64))
    # The class target moves with the boxes, and is no part of the gradient: without it.
    torch.autograd.gradcheck(
        lambda *m: engine_loss(list(m), faces, class_weight=0.0), maps, eps=1e-7, atol=1e-5
    )


def test_a_perfect_prediction_costs_nearly_nothing() -> None:
    box = [32.0, 32, 64, 64]
    maps = [torch.zeros(1, 16, 96 // s, 96 // s) for s in (8, 16, 32)]
    for m in maps:
        m[:, 5] = -20
        m[:, 3:5] = -5
    cell = maps[1][0, :, 2, 2]  # its corner is at (32, 32), its middle at (40, 40)
    cell[0], cell[5] = 20, 20
    cell[1:5] = torch.tensor([1.0, 1.0, math.log(2), math.log(2)])
    cell[6:] = torch.tensor([[(x - 32) / 16, (y - 32) / 16] for x, y in points_in(box)]).flatten()
    faces = [Faces().add(box, points_in(box))]
    assert engine_loss(maps, faces).item() < 1e-4
    cell[1] += 0.2
    assert engine_loss(maps, faces).item() > 0.1


def test_boxes_that_lie_apart_are_drawn_together() -> None:
    """The plain IoU has no gradient there."""
    box = [100.0, 0, 140, 40]
    mine = torch.tensor([0.0, 0, 40, 40], requires_grad=True)
    extended_iou_loss(mine, torch.tensor(box)).backward()
    assert mine.grad is not None and mine.grad[2] < -1e-3
    # The engine too: each cell's box lies left of its face, and is to move right and to grow.
    maps = [torch.zeros(1, 16, 96 // s, 160 // s) for s in (8, 16, 32)]
    for m in maps:
        m[:, 1] = -30
        m.requires_grad_()
    engine_loss(maps, [Faces().add(box)], objectness_weight=0.0, class_weight=0.0).backward()
    moved = [m.grad[0, channel].sum() for m in maps for channel in (1, 3)]
    assert sum(moved) < -1e-3 and max(moved) <= 0


def test_an_ignored_face_teaches_nothing() -> None:
    maps = random_maps(6, 1, (96, 96))
    box = [20.0, 20, 60, 60]
    targets, masks = arguments([Faces().add(box, ignored=True)])
    _core.nets.yunet_loss(maps, *targets, **masks).backward()
    grad = maps[0].grad[0, 5]
    touched = torch.zeros_like(grad, dtype=torch.bool)
    touched[2:8, 2:8] = True  # cells 16 to 64 px
    assert bool((grad[touched] == 0).all())
    assert bool((grad[~touched] > 0).all())  # no face there, says every other cell
    assert all(bool((m.grad[0, c] == 0).all()) for m in maps for c in (0, 1, 7))


def test_no_faces_leave_the_objectness_alone() -> None:
    maps = random_maps(8, 2, (32, 32))
    got = engine_loss(maps, [Faces(), Faces()])
    wanted = sum(torch.nn.functional.softplus(m[:, 5]).sum().item() for m in maps)
    assert got.item() == pytest.approx(wanted)


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"boxes": torch.tensor([[5.0, 5, 5, 9]])}, "x0 < x1"),
        ({"boxes": torch.tensor([[5.0, 5, math.nan, 9]])}, "finite"),
        ({"boxes": torch.zeros(1, 5)}, r"float \[M, 4\]"),
        ({"landmarks": torch.zeros(1, 4, 2)}, r"float \[1, 5, 2\]"),
        ({"landmarks": torch.full((1, 5, 2), math.nan)}, "has_landmarks"),
        ({"pictures": torch.tensor([2])}, "picture of the batch, 0 to 1"),
        ({"pictures": torch.tensor([-1])}, "picture of the batch"),
        ({"pictures": torch.tensor([0.0])}, "int64"),
        ({"ignored": torch.zeros(2, dtype=torch.bool)}, r"ignored must be bool \[1\]"),
        ({"has_landmarks": torch.zeros(1)}, "has_landmarks must be bool"),
        ({"outputs": [torch.zeros(2, 15, 4, 4)] * 3}, r"\[N, 16, H, W\]"),
        ({"outputs": [torch.full((2, 16, 4, 4), math.nan)] * 3}, "diverged"),
        ({"outputs": [torch.full((2, 16, 4, 4), math.inf)] * 3}, "diverged"),
    ],
)
def test_wrong_arguments_are_named(change: dict[str, object], text: str) -> None:
    given: dict[str, object] = {
        "outputs": [torch.zeros(2, 16, 32 // s, 32 // s) for s in (8, 16, 32)],
        "boxes": torch.tensor([[5.0, 5, 15, 19]]),
        "landmarks": torch.zeros(1, 5, 2),
        "pictures": torch.tensor([1]),
    }
    _core.nets.yunet_loss(**given)
    with pytest.raises(ValueError, match=text):
        _core.nets.yunet_loss(**(given | change))


@pytest.mark.parametrize("preset", ["n", "s"])
def test_the_module_is_the_twin_in_both_modes(preset: str) -> None:
    twin, net = YuNetTwin(preset), _core.nets.YuNet(preset=preset)
    net.load_state_dict(twin.state_dict())
    assert sum(p.numel() for p in net.parameters()) == {"n": 75_856, "s": 54_608}[preset]
    generator = torch.Generator().manual_seed(1)
    x = 255 * torch.rand(2, 3, 64, 96, generator=generator)
    for is_training in (True, False):
        twin.train(is_training)
        net.train(is_training)
        assert net.training == is_training
        wanted = twin(x)
        for level, got in enumerate(net(x)):
            joined = torch.cat([wanted[h][level] for h in ("cls", "bbox", "obj", "kps")], 1)
            torch.testing.assert_close(got, joined, atol=1e-5, rtol=1e-4)
    # What training mode moved, it moved alike.
    for name, value in net.state_dict().items():
        torch.testing.assert_close(value, twin.state_dict()[name], atol=1e-6, rtol=1e-5)


def test_state_dicts_are_strict_and_nothing_is_half_loaded() -> None:
    net = _core.nets.YuNet()
    before = {name: value.clone() for name, value in net.state_dict().items()}
    state = {name: value + 1 for name, value in before.items()}
    del state["neck.lateral_convs.0.bn.weight"]
    with pytest.raises(ValueError, match=r"missing: neck\.lateral_convs\.0\.bn\.weight"):
        net.load_state_dict(state)
    assert all(torch.equal(value, before[name]) for name, value in net.state_dict().items())
    with pytest.raises(ValueError, match="'n' or 's'"):
        _core.nets.YuNet(preset="m")


def test_a_few_steps_learn_one_face_and_the_engine_finds_it(tmp_path: Path) -> None:
    torch.manual_seed(3)
    generator = torch.Generator().manual_seed(3)
    image = torch.randint(0, 60, (64, 64, 3), generator=generator, dtype=torch.uint8)
    box = [16.0, 12, 48, 52]
    image[12:52, 16:48] += 150
    net = _core.nets.YuNet(preset="s")
    optimiser = torch.optim.Adam(net.parameters(), lr=0.01)
    x = image.flip(-1).permute(2, 0, 1).unsqueeze(0).float().repeat(4, 1, 1, 1)
    faces = [Faces().add(box, points_in(box)) for _ in range(4)]
    net.train()
    losses = []
    for _ in range(120):
        optimiser.zero_grad()
        loss = engine_loss(net(x), faces)
        loss.backward()
        optimiser.step()
        losses.append(loss.item())
    assert losses[-1] < 0.2 * losses[0]
    path = tmp_path / "own.safetensors"
    _core.write_safetensors(str(path), net.state_dict())
    detector = _core.Detector("yunet", path=str(path), sha256="")
    options = _core.DetectOptions(threshold=0.5, review_threshold=0.4, smallest_face_px=1)
    found = _core.detect_faces(image, [detector], options).faces
    assert len(found) == 1
    assert found[0].box == pytest.approx(box, abs=4)
