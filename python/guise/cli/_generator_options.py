"""The options of `guise synthesize` for engines that draw from identity vectors."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Annotated, Any, Optional

import typer

from guise.generation import MAX_INTRA_DISTANCE, GeneratorOptions
from guise.identities import MAX_COSINE, PUBLISHED_MAX_COSINE

_PANEL = "Generators (house-vec2face, vec2face, vec2face-plus)"
_HOUSE = MAX_COSINE["house-vec2face"]


def _parameter(name: str, kind: Any, help: str, default: Any = None) -> inspect.Parameter:
    option = typer.Option(
        "--" + name.replace("_", "-"), help=help, rich_help_panel=_PANEL, show_default=False
    )
    return inspect.Parameter(
        name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=Annotated[kind, option]
    )


GENERATOR_PARAMETERS = (
    _parameter("weights", Optional[str], "Your own converted file of the engine."),
    _parameter(
        "dtype", Optional[str], "float32, or bfloat16 where the processor has it. Default: float32."
    ),
    _parameter(
        "from_images",
        Optional[str],
        "Draw the people of your own consented photos, a folder with one photo a person; the "
        "dataset's card says so.",
    ),
    _parameter(
        "min_separation",
        Optional[float],
        "Least 1 - cosine of any two identities, as vectors and as faces. Default: "
        f"{1 - _HOUSE:g} (house), {1 - PUBLISHED_MAX_COSINE:g} (published).",
    ),
    _parameter(
        "max_intra_distance",
        Optional[float],
        "Largest 1 - cosine of a picture and the face of its identity. Default: "
        f"{MAX_INTRA_DISTANCE:g}.",
    ),
    _parameter("min_quality", Optional[float], "Least quality of a picture. Default: any."),
    _parameter(
        "noise",
        Optional[str],
        "Variation within an identity: strengths, drawn alike, such as 0.3,0.5. Default: 0.3, 0.5 "
        "and 0.7 in 40, 40 and 20 % of the pictures.",
    ),
    _parameter(
        "yaw_targets",
        Optional[str],
        "Turns of the head in degrees, one picture after the other, such as -60,-30,0,30,60.",
    ),
    _parameter(
        "steer_quality", Optional[float], "Move each vector until its face has this quality."
    ),
    _parameter("no_identity_gate", bool, "Keep pictures whatever face they show.", default=False),
)
_NAMES = tuple(parameter.name for parameter in GENERATOR_PARAMETERS)


def take_generator_options(values: dict[str, Any]) -> GeneratorOptions | None:
    """Takes these options out of a command's; None where none was given. Raises ValueError."""
    given = {name: values.pop(name) for name in _NAMES}
    is_open = given.pop("no_identity_gate")
    kept = {name: value for name, value in given.items() if value is not None}
    if is_open:
        kept["identity_gate"] = False
    for name in ("noise", "yaw_targets"):
        if name in kept:
            kept[name] = _numbers(name, kept[name])
    return GeneratorOptions(**kept) if kept else None


def _numbers(name: str, text: str) -> list[float]:
    try:
        return [float(part) for part in text.split(",")]
    except ValueError:
        flag = "--" + name.replace("_", "-")
        raise ValueError(f"{flag} must be numbers joined by commas; got {text!r}") from None


def refuse_renderer_options(recipe: Mapping[str, Any]) -> None:
    """Raises ValueError where options of the renderer were given to a generator."""
    named = [name for name, value in recipe.items() if value is not None]
    if named:
        flags = ", ".join("--" + name.replace("_", "-") for name in named)
        raise ValueError(f"{flags} are the renderer's; with a generator leave them out")
