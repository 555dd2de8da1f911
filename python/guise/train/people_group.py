"""Rendered people whom guise's own models learn from. Needs nothing but the engine."""

from __future__ import annotations

from dataclasses import dataclass

from guise import _core

# Of house-vec2face.
GENERATOR_PEOPLE, GENERATOR_SAMPLES, GENERATOR_SEED = 12_000, 5, 4


@dataclass(frozen=True)
class PeopleGroup:
    """Rendered people who share the options of their pictures."""

    name: str
    options: _core.RecipeOptions
    people: int
    samples: int  # pictures of each
    seed: int


def generator_group(
    people: int = GENERATOR_PEOPLE,
    samples: int = GENERATOR_SAMPLES,
    seed: int = GENERATOR_SEED,
) -> PeopleGroup:
    """Who house-vec2face learns from: clean pictures, as Vec2Face's aligned crops show people."""
    recipe = {
        **_core.RecipeOptions.clean().as_dict(),
        "yaw_limit_deg": 75,
        "yaw_tail_share": 0.2,
        "pitch_limit_deg": 25,
        "pitch_sd_deg": 9,
        "roll_limit_deg": 20,
        "roll_sd_deg": 6,
        "mask_share": 0,
        "scarf_share": 0,
        "hand_share": 0,
        "hat_share": 0.04,
        "sunglasses_share": 0.02,
        "glasses_share": 0.3,
        "earring_share": 0.25,
        "environment_share": 0.1,
        "indoor_share": 0.2,
        "outdoor_share": 0.15,
        "studio_share": 0.25,
        "plain_share": 0.3,
        "frame_low_dm": 3.6,
        "frame_high_dm": 3.6,
        "dim_share": 0.04,
        "exposure_sd_ev": 0.15,
    }
    return PeopleGroup("generator", _core.RecipeOptions(**recipe), people, samples, seed)
