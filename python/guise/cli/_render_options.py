"""The options of `guise render` that the engine decides about: one flag for each of its numbers.

Names, ranges, meanings and defaults are asked of the engine and never written here.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from typing import Annotated, Optional

import typer

from guise import _core

_DEFAULTS = _core.RecipeOptions().as_dict()


def recipe_flag(name: str) -> str:
    """The flag of a field of `RecipeOptions`."""
    return "--" + name.replace("_", "-")


def _parameter(name: str, group: str, low: float, high: float, meaning: str) -> inspect.Parameter:
    option = typer.Option(
        recipe_flag(name),
        help=f"{meaning[:1].upper()}{meaning[1:]}. From {low:g} to {high:g}; "
        f"default: {_DEFAULTS[name]:.3g}.",
        rich_help_panel=group.capitalize(),
        show_default=False,
    )
    return inspect.Parameter(
        name,
        inspect.Parameter.KEYWORD_ONLY,
        default=None,
        annotation=Annotated[Optional[float], option],  # a type at run time
    )


def with_recipe_options(
    function: Callable[..., None], more: Sequence[inspect.Parameter] = ()
) -> Callable[..., None]:
    """Gives a command that takes `**recipe` one parameter for each field of `RecipeOptions`.

    more: parameters that it takes along with them.
    """
    signature = inspect.signature(function, eval_str=True)
    own = [p for p in signature.parameters.values() if p.kind is not p.VAR_KEYWORD]
    added = [*more, *(_parameter(*axis) for axis in _core.recipe_axes())]
    function.__annotations__.update({p.name: p.annotation for p in added})
    function.__annotations__.pop("recipe", None)
    function.__signature__ = signature.replace(  # type: ignore[attr-defined]
        parameters=[*own, *added]
    )
    return function
