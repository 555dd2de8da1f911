"""`guise render OUT`: a folder of faces of nobody, with the ground truth of each picture."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated, Any

import typer

from guise import _core
from guise.cli import _console
from guise.cli._console import EXIT_INTERRUPTED, EXIT_OK, note, say
from guise.cli._progress import ctrl_c_sets_a_flag, picture_progress
from guise.cli._render_options import with_recipe_options
from guise.face_folder import FaceFolder, FolderPlan
from guise.rendering import RenderedFaces, Renderer

# Pictures of one call of the engine, in pixels: so that Ctrl-C is answered within a second or two.
_BATCH_PIXELS = 64 * 224 * 224
_MOST_IN_A_BATCH = 128
_ENGINE = _core.RenderOptions().as_dict()
_FACES, _FILES = "Faces", "Files"


_Out = Annotated[Path, typer.Argument(metavar="OUT", help="The folder to write.")]
_Identities = Annotated[
    int, typer.Option("--identities", "-n", help="People.", rich_help_panel=_FACES)
]
_Images = Annotated[
    int, typer.Option("--images-per-identity", "-m", help="Photos each.", rich_help_panel=_FACES)
]
_First = Annotated[int, typer.Option(help="Number of the first person.", rich_help_panel=_FACES)]
_Seed = Annotated[int, typer.Option(help="Another seed, other people.", rich_help_panel=_FACES)]
_Preset = Annotated[
    str,
    typer.Option(
        help="Where the options below start: default, frontal, passport or clean.",
        rich_help_panel=_FACES,
    ),
]
_Size = Annotated[
    int | None,
    typer.Option(
        help=f"Height and width in px, 32 to 1024. Default: {_ENGINE['size_px']}.",
        rich_help_panel=_FILES,
        show_default=False,
    ),
]
_Format = Annotated[str, typer.Option(help="jpg or png.", rich_help_panel=_FILES)]
_Sheet = Annotated[
    bool,
    typer.Option("--sheet", help="Also write sheet.png: a row a person.", rich_help_panel=_FILES),
]
_Maps = Annotated[
    bool,
    typer.Option(
        "--maps",
        help="Also write part masks (png), normals and depth (safetensors).",
        rich_help_panel=_FILES,
    ),
]
_Overwrite = Annotated[
    bool,
    typer.Option(
        "--overwrite",
        help="Start anew and replace files of the same names. Nothing is ever deleted.",
        rich_help_panel=_FILES,
    ),
]
_Threads = Annotated[
    int | None,
    typer.Option(
        help="Pictures at a time. Default: one per processor.",
        rich_help_panel=_FILES,
        show_default=False,
    ),
]


@with_recipe_options
def render(
    target: _Out,
    identities: _Identities = 6,
    images_per_identity: _Images = 8,
    first_identity: _First = 0,
    seed: _Seed = 0,
    preset: _Preset = "default",
    size: _Size = None,
    format: _Format = "jpg",
    sheet: _Sheet = False,
    maps: _Maps = False,
    overwrite: _Overwrite = False,
    threads: _Threads = None,
    **recipe: Any,
) -> None:
    """Render faces of people who never existed into OUT.

    Writes OUT/IDENTITY/SAMPLE.jpg and OUT/ground_truth.jsonl: landmarks, pose, box and everything
    that was drawn, a line a picture. The same command gives the same bytes; started again after a
    stop it goes on, and with more identities it goes further.

    Exit status: 0 all written, 2 wrong use, 4 something is missing or full, 130 stopped.
    """
    given = {"size_px": size, "threads": threads, "maps": maps or None}
    with _console.expected_errors():
        options = _core.RecipeOptions.preset(preset)
        for name, value in recipe.items():
            if value is not None:
                setattr(options, name, value)
        chosen: dict[str, Any] = {k: v for k, v in given.items() if v is not None}
        renderer = Renderer(options=options, **chosen)
        plan = FolderPlan(
            seed=seed,
            first_identity=first_identity,
            identities=identities,
            images_per_identity=images_per_identity,
            format=format,
            options=renderer.options,
        )
        with FaceFolder(target, plan, overwrite=overwrite) as folder:
            code = _render_folder(renderer, folder, sheet=sheet)
    raise typer.Exit(code)


def _render_folder(renderer: Renderer, folder: FaceFolder, *, sheet: bool) -> int:
    total, before = folder.plan.count, folder.done
    started = time.monotonic()
    show = picture_progress(total)
    with ctrl_c_sets_a_flag("the pictures in hand") as stopped, show:
        while not stopped.is_set() and (part := folder.missing(_batch_size(renderer.options))):
            folder.write(renderer.render(part, seed=folder.plan.seed))
            show.update(folder.done, folder.done - before, time.monotonic() - started)
        if sheet and not stopped.is_set():
            folder.write_sheet(lambda pairs: _rendered(renderer, pairs, folder.plan.seed))
    seconds = time.monotonic() - started
    made = folder.done - before
    rate = f"{made / seconds:.1f} pictures/s" if made else "all were there"
    say(f"{folder.path}: {folder.done} of {total} pictures, {made} new, {seconds:.1f} s, {rate}")
    if folder.done < total:
        note("guise: stopped; run the same command to go on")
        return EXIT_INTERRUPTED
    return EXIT_OK


def _rendered(renderer: Renderer, pairs: list[tuple[int, int]], seed: int) -> RenderedFaces:
    return renderer.render(pairs, seed=seed)


def _batch_size(options: dict[str, Any]) -> int:
    pixels: int = options["size_px"] ** 2
    return max(1, min(_MOST_IN_A_BATCH, _BATCH_PIXELS // pixels))
