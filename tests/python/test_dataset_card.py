"""The card of a dataset: what it says, and that the same plan gives the same text."""

from __future__ import annotations

import json
import re
import shlex
import sys
from pathlib import Path
from typing import Any

import pytest
from toy_dataset import TOTALS, toy_plan
from typer.testing import CliRunner

import guise
from guise import models
from guise.dataset_card import dataset_card, model_licences
from guise.plan_words import changed_options, plan_options
from guise.synthesis import plan_dataset


def card_of(**changed: Any) -> str:
    plan = toy_plan(**changed)
    return dataset_card(plan, TOTALS, model_licences(plan), plan_sha256="cd" * 32)


def command_of(card: str) -> list[str]:
    """The words of the command in the card."""
    lines = [line for line in card.splitlines() if line.startswith("    ")]
    start = next(i for i, line in enumerate(lines) if "guise synthesize" in line)
    text = ""
    for line in lines[start:]:
        text += line.removesuffix("\\")
        if not line.endswith("\\"):
            break
    return shlex.split(text)


def test_the_card_says_how_it_was_made() -> None:
    card = card_of()
    assert card == card_of()
    assert card.startswith("---\nlicense: cc0-1.0\n")
    front = card.split("---\n")[1]
    assert all(re.match(r"(  )*(- )?[a-z_]+: \S|configs:", line) for line in front.splitlines())
    for words in (
        "cd" * 32,
        models.get("house-head").sha256,
        "trainedAlgorithmicMedia",
        "| rejected: no face found | 3 | 12.00 % |",
        "| yaw_sd_deg | 12.5 | 22 |",
        "CC0-1.0 AND MIT",
        "Every picture carries it as XMP",
        "data.open(",
        "guise report",
    ):
        assert words in card, words
    assert not re.search(r"20[0-9]{2}-|seconds", card)
    assert max(map(len, card.splitlines())) < 200


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"size_px": 80, "format": "webdataset", "encoding": "png", "identities_per_shard": 3},
        {"crop": "none", "first_identity": 9, "provenance": "none", "jpeg_quality": 80},
        {"gate": None, "provenance": "card"},
        {"gate": "yunet", "attempts": 3, "landmark_tolerance": 0.2, "max_given_up_share": 1 / 3},
        {"recipe": {"yaw_sd_deg": 1 / 3, "hat_share": 0.0}, "seed": 2**63 + 1},
    ],
)
@pytest.mark.needs_weights("centerface", "yunet")
def test_the_command_of_the_card_makes_the_same_plan(
    options: dict[str, Any], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    from guise.cli import app

    recipe = guise.RecipeOptions(**options.get("recipe", {}))
    wanted = plan_dataset(
        **{"identities": 4, "images_per_identity": 2, **options, "recipe": recipe}
    )
    plan = json.loads(wanted.plan.json)
    card = dataset_card(plan, TOTALS, model_licences(plan), plan_sha256="cd" * 32)
    made: list[str] = []

    def taken(job: Any, *_: Any, **__: Any) -> int:
        made.append(job.plan.json)
        return 0

    monkeypatch.setattr(sys.modules["guise.cli.synthesize"], "_run", taken)
    for name in ("RANK", "WORLD_SIZE", "SLURM_ARRAY_TASK_ID"):
        monkeypatch.delenv(name, raising=False)
    done = CliRunner().invoke(app, [*command_of(card)[1:2], str(tmp_path), *command_of(card)[3:]])
    assert done.exit_code == 0, done.output
    assert made == [wanted.plan.json]


@pytest.mark.parametrize(
    ("format", "words"),
    [
        ("folder", "ImageFolder"),
        ("webdataset", "shard-{000000..000000}.tar"),
        ("recordio", "arcface_torch"),
        ("parquet", "data/train-*.parquet"),
    ],
)
def test_the_card_says_how_to_read_it(format: str, words: str) -> None:
    assert words in card_of(format=format)


def test_the_card_logs_that_provenance_was_left_out() -> None:
    card = card_of(provenance="none")
    assert "left out of the pictures on request (`--no-provenance`)" in card
    assert "--no-provenance" in command_of(card) and "--provenance" not in command_of(card)
    assert "This card carries it" in card_of(provenance="card")


def test_a_model_without_known_licence_makes_no_free_dataset() -> None:
    generator = {**toy_plan()["generator"], "models": {"house-head": "00" * 32, "mine": "11" * 32}}
    card = card_of(generator=generator)
    assert card.startswith("---\nlicense: other\n") and "Not stated" in card
    assert card_of(generator={**generator, "models": {}}).startswith("---\nlicense: other\n")


def test_options_that_differ() -> None:
    assert changed_options(toy_plan()) == [("yaw_sd_deg", "12.5", "22")]
    assert changed_options(toy_plan(generator={"name": "other", "models": {}})) == []
    rows = dict(plan_options(toy_plan(gate=None)))
    assert rows["gate"] == "none" and rows["encoding.quality"] == "95"
    assert rows["generator.recipe.yaw_sd_deg"] == "12.5"


def test_a_card_without_a_gate() -> None:
    assert "No detector looked at the pictures." in card_of(gate=None)
