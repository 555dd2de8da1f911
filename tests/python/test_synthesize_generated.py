"""Datasets drawn from identity vectors: workers, interruption, parts, gates, options."""

from __future__ import annotations

import json
import random
import shutil
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest
import torch
from test_dataset_card import command_of
from test_synthesize_cli import command, synthesize, tree
from typer.testing import CliRunner, Result

import guise
from guise import _core
from guise.cli import app
from guise.dataset_card import dataset_card, model_licences
from guise.generation import GeneratorOptions
from guise.plan_words import FROM_PHOTOS

ENGINE = "house-vec2face"
PEOPLE, EACH = 4, 3


@pytest.fixture(scope="module")
def vectors() -> torch.Tensor:
    return guise.sample_identities(PEOPLE, seed=0, max_cosine=0.7, draw=False).vectors


def make(
    target: Path, given: GeneratorOptions | None = None, **options: Any
) -> _core.DatasetSummary:
    wanted: dict[str, Any] = {
        "identities": PEOPLE,
        "images_per_identity": EACH,
        "identities_per_shard": 1,
    }
    return guise.synthesize_dataset(
        target, engine=ENGINE, gate=None, generate=given, **{**wanted, **options}
    )


def plan(folder: Path) -> dict[str, Any]:
    read: dict[str, Any] = json.loads((folder / "plan.json").read_text())
    return read


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An undisturbed dataset of sampled people, drawn by one worker."""
    target = tmp_path_factory.mktemp("whole") / "d"
    done = make(target, workers=1)
    assert (done.pictures, done.new_pictures) == (PEOPLE * EACH, PEOPLE * EACH)
    return target


@pytest.mark.parametrize("workers", [2, 4])
def test_workers_change_no_byte(whole: Path, tmp_path: Path, workers: int) -> None:
    make(tmp_path / "d", workers=workers)
    assert tree(tmp_path / "d") == tree(whole)


def test_what_was_stopped_goes_on_byte_for_byte(tmp_path: Path) -> None:
    target, stop = tmp_path / "d", _core.CancelToken()

    def tell(so_far: _core.DatasetSummary) -> None:
        if so_far.new_pictures:
            stop.cancel()

    # Many pictures of each, so that the first report comes before the last shard.
    long = {"images_per_identity": 24}
    given = GeneratorOptions(identity_gate=False)
    first = make(target, given, workers=1, on_progress=tell, cancel=stop, **long)
    assert first.cancelled and 0 < first.new_pictures < PEOPLE * 24
    assert not (target / "manifest.jsonl").exists()
    make(target, given, workers=1, **long)
    make(tmp_path / "undisturbed", given, workers=2, **long)
    assert tree(target) == tree(tmp_path / "undisturbed")


def count_files(folder: Path) -> int:
    return sum(path.is_file() for path in folder.rglob("*"))


def test_kill_at_random_moments_changes_no_byte(tmp_path: Path) -> None:
    wanted = ("--engine", ENGINE, "-n", 8, "-m", 16, "--identities-per-shard", 1)
    target, moments, written = tmp_path / "killed", random.Random(7), 0
    for _ in range(4):
        process = subprocess.Popen(
            command(target, *wanted, "--workers", 2),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        while count_files(target) <= written and process.poll() is None:
            time.sleep(0.005)
        time.sleep(moments.uniform(0, 0.3))
        process.send_signal(signal.SIGKILL)
        process.wait()
        written = count_files(target)
    assert written > 1 and not (target / "manifest.jsonl").exists()
    synthesize(target, *wanted)
    synthesize(tmp_path / "undisturbed", *wanted, "--workers", 1)
    assert tree(target) == tree(tmp_path / "undisturbed")


def test_a_shard_that_is_gone_is_drawn_again(whole: Path, tmp_path: Path) -> None:
    make(tmp_path / "d", shards=(2, 3), workers=1)
    assert not (tmp_path / "d/manifest.jsonl").exists()
    done = make(tmp_path / "d", workers=1)
    assert done.new_pictures == (PEOPLE - 1) * EACH
    assert tree(tmp_path / "d") == tree(whole)


def test_a_person_is_the_same_wherever_the_dataset_begins(whole: Path, tmp_path: Path) -> None:
    make(tmp_path / "d", first_identity=2, identities=1, workers=1)
    found, wanted = tree(tmp_path / "d"), tree(whole)
    pictures = [name for name in found if name.endswith(".jpg")]
    assert pictures == [f"000002/{sample:03}.jpg" for sample in range(EACH)]
    assert all(found[name] == wanted[name] for name in pictures)
    assert len({wanted[name] for name in wanted if name.endswith(".jpg")}) == PEOPLE * EACH


def test_the_plan_says_what_decides_about_a_picture(whole: Path, vectors: torch.Tensor) -> None:
    generator = plan(whole)["generator"]
    assert (generator["name"], generator["dtype"]) == (ENGINE, "float32")
    assert len(generator["vectors_sha256"]) == 64
    assert set(generator["models"]) == {ENGINE, "house-recogniser"}
    assert generator["identities"]["gate"]["max_intra_distance"] == 0.6
    shas = set()
    for rows in (vectors, vectors, vectors * 1.01):
        given = GeneratorOptions(vectors=rows, identity_gate=False)
        job = guise.plan_dataset(engine=ENGINE, gate=None, generate=given, identities=PEOPLE)
        own = json.loads(job.plan.json)["generator"]
        assert own["identities"] == {"source": "vectors of the user"}
        shas.add(own["vectors_sha256"])
    assert len(shas) == 2


def test_other_options_are_another_plan(whole: Path) -> None:
    before = tree(whole)
    with pytest.raises(ValueError, match="strengths"):
        make(whole, GeneratorOptions(noise=[0.1]))
    assert tree(whole) == before


def test_people_that_cannot_be_apart_are_refused(tmp_path: Path, vectors: torch.Tensor) -> None:
    given = GeneratorOptions(min_separation=1.3, identity_gate=False)
    with pytest.raises(ValueError, match=r"\d of 4 were found.*the largest separation at which"):
        make(tmp_path / "d", given)
    apart = 1 - _core.highest_cosine(vectors)
    with pytest.raises(ValueError, match=rf"at least 1\.9; .* are apart by {apart:.3f}"):
        make(tmp_path / "d", GeneratorOptions(vectors=vectors, min_separation=1.9))
    assert not (tmp_path / "d").exists()


def test_a_gate_that_cannot_be_met_ends_with_the_counts(
    tmp_path: Path, vectors: torch.Tensor
) -> None:
    given = GeneratorOptions(vectors=vectors, max_intra_distance=0.001)
    with pytest.raises(guise.Unavailable, match="; 3 showed another face than their identity's"):
        make(tmp_path / "d", given, attempts=1)
    assert not (tmp_path / "d/manifest.jsonl").exists()
    open_gate = GeneratorOptions(vectors=vectors, max_intra_distance=0.001, identity_gate=False)
    assert make(tmp_path / "open", open_gate, attempts=1).pictures == PEOPLE * EACH


@pytest.mark.parametrize(
    ("given", "options", "reason"),
    [
        ({}, {"size_px": 128}, "size_px must be 112 and crop 'arcface'; got 128"),
        ({}, {"crop": "none"}, "got 112 and 'none'"),
        ({}, {"recipe": _core.RecipeOptions()}, "recipe is the renderer's"),
        ({"dtype": "float64"}, {}, "'float32' or 'bfloat16'; got 'float64'"),
        ({"min_separation": 3.0}, {}, "min_separation must lie from 0 to 2; got 3"),
        ({"from_images": "x", "vectors": torch.ones(4, 512)}, {}, "contradict each other"),
        ({"vectors": torch.ones(3, 512) * 0.36}, {}, "identities 0 to 3; .* give 3"),
        ({"vectors": torch.ones(4, 99)}, {}, r"float \[N, 512\]"),
        ({"yaw_targets": [100.0]}, {}, "from -90 to 90 degrees; got 100"),
        ({"noise": []}, {}, "must not be empty"),
    ],
)
def test_wrong_options_say_what_must_hold(
    tmp_path: Path, given: dict[str, Any], options: dict[str, Any], reason: str
) -> None:
    with pytest.raises(ValueError, match=reason):
        make(tmp_path / "d", GeneratorOptions(**given), **options)
    assert not (tmp_path / "d").exists()


def call(target: Path, *arguments: object) -> Result:
    flags = ("--engine", ENGINE, "-n", 2, "-m", 2, "--no-gate", "--workers", 1, *arguments)
    return CliRunner().invoke(app, ["synthesize", str(target), *map(str, flags)])


def test_the_command_takes_the_generators_options(tmp_path: Path) -> None:
    target = tmp_path / "d"
    done = call(target, "--noise", "0.3,0.5", "--dtype", "float32", "--no-identity-gate")
    assert done.exit_code == 0, done.output
    generator = plan(target)["generator"]
    assert generator["draw"]["noise"] == {"shares": [0.5, 0.5], "strengths": [0.3, 0.5]}
    assert generator["dtype"] == "float32"
    assert "gate" not in generator["identities"]
    assert len(list(target.rglob("*.jpg"))) == 4
    shutil.rmtree(target)
    done = call(target, "--yaw-targets", "-20,20", "-n", 1, "-m", 1, "--no-identity-gate")
    assert done.exit_code == 0, done.output
    assert plan(target)["generator"]["draw"]["yaw_targets_deg"] == [-20.0, 20.0]


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        (("--noise", "0.3;0.5"), "--noise must be numbers joined by commas; got '0.3;0.5'"),
        (("--yaw-targets", "left"), "--yaw-targets must be numbers joined by commas; got 'left'"),
        (("--yaw-targets", "-100"), "from -90 to 90 degrees; got -100"),
        (("--dtype", "float64"), "'float32' or 'bfloat16'; got 'float64'"),
        (("--size", 128), "size_px must be 112"),
        (("--mask-share", 0.1), "--mask-share are the renderer's"),
        (("--engine", "render", "--noise", "0.3"), "generate is for the generators"),
    ],
)
def test_wrong_flags_say_what_must_hold(
    tmp_path: Path, flags: tuple[object, ...], said: str
) -> None:
    done = call(tmp_path / "d", *flags)
    assert done.exit_code == 2, done.output
    assert said in " ".join((done.output + done.stderr).split())
    assert not (tmp_path / "d").exists()


def test_the_command_on_the_card_makes_the_same_plan(tmp_path: Path) -> None:
    target = tmp_path / "d"
    given = GeneratorOptions(noise=[0.2, 0.4], yaw_targets=[-20.0, 0.0], min_separation=0.35)
    make(target, given, identities=1, images_per_identity=1, attempts=3)
    card = (target / "README.md").read_text()
    words = command_of(card)
    assert "--no-gate" in words
    assert words[words.index("--attempts") + 1] == "3"
    assert "Not all of the plan can be said" not in card
    again = CliRunner().invoke(app, [words[1], str(target), *words[3:]])
    assert again.exit_code == 0, again.output
    assert "1 of 1 pictures, 0 new" in again.output
    for line in ("| draw.noise.strengths | 0.2, 0.4 |", "0.6 (1 - cosine)", "Faces of nobody"):
        assert line in card, line


def test_the_card_does_not_call_given_people_nobody(tmp_path: Path, vectors: torch.Tensor) -> None:
    make(tmp_path / "d", GeneratorOptions(vectors=vectors), images_per_identity=1)
    made = plan(tmp_path / "d")
    totals = {"pictures": 4, "attempts": 4, "rejected": {}, "given_up": 0}
    by_vectors = (tmp_path / "d" / "README.md").read_text()
    made["generator"]["identities"]["source"] = FROM_PHOTOS
    by_photos = dataset_card(made, totals, model_licences(made), plan_sha256="cd" * 32)
    for card in (by_vectors, by_photos):
        assert "nobody" not in card
        assert "do not exist" not in card
        assert "license: other" in card
        assert "must clear their rights first" in card
        assert "Not all of the plan can be said" in card
    assert "likenesses of real people" in by_photos
    assert "likenesses of real people" not in by_vectors


def test_what_draws_again_is_part_of_the_plan(tmp_path: Path, whole: Path) -> None:
    for change in ({"attempts": 3}, {"max_given_up_share": 0.5}):
        with pytest.raises(ValueError, match=f"identities.gate.{next(iter(change))}"):
            make(whole, **change)
    steered = guise.plan_dataset(
        engine=ENGINE,
        gate=None,
        generate=GeneratorOptions(identity_gate=False, steer_quality=0.5),
        identities=1,
    )
    assert "house-recogniser" in json.loads(steered.plan.json)["generator"]["models"]
