"""The page about a dataset: what it needs, what it says, and what it leaves out."""

from __future__ import annotations

import hashlib
import html.parser
import json
import math
import re
from pathlib import Path
from typing import Any

import pytest
import torch
import typer
from toy_dataset import EACH, PEOPLE, TOTALS, ColourRecogniser, FakePictures, toy_plan
from typer.testing import CliRunner

import guise
from guise import models
from guise.dataset_report import dataset_report, report_pictures


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The files of a dataset that say something about it, without pictures."""
    path = tmp_path / "toy <set>"
    path.mkdir()
    raw = json.dumps(toy_plan()).encode()
    (path / "plan.json").write_bytes(raw)
    shard = {"shard": 0, "first_identity": 100, "identities": 5, **TOTALS, "end": None}
    shard["files"] = [{"name": "000100/ .. 000104/", "bytes": 123_456, "sha256": "0" * 64}]
    lines = [{"guise": "0.1.0", "plan": hashlib.sha256(raw).hexdigest(), "shards": 1}, shard]
    text = "".join(json.dumps(line) + "\n" for line in [*lines, TOTALS])
    (path / "manifest.jsonl").write_text(text)
    run = {"ended_unix_s": 0, "seconds": 4.0, "pictures": 20, "workers": 2}
    (path / "run.jsonl").write_text(json.dumps(run) + '\n{"seconds": 1, "pic')
    return path


def report_on(folder: Path, recogniser: Any = None, **more: Any) -> tuple[Any, str]:
    written = report_pictures(
        more.pop("pictures", FakePictures(toy_plan())),
        folder,
        out=folder.parent / "page.html",
        recogniser=recogniser or ColourRecogniser(),
        people=more.pop("people", 200),
        seed=more.pop("seed", 0),
    )
    return written, written.path.read_text()


class Elements(html.parser.HTMLParser):
    """All elements and their attributes; complains where tags do not close."""

    EMPTY = frozenset({"meta", "img", "br", "link", "input"})

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self._open: list[str] = []
        self.feed(text)
        assert not self._open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))
        if tag not in self.EMPTY:
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag


def test_the_page_needs_nothing_but_itself(folder: Path) -> None:
    _, page = report_on(folder)
    elements = Elements(page).found
    assert not {"script", "link", "iframe", "object", "base"} & {tag for tag, _ in elements}
    for _, attributes in elements:
        assert not any(name.startswith("on") for name in attributes)
        for name in ("src", "href", "srcset", "xlink:href", "data", "poster"):
            assert (attributes.get(name) or "data:image/jpeg;base64,").startswith("data:image/")
    assert "http" not in page and "url(" not in page and "@import" not in page


def test_every_picture_and_chart_has_words(folder: Path) -> None:
    _, page = report_on(folder)
    elements = Elements(page).found
    pictures = [attributes for tag, attributes in elements if tag == "img"]
    charts = [attributes for tag, attributes in elements if tag == "svg"]
    assert len(pictures) == PEOPLE + 2 * math.comb(PEOPLE, 2)
    assert all(re.match(r"identity \d+", str(picture["alt"])) for picture in pictures)
    assert len(charts) >= 12
    assert all(len(str(chart["aria-label"])) > 30 for chart in charts)


def test_every_axis_has_a_unit(folder: Path) -> None:
    _, page = report_on(folder)
    axes = re.findall(r'<text class="axis"[^>]*>([^<]+)</text>', page)
    ups = re.findall(r'<text class="up"[^>]*>([^<]+)</text>', page)
    assert page.count("<svg") == len(axes)
    assert all(re.search(r", \S", axis) for axis in axes)
    assert set(ups) == {"pictures, %", "density, per unit of distance"}
    for axis in ("age, years", "drift, px", "attempts, %", "wheels, no unit stated"):
        assert axis in axes
    assert "variance of the Laplacian, grey levels²" in axes


def test_the_page_says_what_the_dataset_is(folder: Path) -> None:
    written, page = report_on(folder)
    assert (written.pictures, written.identities) == (20, 5)
    assert "<h1>toy &lt;set&gt;</h1>" in page and "<i>" not in page
    plan_sha256 = hashlib.sha256((folder / "plan.json").read_bytes()).hexdigest()
    for words in (
        plan_sha256,
        models.get("house-skin").sha256,
        "trainedAlgorithmicMedia",
        "48 x 48 px",
        "123 kB",
        "rejected: no face found",
        "12 %",  # 3 of 25 attempts
        "1970-01-01 00:00:00 UTC",
        "5.0",  # pictures a second
        "yaw_sd_deg",
        "identity 104, samples 0, 1, 2, 3",
    ):
        assert words in page, words


def test_figures_of_the_page_are_those_of_the_recogniser(folder: Path) -> None:
    written, page = report_on(folder)
    found = written.similarity
    assert found.equal_error == 0 and "<dd>0 %</dd>" in page
    assert len(found.genuine) == PEOPLE * math.comb(EACH, 2)
    assert len(found.impostor) == math.comb(PEOPLE * EACH, 2) - len(found.genuine)
    assert "a toy, 3 numbers" in page and "look-alikes nearer than 0.1" in page
    assert page.count("distance 0.157, cosine") == PEOPLE - 1  # neighbours: 40 of 255 in red
    assert written.missing == ""


def test_the_same_page_for_the_same_dataset(folder: Path) -> None:
    assert report_on(folder)[1] == report_on(folder)[1]
    assert report_on(folder, people=3)[1] == report_on(folder, people=3)[1]
    assert "12 pictures of 3 people" in report_on(folder, people=3)[1]


def test_without_a_recogniser_no_figure_is_made_up(folder: Path) -> None:
    written, page = report_on(folder, recogniser="none")
    assert written.similarity is None and "recogniser: none" in written.missing
    assert written.missing in page
    for word in ("EER", "TAR", "look-alike", "impostor:", "nearest pictures"):
        assert word not in page.split("</style>")[1]


def test_a_missing_recogniser_names_what_to_install(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(__import__("sys").modules, "dlib", None)
    written, page = report_on(folder, recogniser="dlib")
    assert written.similarity is None
    assert 'pip install "guise[audit]"' in written.missing
    assert "pip install &#34;guise[audit]&#34;" in page and "EER" not in page


def test_missing_weights_name_the_command(
    folder: Path, empty_store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(__import__("sys").modules, "dlib", __import__("types"))
    written, page = report_on(folder, recogniser="dlib")
    assert "guise models fetch dlib-resnet" in written.missing and written.missing in page


def test_one_picture_each_is_nothing_to_compare(folder: Path) -> None:
    pictures = FakePictures(toy_plan())
    pictures.labels = torch.arange(PEOPLE * EACH)
    written, page = report_on(folder, pictures=pictures)
    assert written.similarity is None and "Nothing to compare" in page


def test_no_runs_and_no_attributes(folder: Path) -> None:
    (folder / "run.jsonl").unlink()
    _, page = report_on(folder, pictures=FakePictures(toy_plan(), {"odd": None}))
    assert "no record of its runs" in page and "Sharpness" in page


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"recogniser": "arcface"}, "dlib or none; got 'arcface'"),
        ({"people": 1}, "from 2 to 1000"),
        ({"people": 1001}, "got 1001"),
        ({"seed": -1}, "seed must lie from 0"),
        ({"seed": 2**64}, "seed must lie from 0"),
    ],
)
def test_wrong_options_say_what_must_hold(options: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=re.escape(words)):
        dataset_report("nowhere", **options)


def test_what_is_no_dataset_is_refused(tmp_path: Path, folder: Path) -> None:
    with pytest.raises(guise.Unavailable, match="nowhere"):
        dataset_report(tmp_path / "nowhere", recogniser="none")
    manifest = folder / "manifest.jsonl"
    whole = manifest.read_text()
    manifest.write_text("".join(whole.splitlines(keepends=True)[:-1]))
    with pytest.raises(guise.Unavailable, match="finished"):
        report_on(folder)
    manifest.write_text(whole)
    (folder / "plan.json").write_text(json.dumps(toy_plan(seed=8)))
    with pytest.raises(guise.CorruptFile, match="must name the plan"):
        report_on(folder)
    assert not (folder.parent / "page.html").exists()


def test_a_page_that_cannot_be_written_leaves_the_old_one(folder: Path) -> None:
    blocked = folder.parent / "page.html"
    blocked.mkdir()
    before = sorted(folder.parent.iterdir())
    with pytest.raises(guise.Unavailable, match=r"page\.html cannot be written"):
        report_on(folder)
    assert sorted(folder.parent.iterdir()) == before


def test_command(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from guise.cli.report import report

    monkeypatch.setitem(
        dataset_report.__globals__, "open_dataset", lambda path: FakePictures(toy_plan())
    )
    app = typer.Typer()
    app.command()(report)
    out = folder.parent / "new" / "r.html"
    runner = CliRunner()
    done = runner.invoke(app, [str(folder), "--out", str(out), "--recogniser", "none"])
    assert done.exit_code == 0 and "20 pictures of 5 people" in done.output
    assert out.read_text().endswith("</html>\n") or out.read_text().endswith("</html>")
    assert runner.invoke(app, [str(folder), "--people", "1"]).exit_code == 2
