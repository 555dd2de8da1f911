"""A folder of rendered faces: which pictures it should hold, which it has, and their ground truth.

    OUT/000000/003.jpg                  identity 0, sample 3
    OUT/000000/003.parts.png            with maps: part of each pixel, grey values
    OUT/000000/003.maps.safetensors     with maps: normals float16 [S, S, 3], depth float32 [S, S]
    OUT/ground_truth.jsonl              first line: what decides about the pictures; then one a line
    OUT/sheet.png

Pictures are written before their lines, so a line promises its files. Nothing is ever deleted.
"""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from guise import _core, models
from guise.contact_sheet import contact_sheet
from guise.rendering import LARGEST_NUMBER, LARGEST_SEED, RenderedFaces

GROUND_TRUTH = "ground_truth.jsonl"
SHEET = "sheet.png"
_FORMATS = ("jpg", "png")
# A larger sheet serves nobody.
_SHEET_ROWS, _SHEET_COLUMNS, _SHEET_TILE_PX = 24, 16, 224
_HOUSE_MODELS = ("house-head", "house-skin", "house-light")

Pairs = list[tuple[int, int]]


@dataclass(frozen=True)
class FolderPlan:
    """What a folder should hold. `options`: `Renderer.options`."""

    seed: int
    first_identity: int
    identities: int
    images_per_identity: int
    format: str
    options: dict[str, Any]

    def __post_init__(self) -> None:
        for name in ("identities", "images_per_identity"):
            if getattr(self, name) < 1:
                flag = "--" + name.replace("_", "-")
                raise ValueError(f"{flag} must be at least 1; got {getattr(self, name)}")
        for name in ("first_identity", "seed"):
            if getattr(self, name) < 0:
                flag = "--" + name.replace("_", "-")
                raise ValueError(f"{flag} must be at least 0; got {getattr(self, name)}")
        if self.seed > LARGEST_SEED:
            raise ValueError(f"--seed must be at most {LARGEST_SEED}; got {self.seed}")
        last = self.first_identity + self.identities - 1
        if max(last, self.images_per_identity - 1) > LARGEST_NUMBER:
            raise ValueError(
                f"people and photos must have numbers of at most {LARGEST_NUMBER}; got {last} and "
                f"{self.images_per_identity - 1}"
            )
        if self.format not in _FORMATS:
            raise ValueError(f"--format must be {' or '.join(_FORMATS)}; got {self.format!r}")

    @property
    def count(self) -> int:
        return self.identities * self.images_per_identity

    def pair(self, index: int) -> tuple[int, int]:
        """(identity, sample) of the picture at this place of the folder's order."""
        person, sample = divmod(index, self.images_per_identity)
        return self.first_identity + person, sample

    def header(self) -> dict[str, Any]:
        """All that decides about the pictures, but not how many people there are."""
        render = {k: v for k, v in self.options.items() if k not in ("recipe", "threads")}
        return {
            "guise": _core.__version__,
            "seed": self.seed,
            "first_identity": self.first_identity,
            "images_per_identity": self.images_per_identity,
            "format": self.format,
            **render,
            "recipe": self.options["recipe"],
            "models": {name: models.get(name).sha256 for name in _HOUSE_MODELS},
        }


class FaceFolder:
    """Opens `path`, which may hold an earlier run of the same plan; `done` pictures are there.

    Locks it until it is closed. Raises ValueError where it holds anything else, unless `overwrite`:
    then the run starts anew and replaces what has the same name; Unavailable where another run
    writes to it.
    """

    def __init__(self, path: Path, plan: FolderPlan, *, overwrite: bool = False) -> None:
        self.path = path
        self.plan = plan
        self.done = 0
        self._tiles: dict[tuple[int, int], torch.Tensor] = {}
        if path.exists() and not path.is_dir():
            raise ValueError(f"OUT must be a folder; {path} is a file")
        path.mkdir(parents=True, exist_ok=True)
        self._lock = _locked(path)
        try:
            self._begin(overwrite)
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> FaceFolder:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Lets other runs write to the folder."""
        os.close(self._lock)

    def _begin(self, overwrite: bool) -> None:
        truth = self.path / GROUND_TRUTH
        if truth.exists() and not overwrite:
            self.done = self._take_up(truth)
        elif any(self.path.iterdir()) and not overwrite:
            raise ValueError(
                "OUT must be new, empty, or hold an earlier run with the same options; "
                f"{self.path} has other files; choose another folder, or --overwrite"
            )
        else:
            begun = truth.with_name(f".{truth.name}.part")
            begun.write_text(json.dumps(self.plan.header()) + "\n", encoding="utf-8")
            begun.replace(truth)

    def _take_up(self, truth: Path) -> int:
        """How many pictures the lines of an earlier run promise; a line cut short is cut off."""
        lines = truth.read_bytes().split(b"\n")
        whole, rest = lines[:-1], lines[-1]
        try:
            header = json.loads(whole[0]) if whole else None
        except ValueError:
            header = None
        wanted = self.plan.header()
        if not isinstance(header, dict) or "guise" not in header:
            raise _core.CorruptFile(
                f"{truth} must begin with a line of options; it does not; choose another folder, "
                "or --overwrite"
            )
        differing = [key for key in {**header, **wanted} if header.get(key) != wanted.get(key)]
        if differing:
            raise ValueError(
                f"{self.path} holds a run with other options ({_differences(header, wanted)}); "
                "give the same, choose another folder, or --overwrite"
            )
        if rest:
            with truth.open("r+b") as file:
                file.truncate(truth.stat().st_size - len(rest))
        return min(len(whole) - 1, self.plan.count)

    def missing(self, most: int) -> Pairs:
        """The next pictures, at most so many; empty where the folder is complete."""
        end = min(self.done + most, self.plan.count)
        return [self.plan.pair(index) for index in range(self.done, end)]

    def write(self, faces: RenderedFaces) -> None:
        """Writes the pictures of the last `missing`, then their lines."""
        lines = [self._write_picture(faces, i) + "\n" for i in range(len(faces))]
        with (self.path / GROUND_TRUTH).open("ab") as file:
            file.write("".join(lines).encode())
            file.flush()
            os.fsync(file.fileno())
        self.done += len(lines)
        for i, pair in enumerate(_pairs(faces)):
            if pair in self._sheet_places():
                self._tiles[pair] = faces.images[i]

    def _write_picture(self, faces: RenderedFaces, i: int) -> str:
        """Writes one picture, whole or not at all; returns its line."""
        identity, sample = int(faces.identities[i]), int(faces.samples[i])
        name = f"{identity:06d}/{sample:03d}"
        (self.path / name).parent.mkdir(exist_ok=True)
        file = f"{name}.{self.plan.format}"
        _core.write_image(str(self.path / file), faces.images[i])
        if faces.parts is not None and faces.normals is not None and faces.depth is not None:
            grey = faces.parts[i].unsqueeze(-1).expand(-1, -1, 3).contiguous()
            _core.write_image(str(self.path / f"{name}.parts.png"), grey, grey=True)
            maps = {"normals": faces.normals[i].half(), "depth": faces.depth[i]}
            _core.write_safetensors(str(self.path / f"{name}.maps.safetensors"), maps)
        yaw, pitch, roll = _rounded(faces.pose_deg[i])
        facts = {
            "file": file,
            "identity": identity,
            "sample": sample,
            "box": _rounded(faces.boxes[i]),
            "yaw_deg": yaw,
            "pitch_deg": pitch,
            "roll_deg": roll,
            "landmarks_5": _rounded(faces.landmarks_5[i]),
            "landmarks_68": _rounded(faces.landmarks_68[i]),
        }
        return f'{json.dumps(facts)[:-1]}, "parameters": {faces.parameter_texts[i]}}}'

    # ---- the sheet ----

    def _sheet_places(self) -> dict[tuple[int, int], None]:
        rows = min(self.plan.identities, _SHEET_ROWS)
        columns = min(self.plan.images_per_identity, _SHEET_COLUMNS)
        first = self.plan.first_identity
        return dict.fromkeys((first + r, c) for r in range(rows) for c in range(columns))

    def write_sheet(self, render: Callable[[Pairs], RenderedFaces]) -> None:
        """Writes sheet.png, a row a person. `render` makes pictures that an earlier run wrote."""
        places = list(self._sheet_places())
        absent = [pair for pair in places if pair not in self._tiles]
        if absent:
            again = render(absent)
            self._tiles.update(zip(_pairs(again), again.images, strict=True))
        images = torch.stack([self._tiles[pair] for pair in places])
        columns = min(self.plan.images_per_identity, _SHEET_COLUMNS)
        sheet = contact_sheet(images, columns=columns, tile_px=_SHEET_TILE_PX)
        _core.write_image(str(self.path / SHEET), sheet)


def _locked(path: Path) -> int:
    """A descriptor of the folder that keeps other runs out until it is closed."""
    folder = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(folder)
        raise _core.Unavailable(
            f"another run writes to {path}; wait for its end, or choose another folder"
        ) from None
    except OSError:
        pass  # a file system without locks
    return folder


def _pairs(faces: RenderedFaces) -> Iterator[tuple[int, int]]:
    return zip(faces.identities.tolist(), faces.samples.tolist(), strict=True)


def _rounded(values: torch.Tensor) -> Any:
    """Nested lists with four decimals, a ten-thousandth of a pixel."""
    flat = [round(value, 4) for value in values.flatten().tolist()]
    if values.dim() == 1:
        return flat
    width = values.shape[-1]
    return [flat[i : i + width] for i in range(0, len(flat), width)]


def _differences(header: dict[str, Any], wanted: dict[str, Any]) -> str:
    """What differs, by name, with both values: of dicts the fields."""
    parts = []
    for key in {**header, **wanted}:
        old, new = header.get(key), wanted.get(key)
        if isinstance(old, dict) and isinstance(new, dict):
            parts += [_differences(old, new)] if old != new else []
        elif old != new:
            parts.append(f"{key}: {old} there, {new} asked for")
    return ", ".join(parts)
