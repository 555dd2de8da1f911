"""Crops and their augmentation: placed where they must be, and functions of the seed alone."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch

cv2 = pytest.importorskip("cv2", reason="opencv-python-headless is not installed")

from guise import _core  # noqa: E402
from guise.train import crop_bank  # noqa: E402
from guise.train.crop_bank import CROP_PX, INPUT_PX, crop_face, template_points  # noqa: E402
from guise.train.photo_augment import PhotoAugmenter  # noqa: E402
from guise.train.portrait_augment import PortraitAugmenter, mean_depth  # noqa: E402


def test_a_crop_puts_the_points_on_the_template() -> None:
    # A white dot on each landmark of a face that is turned by 30 degrees and large.
    turn = np.array([[0.866, -0.5], [0.5, 0.866]]) * 3
    points = template_points() @ turn.T + (150, 60)
    image = np.zeros((500, 500, 3), np.uint8)
    for x, y in points:
        cv2.circle(image, (round(x), round(y)), 5, (255, 255, 255), -1)
    crop = crop_face(image, points)
    assert crop.shape == (CROP_PX, CROP_PX, 3)
    for x, y in template_points():
        assert crop[round(y), round(x)].min() > 200
    rows, columns = np.nonzero(crop[..., 0] > 128)
    near = np.abs(np.stack([columns, rows], 1)[:, None] - template_points()).max(2).min(1)
    assert near.max() <= 3


def test_a_crop_of_a_large_face_is_averaged() -> None:
    board = (np.indices((640, 640)).sum(0) % 2 * 255).astype(np.uint8)[..., None].repeat(3, 2)
    crop = crop_face(board, template_points() * 8).astype(int)
    inner = crop[10:-10, 10:-10]
    assert abs(inner.mean() - 127) < 3
    assert inner.std() < 6


def test_landmarks_in_one_place_are_refused() -> None:
    with pytest.raises(ValueError, match="must not all lie in one place"):
        crop_face(np.zeros((9, 9, 3), np.uint8), np.ones((5, 2)))


def small_group(options: _core.RecipeOptions) -> crop_bank.PeopleGroup:
    return crop_bank.PeopleGroup("some", options, people=4, samples=2, seed=5)


def test_rendering_goes_on_where_it_stopped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(crop_bank, "CHUNK_PEOPLE", 2)
    group = small_group(_core.RecipeOptions())
    whole = crop_bank.render_crops(group, tmp_path / "whole")
    parts = tmp_path / "parts"

    class Stopped(Exception):
        pass

    def stop(*_: object) -> None:
        raise Stopped

    with pytest.raises(Stopped):
        crop_bank.render_crops(group, parts, on_progress=stop)
    done = []
    again = crop_bank.render_crops(group, parts, on_progress=lambda *v: done.append(v))
    assert done == [("some", 4, 4)]
    assert np.array_equal(whole.pixels, again.pixels)
    assert whole.people.tolist() == [0, 0, 1, 1, 2, 2, 3, 3]
    assert len({crop.tobytes() for crop in whole.pixels}) == 8


def test_crops_of_other_options_are_not_mixed(tmp_path: Path) -> None:
    crop_bank.render_crops(small_group(_core.RecipeOptions()), tmp_path)
    with pytest.raises(ValueError, match="use another folder"):
        crop_bank.render_crops(small_group(_core.RecipeOptions(glasses_share=1.0)), tmp_path)


def test_a_folder_without_portraits_is_refused(tmp_path: Path) -> None:
    (tmp_path / "note.txt").write_text("none")
    with pytest.raises(ValueError, match=r"must hold \.jpg or \.png"):
        crop_bank.list_portraits(tmp_path)


@pytest.fixture(scope="module")
def crops() -> torch.Tensor:
    random = np.random.default_rng(0)
    soft = random.integers(0, 255, (6, 10, 10, 3)).astype(np.uint8)
    large = [cv2.resize(crop, (CROP_PX, CROP_PX)) for crop in soft]
    return torch.from_numpy(np.stack(large))


@pytest.mark.parametrize("kind", [PhotoAugmenter, PortraitAugmenter])
def test_augmentation_follows_from_the_seed(
    kind: type[PhotoAugmenter], crops: torch.Tensor
) -> None:
    augment = kind(0.5)
    one, other = augment(crops, 3), augment(crops, 4)
    assert one.shape == (6, 3, INPUT_PX, INPUT_PX)
    assert one.dtype == torch.float32
    assert one.min() >= -1 and one.max() <= 1
    assert torch.equal(one, kind(0.5)(crops, 3))
    assert not torch.equal(one, other)


def test_without_strength_only_flips_and_grey_are_left(crops: torch.Tensor) -> None:
    edge = (CROP_PX - INPUT_PX) // 2
    view = crops.permute(0, 3, 1, 2).float() / 127.5 - 1
    # The engine's crops begin a fraction of a pixel before the view of the bank.
    share = 0.5 * (1 - INPUT_PX / 112)
    for axis in (2, 3):
        view = view * (1 - share) + view.roll(1, axis) * share
    plain = view[:, :, edge:-edge, edge:-edge]
    grey = torch.einsum("nchw,c->nhw", plain, PhotoAugmenter.LUMINANCE)[:, None].expand_as(plain)
    for found, colour, without in zip(PhotoAugmenter(0.0)(crops, 1), plain, grey, strict=True):
        choices = [colour, colour.flip(2), without, without.flip(2)]
        assert min(float((found - choice).abs().max()) for choice in choices) < 0.02


def test_the_view_is_the_crop_that_the_engine_aligns() -> None:
    # A picture of a slope: its values tell where each pixel of a crop lies in it.
    slope = 2 * torch.arange(120, dtype=torch.uint8)[None, :, None].expand(120, 120, 3).contiguous()
    points = template_points(112, 112) * 0.75 + 15
    aligned = _core.align_faces(
        slope, torch.from_numpy(points[None]).float(), size_px=INPUT_PX, template="arcface"
    )
    crop = torch.from_numpy(crop_face(slope.numpy(), points))[None]
    for seed in range(20):
        view = PhotoAugmenter(0.0)(crop, seed)[0, 0] * 127.5 + 127.5
        if view[0, 0] < view[0, -1]:  # not mirrored
            difference = view - aligned[0, ..., 0].float()
            # 2.6 levels a pixel; values are rounded up to twice.
            assert abs(float(difference[5:-5, 5:-5].mean())) < 0.35
            return
    raise AssertionError("every crop was mirrored")


def test_the_mean_face_is_a_face() -> None:
    depth = mean_depth().numpy()
    nose, cheek, ear = depth[48, 40], depth[48, 28], depth[48, 8]
    assert nose > cheek + 2 > ear + 10
    assert np.abs(depth - depth[:, ::-1]).max() < 1e-3


def test_a_turned_portrait_moves_the_nose_against_the_ears() -> None:
    augment = PortraitAugmenter(0.0, yaw_deg=0.0)
    augment.PITCH_DEG = 0.0  # type: ignore[misc]
    straight = torch.nn.functional.affine_grid(
        torch.tensor([[[0.8, 0, 0], [0, 0.8, 0]]]), [1, 3, 64, 64], align_corners=False
    )
    assert torch.allclose(augment.turned(straight), straight, atol=1e-5)
    augment.yaw_deg = 1000.0  # clamped to the largest turn
    moved = (augment.turned(straight) - straight)[0, 38, :, 0]
    assert abs(float(moved[32] - moved[6])) > 0.1


def test_spectacles_lie_on_the_eyes() -> None:
    face = torch.full((1, 3, CROP_PX, CROP_PX), 128.0)
    augment = PortraitAugmenter(0.0, glasses=1.0)
    augment.random.manual_seed(1)
    augment.wear(face)
    changed = (face[0] - 128).abs().amax(0) > 20
    eyes_row = round(float(template_points()[:2, 1].mean()))
    assert changed[eyes_row - 12 : eyes_row + 14].any()
    assert not changed[: eyes_row - 13].any()
    assert not changed[eyes_row + 16 :].any()


def test_the_notes_of_a_bank_are_plain(tmp_path: Path) -> None:
    crop_bank.render_crops(small_group(_core.RecipeOptions()), tmp_path)
    note = json.loads((tmp_path / "some-4x2-seed5.json").read_text(encoding="utf-8"))
    assert note["people"] == 4
    assert note["settings"]["crop_px"] == CROP_PX
