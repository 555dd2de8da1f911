"""`guise audit` on folders of rendered faces: planted faults, privacy, files, mistakes."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
import torch
from audit_sets import WIDTH, rendered_crops, write_crops
from typer.testing import CliRunner

import guise
from guise import _core, embedding
from guise.cli import app
from guise.train.people_group import generator_group

SECRET = "anna-secret-name"


@pytest.fixture(scope="module")
def crops() -> list[tuple[int, int, torch.Tensor]]:
    return rendered_crops(6, [0, 1, 2], seed=5)


@pytest.fixture
def folder(tmp_path: Path, crops: list[tuple[int, int, torch.Tensor]]) -> Path:
    return write_crops(tmp_path / "faces", crops)


def run(*arguments: object, code: int = 0) -> str:
    done = CliRunner().invoke(app, ["audit", *map(str, arguments)], env={"COLUMNS": "160"})
    assert done.exit_code == code, done.output + repr(done.exception)
    return done.output


# ---- planted faults ------------------------------------------------------------------------------


def test_planted_faults_in_files_are_found(
    folder: Path, tmp_path: Path, crops: list[tuple[int, int, torch.Tensor]]
) -> None:
    quick: dict[str, Any] = {"training_people": 0, "threads": 1}
    gallery = write_crops(tmp_path / "gallery", rendered_crops([50, 51, 52], [0], seed=5))
    clean = guise.audit_dataset(folder, against=gallery, **quick)
    ids = ("exact_duplicates", "near_duplicates", "leak_1", "identity_separation")
    assert [clean.line(id).verdict for id in ids] == ["pass"] * 4
    assert clean.line("balance_sex").verdict == "not measured"
    guise.write_image(folder / "000001" / "900.png", crops[0][2])  # of person 0
    shifted = crops[7][2].roll(1, 1).flip(1).contiguous()
    _core.write_image(
        str(folder / "000002" / "901.jpg"), shifted, options=_core.WriteOptions(jpeg_quality=75)
    )
    _core.write_image(
        str(gallery / f"{SECRET}.jpg"), crops[4][2], options=_core.WriteOptions(jpeg_quality=60)
    )
    found = guise.audit_dataset(folder, against=[gallery], **quick)
    assert found.verdict == "fail"
    assert found.line("exact_duplicates").verdict == "fail"
    assert found.line("near_duplicates").figures["inside_one_identity"] == 1
    leak = found.line("leak_1")
    assert leak.verdict == "fail" and leak.figures["copies"] == 1
    assert leak.figures["nearest"][0]["identity"] == crops[4][0]


def test_memorised_renders_are_found(tmp_path: Path) -> None:
    group = generator_group()
    people = [i * group.people // 20 for i in range(20)]
    crops = rendered_crops(people, [1], seed=group.seed, options=group.options)
    folder = write_crops(tmp_path / "memorised", crops)
    report = guise.audit_dataset(folder, training_people=20, threads=1)
    line = report.line("memorisation")
    assert line.verdict == "fail" and line.number > 0.3
    strangers = rendered_crops(people, [1], seed=group.seed + 1, options=group.options)
    clean = write_crops(tmp_path / "clean", strangers)
    assert (
        guise.audit_dataset(clean, training_people=20, threads=1).line("memorisation").verdict
        == "pass"
    )


def test_pictures_that_are_not_cut_out_are_cut_by_their_landmarks(tmp_path: Path) -> None:
    done = CliRunner().invoke(
        app,
        f"synthesize {tmp_path / 'whole'} -n 4 -m 2 --crop none --no-gate --seed 3",
    )
    assert done.exit_code == 0, done.output
    report = guise.audit_dataset(tmp_path / "whole", threads=1)
    assert report.line("memorisation").verdict == "not applicable"
    assert report.line("balance_sex").number is not None
    assert report.line("identity_consistency").figures["cosine_to_centre"]["mean"] > 0.4


# ---- files, privacy, mistakes --------------------------------------------------------------------


def refuse(name: str) -> None:
    raise AssertionError(f"{name} is no JSON")


def test_page_and_json_say_the_same_and_name_nobody(folder: Path, tmp_path: Path) -> None:
    gallery = tmp_path / f"{SECRET}-folder"
    face = rendered_crops([60], [0], seed=5)[0][2]
    gallery.mkdir()
    guise.write_image(gallery / f"{SECRET}.png", face)
    out = tmp_path / "new" / "audit"
    text = run(folder, "--against", gallery, "--out", out, "--training-people", 0, "--threads", 1)
    page, raw = (out / "index.html").read_text(), (out / "audit.json").read_text()
    values = json.loads(raw, parse_constant=refuse)
    assert values["audit"] == 1 and values["recogniser"]["name"] == "house-recogniser"
    assert [line["id"] for line in values["lines"]] == [
        "identity_separation",
        "identity_consistency",
        "exact_duplicates",
        "near_duplicates",
        "leak_1",
        "memorisation",
        "balance_tone",
        "balance_age",
        "balance_sex",
        "balance_pose",
    ]
    for line in values["lines"]:
        assert set(line) == {
            "id", "title", "verdict", "number", "shown", "limit", "sentence", "figures"
        }  # fmt: skip
        assert line["verdict"] in ("pass", "warn", "fail", "not measured", "not applicable")
        assert (line["number"] is None) == line["verdict"].startswith("not ")
        assert line["title"].replace("'", "&#39;") in page
    for written in (text, page, raw):
        assert SECRET not in written
    assert not re.search(r"\b(src|href)=\"(?!data:image/jpeg;base64,|#)", page)
    assert "http" not in page and "<script" not in page and "url(" not in page
    shown = re.findall(r'alt="([^"]*)"', page)
    assert shown and all(re.match(r"identities \d+ and \d+", alt) for alt in shown)
    named = run(
        folder, "--against", gallery, "--training-people", 0, "--threads", 1, "--name-gallery",
        "--out", tmp_path / "named",
    )  # fmt: skip
    assert SECRET in (tmp_path / "named" / "audit.json").read_text() and "verdict" in named


def test_the_same_dataset_gives_the_same_bytes(folder: Path, tmp_path: Path) -> None:
    for name in ("a", "b"):
        run(folder, "--out", tmp_path / name, "--training-people", 0, "--threads", 1)
    for file in ("index.html", "audit.json"):
        assert (tmp_path / "a" / file).read_bytes() == (tmp_path / "b" / file).read_bytes()


def test_a_failed_line_is_exit_code_three(
    folder: Path, crops: list[tuple[int, int, torch.Tensor]]
) -> None:
    guise.write_image(folder / "000001" / "900.png", crops[0][2])
    text = run(folder, "--training-people", 0, "--threads", 1, code=3)
    assert "fail: No picture occurs twice." in text and text.rstrip().endswith("verdict: fail")


def test_a_threshold_of_ones_own_replaces_all_rates(folder: Path) -> None:
    report = guise.audit_dataset(folder, threshold=-1, training_people=0, threads=1)
    line = report.line("identity_separation")
    assert line.number == 1 and line.figures["threshold"]["cosine"] == -1


def test_mistakes_say_what_to_do(folder: Path, tmp_path: Path) -> None:
    def error(*more: object, code: int = 2, dataset: Path = folder) -> str:
        return " ".join(run(dataset, "--threads", 1, *more, code=code).split())

    existing = tmp_path / "there"
    existing.mkdir()
    assert "not there yet" in error("--out", existing)
    assert list(existing.iterdir()) == []
    assert "must be the folder of a dataset" in error(dataset=tmp_path / "nowhere", code=4)
    assert "must hold pictures" in error(dataset=existing)
    (existing / "plan.json").write_text("{}")
    error(dataset=existing, code=4)
    assert "-1 to 1" in error("--threshold", 2)
    assert "from 20" in error("--training-people", 3)
    assert "population must be one of real, rendered" in error("--population", "martian")
    assert "recogniser must be one of" in error("--recogniser", "centerface")
    assert "another folder than the dataset" in error("--against", folder)


def test_bad_galleries_say_what_must_hold(folder: Path, tmp_path: Path) -> None:
    def error(gallery: Path, code: int = 2) -> str:
        out = tmp_path / "out"
        arguments = ("--against", gallery, "--out", out, "--training-people", 0, "--threads", 1)
        text = run(folder, *arguments, code=code)
        assert not out.exists() and len(text.strip().splitlines()) < 8
        return " ".join(text.split())

    def vectors(values: torch.Tensor, name: str = "vectors") -> Path:
        path = tmp_path / "gallery.safetensors"
        _core.write_safetensors(str(path), {name: values})
        return path

    empty = tmp_path / "empty"
    empty.mkdir()
    assert "must hold photos" in error(empty)
    (empty / f"{SECRET}.jpg").write_bytes(b"\xff\xd8 no")
    text = error(empty, 4)
    assert "1 of 1" in text and SECRET not in text
    assert "there is nothing" in error(tmp_path / "nowhere", 4)
    (tmp_path / "note.txt").write_text("no")
    assert "another file" in error(tmp_path / "note.txt")
    good = torch.rand(3, WIDTH)
    assert "must hold 'vectors'" in error(vectors(good, "rows"))
    assert f"must have {WIDTH} numbers" in error(vectors(good[:, :8].contiguous()))
    good[1, 5] = float("nan")
    assert "must be finite" in error(vectors(good)) and "row 1" in error(vectors(good))
    good[1] = 0
    assert "must not be zero" in error(vectors(good))
    assert "must hold 'vectors'" in error(vectors(torch.zeros(0, WIDTH)))


def test_vectors_of_a_gallery_are_compared(
    folder: Path, tmp_path: Path, crops: list[tuple[int, int, torch.Tensor]]
) -> None:
    found = embedding.embed_crops(
        crops[3][2][None], model="house-recogniser", template="arcface", flip=True
    )
    path = tmp_path / "g.safetensors"
    _core.write_safetensors(str(path), {"vectors": 7 * found})
    report = guise.audit_dataset(folder, against=path, training_people=0, threads=1)
    assert report.line("leak_1").figures["copies"] == 1
    assert report.line("leak_1").figures["nearest"][0]["cosine"] == pytest.approx(1, abs=1e-4)


def test_ctrl_c_leaves_nothing(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from guise.audit import run as audit_run

    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(audit_run, "balance_lines", stop)
    text = run(folder, "--out", tmp_path / "o", "--training-people", 0, "--threads", 1, code=130)
    assert "stopped" in text and not (tmp_path / "o").exists()
