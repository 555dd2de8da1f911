"""The options of `guise anonymize` that the engine decides about, as one table.

Defaults are asked of the engine and never written here.
"""

from __future__ import annotations

import dataclasses
import inspect
from collections.abc import Callable
from typing import Annotated, Any, Optional

import typer

from guise import _core


def _flatten(values: dict[str, Any]) -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for name, value in values.items():
        flat.update(_flatten(value) if isinstance(value, dict) else {name: value})
    return flat


# The engine's own defaults, for the help texts; nothing here repeats one.
_DEFAULTS = _flatten(_core.CollectionOptions().as_dict())


def _plain(value: Any) -> str:
    """As a user would write it: 1.3, not the digits of a 32-bit float."""
    return f"{value:g}" if isinstance(value, float) else str(value)


def _own_if_negative(value: Any) -> str:
    return "the detector's own" if value < 0 else _plain(value)


def _one_per_processor(value: Any) -> str:
    return "one per processor" if value == 0 else str(value)


def _yes_no(value: Any) -> str:
    return "yes" if value else "no"


FACES, MASK, DOUBT, FILES = "Finding faces", "Covering them", "When unsure", "Files"


@dataclasses.dataclass(frozen=True)
class _Option:
    """A command line option that is passed on under `name` when the user gives it.

    It has no value of its own: what the user leaves out, the engine decides.
    """

    name: str
    type: type
    flags: tuple[str, ...]
    panel: str
    text: str
    meaning: Callable[[Any], str] = _plain

    def parameter(self) -> inspect.Parameter:
        """This option as typer reads it."""
        option = typer.Option(
            *self.flags,
            help=f"{self.text} Default: {self.meaning(_DEFAULTS[self.name])}.",
            rich_help_panel=self.panel,
            show_default=False,
        )
        return inspect.Parameter(
            self.name,
            inspect.Parameter.KEYWORD_ONLY,
            default=None,
            annotation=Annotated[Optional[self.type], option],  # a type at run time
        )


_OPTIONS = (
    _Option(
        *("threshold", float, ("--threshold", "--thresh", "-t"), FACES),
        "Score from 0 to 1 at which a candidate is a face.",
        _own_if_negative,
    ),
    _Option(
        *("review_threshold", float, ("--review-threshold",), FACES),
        "Score from 0 to 1 at which a candidate is doubtful.",
        _own_if_negative,
    ),
    _Option(
        *("method", str, ("--method", "--replacewith"), MASK),
        "blur, pixelate (also: mosaic) or solid.",
    ),
    _Option("shape", str, ("--shape",), MASK, "ellipse or box."),
    _Option(
        *("mask_scale", float, ("--mask-scale",), MASK),
        "Size of the mask over the size of the face box.",
    ),
    _Option(
        *("strength", float, ("--strength",), MASK),
        "How coarse the result is, relative to the size of the face: 2 is twice as coarse as 1.",
    ),
    _Option(
        *("feather", float, ("--feather",), MASK),
        "Width of the soft border as a share of the longer side of the face; 0 is none.",
    ),
    _Option(
        *("when_unsure", str, ("--when-unsure",), DOUBT),
        "review: do not write a photo with doubtful candidates, list it. "
        "obscure-all: cover the doubtful ones too and go on.",
    ),
    _Option(
        *("second_look", bool, ("--second-look/--no-second-look",), DOUBT),
        "Search the result again and hold it back if a face shows outside the masks.",
        _yes_no,
    ),
    _Option("format", str, ("--format",), FILES, "keep, jpeg, png or webp."),
    _Option("jpeg_quality", int, ("--jpeg-quality",), FILES, "From 1 to 100."),
    _Option(
        *("hidden", bool, ("--hidden/--no-hidden",), FILES),
        "Take files and folders whose names begin with a dot.",
        _yes_no,
    ),
    _Option(
        *("follow_links", bool, ("--follow-links/--no-follow-links",), FILES),
        "Follow symbolic links.",
        _yes_no,
    ),
    _Option(
        *("report", str, ("--report",), FILES),
        "Where the report goes, as JSON Lines.",
        lambda value: value or "guise-report.jsonl in OUT",
    ),
    _Option(
        *("workers", int, ("--workers",), FILES),
        "Photos worked on at the same time.",
        _one_per_processor,
    ),
    _Option(
        *("max_pixels_in_flight", int, ("--max-pixels-in-flight",), FILES),
        "Pixels of all photos being worked on, which bounds memory.",
    ),
    _Option(
        *("max_pixels", int, ("--max-pixels",), FILES),
        "Pixels of the largest photo that is opened.",
    ),
    _Option(
        *("max_side_px", int, ("--max-side-px",), FILES),
        "Longest side of a photo that is opened, in px.",
    ),
    _Option(
        *("max_file_bytes", int, ("--max-file-bytes",), FILES),
        "Largest file that is opened, in bytes.",
    ),
)


def with_engine_options(function: Callable[..., None]) -> Callable[..., None]:
    """Gives a command that takes `**options` the parameters of `_OPTIONS`, where typer looks."""
    signature = inspect.signature(function, eval_str=True)
    own = [p for p in signature.parameters.values() if p.kind is not p.VAR_KEYWORD]
    added = [option.parameter() for option in _OPTIONS]
    function.__annotations__.update({p.name: p.annotation for p in added})
    function.__annotations__.pop("options", None)
    function.__signature__ = signature.replace(  # type: ignore[attr-defined]
        parameters=[*own, *added]
    )
    return function
