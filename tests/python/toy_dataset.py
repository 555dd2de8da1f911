"""A dataset in memory, its plan and its totals, for tests of what is said about datasets."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch

import guise
from guise import models

PEOPLE, EACH, SIDE = 5, 4, 48
HOUSE = ("house-head", "house-skin", "house-light")


class FakePictures:
    """A dataset in memory: flat pictures whose red says the person."""

    def __init__(self, plan: dict[str, Any], attributes: dict[str, Any] | None = None) -> None:
        self.plan = plan
        self.labels = torch.arange(PEOPLE).repeat_interleave(EACH)
        self._attributes = attributes

    def __len__(self) -> int:
        return PEOPLE * EACH

    def __getitem__(self, index: int) -> tuple[torch.Tensor, int]:
        label = index // EACH
        image = torch.zeros(SIDE, SIDE, 3, dtype=torch.uint8)
        image[..., 0] = 40 * label
        image[..., 1] = 10 * (index % EACH)
        return image, label

    def metadata(self, index: int) -> dict[str, Any]:
        label, sample = divmod(index, EACH)
        attributes: dict[str, Any] = {
            "yaw_deg": 10.0 * sample - 15,
            "age_years": 20.0 + label,
            "female": label % 2 == 0,
            "monk_tone": 1 + label * 2.1,
            "occluder": "mask" if sample == 0 else "none",
            "glasses": sample > 1,
            "mood": "<i>odd</i>",
            "drift_px": 0.5 * sample,
            "wheels": label,
        }
        return {
            "file": f"{label:06d}/{sample:03d}.jpg",
            "label": label,
            "identity": 100 + label,
            "sample": sample,
            "attempt": int(index == 3),
            "landmarks": [[16, 18], [32, 18], [24, 27], [18, 35], [30, 35]],
            "box": [8, 4, 40, 46],
            "attributes": self._attributes or attributes,
        }


class ColourRecogniser:
    """Takes the mean colour for the face, with a little of its own for each picture."""

    name = "a toy, 3 numbers"
    same_person = 0.2
    look_alike = 0.1

    def embed(self, image: torch.Tensor, landmarks: Sequence[Sequence[float]]) -> Any:
        assert len(landmarks) == 5
        return (image.double().mean((0, 1)) / 255).numpy() + 0.1


def toy_plan(**changed: Any) -> dict[str, Any]:
    recipe = guise.RecipeOptions().as_dict()
    return {
        "guise": "0.1.0",
        "generator": {
            "name": "render",
            "size_px": 180,
            "recipe": {**recipe, "yaw_sd_deg": 12.5},
            "models": {name: models.get(name).sha256 for name in HOUSE},
        },
        "seed": 7,
        "first_identity": 100,
        "identities": PEOPLE,
        "images_per_identity": EACH,
        "size_px": SIDE,
        "crop": "arcface",
        "format": "folder",
        "encoding": {"format": "jpg", "quality": 95},
        "identities_per_shard": 5,
        "gate": {
            "detector": "centerface",
            "sha256": "ab" * 32,
            "landmark_tolerance": 0.15,
            "attempts": 10,
            "max_given_up_share": 0.05,
        },
        "provenance": "picture",
        **changed,
    }


TOTALS = {
    "end": True,
    "pictures": 20,
    "attempts": 25,
    "rejected": {"no face": 3, "landmarks": 2},
    "given_up": 0,
    "files": [],
}
