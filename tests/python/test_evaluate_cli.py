"""`guise evaluate recogniser`: every kind of input, crops and photos, and what is written."""

from __future__ import annotations

import xml.dom.minidom
from pathlib import Path
from typing import Any

import pytest
import torch
from evaluate_runs import EACH, PEOPLE, bin_of, figures, picture, run, write_people
from toy_recogniser import open_toy

import guise
from guise import _core, embedding, evaluate, models
from guise.evaluate import embedded_photos, photo_sets
from guise.evaluate.scores import score

FILES = ["det.svg", "figures.json", "index.html", "roc.svg"]


@pytest.fixture(scope="module")
def embedder(tmp_path_factory: pytest.TempPathFactory) -> _core.Embedder:
    return open_toy(tmp_path_factory.mktemp("toy"))


@pytest.fixture(autouse=True)
def toy(monkeypatch: pytest.MonkeyPatch, embedder: _core.Embedder) -> None:
    """The registry knows a recogniser called toy."""
    known = models.open_embedder

    def open_embedder(name: str) -> _core.Embedder:
        return embedder if name == "toy" else known(name)

    monkeypatch.setattr(models, "open_embedder", open_embedder)


@pytest.fixture(scope="module")
def people(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of identities: p0/p0_0001.png ..."""
    return write_people(tmp_path_factory.mktemp("people") / "faces")


def test_a_folder_of_identities(people: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    text = run("recogniser", "--model", "toy", "--on", people, "--nearest", 3, "--out", out)
    assert "EER" in text and "rank-1" in text and "10-fold" not in text
    assert sorted(path.name for path in out.iterdir()) == FILES
    found = figures(out)
    assert found["on"]["photos"] == PEOPLE * EACH and found["on"]["people"] == PEOPLE
    assert found["pairs"] == {"genuine": 36, "impostor": 240, "exact": True}
    assert [each["far"] for each in found["tar_at_far"]] == [0.1, 0.01], "240 pairs carry no 0.001"
    assert found["folds"] is None and found["ranks"]["1"] <= found["ranks"]["5"]
    assert len(found["nearest_impostors"]) == 3
    for pair in found["nearest_impostors"]:
        assert pair["first"] in text and pair["first"].split("/")[0] != pair["second"].split("/")[0]
    error = found["equal_error"]
    assert 0 <= error["low"] <= error["value"] <= error["high"] <= 1
    for name in ("det.svg", "roc.svg"):
        assert xml.dom.minidom.parse(str(out / name)).documentElement.tagName == "svg"
    assert "toy-0 on faces" in (out / "index.html").read_text()


def test_figures_are_those_of_the_embeddings(people: Path, embedder: _core.Embedder) -> None:
    report = evaluate.evaluate_recogniser(embedder, people)
    crops = torch.stack([picture(p, s) for p in range(PEOPLE) for s in range(EACH)])
    vectors = embedding.embed_crops(crops, model=embedder, flip=True)
    labels = torch.arange(PEOPLE).repeat_interleave(EACH)
    a, b = torch.triu_indices(len(labels), len(labels), 1)
    cosines, same = (vectors[a] * vectors[b]).sum(1).double(), labels[a] == labels[b]
    curve = _core.error_curve(cosines[same], cosines[~same])
    assert report.equal_error.value == pytest.approx(curve.equal_error().rate)
    assert report.tar_at_far[1].tar.value == 1 - curve.at_fmr(0.01).fnmr
    assert report.d_prime == pytest.approx(_core.d_prime(cosines[same], cosines[~same]), rel=1e-4)
    plain = evaluate.evaluate_recogniser(embedder, people, flip=False)
    assert plain.d_prime != report.d_prime


def test_a_verification_set(tmp_path: Path) -> None:
    path = bin_of(tmp_path / "lfw.bin")
    out = tmp_path / "out"
    text = run("recogniser", "--model", "toy", "--on", path, "--out", out)
    assert "10-fold accuracy" in text and "rank-1" not in text
    found = figures(out)
    assert found["pairs"] == {"genuine": 10, "impostor": 10, "exact": True}
    assert found["on"]["photos"] == 9, "of 40, those that differ: each is embedded once"
    bin = _core.read_verification_bin(str(path))
    crops = torch.stack([_core.decode_image_bytes(bin.picture(i)) for i in range(40)])
    rows = embedding.embed_crops(crops, model=models.open_embedder("toy"), flip=True)
    distances = _core.pair_distances(rows, torch.arange(0, 40, 2), torch.arange(1, 40, 2))
    folds = _core.verify_in_folds(distances, torch.tensor(bin.same))
    assert found["folds"]["accuracies"] == folds.accuracies.tolist()


def test_lists_of_pairs_give_the_figures_of_their_pairs(people: Path, tmp_path: Path) -> None:
    lfw, plain, blanks = tmp_path / "pairs.txt", tmp_path / "plain.txt", tmp_path / "plain.csv"
    lfw_lines, lines = ["3\t4"], ["# path path same"]
    for fold in range(3):
        for k in range(4):
            lfw_lines.append(f"p{fold}\t{k % 3 + 1}\t{k % 3 + 2}")
            lines.append(f"p{fold}/p{fold}_000{k % 3 + 1}.png p{fold}/p{fold}_000{k % 3 + 2}.png 1")
        for k in range(4):
            lfw_lines.append(f"p{fold}\t1\tp{k % 2 + 4}\t{k + 1}")
            lines.append(f"p{fold}/p{fold}_0001.png p{k % 2 + 4}/p{k % 2 + 4}_000{k + 1}.png 0")
    lfw.write_text("\n".join(lfw_lines))
    plain.write_text("\n".join(lines))
    blanks.write_text("\n".join(lines[1:]).replace(" ", ","))
    found = []
    for number, path in enumerate((lfw, plain, blanks)):
        out = tmp_path / str(number)
        run("recogniser", "--model", "toy", "--on", path, "--images", people, "--out", out)
        found.append({**figures(out), "on": None, "photos_per_second": None})
    assert found[0] == found[1] == found[2]
    assert found[0]["pairs"]["genuine"] == found[0]["pairs"]["impostor"] == 12


def test_a_dataset(tmp_path: Path) -> None:
    pytest.importorskip("pyarrow")
    import pyarrow
    import pyarrow.parquet

    rows = []
    for person in range(3):
        for sample in range(3):
            guise.write_image(tmp_path / "one.png", picture(person, sample))
            rows.append({"image": {"bytes": (tmp_path / "one.png").read_bytes()}, "label": person})
    (tmp_path / "set").mkdir()
    pyarrow.parquet.write_table(pyarrow.Table.from_pylist(rows), tmp_path / "set/a.parquet")
    report = evaluate.evaluate_recogniser("toy", tmp_path / "set", nearest=1)
    assert (report.kind, report.people, report.genuine) == ("dataset (parquet)", 3, 9)
    assert report.nearest[0].first.startswith("picture ")


def test_many_photos_give_the_same_figures(
    people: Path, monkeypatch: pytest.MonkeyPatch, embedder: _core.Embedder
) -> None:
    embedded = embedded_photos.embed_photos(photo_sets.open_photo_set(people), embedder)
    listed = score(embedded, nearest=5, threads=0)
    monkeypatch.setattr("guise.evaluate.scores.LISTED_PHOTOS", 10)
    counted = score(embedded, nearest=5, threads=0)
    assert listed.listed and not counted.listed
    width = 2 / 65_536
    errors = listed.curve.equal_error(), counted.curve.equal_error()
    assert errors[0].rate == pytest.approx(errors[1].rate, abs=1e-2)
    assert errors[0].threshold == pytest.approx(errors[1].threshold, abs=0.02)
    points = listed.curve.at_fmr(0.01), counted.curve.at_fmr(0.01)
    assert points[0].threshold == pytest.approx(points[1].threshold, abs=0.02 + width)
    assert listed.d_prime == pytest.approx(counted.d_prime, rel=1e-5)
    assert [(p.first, p.second) for p in listed.nearest] == [
        (p.first, p.second) for p in counted.nearest
    ]
    assert counted.curve.impostor == listed.curve.impostor
    intervals = counted.bootstrap([0.1], seed=0, threads=0)
    assert intervals is not None and intervals.equal_error.low <= intervals.equal_error.high


def test_pairs_of_one_person_join_people() -> None:
    pairs = [(0, 1, True), (2, 3, True), (1, 4, True), (0, 2, False), (5, 6, False)]
    made = [photo_sets.PhotoPair(*pair) for pair in pairs]
    assert photo_sets.joined_people(7, made) == [0, 0, 1, 1, 0, 2, 3]


# ---- recogniser: crops and photos ----------------------------------------------------------------


def fake_face(shift: float = 0.0) -> _core.Face:
    points = torch.tensor([[38.3, 51.7], [73.5, 51.5], [56.0, 71.7], [41.5, 92.4], [70.7, 92.2]])
    return _core.Face((20.0 + shift, 20.0, 90.0, 110.0), score=0.9, landmarks=points + shift)


def test_photos_are_detected_and_crops_are_not(
    people: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, embedder: _core.Embedder
) -> None:
    seen = []

    def detect(image: torch.Tensor, **_: Any) -> list[_core.Face]:
        seen.append(tuple(image.shape))
        small = _core.Face((0.0, 0.0, 9.0, 9.0), score=1.0, landmarks=torch.zeros(5, 2))
        return [small, fake_face(8.0)]

    monkeypatch.setattr(embedded_photos, "detect", detect)
    folder = write_people(tmp_path / "mixed", people=2, each=2)
    large = picture(0, 0, side=224)
    guise.write_image(folder / "p0/p0_0001.png", large)
    report = evaluate.evaluate_recogniser(embedder, folder, align="auto")
    assert (report.detected, seen) == (1, [(224, 224, 3)])
    embedded = embedded_photos.embed_photos(photo_sets.open_photo_set(folder), embedder)
    expected = embedding.embed(large, model=embedder, faces=[fake_face(8.0)], flip=True)
    assert embedded.vectors[0].numpy() == pytest.approx(expected.vectors[0].numpy(), abs=1e-5)
    assert evaluate.evaluate_recogniser(embedder, folder, align="detect").detected == 4
    assert evaluate.evaluate_recogniser(embedder, folder, align="aligned").detected == 0


def test_photos_without_a_face_are_named_and_left_out(
    people: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = []

    def detect(image: torch.Tensor, **_: Any) -> list[_core.Face]:
        calls.append(image)
        return [] if len(calls) in (2, 7) else [fake_face()]

    monkeypatch.setattr(embedded_photos, "detect", detect)
    text = run("recogniser", "--model", "toy", "--on", people, "--detect", "--out", tmp_path / "o")
    assert "No face found" in text and "p0/p0_0002.png" in text
    found = figures(tmp_path / "o")
    assert len(found["on"]["without_face"]) == 2
    assert found["on"]["photos"] == PEOPLE * EACH - 2
    monkeypatch.setattr(embedded_photos, "detect", lambda image, **_: [])
    run("recogniser", "--model", "toy", "--on", people, "--detect", code=2)


def test_crops_must_be_square_and_large_enough(tmp_path: Path) -> None:
    folder = write_people(tmp_path / "faces", people=2, each=2)
    guise.write_image(folder / "p1/p1_0001.png", picture(1, 0)[:, :100])
    text = run("recogniser", "--model", "toy", "--on", folder, "--aligned", code=2)
    assert "p1_0001.png" in text and "--detect" in text
    guise.write_image(folder / "p1/p1_0001.png", picture(1, 0, side=32))
    run("recogniser", "--model", "toy", "--on", folder, "--aligned", code=2)
