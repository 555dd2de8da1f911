"""The plan of a dataset in words: fields, options that were changed, and the command."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from guise import _core

SOURCE_TYPE = "trainedAlgorithmicMedia"
_GATE_OPTIONS = ("landmark_tolerance", "attempts", "max_given_up_share")

# The plan's word for where provenance is, and what that means.
PROVENANCE = {
    "picture": f"in every picture (XMP: IPTC digital source type {SOURCE_TYPE}, generator, sha256 "
    "of its models) and in this dataset's card",
    "card": "in the dataset's card; the pictures themselves carry no metadata",
    "none": "left out of the pictures on request (--no-provenance); the dataset's card says so",
}


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

    Knows the options of the generator "render".
    """
    generator = plan.get("generator", {})
    if generator.get("name") != "render":
        return []
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
    recipe = generator.get("recipe") or {}
    options += [(_flag(name), recipe[name]) for name, _, _ in changed_options(plan)]
    words = ["guise synthesize OUT"]
    words += [f"{flag} {value}" for flag, value in options if value is not None]
    words += [] if gate else ["--no-gate"]
    words += ["--no-provenance"] if plan["provenance"] == "none" else []
    lines = [""]
    for word in words:
        if len(lines[-1]) + len(word) > 88:
            lines.append("")
        lines[-1] += f" {word}" if lines[-1] else word
    return " \\\n".join(f"    {'  ' if place else ''}{line}" for place, line in enumerate(lines))


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
