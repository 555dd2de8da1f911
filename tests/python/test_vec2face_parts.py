"""Masks, pose branch, discriminator and losses of Vec2Face."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from test_vec2face import elements, seed_weights
from torch.nn import functional
from vec2face_parts_twins import PoseTwin, discriminator_twin, perceptual_twin, ssim_twin

pytest.importorskip("cv2", reason="opencv-python-headless is not installed")

from guise import _core
from guise.models._api import model_path
from guise.train import generator_losses as losses
from guise.train import vec2face
from guise.train.checkpoint import load_checkpoint
from guise.train.crop_bank import Crops
from guise.train.feature_adversary import FeatureAdversary, adversarial_loss, discriminator_loss
from guise.train.recogniser_judge import RecogniserJudge
from guise.train.training_log import read_log

TEMPLATE = torch.tensor(
    [[38.29, 51.7], [73.53, 51.5], [56.03, 71.74], [41.55, 92.37], [70.73, 92.2]]
)


def keys_and_shapes(net: torch.nn.Module) -> dict[str, tuple[int, ...]]:
    return {name: tuple(value.shape) for name, value in net.state_dict().items()}


@torch.no_grad()
def test_the_discriminator_is_the_published_one() -> None:
    twin = discriminator_twin()
    seed_weights(twin, 5)
    net = _core.nets.Vec2FaceDiscriminator()
    assert keys_and_shapes(net) == keys_and_shapes(twin)
    state = net.state_dict()
    assert (len(state), elements(state)) == (34, 6_139_393)
    net.load_state_dict(twin.state_dict())
    images = torch.rand(2, 3, 112, 112, generator=torch.Generator().manual_seed(1)) * 2 - 1
    judged = net(images)
    assert judged.shape == (2, 1, 11, 11)
    assert judged.std() > 0.05
    torch.testing.assert_close(judged, twin(images), atol=1e-4, rtol=1e-4)


@torch.no_grad()
def test_the_pose_branch_is_the_published_one() -> None:
    twin = PoseTwin()
    seed_weights(twin, 6)
    net = _core.nets.PoseCondition()
    assert not net.state_dict()["linear.weight"].any()
    assert keys_and_shapes(net) == keys_and_shapes(twin)
    state = net.state_dict()
    assert (len(state), elements(state)) == (10, 10_022_976)
    net.load_state_dict(twin.state_dict())
    drawings = _core.nets.draw_landmarks(torch.stack([TEMPLATE, TEMPLATE + 5]))
    made = net(drawings)
    assert made.shape == (2, 1, 768)
    assert not torch.allclose(made[0], made[1])
    torch.testing.assert_close(made, twin(drawings), atol=1e-4, rtol=1e-4)


def test_landmarks_are_drawn_as_coloured_dots() -> None:
    drawing = _core.nets.draw_landmarks(TEMPLATE[None])[0]
    colours = [(1, -1, -1), (1, -1, -1), (-1, 1, -1), (-1, -1, 1), (-1, -1, 1)]
    for (x, y), colour in zip(TEMPLATE.round().int().tolist(), colours, strict=True):
        assert tuple(drawing[:, y, x].tolist()) == colour
        assert tuple(drawing[:, y, x + 4].tolist()) == (-1, -1, -1)
    lit = (drawing > 0).sum().item()
    assert 5 * 25 <= lit <= 5 * 31  # discs of radius 3
    aside = _core.nets.draw_landmarks(TEMPLATE[None] + 500)[0]
    assert not (aside > 0).any()
    with pytest.raises(ValueError, match="landmarks must be finite; landmark 2 is"):
        _core.nets.draw_landmarks(TEMPLATE[None].index_fill(1, torch.tensor([2]), float("nan")))


def test_masks_follow_from_seed_and_key_alone() -> None:
    masked, dropped = _core.nets.draw_masks(7, list(range(64)))
    again = _core.nets.draw_masks(7, [40, 3])
    assert torch.equal(again[0], masked[[40, 3]])
    assert torch.equal(again[1], dropped[[40, 3]])
    assert not torch.equal(_core.nets.draw_masks(8, [3])[0], masked[3:4])
    assert (dropped.sum(1) == 5).all()
    assert not (dropped & ~masked).any()


def test_masks_have_the_distribution_that_was_asked_for() -> None:
    masked, dropped = _core.nets.draw_masks(1, list(range(4000)))
    share = masked.float().mean(1)
    assert share.min() >= 0.1
    # ceil(49 r) / 49 of a normal (0.15, 0.25) cut off at 0.1 and 1: mean 0.317.
    random = np.random.default_rng(0).normal(0.15, 0.25, 400_000)
    random = random[(random >= 0.1) & (random <= 1)]
    assert abs(share.mean().item() - (np.ceil(49 * random) / 49).mean()) < 0.01
    for each in (masked, dropped):  # every place alike
        places = each.float().mean(0)
        assert (places - places.mean()).abs().max() < 0.04
    narrow = _core.nets.draw_masks(1, list(range(50)), low=0.8, high=0.9, mean=0.85, sd=0.05)
    assert set(narrow[0].sum(1).tolist()) <= set(range(40, 46))
    assert (narrow[1].sum(1) == 40).all()


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"low": 0.5, "high": 0.4}, "0 <= low <= high <= 1; got 0.5 and 0.4"),
        ({"high": 1.5}, "0 <= low <= high <= 1"),
        ({"sd": -1.0}, "sd 0 or more"),
        ({"mean": 9.0}, "must lie between low and high"),
        ({"sd": 0.0, "mean": 0.05}, "must lie between low and high"),
    ],
)
def test_impossible_masks_are_refused(options: dict[str, float], reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        _core.nets.draw_masks(1, [1], **options)


def images(seed: int, side: int = 112) -> torch.Tensor:
    noise = torch.rand(2, 3, side // 4, side // 4, generator=torch.Generator().manual_seed(seed))
    return functional.interpolate(noise, scale_factor=4, mode="bilinear") * 2 - 1


def test_ssim_is_the_twins() -> None:
    one, other = images(1, 24), images(1, 24) * 0.6 + images(2, 24) * 0.4
    ours = losses.structural_similarity(one, other).item()
    assert 0.1 < ours < 0.95
    assert ours == pytest.approx(ssim_twin(one / 2 + 0.5, other / 2 + 0.5), abs=1e-4)
    assert losses.structural_similarity(one, one).item() == pytest.approx(1.0, abs=1e-5)


def test_the_other_losses_are_what_they_say() -> None:
    generator = torch.Generator().manual_seed(3)
    maps = [
        [torch.randn(2, c, s, s, generator=generator) for c, s in ((4, 6), (8, 3))] for _ in "ab"
    ]
    ours = losses.perceptual_distance(*maps).item()
    assert ours == pytest.approx(perceptual_twin(*maps), abs=1e-4)
    a, b = (torch.randn(5, 16, generator=generator) for _ in "ab")
    cosines = [float(x @ y / x.norm() / y.norm()) for x, y in zip(a, b, strict=True)]
    assert losses.identity_distance(a, b).item() == pytest.approx(1 - np.mean(cosines), abs=1e-5)
    judged = torch.tensor([1.0, 0.0, 3.0])
    assert losses.judged_real(judged).item() == pytest.approx((0 + 1 + 4) / 3)
    assert losses.judged_generated(judged).item() == pytest.approx((1 + 0 + 9) / 3)


def test_a_house_recogniser_shows_what_its_stages_see() -> None:
    net = _core.nets.HouseRecogniser(channels=[4, 6, 8, 10], blocks=[1, 2, 1, 1], dimension=8)
    net.eval()
    maps = net.stage_features(images(1))
    assert [tuple(each.shape[1:]) for each in maps] == [
        (4, 56, 56),
        (4, 56, 56),
        (6, 28, 28),
        (8, 14, 14),
        (10, 7, 7),
    ]
    with pytest.raises(ValueError, match=r"features are of float \[N, 3, H, W\]"):
        net.stage_features(torch.zeros(2, 1, 64, 64))


@pytest.fixture(scope="module")
def judge() -> RecogniserJudge:
    return RecogniserJudge(model_path("house-recogniser"))


def test_the_judge_embeds_what_the_recogniser_embeds(judge: RecogniserJudge) -> None:
    faces = images(4)
    raw = judge.embed(faces)
    assert raw.shape == (2, 512)
    small = functional.interpolate(faces, size=64, mode="bilinear", antialias=True)
    torch.testing.assert_close(raw, judge.net(small))
    assert not any(p.requires_grad for p in judge.net.parameters())


TINY = vec2face.Vec2FaceOptions(batch=2, steps=4, adversary_from=0.5, warm_up=2)


def learn(
    work: Path,
    judge: RecogniserJudge,
    stop_at: int | None = None,
    options: vec2face.Vec2FaceOptions = TINY,
    start: Path | None = None,
) -> Path:
    work.mkdir(exist_ok=True)
    torch.set_num_threads(1)
    pixels = np.random.default_rng(0).integers(0, 255, (6, 112, 112, 3)).astype(np.uint8)
    data = vec2face.StepData(Crops(pixels, np.arange(6)), options)
    run = vec2face.Run(options, judge)
    if start is not None:
        run.start_from(start)
    if (work / "checkpoint.safetensors").is_file():
        run.resume(work / "checkpoint.safetensors")
    vec2face.train(run, data, work, save_every=3, log_every=1, stop_at=stop_at)
    return work / "checkpoint.safetensors"


def test_a_generator_goes_on_byte_for_byte(tmp_path: Path, judge: RecogniserJudge) -> None:
    whole = learn(tmp_path / "whole", judge)
    learn(tmp_path / "parts", judge, stop_at=3)
    parts = learn(tmp_path / "parts", judge)
    assert whole.read_bytes() == parts.read_bytes()
    log = read_log(tmp_path / "parts" / "log.jsonl")
    assert [row["step"] for row in log] == [1, 2, 3, 4]
    assert ["adversarial" in row for row in log] == [False, False, True, True]
    tensors = load_checkpoint(whole)[0]
    started = vec2face.Run(TINY, judge)
    for name in ("im_decoder.conv_out.weight", "blocks.3.attn.qkv.weight"):
        assert not torch.equal(tensors[f"average.{name}"], started.net.state_dict()[name])
    assert not torch.equal(
        tensors["adversary.net.heads.0.0.parametrizations.weight.original"],
        started.adversary.state_dict()["heads.0.0.parametrizations.weight.original"],
    )
    assert (tensors["adversary.net.scale"] > 0).all()


def test_a_generator_begins_with_given_weights(tmp_path: Path, judge: RecogniserJudge) -> None:
    given = tmp_path / "given.safetensors"
    torch.manual_seed(77)
    weights = _core.nets.Vec2Face("house").state_dict()
    _core.write_safetensors(str(given), {name: value.half() for name, value in weights.items()})
    options = replace(TINY, start_sha256=_core.sha256_file(str(given)), rate=0.0)
    path = learn(tmp_path / "work", judge, options=options, start=given)
    tensors, facts = load_checkpoint(path)
    assert facts["step"] == 4
    assert [row["step"] for row in read_log(tmp_path / "work" / "log.jsonl")] == [3, 4]
    name = "im_decoder.conv_out.weight"
    torch.testing.assert_close(tensors[f"generator.net.{name}"], weights[name].half().float())
    assert tensors["adversary.net.scale"].all()


def test_weights_of_another_net_are_no_beginning(tmp_path: Path, judge: RecogniserJudge) -> None:
    other = tmp_path / "other.safetensors"
    _core.write_safetensors(str(other), {"conv.weight": torch.zeros(1)})
    with pytest.raises(ValueError, match="must hold a Vec2Face of preset house; "):
        vec2face.Run(TINY, judge).start_from(other)


def test_the_discriminator_looks_through_the_recogniser(judge: RecogniserJudge) -> None:
    torch.manual_seed(3)
    net = FeatureAdversary([32, 64, 128])
    real, made = images(5), images(6)
    seen = judge.features(real)[1:]
    net.calibrate(real, seen)
    scale = net.scale.clone()
    net.calibrate(made * 3, judge.features(made * 3)[1:])
    assert torch.equal(net.scale, scale)
    assert scale[0] == pytest.approx(4 / float(real.square().mean().sqrt()))
    judged = net(real, seen)
    assert [tuple(each.shape) for each in judged] == [(2, 1, 14, 14)] * 3 + [(2, 1, 7, 7)]
    leaf = made.clone().requires_grad_()
    judged_made = net(leaf, judge.features(leaf)[1:])
    adversarial_loss(judged_made).backward()
    assert leaf.grad is not None and leaf.grad.any()


def test_hinges_of_the_discriminator() -> None:
    real, made = [torch.tensor([2.0, 0.5])], [torch.tensor([-3.0, 0.25])]
    assert discriminator_loss(real, made).item() == pytest.approx(0.25 + 0.625)
    assert adversarial_loss([*made, *real]).item() == pytest.approx(1.375 - 1.25)


def test_training_stops_at_a_loss_that_is_not_finite(judge: RecogniserJudge) -> None:
    run = vec2face.Run(TINY, judge)
    faces = images(1).index_fill(0, torch.tensor([1]), float("nan"))
    masks = _core.nets.draw_masks(0, [0, 1], low=0.5, mean=0.75)
    with pytest.raises(ValueError, match="every loss must be finite; got pixel nan"):
        run.advance((faces, *masks, torch.zeros(2, 512)))
