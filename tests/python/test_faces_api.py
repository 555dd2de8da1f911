"""The photo flow as calls: types, equal results for equal pictures, errors that say what to do."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hostile_corpus import face_photo
from PIL import Image

import guise

pytestmark = pytest.mark.needs_weights("centerface")

_DETECTORS = ["centerface"]


@pytest.fixture(scope="module")
def photo() -> torch.Tensor:
    return torch.from_numpy(face_photo())


@pytest.fixture(scope="module")
def face(photo: torch.Tensor) -> guise.Face:
    (only,) = guise.detect(photo, detectors=_DETECTORS)
    return only


def inside_and_outside(face: guise.Face, image: torch.Tensor) -> tuple[Any, Any]:
    """Boolean [H, W] masks: well inside the face's box, and well outside of its mask and border."""
    x0, y0, x1, y1 = face.box
    rows, columns = np.mgrid[0 : image.shape[0], 0 : image.shape[1]]
    across = np.abs(columns - (x0 + x1) / 2) / ((x1 - x0) / 2)
    down = np.abs(rows - (y0 + y1) / 2) / ((y1 - y0) / 2)
    return (across < 0.7) & (down < 0.7), (across > 1.6) | (down > 1.6)


def test_detect_gives_faces_with_their_places(face: guise.Face) -> None:
    x0, y0, x1, y1 = face.box
    assert 60 < x1 - x0 < 130
    assert 80 < y1 - y0 < 160
    assert 0.3 < face.score <= 1
    assert face.detector == "centerface"
    assert face.landmarks.shape == (5, 2)
    assert face.landmarks.dtype == torch.float32
    left_eye, right_eye, nose, left_mouth, right_mouth = face.landmarks.tolist()
    assert left_eye[0] < nose[0] < right_eye[0]
    assert left_mouth[0] < right_mouth[0]
    assert left_eye[1] < nose[1] < left_mouth[1]
    assert "Face(box=" in repr(face)


def test_search_keeps_doubt_apart(photo: torch.Tensor) -> None:
    found = guise.search(photo, detectors=_DETECTORS, threshold=0.99)
    assert found.faces == []
    assert len(found.doubtful) == 1
    assert guise.detect(torch.zeros(50, 60, 3, dtype=torch.uint8), detectors=_DETECTORS) == []


@pytest.mark.parametrize("method", ["blur", "pixelate", "solid"])
def test_obscure_changes_the_face_and_nothing_else(
    photo: torch.Tensor, face: guise.Face, method: str
) -> None:
    before = photo.clone()
    result = guise.obscure(photo, [face], method=method)
    assert result.dtype == torch.uint8
    assert result.shape == photo.shape
    assert torch.equal(photo, before), "the input is left as it is"
    inside, outside = inside_and_outside(face, photo)
    changed = (result != photo).any(dim=2).numpy()
    assert not changed[outside].any()
    assert changed[inside].mean() > 0.9


def test_align_cuts_upright_crops(photo: torch.Tensor, face: guise.Face) -> None:
    crops = guise.align(photo, [face, face], size_px=128)
    assert crops.shape == (2, 128, 128, 3)
    assert crops.dtype == torch.uint8
    assert torch.equal(crops[0], crops[1])
    assert guise.align(photo, []).shape == (0, 112, 112, 3)
    assert guise.align(photo, [face], template="ffhq", size_px=256).shape == (1, 256, 256, 3)
    # An upside-down photo gives nearly the same crop: alignment turns it back.
    turned = photo.flip(0, 1).contiguous()
    x = photo.shape[1] - 1 - face.landmarks[:, 0]
    y = photo.shape[0] - 1 - face.landmarks[:, 1]
    upside_down = guise.Face((0, 0, 1, 1), landmarks=torch.stack([x, y], dim=1))
    again = guise.align(turned, [upside_down], size_px=128)[0]
    assert (again.int() - crops[0].int()).abs().max() <= 2
    assert (turned[:128, :128].int() - crops[0].int()).abs().max() > 50


def test_anonymize_gives_a_picture_and_what_it_did(photo: torch.Tensor, face: guise.Face) -> None:
    result = guise.anonymize(photo, detectors=_DETECTORS, method="solid")
    assert result.image is not None
    assert result.reason == ""
    assert [each.box for each in result.faces] == [face.box]
    assert torch.equal(result.image, guise.obscure(photo, [face], method="solid"))


def test_doubt_raises_and_gives_no_picture(photo: torch.Tensor) -> None:
    with pytest.raises(guise.NeedsReview, match="when_unsure='obscure-all'") as caught:
        guise.anonymize(photo, detectors=_DETECTORS, threshold=0.99)
    assert caught.value.result.image is None
    assert len(caught.value.result.doubtful) == 1
    settled = guise.anonymize(
        photo, detectors=_DETECTORS, threshold=0.99, when_unsure="obscure-all"
    )
    assert settled.image is not None
    assert not torch.equal(settled.image, photo)


def test_a_picture_is_the_same_in_every_form(photo: torch.Tensor, tmp_path: Path) -> None:
    array = photo.numpy()
    Image.fromarray(array).save(tmp_path / "photo.png")
    padded = np.zeros((*array.shape[:2], 4), np.uint8)
    padded[..., :3] = array
    forms: list[Any] = [
        photo,
        photo.flip(1).flip(1),
        photo.permute(2, 0, 1).contiguous().permute(1, 2, 0),
        array,
        padded[..., :3],
        Image.fromarray(array),
        tmp_path / "photo.png",
        str(tmp_path / "photo.png"),
    ]
    results = [guise.anonymize(form, detectors=_DETECTORS).image for form in forms]
    assert results[0] is not None
    for result in results[1:]:
        assert result is not None
        assert torch.equal(result, results[0])


def test_grey_pictures_and_orientation(photo: torch.Tensor) -> None:
    grey = Image.fromarray(photo.numpy()).convert("L")
    from_pil = guise.anonymize(grey, detectors=_DETECTORS, method="solid").image
    from_array = guise.anonymize(np.asarray(grey), detectors=_DETECTORS, method="solid").image
    assert from_pil is not None
    assert from_array is not None
    assert torch.equal(from_pil, from_array)
    lying = Image.fromarray(photo.numpy()).transpose(Image.Transpose.ROTATE_90)
    lying.getexif()[0x0112] = 6
    assert guise.obscure(lying, []).shape == photo.shape


_WRONG: list[Any] = [
    torch.zeros(3, 20, 30, dtype=torch.uint8),
    torch.zeros(20, 30, 3),
    torch.zeros(1, 20, 30, 3, dtype=torch.uint8),
    torch.zeros(20, 30, 4, dtype=torch.uint8),
    torch.zeros(0, 30, 3, dtype=torch.uint8),
    np.zeros((20, 30, 3), np.float32),
    np.zeros((20, 30, 3), np.uint16),
    [[1, 2, 3]],
    None,
    7,
]


@pytest.mark.parametrize("image", _WRONG, ids=[str(i) for i in range(len(_WRONG))])
@pytest.mark.parametrize(
    "call",
    [
        lambda image: guise.detect(image, detectors=_DETECTORS),
        lambda image: guise.obscure(image, []),
        lambda image: guise.align(image, []),
        lambda image: guise.anonymize(image, detectors=_DETECTORS),
    ],
    ids=["detect", "obscure", "align", "anonymize"],
)
def test_what_is_no_image_is_a_value_error(call: Callable[[Any], object], image: Any) -> None:
    with pytest.raises(ValueError, match="image"):
        call(image)


def test_unknown_options_are_named_with_the_known(photo: torch.Tensor, tmp_path: Path) -> None:
    calls: list[Callable[[dict[str, Any]], object]] = [
        lambda options: guise.detect(photo, detectors=_DETECTORS, **options),
        lambda options: guise.anonymize(photo, detectors=_DETECTORS, **options),
        lambda options: guise.anonymize_file("a.jpg", "b.jpg", detectors=_DETECTORS, **options),
        lambda options: guise.anonymize_folder(tmp_path, "b", detectors=_DETECTORS, **options),
    ]
    for call in calls:
        with pytest.raises(TypeError, match=r"thresold.*threshold"):
            call({"thresold": 0.5})
    with pytest.raises(TypeError, match=r"mask_size.*mask_scale"):
        unknown: dict[str, Any] = {"mask_size": 2}
        guise.obscure(photo, [], **unknown)


def test_options_out_of_range_and_wrong_names(photo: torch.Tensor) -> None:
    with pytest.raises(ValueError, match="mask_scale must be 1 to 4; got 9"):
        guise.obscure(photo, [], mask_scale=9)
    with pytest.raises(ValueError, match="'swirl'"):
        guise.anonymize(photo, detectors=_DETECTORS, method="swirl")
    with pytest.raises(ValueError, match="centerface"):
        guise.detect(photo, detectors=["centreface"])
    with pytest.raises(ValueError, match="at least one detector"):
        guise.detect(photo, detectors=[])
    with pytest.raises(ValueError, match="at least 16 px"):
        guise.align(photo, [], size_px=3)


def test_one_file_to_another(photo: torch.Tensor, face: guise.Face, tmp_path: Path) -> None:
    Image.fromarray(photo.numpy()).save(tmp_path / "in.png")
    result = guise.anonymize_file(
        tmp_path / "in.png", tmp_path / "out.png", detectors=_DETECTORS, method="solid"
    )
    assert result.status == "written"
    assert [each.box for each in result.faces] == [face.box]
    expected = guise.obscure(photo, [face], method="solid")
    assert torch.equal(guise.read_image(str(tmp_path / "out.png")), expected)

    (tmp_path / "mine.png").write_bytes(b"mine")
    again = guise.anonymize_file(tmp_path / "in.png", tmp_path / "mine.png", detectors=_DETECTORS)
    assert again.status == "failed"
    assert (tmp_path / "mine.png").read_bytes() == b"mine"

    doubt = guise.anonymize_file(
        tmp_path / "in.png", tmp_path / "none.jpg", detectors=_DETECTORS, threshold=0.99
    )
    assert doubt.status == "review"
    assert doubt.reason
    assert not (tmp_path / "none.jpg").exists()
    with pytest.raises(ValueError, match="extension"):
        guise.anonymize_file(tmp_path / "in.png", tmp_path / "out", detectors=_DETECTORS)


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    (tmp_path / "text.jpg").write_text("no picture")
    with pytest.raises(guise.CorruptFile, match=r"text\.jpg"):
        guise.detect(tmp_path / "text.jpg", detectors=_DETECTORS)
    with pytest.raises(guise.Unavailable, match=r"absent\.jpg"):
        guise.detect(tmp_path / "absent.jpg", detectors=_DETECTORS)
