"""What builds the house models agrees with the engine that reads them, and refuses in words."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

import guise
from guise.train import light
from guise.train.__main__ import app
from guise.train.head_targets import EXPRESSIONS

ROOT = Path(__file__).resolve().parents[2]
RENDER = ROOT / "csrc/render"


def enumerators(name: str) -> list[str]:
    """Of an enum in skin_tables.h, as they are named in the files: crows_feet."""
    text = (RENDER / "skin_tables.h").read_text(encoding="utf-8")
    body = re.search(rf"enum {name} {{(.*?)}}", text, flags=re.DOTALL)
    assert body is not None
    words = re.findall(r"\bk(\w+)", body[1])
    return [re.sub(r"(?<!^)(?=[A-Z])", "_", word).lower() for word in words]


@pytest.mark.parametrize("model", ["skin", "light"])
def test_without_data_there_is_a_sentence(model: str, tmp_path: Path) -> None:
    answer = CliRunner().invoke(app, [model, "--out", str(tmp_path / "out")])
    assert answer.exit_code == 1
    assert "--data must name the folder" in answer.output
    assert "Traceback" not in answer.output
    assert not (tmp_path / "out").exists()


def test_expressions_are_those_of_the_engine() -> None:
    text = (RENDER / "recipe.h").read_text(encoding="utf-8")
    names = re.search(r"kExpressionNames = {(.*?)}", text, flags=re.DOTALL)
    assert names is not None
    assert re.findall(r'"(\w+)"', names[1]) == list(EXPRESSIONS) == sorted(EXPRESSIONS)


def test_regions_and_wrinkles_are_those_of_the_engine() -> None:
    pytest.importorskip("scipy", reason="scipy is not installed")
    from guise.train.skin_regions import REGIONS
    from guise.train.skin_wrinkles import GROUPS

    assert enumerators("WrinkleGroup") == [*GROUPS, "wrinkle_group_count"]
    other_names = {"oil": "oil_zone"}
    in_order = [other_names.get(name, name) for name in REGIONS]
    assert enumerators("SkinRegion") == [*in_order, "skin_region_count"]


def test_regions_lie_on_both_sides_alike() -> None:
    pytest.importorskip("scipy", reason="scipy is not installed")
    from guise.train.skin_chart import read_chart
    from guise.train.skin_regions import REGIONS, draw_regions

    regions = draw_regions(read_chart(guise.models.path("house-head")), 128)
    assert regions.shape == (64, 128, len(REGIONS))
    assert regions.min() >= 0
    assert regions.max() <= 1
    assert (regions.max(axis=(0, 1)) > 0.5).all()
    assert np.abs(regions - regions[:, ::-1]).mean() < 0.01


def test_harmonics_of_an_even_sky_are_even() -> None:
    harmonics = light.irradiance_harmonics(np.ones((32, 64, 3)))
    normals = np.eye(3)
    assert np.allclose(light.basis(normals) @ harmonics, 1, atol=0.02)
    upper = np.zeros((32, 64, 3))
    upper[:16] = 1
    above, below = light.basis(np.array([[0.0, 1, 0], [0, -1, 0]])) @ (
        light.irradiance_harmonics(upper)
    )
    assert above.min() > 0.85
    assert np.abs(below).max() < 0.15


def test_a_radiance_picture_is_read(tmp_path: Path) -> None:
    """Two rows of 8: a run, and values one by one; 128 with exponent 129 is 1.0."""
    row = b"\x02\x02\x00\x08" + b"\x88\x80" + b"\x08" + bytes(range(8)) + b"\x88\x00" + b"\x88\x81"
    path = tmp_path / "a.hdr"
    path.write_bytes(b"#?RADIANCE\nFORMAT=32-bit_rle_rgbe\n\n-Y 2 +X 8\n" + row + row)
    picture = light.read_radiance(path)
    assert picture.shape == (2, 8, 3)
    assert (picture[..., 0] == 1).all()
    assert np.allclose(picture[1, :, 1], np.arange(8) / 128)
    path.write_bytes(b"#?RADIANCE\n\n+X 8 -Y 2\n")
    with pytest.raises(guise.CorruptFile, match=r"a\.hdr"):
        light.read_radiance(path)
