"""guise.embed and guise.compare, on rendered faces and a toy recogniser."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from toy_recogniser import CROP, SIZE_PX, open_toy, toy_tensors, write_toy

import guise
from guise import _core, calibration, embedding, models
from guise.calibration import Calibration
from guise.models.registry import load_registry, parse_registry

Embedder = _core.Embedder


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Embedder:
    return open_toy(tmp_path_factory.mktemp("toy"))


@pytest.fixture(scope="module")
def judge(tmp_path_factory: pytest.TempPathFactory) -> Embedder:
    """A toy recogniser with a learned quality."""
    return open_toy(tmp_path_factory.mktemp("judge"), quality=True, seed=1)


@pytest.fixture(scope="module")
def rendered() -> guise.RenderedFaces:
    renderer = guise.Renderer(size_px=200, options=guise.RecipeOptions.passport())
    return renderer.sample(identities=3, samples=2, seed=5)


def face_of(rendered: guise.RenderedFaces, i: int) -> guise.Face:
    x0, y0, x1, y1 = rendered.boxes[i].tolist()
    return guise.Face((x0, y0, x1, y1), landmarks=rendered.landmarks_5[i])


def calibrated(model: Embedder, *, flip: bool = True) -> Calibration:
    """Rates that are easy to check: the FMR is 1, 0.1, 0.01 and 0.001 at -1, 0, 0.5 and 1."""
    rows = ((1.0, -1.0, 0.0), (0.1, 0.0, 0.1), (0.01, 0.5, 0.2), (0.001, 1.0, 0.9))
    people = calibration.Population("toys", "drawn numbers", 40, 80, 3000, 40, rows)
    other = dataclasses.replace(people, name="others", people=41)
    return Calibration(model.name, model.sha256, flip, 1.0, 9.0, (people, other))


# ---- embed ---------------------------------------------------------------------------------------


def test_embed_agrees_with_align_and_embed_crops(
    model: Embedder, rendered: guise.RenderedFaces
) -> None:
    image, face = rendered.images[0], face_of(rendered, 0)
    found = guise.embed(image, model=model, faces=[face, face])
    crops = guise.align(image, [face, face], size_px=SIZE_PX, smooth=True)
    by_hand = embedding.embed_crops(crops, model=model)
    assert found.vectors.shape == (2, 24)
    assert found.vectors.dtype == torch.float32
    assert torch.allclose(found.vectors, by_hand, atol=1e-6)
    assert torch.allclose(found.vectors.norm(dim=1), torch.ones(2))
    assert torch.equal(found.vectors[0], found.vectors[1])
    assert found.quality is None
    assert found.model is model
    assert (len(found), found.too_small) == (2, [])
    assert repr(found) == "Embeddings(2 faces of toy-0)"


def test_flip_is_the_sum_of_both_sides(model: Embedder, rendered: guise.RenderedFaces) -> None:
    crops = guise.align(rendered.images[0], [face_of(rendered, 0)], size_px=SIZE_PX)
    sides = [
        embedding._embed_crops(
            each, model, "arcface", _core.EmbedOptions(flip=False, normalise=False)
        ).vectors
        for each in (crops, crops.flip(2))
    ]
    expected = torch.nn.functional.normalize(sides[0] + sides[1], dim=1)
    both = embedding.embed_crops(crops, model=model, flip=True)
    assert torch.allclose(both, expected, atol=1e-6)
    assert not torch.allclose(
        both, embedding.embed_crops(crops, model=model, flip=False), atol=1e-4
    )
    # A face and its mirror image are the same with it.
    assert torch.allclose(both, embedding.embed_crops(crops.flip(2), model=model, flip=True))


def test_larger_crops_of_the_layout_are_averaged_down(
    model: Embedder, rendered: guise.RenderedFaces
) -> None:
    face, image = face_of(rendered, 0), rendered.images[0]
    exact = embedding.embed_crops(guise.align(image, [face], size_px=64, smooth=True), model=model)
    large = embedding.embed_crops(guise.align(image, [face], size_px=112), model=model)
    other = embedding.embed_crops(
        guise.align(rendered.images[3], [face_of(rendered, 3)], size_px=64), model=model
    )
    assert (exact @ large.T).item() > (exact @ other.T).item()
    assert (exact @ large.T).item() > 0.95
    with pytest.raises(ValueError, match="same layout"):
        embedding.embed_crops(guise.align(image, [face], size_px=128), model=model)


@pytest.mark.needs_weights("centerface")
def test_every_face_is_found_and_small_ones_are_listed(
    model: Embedder, rendered: guise.RenderedFaces
) -> None:
    scene = torch.full((300, 520, 3), 90, dtype=torch.uint8)
    scene[50:250, 30:230] = rendered.images[0]
    scene[50:250, 280:480] = rendered.images[2]
    found = guise.embed(scene, model=model, threshold=0.6)
    assert len(found) == len(found.faces) == 2
    assert found.too_small == []
    shown = _core.crop_source_px(torch.stack([face.landmarks for face in found.faces]), model)
    assert all(80 < each < 200 for each in shown)
    limit = sum(sorted(shown)[-2:]) / 2
    part = guise.embed(scene, model=model, threshold=0.6, smallest_source_px=limit)
    assert (len(part), len(part.too_small)) == (1, 1)
    assert "1 too small" in repr(part)
    none = guise.embed(scene[:40], model=model, threshold=0.6)
    assert none.vectors.shape == (0, 24)
    assert none.faces == []
    with pytest.raises(ValueError, match="face 0 must fill at least 400 px"):
        guise.embed(scene, model=model, faces=found.faces, smallest_source_px=400)


def test_a_picture_in_any_form(
    model: Embedder, rendered: guise.RenderedFaces, tmp_path: Path
) -> None:
    image, face = rendered.images[0], face_of(rendered, 0)
    Image.fromarray(image.numpy()).save(tmp_path / "a.png")
    expected = guise.embed(image, model=model, faces=[face]).vectors
    forms: list[Any] = [image.numpy(), tmp_path / "a.png", Image.fromarray(image.numpy())]
    for form in forms:
        assert torch.equal(guise.embed(form, model=model, faces=[face]).vectors, expected)
    grey = np.asarray(Image.fromarray(image.numpy()).convert("L"))
    one = guise.embed(grey, model=model, faces=[face]).vectors
    three = guise.embed(np.stack([grey] * 3, axis=-1), model=model, faces=[face]).vectors
    assert torch.equal(one, three)


_NO_CROPS: list[Any] = [
    torch.zeros(64, 64, dtype=torch.uint8),
    torch.zeros(64, 64, 3, dtype=torch.uint8),
    torch.zeros(1, 3, 64, 64, dtype=torch.uint8),
    torch.zeros(1, 64, 64, 3),
    torch.full((1, 64, 64, 3), float("nan")),
    torch.zeros(1, 3, 3, 3, dtype=torch.uint8),
    torch.zeros(1, 64, 80, 3, dtype=torch.uint8),
    torch.zeros(1, 63, 63, 3, dtype=torch.uint8),
    np.zeros((1, 64, 64, 3), np.float32),
    [[1, 2, 3]],
    None,
]


@pytest.mark.parametrize("crops", _NO_CROPS, ids=[str(i) for i in range(len(_NO_CROPS))])
def test_what_are_no_crops_is_a_value_error(model: Embedder, crops: Any) -> None:
    with pytest.raises(ValueError, match="crops"):
        embedding.embed_crops(crops, model=model)


def test_crops_of_another_template_are_refused(
    model: Embedder, rendered: guise.RenderedFaces
) -> None:
    crops = guise.align(
        rendered.images[0], [face_of(rendered, 0)], size_px=SIZE_PX, template="ffhq"
    )
    with pytest.raises(ValueError, match="'arcface'; got 'ffhq'"):
        embedding.embed_crops(crops, model=model, template="ffhq")


def test_an_empty_batch_and_an_array(model: Embedder) -> None:
    none = embedding.embed_crops(torch.zeros(0, 64, 64, 3, dtype=torch.uint8), model=model)
    assert (tuple(none.shape), none.dtype) == ((0, 24), torch.float32)
    array = np.random.default_rng(0).integers(0, 256, (5, 64, 64, 3), dtype=np.uint8)
    whole = embedding.embed_crops(array, model=model)
    singly = embedding.embed_crops(torch.from_numpy(array), model=model, batch_size=1)
    assert torch.allclose(whole, singly, atol=1e-5)


def test_options_and_names(model: Embedder, rendered: guise.RenderedFaces) -> None:
    image, face = rendered.images[0], face_of(rendered, 0)
    with pytest.raises(ValueError, match="batch_size must be 1 to 4096; got 0"):
        guise.embed(image, model=model, faces=[face], batch_size=0)
    unknown: dict[str, Any] = {"flop": True}
    with pytest.raises(TypeError, match="flop"):
        guise.embed(image, model=model, **unknown)
    with pytest.raises(TypeError, match=r"flop.*EmbedOptions|EmbedOptions.*flop"):
        embedding.embed_crops(torch.zeros(0, 64, 64, 3, dtype=torch.uint8), model=model, **unknown)
    with pytest.raises(TypeError, match="threshold: nothing is searched"):
        guise.embed(image, model=model, faces=[face], threshold=0.5)
    with pytest.raises(
        ValueError, match=r"a recogniser must be one of .*; got 'centerface' \(dete"
    ):
        guise.embed(image, model="centerface", faces=[face])
    with pytest.raises(ValueError, match="auditor"):
        models.open_embedder("dlib-resnet")
    with pytest.raises(ValueError, match="did you mean"):
        guise.embed(image, model="mobilefacenet-foamlu", faces=[face])
    with pytest.raises(ValueError, match="coincide"):
        guise.embed(image, model=model, faces=[guise.Face((0, 0, 9, 9))])


# ---- files ---------------------------------------------------------------------------------------


def test_a_file_of_another_architecture_lists_keys(tmp_path: Path) -> None:
    tensors = toy_tensors()
    tensors["features.gain"] = tensors.pop("features.bias")
    path = write_toy(tmp_path / "odd.safetensors", tensors)
    with pytest.raises(guise.CorruptFile, match=r"(?s)features\.bias.*features\.gain"):
        embedding.open_file(path, architecture="house-recogniser", preset="v1", crop=CROP)
    with pytest.raises(guise.Unavailable, match="absent"):
        embedding.open_file(
            tmp_path / "absent.safetensors", architecture="house-recogniser", preset="v1", crop=CROP
        )
    good = write_toy(tmp_path / "good.safetensors", toy_tensors())
    with pytest.raises(ValueError, match="perceptron"):
        embedding.open_file(good, architecture="perceptron", preset="v1", crop=CROP)
    with pytest.raises(guise.CorruptFile, match="0000"):
        embedding.open_file(
            good, architecture="house-recogniser", preset="v1", crop=CROP, sha256="0" * 64
        )
    with pytest.raises(ValueError, match="colour must be RGB or BGR"):
        embedding.open_file(
            good, architecture="house-recogniser", preset="v1", crop=CROP, colour="HSV"
        )


def test_the_order_of_colours_is_the_contract_s(tmp_path: Path) -> None:
    path = write_toy(tmp_path / "toy.safetensors", toy_tensors())
    rgb, bgr = (
        embedding.open_file(
            path, architecture="house-recogniser", preset="v1", crop=CROP, colour=colour
        )
        for colour in ("RGB", "BGR")
    )
    crops = torch.randint(0, 256, (2, 64, 64, 3), dtype=torch.uint8)
    straight = embedding.embed_crops(crops, model=rgb)
    assert torch.allclose(straight, embedding.embed_crops(crops.flip(3), model=bgr), atol=1e-6)
    assert not torch.allclose(straight, embedding.embed_crops(crops, model=bgr), atol=1e-3)


def test_a_bundled_recogniser_opens_by_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write_toy(tmp_path / "house-toy.safetensors", toy_tensors())
    table = f"""
[house-toy]
summary = "a toy"
task = "recognise"
role = "engine"
architecture = "house-recogniser"
preset = "v1"
runtime = "libtorch"
file = "house-toy.safetensors"
sha256 = "{_core.sha256_file(str(path))}"
bytes = {path.stat().st_size}
code_licence = "Apache-2.0"
weights_licence = "Apache-2.0"
training_data = ["numbers"]
commercial = "yes"
card = "house-toy/card.md"
[house-toy.input]
colour = "RGB"
range = [0, 255]
size = "64 x 64"
crop = "arcface"
height_px = 64
width_px = 64
mean = [127.5, 127.5, 127.5]
std = [127.5, 127.5, 127.5]
[house-toy.source]
kind = "bundled"
built_by = "hand"
"""
    registry = parse_registry(table)
    monkeypatch.setattr("guise.models._api.load_registry", lambda: registry)
    monkeypatch.setattr("guise.models.store.packaged_model", lambda file: tmp_path / file)
    opened = models.open_embedder("house-toy")
    assert models.open_embedder("house-toy") is opened
    assert (opened.name, opened.dimension, opened.crop_size_px) == ("house-toy", 24, 64)
    crops = torch.zeros(1, 64, 64, 3, dtype=torch.uint8)
    assert embedding.embed_crops(crops, model="house-toy").shape == (1, 24)


# ---- compare -------------------------------------------------------------------------------------


def one(model: Embedder, rendered: guise.RenderedFaces, i: int) -> guise.Embeddings:
    return guise.embed(rendered.images[i], model=model, faces=[face_of(rendered, i)])


def test_compare_never_gives_a_bare_number(model: Embedder, rendered: guise.RenderedFaces) -> None:
    known = calibrated(model)
    a, b = one(model, rendered, 0), one(model, rendered, 2)
    result = guise.compare(a, b, model=model, calibration=known, fmr=0.01)
    assert result.cosine == pytest.approx(float(a.vectors[0] @ b.vectors[0]), abs=1e-6)
    assert result.threshold == pytest.approx(0.5)
    assert result.same == (result.cosine >= 0.5)
    assert result.fmr.value == pytest.approx(known.populations[0].fmr(result.cosine).value)
    text = str(result)
    for part in (
        f"{result.cosine:.3f}",
        "0.500",
        "1 %",
        "3000 pairs of 40 people",
        "drawn numbers",
    ):
        assert part in text
    itself = guise.compare(a, a, model=model, calibration=known, fmr=0.01)
    assert itself.same
    assert itself.cosine == pytest.approx(1, abs=1e-5)
    other = guise.compare(a, b, model=model, calibration=known, population="others")
    assert other.population.people == 41


def test_compare_refuses_what_cannot_be_compared(
    model: Embedder, judge: Embedder, rendered: guise.RenderedFaces
) -> None:
    known = calibrated(model)
    a = one(model, rendered, 0)

    def compare(b: Any, **options: Any) -> Callable[[], object]:
        return lambda: guise.compare(a, b, model=model, **({"calibration": known} | options))

    image, face = rendered.images[0], face_of(rendered, 0)
    two = guise.embed(image, model=model, faces=[face, face])
    none = guise.embed(image, model=model, faces=[])
    cases = [
        (compare(two), "b must show one face; 2 were found.*choose one"),
        (compare(none), "b must show one face; 0 were found.*threshold"),
        (compare(one(judge, rendered, 1)), "b must be embedded with toy-0 .*; got toy-1-quality"),
        (compare(a, fmr=1e-6), "fmr must be 0.001 to 1: 3000 impostor pairs"),
        (compare(a, population="martians"), "population must be one of toys, others"),
        (compare(guise.embed(image, model=model, faces=[face], flip=False)), "flip=True"),
    ]
    for call, reason in cases:
        with pytest.raises(ValueError, match=reason):
            call()
    with pytest.raises(guise.Unavailable, match="toy-0 must have a calibration"):
        compare(a, calibration=None)()


@pytest.mark.needs_weights("centerface")
def test_compare_finds_the_face_itself(model: Embedder, rendered: guise.RenderedFaces) -> None:
    known = calibrated(model)
    image = rendered.images[0]
    result = guise.compare(image, image, model=model, calibration=known, threshold=0.6)
    assert result.cosine == pytest.approx(1, abs=1e-5)
    empty = torch.zeros(80, 80, 3, dtype=torch.uint8)
    with pytest.raises(ValueError, match="a must show one face; 0 were found"):
        guise.compare(empty, image, model=model, calibration=known)


# ---- the default ---------------------------------------------------------------------------------


def test_the_default_recogniser_is_of_the_registry() -> None:
    entry = load_registry()[embedding.DEFAULT_RECOGNISER]
    assert (entry.task, entry.role) == ("recognise", "engine")
    assert entry.input is not None
    assert entry.input.crop is not None
