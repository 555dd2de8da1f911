"""The plan of a dataset in words: fields, options that were changed, and the command."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from guise import _core

SOURCE_TYPE = "trainedAlgorithmicMedia"
_DRAWN = ("dtype", "draw", "identities")
_GATE_OPTIONS = ("landmark_tolerance", "attempts", "max_given_up_share")

# The plan's words for where a generator's identities come from.
SAMPLED, FROM_PHOTOS, FROM_VECTORS = "sampled", "photos of the user", "vectors of the user"
_PEOPLE = {
    FROM_PHOTOS: "people in photos that the maker of the dataset gave (--from-images)",
    FROM_VECTORS: "people by identity vectors that the maker of the dataset gave",
}

# The plan's word for where provenance is, and what that means.
PROVENANCE = {
    "picture": f"in every picture (XMP: IPTC digital source type {SOURCE_TYPE}, generator, sha256 "
    "of its models) and in this dataset's card",
    "card": "in the dataset's card; the pictures themselves carry no metadata",
    "none": "left out of the pictures on request (--no-provenance); the dataset's card says so",
}


# Why gates turned pictures down, by the engine's words.
REASONS = {
    "no face": "no face found",
    "landmarks": "landmarks disagree",
    "other face": "another face than the identity's",
    "nearer to another": "nearer to another identity",
}


def identity_source(plan: Mapping[str, Any]) -> str:
    """SAMPLED, FROM_PHOTOS or FROM_VECTORS; the renderer's people are sampled."""
    source: str = plan["generator"].get("identities", {}).get("source", SAMPLED)
    return source


def whose_faces(plan: Mapping[str, Any]) -> str:
    """Whose faces a dataset shows: "people who do not exist", unless its maker named others."""
    return _PEOPLE.get(identity_source(plan), "people who do not exist")


def plan_options(plan: Mapping[str, Any]) -> list[tuple[str, str]]:
    """(field, value) of everything in the plan, nested names joined by dots."""
    rows: list[tuple[str, str]] = []

    def walk(values: Mapping[str, Any], prefix: str) -> None:
        for name, value in values.items():
            if isinstance(value, Mapping):
                walk(value, f"{prefix}{name}.")
            else:
                rows.append((prefix + name, _word(value)))

    walk(plan, "")
    return rows


def changed_options(plan: Mapping[str, Any]) -> list[tuple[str, str, str]]:
    """(option, value, default) of the generator's options that differ from this engine's defaults.

    Of generators that draw from identity vectors all, with no default.
    """
    generator = plan.get("generator", {})
    if generator.get("name") != "render":
        drawn = {name: generator[name] for name in _DRAWN if name in generator}
        return [(name, value, "") for name, value in plan_options(drawn)]
    defaults = _core.RecipeOptions().as_dict()
    recipe = generator.get("recipe") or {}
    return [
        (name, _word(value), _word(defaults[name]))
        for name, value in recipe.items()
        if name in defaults and value != defaults[name]
    ]


def plan_command(plan: Mapping[str, Any]) -> str:
    """The command that makes this plan, as a block of Markdown.

    Whatever has a flag is said, also where it is the default of today.
    """
    generator, encoding, gate = plan["generator"], plan["encoding"], plan["gate"]
    options = [
        ("--identities", plan["identities"]),
        ("--images-per-identity", plan["images_per_identity"]),
        ("--first-identity", plan["first_identity"]),
        ("--seed", plan["seed"]),
        ("--engine", generator["name"]),
        ("--size", plan["size_px"]),
        ("--crop", plan["crop"]),
        ("--format", plan["format"]),
        ("--encoding", encoding["format"]),
        ("--jpeg-quality", encoding.get("quality")),
        ("--identities-per-shard", plan["identities_per_shard"]),
    ]
    if gate:
        options.append(("--gate", gate["detector"]))
        options += [(_flag(name), gate[name]) for name in _GATE_OPTIONS]
    if plan["provenance"] != "none":
        options.append(("--provenance", plan["provenance"]))
    if generator["name"] == "render":
        recipe = generator.get("recipe") or {}
        options += [(_flag(name), recipe[name]) for name, _, _ in changed_options(plan)]
    else:
        options += _generator_flags(generator, has_detector=bool(gate))
    words = ["guise synthesize OUT"]
    words += [f"{flag} {value}" for flag, value in options if value is not None]
    words += [] if gate else ["--no-gate"]
    is_open = "identities" in generator and "gate" not in generator["identities"]
    words += ["--no-identity-gate"] if is_open else []
    words += ["--no-provenance"] if plan["provenance"] == "none" else []
    lines = [""]
    for word in words:
        if len(lines[-1]) + len(word) > 88:
            lines.append("")
        lines[-1] += f" {word}" if lines[-1] else word
    return " \\\n".join(f"    {'  ' if place else ''}{line}" for place, line in enumerate(lines))


def _generator_flags(
    generator: Mapping[str, Any], *, has_detector: bool
) -> list[tuple[str, object]]:
    draw, identities = generator.get("draw", {}), generator.get("identities", {})
    own = identities.get("gate", {})
    strengths = draw.get("noise", {}).get("strengths", [])
    flags: list[tuple[str, object]] = [
        ("--dtype", generator.get("dtype")),
        ("--noise", None if has_published_noise(generator) else _joined(strengths)),
        ("--yaw-targets", _joined(draw["yaw_targets_deg"]) if "yaw_targets_deg" in draw else None),
        ("--steer-quality", draw.get("refine", {}).get("min_quality")),
        ("--min-separation", identities.get("min_separation")),
        ("--max-intra-distance", own.get("max_intra_distance")),
        ("--min-quality", own.get("min_quality") or None),
    ]
    if not has_detector:
        flags += [(_flag(name), own.get(name)) for name in ("attempts", "max_given_up_share")]
    return flags


def has_published_noise(generator: Mapping[str, Any]) -> bool:
    """Whether the variation within an identity is what no flag asks for."""
    usual = _core.PerturbOptions().as_dict()
    return bool(generator.get("draw", {}).get("noise") == usual)


def is_whole_command(plan: Mapping[str, Any]) -> bool:
    """Whether `plan_command` says all of the plan but the files of the models."""
    generator = plan["generator"]
    if generator["name"] == "render":
        return True
    shares = generator.get("draw", {}).get("noise", {}).get("shares", [])
    is_said = has_published_noise(generator) or len(set(shares)) == 1
    return is_said and identity_source(plan) == SAMPLED


def _joined(numbers: Iterable[float]) -> str:
    return ",".join(f"{number:g}" for number in numbers)


def _flag(name: str) -> str:
    return "--" + name.replace("_", "-")


def _word(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.6g}"
    if isinstance(value, (list, tuple)):
        return ", ".join(_word(each) for each in value)
    return "none" if value is None else str(value)
