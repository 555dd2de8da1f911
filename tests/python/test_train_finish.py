"""What house-recogniser gets after its training: a centre among photos, and a quality."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

pytest.importorskip("cv2", reason="opencv-python-headless is not installed")

import guise
from guise import _core
from guise.embedding import open_file
from guise.train import recogniser_finish as finish
from guise.train.crop_bank import CROP_PX, Crops
from guise.train.recogniser import shipped

DIMENSION = 16


def toy_net(seed: int = 3) -> _core.nets.HouseRecogniser:
    torch.manual_seed(seed)
    net = _core.nets.HouseRecogniser(
        channels=[4, 4, 8, 8], blocks=[1, 1, 1, 1], dimension=DIMENSION
    )
    net.load_state_dict({**net.state_dict(), "features.bias": torch.full((DIMENSION,), 5.0)})
    net.eval()
    return net


@pytest.fixture(scope="module")
def portraits() -> Crops:
    random = np.random.default_rng(1)
    coarse = random.integers(0, 255, (12, 5, 5, 3)).astype(np.uint8)
    side = CROP_PX // 5
    return Crops(coarse.repeat(side, 1).repeat(side, 2), np.arange(12))


def draw(step: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Bright pictures are person 0, dark ones person 1; the flatter, the harder to tell apart."""
    random = torch.Generator().manual_seed(step)
    labels = torch.arange(32) % 2
    contrast = torch.rand(32, 1, 1, 1, generator=random)
    noise = torch.randn(32, 3, 64, 64, generator=random)
    return (1 - 2 * labels.float())[:, None, None, None] * contrast + 0.1 * noise, labels


def test_certainty_is_a_half_between_two_centres() -> None:
    centres = torch.tensor([[1.0, 0.0], [0.0, 1.0], [-1.0, 0.0]])
    faces = torch.tensor([[1.0, 1.0], [2.0, 0.0], [0.0, 3.0]])
    found = finish.certainty(faces, centres, torch.tensor([0, 0, 0]))
    assert found.tolist() == pytest.approx([0.5, 2 / 3, 1 / 3], abs=1e-5)


def test_strangers_lie_around_the_origin_after_centring(portraits: Crops) -> None:
    net = toy_net()
    centres = torch.nn.functional.normalize(torch.randn(2, DIMENSION))
    before = finish.mean_of_strangers(net, portraits, seed=1)
    assert before.norm() > 10
    state, _ = finish.finished_weights(net, centres, draw, portraits, seed=1, batches=5)
    plain = {name: value for name, value in state.items() if not name.startswith("quality")}
    net.load_state_dict(plain)
    assert finish.mean_of_strangers(net, portraits, seed=1).norm() < 1e-3 * before.norm()


def test_a_net_without_portraits_keeps_its_centre(portraits: Crops) -> None:
    net = toy_net()
    centres = torch.nn.functional.normalize(torch.randn(2, DIMENSION))
    state, _ = finish.finished_weights(net, centres, draw, None, seed=1, batches=5)
    for name, value in net.state_dict().items():
        assert torch.equal(state[name], value), name


def test_quality_falls_where_people_are_hard_to_tell(tmp_path: Path, portraits: Crops) -> None:
    net = toy_net()
    people = [draw(100)[0][label::2] for label in (0, 1)]
    centres = torch.stack([finish.embed_raw(net, one).mean(0) for one in people])
    state, correlation = finish.finished_weights(net, centres, draw, portraits, seed=1, batches=60)
    assert correlation > 0.3
    path = tmp_path / "own.safetensors"
    _core.write_safetensors(str(path), shipped(state))
    crop = guise.models.CropContract("arcface", 64, 64, (127.5,) * 3, (127.5,) * 3)
    model = open_file(path, architecture="house-recogniser", preset="v1", crop=crop)
    levels = torch.tensor([[1.0, 0.6, 0.3], [-1.0, -0.6, -0.3]]).reshape(6, 1, 1, 1)
    crops = ((levels.expand(6, 64, 64, 3) + 1) * 127.5).round().to(torch.uint8)
    made = _core.embed_crops(crops, model, template="arcface", options=_core.EmbedOptions())
    quality = made.quality
    assert quality is not None
    assert quality.reshape(2, 3).mean(0).diff().max() < 0
