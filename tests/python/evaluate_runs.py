"""Small sets of faces that are patterns, and runs of `guise evaluate` on them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import torch
from typer.testing import CliRunner

import guise
from guise import _core
from guise.cli import app

PEOPLE, EACH, SIDE = 6, 4, 112


def picture(person: int, sample: int, side: int = SIDE) -> torch.Tensor:
    """uint8 [side, side, 3]: a pattern of the person, and noise of the sample."""
    rng = np.random.default_rng(person)
    coarse = rng.integers(0, 256, (4, 4, 3)).repeat(side // 4, 0).repeat(side // 4, 1)
    noise = np.random.default_rng([person, sample]).normal(0, 40, coarse.shape)
    return torch.from_numpy(np.clip(coarse + noise, 0, 255).astype(np.uint8))


def write_people(folder: Path, people: int = PEOPLE, each: int = EACH) -> Path:
    for person in range(people):
        (folder / f"p{person}").mkdir(parents=True, exist_ok=True)
        for sample in range(each):
            path = folder / f"p{person}" / f"p{person}_{sample + 1:04d}.png"
            guise.write_image(path, picture(person, sample))
    return folder


def run(*arguments: object, code: int = 0) -> str:
    """What the command prints; it must end with `code`."""
    done = CliRunner().invoke(app, ["evaluate", *map(str, arguments)], env={"COLUMNS": "200"})
    assert done.exit_code == code, done.output + repr(done.exception)
    if code:
        errors = [line for line in done.output.splitlines() if "guise: error" in line]
        assert len(errors) == (code != 130), done.output
    return done.output


def figures(out: Path) -> dict[str, Any]:
    """figures.json, strictly: NaN and infinity are no JSON."""

    def refuse(name: str) -> None:
        raise AssertionError(f"{name} is no JSON")

    text = (out / "figures.json").read_text()
    values: dict[str, Any] = json.loads(text, parse_constant=refuse)
    return values


def bin_of(path: Path, folds: int = 10) -> Path:
    """Genuine and impostor pairs by turns; some pictures stand in several pairs."""
    pictures, same = [], []
    for k in range(2 * folds):
        first, second = (k % PEOPLE, 0), (k % PEOPLE if k % 2 == 0 else (k + 1) % PEOPLE, 1)
        for person, sample in (first, second):
            file = path.with_suffix(".png")
            guise.write_image(file, picture(person, sample))
            pictures.append(file.read_bytes())
        same.append(k % 2 == 0)
    _core.write_verification_bin(str(path), pictures, same)
    return path
