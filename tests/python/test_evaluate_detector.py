"""`guise evaluate detector` with detectors that find white squares."""

from __future__ import annotations

import xml.dom.minidom
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import torch
from evaluate_runs import figures, picture, run

import guise
from guise import _core, evaluate
from guise.evaluate import detector as detector_module


def fake_detect(image: torch.Tensor, *, detectors: Sequence[str], **options: Any) -> Any:
    """Finds the white square, if it is 10 px high or, called sharp, 5; `blind` finds nothing."""
    assert set(options) <= {"threshold"}
    rows = (image.float().mean(2) > 200).nonzero()
    least = {"plain": 10, "sharp": 5, "blind": 10_000}[detectors[0]]
    if not len(rows) or int(rows[:, 0].max() - rows[:, 0].min()) + 1 < least:
        return []
    (y0, x0), (y1, x1) = rows.min(0).values.tolist(), rows.max(0).values.tolist()
    return [_core.Face((x0, y0, x1 + 1, y1 + 1), score=0.9)]


@pytest.fixture
def squares(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Eight photos with a white square of 48 px, one without, and squares.csv beside them."""
    monkeypatch.setattr(detector_module, "detect", fake_detect)
    folder, lines = tmp_path / "photos", ["file,x0,y0,x1,y1,who"]
    (folder / "more").mkdir(parents=True)
    for i in range(8):
        image = torch.zeros(160, 200, 3, dtype=torch.uint8)
        image[20 + i : 68 + i, 30:78] = 255
        guise.write_image(folder / "more" / f"{i}.png", image)
        lines.append(f"more/{i}.png,30,{20 + i},78,{68 + i},x")
    guise.write_image(folder / "empty.png", torch.zeros(40, 40, 3, dtype=torch.uint8))
    (tmp_path / "squares.csv").write_text("\n".join(lines))
    return folder


def test_detectors_side_by_side(squares: Path, tmp_path: Path) -> None:
    out, boxes = tmp_path / "out", tmp_path / "squares.csv"
    models_given = ("--model", "plain", "--model", "sharp", "--model", "blind")
    text = run("detector", *models_given, "--on", squares, "--boxes", boxes, "--out", out)
    assert "recall" in text and "plain" in text and "empty.png" in text
    assert sorted(p.name for p in out.iterdir()) == ["figures.json", "index.html", "sizes.svg"]
    found = figures(out)
    assert found["on"]["photos"] == 9 and found["on"]["known_faces"] == 8
    plain, sharp, blind = found["detectors"]
    assert plain["with_face"]["value"] == pytest.approx(8 / 9)
    assert plain["recall"]["value"] == plain["precision"]["value"] == 1
    assert plain["photos_by_boxes"] == {"0": 1, "1": 8} and plain["without_face"] == ["empty.png"]
    assert blind["recall"]["value"] == 0 and blind["precision"] is None

    def rates(report: dict[str, Any]) -> dict[int, float]:
        return {size["height_px"]: size["found"]["value"] for size in report["sizes"]}

    assert rates(plain)[8] == 0 and rates(plain)[16] == 1
    assert rates(sharp)[8] == 1 and max(rates(sharp)) == 48, "nothing is enlarged"
    assert rates(blind)[48] == 0
    xml.dom.minidom.parse(str(out / "sizes.svg"))


def test_boxes_without_a_face_cost_precision(squares: Path, tmp_path: Path) -> None:
    boxes = tmp_path / "fewer.csv"
    lines = (tmp_path / "squares.csv").read_text().splitlines()
    boxes.write_text(
        "\n".join([*lines[:5], lines[1].replace("30,", "110,").replace("78,", "158,")])
    )
    report = evaluate.evaluate_detector(["plain"], squares, boxes=boxes).reports[0]
    assert report.recall is not None and report.precision is not None
    assert report.recall.value == 4 / 5 and report.precision.value == 4 / 8


def test_without_boxes_the_curve_is_of_its_own_finds(squares: Path) -> None:
    reports = evaluate.evaluate_detector(["plain", "plain", "blind"], squares, threads=1)
    assert [report.model for report in reports.reports] == ["plain", "blind"]
    assert reports.reports[0].recall is None and reports.reports[1].sizes == []
    assert reports.reports[0].sizes[-1].found.value == 1


@pytest.mark.parametrize(
    ("boxes", "code"),
    [
        ("file,x0,y0,x1\nmore/0.png,1,2,3\n", 2),
        ("file,x0,y0,x1,y1\nmore/99.png,1,2,3,4\n", 2),
        ("file,x0,y0,x1,y1\nmore/0.png,5,2,3,4\n", 2),
        ("file,x0,y0,x1,y1\nmore/0.png,1,2,nan,4\n", 2),
        ("file,x0,y0,x1,y1\nmore/0.png,1,2,3\n", 2),
        ("file,x0,y0,x1,y1\n", 2),
        ("", 2),
    ],
)
def test_boxes_that_are_none(squares: Path, tmp_path: Path, boxes: str, code: int) -> None:
    path = tmp_path / "boxes.csv"
    path.write_text(boxes)
    run("detector", "--model", "plain", "--on", squares, "--boxes", path, code=code)


def test_wrong_use_of_detectors(squares: Path, tmp_path: Path) -> None:
    on = ("detector", "--model", "plain", "--on")
    (tmp_path / "none").mkdir()
    run(*on, tmp_path / "none", code=2)
    run(*on, tmp_path / "absent", code=4)
    run(*on, squares, "--boxes", tmp_path / "absent.csv", code=4)
    run(*on, squares, "--iou", 0, code=2)
    (squares / "bad.jpg").write_bytes(b"\xff\xd8\xff")
    text = run(*on, squares, "--out", tmp_path / "o", code=4)
    assert "bad.jpg" in text and "1 of 10" in text and not (tmp_path / "o").exists()
    assert "bad.jpg" in run(*on, squares, "--skip-unreadable")


def test_a_registered_detector_is_needed(tmp_path: Path) -> None:
    guise.write_image(tmp_path / "a.png", picture(0, 0))
    run("detector", "--model", "no-such", "--on", tmp_path, code=2)
    text = run("detector", "--model", "house-head", "--on", tmp_path, code=2)
    assert "a detector must be one of" in text
