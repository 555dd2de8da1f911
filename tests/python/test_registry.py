"""models/registry.toml and the strictness of its reader."""

from __future__ import annotations

import pytest

from guise import models
from guise.models.registry import (
    ModelEntry,
    PypiSource,
    UrlSource,
    load_registry,
    packaged_text,
    parse_registry,
)

GOOD = """
[toy]
summary = "a toy"
task = "detect"
role = "engine"
architecture = "yunet"
preset = "n"
runtime = "opencv-dnn"
file = "toy.onnx"
sha256 = "{zeros}"
bytes = 12
code_licence = "MIT"
weights_licence = "MIT"
training_data = ["drawn shapes"]
commercial = "yes"
card = "toy/card.md"
[toy.input]
colour = "RGB"
range = [0, 255]
size = "any"
[toy.source]
kind = "url"
url = "https://example.org/toy.onnx"
""".format(zeros="0" * 64)


# A recogniser of the engine states its crops.
RECOGNISER = GOOD.replace('task = "detect"', 'task = "recognise"').replace(
    'size = "any"',
    """size = "a crop"
crop = "arcface"
height_px = 112
width_px = 96
mean = [123.675, 116.28, 103.53]
std = [58.395, 57.12, 57.375]""",
)


def only(text: str) -> ModelEntry:
    return parse_registry(text)["toy"]


def test_the_shipped_registry_is_whole() -> None:
    registry = load_registry()
    assert next(iter(registry)) == "centerface"
    known = {"centerface", "yunet", "yunet-2023mar", "dlib-resnet", "dlib-landmarks5"}
    known |= {"mobilefacenet-foamliu", "retinaface-mnet025", "retinaface-mnet025-relu"}
    assert known <= set(registry)
    assert all(entry.card.endswith("/card.md") for entry in registry.values())
    assert {"yunet", "mobilefacenet-foamliu"} <= {e.name for e in registry.values() if e.made_from}
    auditor = registry["dlib-resnet"]
    assert (auditor.role, auditor.companions) == ("auditor", ("dlib-landmarks5",))
    assert isinstance(registry["centerface"].source, PypiSource)
    assert isinstance(registry["yunet"].source, UrlSource)
    assert (registry["yunet"].runtime, registry["yunet-2023mar"].runtime) == (
        "libtorch",
        "opencv-dnn",
    )


def test_no_machine_path_in_the_shipped_registry() -> None:
    assert "file://" not in packaged_text("registry.toml")


def test_the_good_example_is_good() -> None:
    entry = only(GOOD)
    assert (entry.input.low, entry.input.high) == (0.0, 255.0)
    assert not entry.needs_acceptance


@pytest.mark.parametrize(
    ("old", "new", "named"),
    [
        ('sha256 = "' + "0" * 64, 'sha256 = "' + "0" * 63, r"\[toy\] sha256: must be 64"),
        ('sha256 = "' + "0" * 64, 'sha256 = "' + "G" * 64, r"\[toy\] sha256"),
        ("bytes = 12", "bytes = 0", r"\[toy\] bytes"),
        ("bytes = 12", "bytes = true", r"\[toy\] bytes"),
        ('task = "detect"', 'task = "guess"', "recognise, render, generate; got 'guess'"),
        ('commercial = "yes"', 'commercial = "maybe"', "yes, no, unknown"),
        ('commercial = "yes"', "commercial = true", r"\[toy\] commercial"),
        ('file = "toy.onnx"', 'file = "../toy.onnx"', "plain file name"),
        ('card = "toy/card.md"', 'card = "/card.md"', "relative path"),
        ('card = "toy/card.md"', 'card = "toy/../../card.md"', "relative path"),
        ('"https://', '"http://', "https://"),
        ('kind = "url"', 'kind = "ftp"', "one of pypi, url, file"),
        ('url = "https', 'uri = "https', r"\[toy.source\] url: must be given"),
        ('kind = "url"', 'kind = "url"\nconverted_from = 3', "converted_from.*must be a table"),
        (
            'kind = "url"',
            'kind = "url"\nconverted_from = {file = "a.pth", bytes = 1}',
            r"\[toy.source.converted_from\] sha256: must be given",
        ),
        ("range = [0, 255]", "range = [255, 0]", r"\[toy.input\] range"),
        ('colour = "RGB"', 'colour = "HSV"', r"\[toy.input\] colour"),
        ('training_data = ["drawn shapes"]', "training_data = []", "training_data"),
        ('preset = "n"', 'preset = "n"\nextra = 1', "known fields only; got extra"),
        ('preset = "n"', 'preset = "n"\ncompanions = ["nobody"]', "companions.*nobody"),
        ("[toy]", "[Toy Model]", "valid TOML|model name"),
        ('summary = "a toy"', "", r"\[toy\] summary: must be given"),
    ],
)
def test_whatever_is_wrong_is_named(old: str, new: str, named: str) -> None:
    assert old in GOOD
    with pytest.raises(ValueError, match=named):
        parse_registry(GOOD.replace(old, new, 1))


def test_a_recogniser_states_its_crops() -> None:
    contract = only(RECOGNISER).input
    assert contract is not None
    crop = contract.crop
    assert crop is not None
    assert (crop.template, crop.height_px, crop.width_px) == ("arcface", 112, 96)
    assert crop.mean == (123.675, 116.28, 103.53)
    assert crop.std == (58.395, 57.12, 57.375)
    assert only(GOOD).input.crop is None
    # An auditor is run by another library, which cuts out its own crops.
    auditor = GOOD.replace(
        'task = "detect"\nrole = "engine"', 'task = "recognise"\nrole = "auditor"'
    )
    assert only(auditor).input.crop is None


@pytest.mark.parametrize(
    ("old", "new", "named"),
    [
        ('crop = "arcface"', 'crop = "mtcnn"', r"\[toy.input\] crop: must be one of arcface, ffhq"),
        ('crop = "arcface"\n', "", r"\[toy.input\] crop: must be given"),
        ("height_px = 112", "height_px = 112.0", r"\[toy.input\] height_px: must be a whole"),
        ("height_px = 112", "height_px = true", r"\[toy.input\] height_px"),
        ("width_px = 96", "width_px = 3", r"\[toy.input\] width_px: .* from 16 to 1024; got 3"),
        ("width_px = 96\n", "", r"\[toy.input\] width_px: must be given"),
        (
            "mean = [123.675, 116.28, 103.53]",
            "mean = [127.5]",
            r"\[toy.input\] mean: must be three",
        ),
        ("mean = [123.675, ", "mean = [300, ", r"\[toy.input\] mean"),
        ("mean = [123.675, ", 'mean = ["a", ', r"\[toy.input\] mean"),
        ("std = [58.395, ", "std = [0, ", r"\[toy.input\] std: must be three numbers from 1"),
        ('task = "recognise"', 'task = "detect"', "known fields only; got crop, height_px"),
        ('role = "engine"', 'role = "auditor"', "known fields only; got crop, height_px"),
    ],
)
def test_whatever_is_wrong_with_a_crop_is_named(old: str, new: str, named: str) -> None:
    assert old in RECOGNISER
    with pytest.raises(ValueError, match=named):
        parse_registry(RECOGNISER.replace(old, new, 1))


def test_a_house_model_takes_no_picture_and_is_bundled() -> None:
    text = GOOD.replace('task = "detect"', 'task = "render"')
    head, rest = text.split("[toy.input]")
    source = '[toy.source]\nkind = "bundled"\nbuilt_by = "python -m guise.train head"\n'
    entry = only(head + source)
    assert entry.input is None
    assert str(entry.source) == "part of guise, made by python -m guise.train head"
    restricted = head.replace('weights_licence = "MIT"', 'weights_licence = "CC0-1.0 AND MIT"')
    assert not only(restricted + source).needs_acceptance
    with pytest.raises(ValueError, match="known fields only; got input"):
        only(head + "[toy.input]" + rest)
    with pytest.raises(ValueError, match="built_by: must be given"):
        only(head + '[toy.source]\nkind = "bundled"\n')


def test_a_licence_that_is_not_free_must_be_accepted() -> None:
    assert only(GOOD.replace('commercial = "yes"', 'commercial = "no"')).needs_acceptance
    restricted = GOOD.replace('weights_licence = "MIT"', 'weights_licence = "CC-BY-NC-4.0"')
    assert only(restricted).needs_acceptance


def test_a_wrong_name_lists_close_ones() -> None:
    with pytest.raises(ValueError, match="did you mean centerface"):
        models.get("centreface")
    with pytest.raises(ValueError, match=r"known: .*yunet"):
        models.get("qqqqqq")


def test_an_auditor_is_no_detector() -> None:
    with pytest.raises(ValueError, match="a detector must be one of centerface"):
        models.open_detectors(["dlib-resnet"])
    with pytest.raises(ValueError, match="at least one"):
        models.open_detectors([])
    with pytest.raises(ValueError, match="yunet and yunet-2023mar are both yunet; name one"):
        models.open_detectors(["yunet", "centerface", "yunet-2023mar"])
