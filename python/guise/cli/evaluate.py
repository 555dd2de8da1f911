"""`guise evaluate recogniser | detector | dataset`: figures, tables and curves."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any, Optional

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table as RichTable
from rich.text import Text

from guise.cli import _console
from guise.cli._console import expected_errors, say
from guise.cli._progress import shown_work
from guise.evaluate import dataset as dataset_figures
from guise.evaluate import dataset_words, detector_words, recogniser_words
from guise.evaluate import detector as detector_figures
from guise.evaluate import recogniser as recogniser_figures
from guise.evaluate.results import Table, check_target, write_results

app = typer.Typer(
    help="How good recognisers, detectors and datasets are, on your photos.",
    no_args_is_help=True,
)

_On = Annotated[Path, typer.Option("--on", metavar="PATH", help="What to measure on.")]
_OnSeveral = Annotated[
    Optional[list[Path]],
    typer.Option(
        "--on",
        metavar="PATH",
        help="What to measure on; may be given again. Default: rendered, people whom no dataset "
        "shows (a folder of that name is ./rendered).",
    ),
]
_OutFolder = Annotated[
    Path | None,
    typer.Option(
        "--out", "-o", help="A folder for figures.json, curves (svg) and a page (index.html)."
    ),
]
_Skip = Annotated[
    bool,
    typer.Option("--skip-unreadable", help="Leave out pictures that cannot be read; name them."),
]
_Threads = Annotated[int, typer.Option(help="0: one per processor.")]


@app.command()
def recogniser(
    model: Annotated[str, typer.Option(help="A recogniser of `guise models list`.")],
    on: _On,
    images: Annotated[
        Path | None,
        typer.Option(help="Of a pairs file: the folder of its photos. Default: its own."),
    ] = None,
    out: _OutFolder = None,
    no_flip: Annotated[
        bool, typer.Option("--no-flip", help="Without mirror images: half the time.")
    ] = False,
    aligned: Annotated[
        bool, typer.Option("--aligned", help="All pictures are crops; take them as they are.")
    ] = False,
    detect: Annotated[
        bool, typer.Option("--detect", help="Find and align the face in every picture.")
    ] = False,
    nearest: Annotated[
        int, typer.Option(help="Name so many of the most alike photos of different people.")
    ] = 0,
    skip_unreadable: _Skip = False,
    seed: Annotated[int, typer.Option(help="Of the intervals.")] = 0,
    threads: _Threads = 0,
) -> None:
    """Measure a recogniser: EER, TAR at FAR, rank-1, d', 10-fold accuracy, each with its interval.

    PATH is an insightface .bin, a folder with a folder of photos for each person, a dataset, or a
    pairs file: LFW's pairs.txt, or lines "PATH_A PATH_B 0|1". Pictures of 112 x 112 px are taken
    as crops; in others the largest face is found and aligned.

    Exit status: 0 measured, 2 wrong use, 4 something is missing or damaged, 130 stopped.
    """
    with expected_errors(), _shown_progress() as progress:
        if aligned and detect:
            raise ValueError("--aligned and --detect contradict each other; give one")
        if out is not None:
            check_target(out)
        report = recogniser_figures.evaluate_recogniser(
            model,
            on,
            images=images,
            align="aligned" if aligned else "detect" if detect else "auto",
            flip=not no_flip,
            skip_unreadable=skip_unreadable,
            nearest=nearest,
            seed=seed,
            threads=threads,
            progress=progress,
        )
        title = f"{report.model} on {on.name}"
        _tell(
            title,
            recogniser_words.about(report),
            recogniser_words.tables(report),
            out,
            lambda: (recogniser_figures.report_figures(report), recogniser_words.charts(report)),
        )


@app.command()
def detector(
    model: Annotated[
        list[str], typer.Option(help="A detector of `guise models list`; may be given again.")
    ],
    on: _On,
    boxes: Annotated[
        Path | None,
        typer.Option(help="CSV with the columns file, x0, y0, x1, y1: every face, in px."),
    ] = None,
    out: _OutFolder = None,
    threshold: Annotated[
        float | None, typer.Option(help="Accept score. Default: each detector's own.")
    ] = None,
    iou: Annotated[
        float, typer.Option(help="Overlap from which on a known face counts as found.")
    ] = detector_figures.LEAST_OVERLAP,
    skip_unreadable: _Skip = False,
    threads: _Threads = 0,
) -> None:
    """Measure detectors on a folder of photos: faces found, recall by size, time.

    With --boxes also recall and precision. Photos are shrunk until their largest face has 8 to
    96 px.

    Exit status: 0 measured, 2 wrong use, 4 something is missing or damaged, 130 stopped.
    """
    with expected_errors(), _shown_progress() as progress:
        if out is not None:
            check_target(out)
        reports = detector_figures.evaluate_detector(
            model,
            on,
            boxes=boxes,
            least_overlap=iou,
            threshold=threshold,
            skip_unreadable=skip_unreadable,
            threads=threads,
            progress=progress,
        )
        title = f"{', '.join(report.model for report in reports.reports)} on {on.name}"
        _tell(
            title,
            detector_words.about(reports),
            detector_words.tables(reports),
            out,
            lambda: (detector_figures.report_figures(reports), detector_words.charts(reports)),
        )


@app.command()
def dataset(
    datasets: Annotated[
        list[Path], typer.Argument(metavar="DATASET...", help="Folders of datasets.")
    ],
    on: _OnSeveral = None,
    together: Annotated[
        bool, typer.Option("--together", help="Train once, on all datasets as one.")
    ] = False,
    images: Annotated[
        Optional[int],
        typer.Option(
            help="Train on so many pictures of each dataset (in all, with --together): whole "
            "people, first come."
        ),
    ] = None,
    steps: Annotated[
        Optional[int], typer.Option(help="Budget. Default: the recipe's, some minutes.")
    ] = None,
    out: _OutFolder = None,
    keep: Annotated[
        Optional[Path], typer.Option(help="Write the trained recogniser: a .safetensors file.")
    ] = None,
    seed: Annotated[int, typer.Option(help="Of the training.")] = 1,
    threads: _Threads = 0,
) -> None:
    """Train a small reference recogniser on each DATASET, by a fixed recipe, and measure it.

    Each DATASET is a finished dataset of aligned crops: of `guise synthesize`, or of others in one
    of its formats (112 x 112 px). PATH is what `guise evaluate recogniser` takes. The same
    datasets, seed and threads give the same figures on one machine.

    Exit status: 0 measured, 2 wrong use, 4 something is missing or damaged, 130 stopped.
    """
    with expected_errors(), shown_work() as progress:
        if out is not None:
            check_target(out)
        reports = dataset_figures.evaluate_dataset(
            datasets,
            on=on or (),
            together=together,
            images=images,
            steps=steps,
            keep=keep,
            seed=seed,
            threads=threads,
            progress=progress,
        )
        _tell(
            f"Learned from {', '.join(result.name for result in reports.results)}",
            dataset_words.about(reports),
            dataset_words.tables(reports),
            out,
            lambda: (dataset_figures.datasets_figures(reports), dataset_words.charts(reports)),
        )


def _tell(
    title: str,
    about: Sequence[str],
    tables: Sequence[Table],
    out: Path | None,
    rest: Callable[[], tuple[dict[str, Any], dict[str, str]]],
) -> None:
    """Writes the files first: what is printed is then all there is."""
    written = []
    if out is not None:
        figures, charts = rest()
        written = write_results(
            out, title=title, about=about, tables=tables, figures=figures, charts=charts
        )
    say(title)
    for line in about:
        say(line)
    for table in tables:
        _print(table)
    if written:
        say(f"{out}: {', '.join(path.name for path in written)}")


def _print(table: Table) -> None:
    shown = RichTable(title=table.title, title_justify="left", title_style="bold")
    for place, column in enumerate(table.columns):
        shown.add_column(column, justify="left" if place == 0 else "right", overflow="fold")
    for row in table.rows:
        # Text: names of files may hold what rich would take for markup.
        shown.add_row(*map(Text, row))
    _console.out.print(shown, soft_wrap=False)


@contextmanager
def _shown_progress() -> Iterator[Callable[[int, int], None] | None]:
    """A bar on a terminal; nothing elsewhere."""
    if not _console.err.is_terminal:
        yield None
        return
    columns = (TextColumn("photos"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=_console.err, transient=True) as bar:
        task = bar.add_task("photos", total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)
