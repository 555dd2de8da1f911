"""`guise evaluate dataset`: the reference recogniser, what it is trained on, and what is said."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from dataset_twins import write_dataset
from evaluate_runs import bin_of, figures, picture, run, write_people

import guise
from guise import _core, embedding, evaluate
from guise.evaluate import dataset as dataset_figures
from guise.evaluate import training_pictures, verification_sets
from guise.evaluate.training_pictures import chosen_rows, open_training_set
from guise.models import CropContract
from guise.train import reference_recogniser
from guise.train.reference_recogniser import ReferenceRecipe, input_sized, train_reference

TINY = replace(ReferenceRecipe(), channels=(4, 8, 8, 16), blocks=(1, 1, 1, 1), dimension=16)
PEOPLE, EACH = 12, 6


@pytest.fixture(autouse=True)
def tiny(monkeypatch: pytest.MonkeyPatch) -> None:
    """A net of a few thousand weights, eight pictures a step."""

    def recipe(**values: int) -> ReferenceRecipe:
        return replace(TINY, **{"steps": 4, "batch": 8, **values})

    monkeypatch.setattr(dataset_figures, "ReferenceRecipe", recipe)


@pytest.fixture(scope="module")
def faces(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder for each of twelve people, six crops each."""
    return write_people(tmp_path_factory.mktemp("faces") / "mine", people=PEOPLE, each=EACH)


@pytest.fixture(scope="module")
def strangers(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """People of other numbers."""
    folder = tmp_path_factory.mktemp("strangers") / "others"
    for person in range(100, 110):
        (folder / f"p{person}").mkdir(parents=True)
        for sample in range(4):
            path = folder / f"p{person}" / f"{sample}.png"
            guise.write_image(path, picture(person, sample))
    return folder


# ---- which pictures ------------------------------------------------------------------------------


def test_whole_people_are_taken_in_their_order() -> None:
    labels = np.array([5, 5, 2, 2, 2, 9, 7, 7, 7, 2])
    rows, people, single = chosen_rows(labels, None)
    assert rows.tolist() == [0, 1, 2, 3, 4, 9, 6, 7, 8] and single == 1
    assert people.tolist() == [0, 0, 1, 1, 1, 1, 2, 2, 2]
    assert chosen_rows(labels, 6)[0].tolist() == [0, 1, 2, 3, 4, 9]
    assert chosen_rows(labels, 7)[0].tolist() == [0, 1, 2, 3, 4, 9], "one picture teaches nothing"
    assert chosen_rows(labels, 8)[0].tolist() == [0, 1, 2, 3, 4, 9, 6, 7]
    assert chosen_rows(labels, 100)[0].tolist() == rows.tolist()
    assert [len(part) for part in chosen_rows(labels, 1)[:2]] == [0, 0]
    assert len(chosen_rows(np.arange(4), None)[0]) == 0


def test_datasets_together_share_the_pictures(faces: Path, strangers: Path) -> None:
    both = open_training_set([faces, strangers], name="both", images=24)
    assert [part.pictures for part in both.parts] == [12, 12]
    assert [part.people for part in both.parts] == [2, 3]
    assert both.labels().tolist() == [0] * 6 + [1] * 6 + [2] * 4 + [3] * 4 + [4] * 4
    pixels = both.read(np.array([0, 11, 12, 23]))
    expected = [(0, 0), (1, 5), (100, 0), (102, 3)]
    for row, (person, sample) in zip(pixels, expected, strict=True):
        assert torch.equal(row, input_sized(picture(person, sample)))


def test_a_picture_is_averaged_down_about_its_corner() -> None:
    ramp = torch.arange(112, dtype=torch.uint8).mul(2)[None, :, None].repeat(112, 1, 3)
    small = input_sized(ramp)
    assert small.shape == (64, 64, 3) and small.dtype == torch.uint8
    places = (torch.arange(64) + 0.5) * 112 / 64 - 0.5
    assert (small[30, 2:-2, 0].float() - 2 * places[2:-2]).abs().max() <= 1


# ---- training ------------------------------------------------------------------------------------


def striped(person: int, sample: int) -> torch.Tensor:
    """uint8 [112, 112, 3]: the person is in the rows; the columns, louder, say nothing."""
    rows = np.random.default_rng([1, person]).normal(0, 22, 7).repeat(16)[:, None]
    columns = np.random.default_rng([2, person, sample]).normal(0, 45, 7).repeat(16)[None]
    grey = np.clip(128 + rows + columns, 0, 255).astype(np.uint8)
    return torch.from_numpy(grey)[..., None].repeat(1, 1, 3)


def trained(labels: np.ndarray, seed: int = 1) -> reference_recogniser.TrainedRecogniser:
    recipe = replace(TINY, channels=(8, 16, 16, 32), steps=120, batch=32)
    pixels = torch.stack([input_sized(striped(i // 6, i % 6)) for i in range(len(labels))])
    return train_reference(pixels, labels, recipe=recipe, seed=seed)


def equal_error(net: reference_recogniser.TrainedRecogniser, folder: Path, on: Path) -> float:
    path = folder / "net.safetensors"
    _core.write_safetensors(str(path), net.tensors())
    contract = CropContract("arcface", 64, 64, (127.5,) * 3, (127.5,) * 3)
    opened = embedding.open_file(path, architecture="house-recogniser", preset="v1", crop=contract)
    return evaluate.evaluate_recogniser(opened, on).equal_error.value


def test_labels_that_are_shuffled_teach_less(tmp_path: Path) -> None:
    torch.set_num_threads(1)
    for person in range(100, 115):
        (tmp_path / f"on/p{person}").mkdir(parents=True)
        for sample in range(4):
            guise.write_image(tmp_path / f"on/p{person}/{sample}.png", striped(person, sample))
    labels = np.repeat(np.arange(40), 6)
    good = equal_error(trained(labels), tmp_path, tmp_path / "on")
    shuffled = np.random.default_rng(0).permutation(labels)
    bad = equal_error(trained(shuffled), tmp_path, tmp_path / "on")
    assert good < 0.6 * bad, (good, bad)


def test_the_same_seed_gives_the_same_weights_and_disturbs_nothing(
    faces: Path, tmp_path: Path
) -> None:
    written = []
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        torch.manual_seed(5)
        path = tmp_path / f"{name}.safetensors"
        evaluate.evaluate_dataset(faces, on=[bin_of(tmp_path / "x.bin")], keep=path, seed=seed)
        written.append(path.read_bytes())
        assert torch.rand(1) == torch.rand(1, generator=torch.Generator().manual_seed(5))
    assert written[0] == written[1] != written[2]


def test_a_budget_smaller_than_the_dataset_reads_no_more_than_it_needs(
    faces: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = []
    known = training_pictures._crop_of
    monkeypatch.setattr(
        training_pictures, "_crop_of", lambda f, row: read.append(row) or known(f, row)
    )
    monkeypatch.setattr(dataset_figures, "HELD_OUT_PRESETS", ())
    found = evaluate.evaluate_dataset(faces, steps=3).results[0]
    assert (found.seen, found.pictures) == (24, PEOPLE * EACH)
    assert len(read) == len(set(read)) == 24


def test_nothing_of_the_training_extra_is_needed() -> None:
    program = """
import sys
sys.modules.update(cv2=None, scipy=None)
from guise import evaluate
print(evaluate.evaluate_dataset.__name__)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.stdout == "evaluate_dataset\n", done.stderr


def test_rows_and_seeds_are_checked() -> None:
    with pytest.raises(ValueError, match="steps must be at least 1"):
        ReferenceRecipe(steps=0)
    labels = np.repeat(np.arange(3), 2)
    with pytest.raises(ValueError, match="those of 6 pictures; got 2"):
        train_reference(torch.zeros(2, 64, 64, 3), labels, recipe=TINY, seed=1)
    with pytest.raises(ValueError, match="seed must lie from 0"):
        train_reference(torch.zeros(6, 64, 64, 3), labels, recipe=TINY, seed=2**40)


# ---- the command ---------------------------------------------------------------------------------


def test_two_datasets_and_both_together(faces: Path, strangers: Path, tmp_path: Path) -> None:
    on, out = bin_of(tmp_path / "lfw.bin"), tmp_path / "out"
    arguments = [faces, strangers, "--on", on, "--images", 20, "--steps", 2]
    text = run("dataset", *arguments, "--out", out)
    assert "20 of 72" in text and "20 of 40" in text and "10-fold accuracy" in text
    found = figures(out)
    assert [each["name"] for each in found["datasets"]] == ["mine", "others"]
    assert [each["people"] for each in found["datasets"]] == [4, 5]
    assert found["recipe"]["steps"] == 2 and found["recipe"]["name"] == "reference recipe v1"
    assert found["datasets"][0]["sets"]["lfw.bin"]["pairs"]["genuine"] == 10
    assert sorted(path.name for path in out.iterdir()) == [
        "det-lfw-bin.svg",
        "figures.json",
        "index.html",
    ]
    assert "mine: EER" in (out / "det-lfw-bin.svg").read_text()
    run("dataset", *arguments, "--together", "--out", out, "--keep", tmp_path / "net.safetensors")
    (both,) = figures(out)["datasets"]
    assert (both["name"], both["pictures"], both["people"]) == ("mine + others", 20, 5)
    assert both["sha256"] == _core.sha256_file(str(tmp_path / "net.safetensors"))
    text = run("dataset", faces, strangers, "--on", on, "--steps", 1)
    assert "differ in size: 40 to 72 pictures" in text


def test_what_is_measured_is_what_is_kept(faces: Path, strangers: Path, tmp_path: Path) -> None:
    path = tmp_path / "net.safetensors"
    found = evaluate.evaluate_dataset(faces, on=strangers, keep=path)
    contract = CropContract("arcface", 64, 64, (127.5,) * 3, (127.5,) * 3)
    opened = embedding.open_file(path, architecture="house-recogniser", preset="v1", crop=contract)
    again = evaluate.evaluate_recogniser(opened, strangers)
    report = found.results[0].reports[0]
    assert report.equal_error == again.equal_error and report.ranks == again.ranks


def test_held_out_people_are_the_default(
    faces: Path, strangers: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = verification_sets.held_out_set
    monkeypatch.setattr(
        dataset_figures, "held_out_set", lambda preset, **values: known(preset, people=3, each=2)
    )
    found = evaluate.evaluate_dataset(faces, steps=1)
    assert [each.name for each in found.sets] == [
        "rendered people, frontal",
        "rendered people, default",
    ]
    assert [report.genuine for report in found.results[0].reports] == [3, 3]
    crops = [photo.read() for photo in found.sets[0].photos.photos]
    assert all(crop.shape == (112, 112, 3) for crop in crops)
    assert found.rendered
    beside = evaluate.evaluate_dataset(faces, on=["rendered", strangers], steps=1)
    assert [each.name for each in beside.sets][1:] == ["rendered people, default", "others"]
    assert beside.rendered


def test_faces_to_measure_on_are_found_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = []

    def face(image: torch.Tensor, **_: object) -> torch.Tensor | None:
        seen.append(image)
        return None if len(seen) == 2 else image[:64, :64].contiguous()

    monkeypatch.setattr(verification_sets, "largest_face", face)
    folder = write_people(tmp_path / "mixed", people=3, each=3)
    for sample in (1, 2):
        guise.write_image(folder / f"p0/p0_000{sample}.png", picture(0, sample, side=224))
    found = verification_sets.verification_set(folder, name="mixed")
    assert (found.detected, len(found.without_face), len(found.photos.photos)) == (2, 1, 8)
    assert [photo.read().shape[0] for photo in found.photos.photos] == [64, *[112] * 7]
    assert len(seen) == 2


# ---- mistakes ------------------------------------------------------------------------------------


def test_wrong_use_ends_before_any_work(
    faces: Path, strangers: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def never(*_: object, **__: object) -> None:
        raise AssertionError("nothing is to be trained")

    monkeypatch.setattr(dataset_figures, "train_reference", never)
    on = ["--on", bin_of(tmp_path / "lfw.bin")]
    run("dataset", faces, "--out", bin_of(tmp_path / "file.bin"), *on, code=2)
    assert "images must be at least 4" in run("dataset", faces, "--images", 3, *on, code=2)
    assert "two datasets or more" in run("dataset", faces, "--together", *on, code=2)
    assert "they are one folder" in run("dataset", faces, faces, "--together", *on, code=2)
    assert "not trained on" in run("dataset", faces, "--on", faces, code=2)
    keep = ["--keep", tmp_path / "n.safetensors"]
    assert "one training" in run("dataset", faces, strangers, *keep, *on, code=2)
    assert "keep must be a file" in run("dataset", faces, "--keep", tmp_path, *on, code=2)
    run("dataset", tmp_path / "absent", *on, code=4)
    run("dataset", faces, "--on", tmp_path / "absent", code=4)
    assert not (tmp_path / "n.safetensors").exists()


def test_datasets_that_teach_nothing_are_refused(tmp_path: Path) -> None:
    on = ["--on", bin_of(tmp_path / "lfw.bin")]
    alone = write_people(tmp_path / "alone", people=1, each=5)
    assert "two people or more" in run("dataset", alone, *on, code=2)
    singles = write_people(tmp_path / "singles", people=5, each=1)
    assert "it has 0 such" in run("dataset", singles, *on, code=2)
    photos = write_people(tmp_path / "photos", people=3, each=2)
    guise.write_image(photos / "p1/p1_0001.png", picture(1, 0, side=160))
    text = run("dataset", photos, *on, code=2)
    assert "picture 2 has 160 x 160 px" in text and "guise.align" in text


def with_plan(folder: Path, **changes: object) -> Path:
    """The plan changed, and the manifest made to fit."""
    plan = {**json.loads((folder / "plan.json").read_text()), **changes}
    old = _core.sha256_file(str(folder / "plan.json"))
    (folder / "plan.json").write_text(json.dumps(plan))
    manifest = folder / "manifest.jsonl"
    new = _core.sha256_file(str(folder / "plan.json"))
    manifest.write_text(manifest.read_text().replace(old, new))
    return folder


def test_plans_tell_what_cannot_be_trained_on(tmp_path: Path) -> None:
    on = ["--on", bin_of(tmp_path / "lfw.bin")]
    for name, first in (("a", 40), ("b", 44), ("c", 46)):
        write_dataset(tmp_path / name, "folder", first=first)
        with_plan(tmp_path / name, crop="arcface")
    a, b, c = (tmp_path / name for name in "abc")
    text = run("dataset", a, b, "--together", *on, code=2)
    assert "the people 44 to 45 of seed 7" in text
    assert "the people 44 to 45 of seed 7" in run("dataset", a, "--on", b, code=2)
    assert "square, of 64 px or more" in run("dataset", a, c, "--together", *on, code=2)
    with_plan(b, crop="none")
    assert "--crop arcface" in run("dataset", b, *on, code=2)
    manifest = a / "manifest.jsonl"
    manifest.write_text("".join(manifest.read_text().splitlines(keepends=True)[:-1]))
    assert "must be a finished dataset" in run("dataset", a, *on, code=4)


def test_stopped_leaves_nothing(
    faces: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(reference_recogniser._Run, "advance", stop)
    on = bin_of(tmp_path / "lfw.bin")
    before = sorted(tmp_path.iterdir())
    run("dataset", faces, "--on", on, "--out", tmp_path / "o", "--keep", tmp_path / "k", code=130)
    assert sorted(tmp_path.iterdir()) == before
