"""False match rates: measured, written, read back strictly, looked up."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import pytest
import torch
from PIL import Image
from toy_recogniser import open_toy

import guise
from guise import calibration, models
from guise.calibration import Calibration, Population, Rate
from guise.embedding import DEFAULT_RECOGNISER
from guise.models.registry import load_registry
from guise.train import calibrate

ROWS = ((1.0, -0.5, 0.0), (0.1, 0.0, 0.1), (0.01, 0.5, 0.2), (0.001, 0.7, 0.9))
PEOPLE = Population("toys", "drawn numbers", 40, 80, 3000, 40, ROWS)
GOOD = Calibration("toy", "0" * 64, True, 1.0, 9.0, (PEOPLE,))
_MODELS = Path(__file__).resolve().parents[2] / "models"


def test_rates_between_the_rows() -> None:
    assert PEOPLE.fmr(-0.9) == Rate(1.0)
    assert PEOPLE.fmr(0.0).value == pytest.approx(0.1)
    assert PEOPLE.fmr(0.25).value == pytest.approx(0.1**1.5)
    assert PEOPLE.fmr(0.7).value == pytest.approx(0.001)
    assert PEOPLE.fmr(0.9) == Rate(0.001, is_bound=True)
    assert str(PEOPLE.fmr(0.9)) == "at most 0.1 %"
    for fmr in (1.0, 0.3, 0.1, 0.02, 0.001):
        assert PEOPLE.fmr(PEOPLE.threshold(fmr)).value == pytest.approx(fmr)
    with pytest.raises(ValueError, match=r"fmr must be 0.001 to 1: 3000 impostor pairs of 'toys'"):
        PEOPLE.threshold(0.0009)
    with pytest.raises(ValueError, match=r"got 1.5"):
        PEOPLE.threshold(1.5)


def drawn(people: int = 60, photos: int = 4) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(3)
    centres = torch.randn(people, 1, 32, generator=generator)
    vectors = centres + 0.8 * torch.randn(people, photos, 32, generator=generator)
    return torch.nn.functional.normalize(vectors.flatten(0, 1), dim=1), torch.arange(
        people
    ).repeat_interleave(photos)


def test_measured_rates_are_those_of_a_slow_count() -> None:
    vectors, labels = drawn()
    found = calibration.measure_population("toys", "drawn", vectors, labels)
    genuine: list[float] = []
    impostor: list[float] = []
    for i in range(len(labels)):
        for j in range(i):
            cosine = float(vectors[i] @ vectors[j])
            (genuine if labels[i] == labels[j] else impostor).append(cosine)
    assert (found.people, found.photos) == (60, 240)
    assert (found.impostor_pairs, found.genuine_pairs) == (len(impostor), len(genuine))
    assert len(found.rows) > 6
    for fmr, cosine, fnmr in found.rows:
        assert sum(each >= cosine - 2e-6 for each in impostor) / len(impostor) == pytest.approx(
            fmr, abs=2 / len(impostor)
        )
        assert sum(each < cosine for each in genuine) / len(genuine) == pytest.approx(
            fnmr, abs=2 / len(genuine)
        )
    smallest = found.rows[-1][0]
    assert 10 <= smallest * len(impostor) < 30, "ten pairs stand for the smallest rate"


def test_pairs_are_made_within_a_group() -> None:
    vectors, labels = drawn()
    halves = (labels >= 30).long()
    found = calibration.measure_population("toys", "drawn", vectors, labels, halves)
    assert found.impostor_pairs == 2 * (120 * 119 // 2 - 30 * 6)
    assert found.genuine_pairs == 60 * 6


def test_too_little_to_measure() -> None:
    vectors, labels = drawn()
    for chosen in (labels * 0, torch.arange(len(labels))):
        with pytest.raises(ValueError, match="people must be two or more"):
            calibration.measure_population("toys", "drawn", vectors, chosen)


def test_written_and_read_back(tmp_path: Path) -> None:
    GOOD.write(tmp_path / "c.json")
    text = (tmp_path / "c.json").read_text()
    assert "[0.01, 0.5, 0.2]" in text, "a row a line"
    assert calibration.parse(text) == GOOD


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"calibration": 2}, "format 1"),
        ({"sha256": 5}, "sha256: must be str"),
        ({"flip": 1}, "flip: must be bool"),
        ({"norm_low": 10}, "norm_low: must be above 0 and below"),
        ({"populations": []}, "populations: must be a list"),
        ({"extra": 1}, "known fields only; got extra"),
        ({"model": None}, "model: must be str"),
    ],
)
def test_whatever_is_wrong_is_named(change: dict[str, object], named: str, tmp_path: Path) -> None:
    GOOD.write(tmp_path / "c.json")
    values = json.loads((tmp_path / "c.json").read_text())
    with pytest.raises(ValueError, match=named):
        calibration.parse(json.dumps(values | change))


@pytest.mark.parametrize(
    ("rows", "named"),
    [
        ([[1.0, 0.0, 0.0]], "two or more"),
        ([[1.0, 0.0], [0.1, 0.5]], "two or more"),
        ([[1.0, 0.0, 0.0], [0.1, 0.0, 0.0]], "cosine rise"),
        ([[0.1, 0.0, 0.0], [0.1, 0.2, 0.0]], "fmr must fall"),
        ([[1.0, 0.0, 0.0], [0.0, 0.2, 0.0]], "fmr must fall"),
        ([[1.0, 0.0, 0.0], [0.1, "x", 0.0]], "two or more"),
    ],
)
def test_rows_are_checked(rows: list[object], named: str, tmp_path: Path) -> None:
    GOOD.write(tmp_path / "c.json")
    values = json.loads((tmp_path / "c.json").read_text())
    values["populations"][0]["rows"] = rows
    with pytest.raises(ValueError, match=named):
        calibration.parse(json.dumps(values))
    with pytest.raises(ValueError, match="must be JSON"):
        calibration.parse("{")


def test_a_calibration_of_other_weights_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = open_toy(tmp_path)
    path = tmp_path / "c.json"
    monkeypatch.setattr(calibration, "packaged_text", lambda name: path.read_text())
    GOOD.write(path)
    with pytest.raises(guise.Unavailable, match=r"sha256.*python -m guise.train calibrate toy-0"):
        calibration.load(model)
    own = dataclasses.replace(GOOD, sha256=model.sha256)
    own.write(path)
    assert calibration.load(model) == own


def test_the_calibrations_that_are_shipped_fit_the_registry() -> None:
    for path in _MODELS.glob("*/calibration.json"):
        found = calibration.parse(path.read_text(), str(path))
        entry = load_registry()[path.parent.name]
        assert (found.model, found.sha256) == (entry.name, entry.sha256)
        assert found.population().threshold(1e-3) > 0
        assert [each.name for each in found.populations][-1] == "rendered"


@pytest.mark.needs_weights(DEFAULT_RECOGNISER)
def test_the_default_recogniser_carries_its_calibration() -> None:
    found = calibration.load(models.open_embedder(DEFAULT_RECOGNISER))
    assert found.populations[0].impostor_pairs > 100_000
    assert found.population().fmr(0.99).value < 1e-3


@pytest.mark.needs_weights("centerface")
def test_calibrate_measures_both_populations(tmp_path: Path) -> None:
    model = open_toy(tmp_path)
    faces = guise.Renderer(size_px=160, options=guise.RecipeOptions.frontal()).sample(
        identities=4, samples=2, seed=8
    )
    (tmp_path / "real/ann").mkdir(parents=True)
    names = ["ann/1", "ann/2", "bob_1", "bob_2", "cid_1", "cid_2", "dan_1", "dan_2"]
    for image, name in zip(faces.images, names, strict=True):
        Image.fromarray(image.numpy()).save(tmp_path / f"real/{name}.png")
    out = calibrate.build(
        "toy", out=tmp_path / "c.json", real=[tmp_path / "real"], people=6, photos=2, model=model
    )
    found = calibration.parse(out.read_text())
    real, rendered = found.populations
    assert (real.name, real.people, real.photos) == ("real", 4, 8)
    assert (real.impostor_pairs, real.genuine_pairs) == (24, 4)
    assert (rendered.people, rendered.photos, rendered.genuine_pairs) == (6, 12, 6)
    assert 0 < found.norm_low < found.norm_high
    assert found.sha256 == model.sha256
    with pytest.raises(ValueError, match="real or people"):
        calibrate.build("toy", out=tmp_path / "d.json", people=0, model=model)
