"""Reading a report and the page made of it. Pictures are drawn here."""

from __future__ import annotations

import base64
import json
import re
from pathlib import Path
from typing import Any

import pytest
import torch

import guise
from guise import _core
from guise.report import read_report, write_comparison_page

HEADER = {
    "guise": "9.9.9",
    "format": 1,
    "input": "in",
    "options": {
        "anonymize": {"obscure": {"method": "pixelate"}},
        "detectors": [{"name": "toy", "sha256": "ab"}],
    },
}


def photo(name: str, status: str, **more: Any) -> dict[str, Any]:
    written = status in ("written", "without_face")
    face = {"box": [10, 10, 50, 60], "score": 0.9, "detector": "toy"}
    return {
        "photo": name,
        "status": status,
        "reason": "" if written else "a reason to be named",
        "output": name if written else None,
        "width_px": 120,
        "height_px": 90,
        "faces": [face] if status == "written" else [],
        "doubtful": [face] if status == "review" else [],
        "uncovered": [],
        "method": "pixelate",
        "shape": "ellipse",
        "mask_scale": 1.3,
        "times_ms": {"read": 1.0, "detect": 2.0},
        **more,
    }


def write_report(path: Path, *lines: object) -> Path:
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return path


def plain(colour: tuple[int, int, int], height: int = 90, width: int = 120) -> torch.Tensor:
    return torch.tensor(colour, dtype=torch.uint8).repeat(height, width, 1)


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """A run of four photos: input, output and report."""
    (tmp_path / "in/sub").mkdir(parents=True)
    (tmp_path / "out/sub").mkdir(parents=True)
    for name in ("a.png", "sub/b.png", "c.png"):
        _core.write_image(str(tmp_path / "in" / name), plain((200, 0, 0)))
    for name in ("a.png", "sub/b.png"):
        _core.write_image(str(tmp_path / "out" / name), plain((0, 0, 200)))
    (tmp_path / "in/d.png").write_bytes(b"no picture")
    write_report(
        tmp_path / "report.jsonl",
        HEADER,
        photo("a.png", "written"),
        photo("sub/b.png", "without_face"),
        photo("c.png", "review"),
        photo("d.png", "failed"),
        {"summary": {"total": 4, "seconds": 2.0}},
    )
    return tmp_path


def make(run: Path, **options: Any) -> str:
    path = write_comparison_page(
        run / "page/index.html",
        report=run / "report.jsonl",
        input_folder=run / "in",
        output_folder=run / "out",
        **options,
    )
    return path.read_text(encoding="utf-8")


def pictures(page: str, folder: Path) -> list[tuple[int, int, int]]:
    """The mean colour of every picture on the page."""
    colours = []
    for number, data in enumerate(re.findall(r'src="data:image/jpeg;base64,([^"]+)"', page)):
        file = folder / f"picture{number}.jpg"
        file.write_bytes(base64.b64decode(data))
        mean = _core.read_image(str(file)).float().mean(dim=(0, 1))
        colours.append((round(mean[0].item()), round(mean[1].item()), round(mean[2].item())))
    return colours


def test_without_leave_no_original_is_on_the_page(run: Path) -> None:
    page = make(run)
    colours = pictures(page, run)
    assert len(colours) == 2
    assert all(blue > 150 > red for red, _, blue in colours)
    assert "Do not publish" not in page


def test_with_leave_originals_stand_beside_the_results(run: Path) -> None:
    page = make(run, show_originals=True)
    colours = pictures(page, run)
    # Three originals can be read, two results exist.
    assert sum(red > 150 for red, _, _ in colours) == 3
    assert sum(blue > 150 for _, _, blue in colours) == 2
    assert "Do not publish" in page
    assert page.count("<rect") == 2
    assert "cannot be shown" in page


def test_figures_reasons_and_order(run: Path) -> None:
    page = make(run, title="A & B")
    assert "A &amp; B" in page
    assert page.count("a reason to be named") >= 2
    assert page.index("c.png") < page.index("d.png") < page.index("a.png")
    figures = dict(re.findall(r"<dt>([^<]+)</dt><dd>([^<]+)</dd>", page))
    assert figures["photos"] == "4"
    assert (figures["written"], figures["need review"], figures["failed"]) == ("2", "1", "1")
    assert (figures["faces covered"], figures["time"]) == ("1", "2.0 s")


def test_the_page_needs_nothing_from_elsewhere(run: Path) -> None:
    page = make(run, show_originals=True)
    assert not re.search(r'(?:src|href)="(?!data:)', page)
    assert "url(" not in page
    assert "@import" not in page
    assert "<script" not in page


def test_names_and_reasons_are_text_never_markup(run: Path) -> None:
    bad = "<img src=x onerror=alert(1)>"
    write_report(run / "report.jsonl", HEADER, photo(bad, "failed", reason=bad))
    page = make(run, show_originals=True)
    assert "<img src=x" not in page
    assert "&lt;img src=x" in page


def test_a_name_does_not_lead_out_of_the_folder(run: Path) -> None:
    _core.write_image(str(run / "secret.png"), plain((200, 0, 0)))
    lines = [
        photo("../secret.png", "written", output="../secret.png"),
        photo(str(run / "secret.png"), "written", output=str(run / "secret.png")),
    ]
    write_report(run / "report.jsonl", HEADER, *lines)
    assert pictures(make(run, show_originals=True), run) == []


def test_large_pictures_are_made_small(run: Path) -> None:
    _core.write_image(str(run / "out/a.png"), plain((0, 0, 200), height=800, width=2000))
    write_report(run / "report.jsonl", HEADER, photo("a.png", "written"))
    assert len(pictures(make(run), run)) == 1
    assert tuple(_core.read_image(str(run / "picture0.jpg")).shape) == (256, 640, 3)


def test_only_so_many_pictures(run: Path) -> None:
    page = make(run, show_originals=True, max_pictures=1)
    assert len(pictures(page, run)) == 1
    assert "sub/b.png" in page
    with pytest.raises(ValueError, match="max_pictures"):
        make(run, max_pictures=-1)


def test_an_unfinished_run_says_so(run: Path) -> None:
    text = (run / "report.jsonl").read_text().splitlines()
    (run / "report.jsonl").write_text("\n".join(text[:3]) + '\n{"photo": "c.p')
    report = read_report(run / "report.jsonl")
    assert report.summary is None
    assert [p["photo"] for p in report.photos] == ["a.png", "sub/b.png"]
    assert "did not end" in make(run)


def test_the_last_word_on_a_photo_counts(run: Path) -> None:
    write_report(
        run / "report.jsonl",
        HEADER,
        photo("a.png", "failed"),
        {"summary": {"seconds": 1.0}},
        photo("a.png", "written"),
        {"summary": {"seconds": 5.0}},
    )
    report = read_report(run / "report.jsonl")
    assert [p["status"] for p in report.photos] == ["written"]
    assert report.summary == {"seconds": 5.0}


@pytest.mark.parametrize(
    "text", ["", "[]\n", "{}\n", 'x\n{"guise": "1"}\n', '{"guise": "1"}\n{"photo": 3}\n']
)
def test_what_is_no_report_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "report.jsonl"
    path.write_text(text)
    with pytest.raises(guise.CorruptFile, match=r"report\.jsonl"):
        read_report(path)
    with pytest.raises(guise.Unavailable, match="readable report"):
        read_report(tmp_path / "none.jsonl")
