"""`guise report DATASET`: one page about a dataset."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from guise.cli import _console
from guise.cli._console import expected_errors, note, say
from guise.dataset_report import DatasetReport, dataset_report
from guise.dataset_report.charts import number, percent

_Dataset = Annotated[
    Path, typer.Argument(metavar="DATASET", help="A folder that `guise synthesize` wrote.")
]
_Out = Annotated[Path, typer.Option("--out", "-o", help="The page to write.")]
_Recogniser = Annotated[
    str,
    typer.Option(
        help="Who compares the faces: dlib (extra guise[audit], model dlib-resnet) or none."
    ),
]
_People = Annotated[
    int, typer.Option(help="Compare up to 10 pictures of each of this many people, 2 to 1000.")
]
_Seed = Annotated[int, typer.Option(help="Another seed, other people are compared.")]


def report(
    dataset: _Dataset,
    out: _Out = Path("report.html"),
    recogniser: _Recogniser = "dlib",
    people: _People = 200,
    seed: _Seed = 0,
) -> None:
    """Write one HTML page about a dataset: pictures, charts, how well its people differ.

    The page holds all it shows and opens without network. Where the recogniser is not installed,
    the page says what to install and leaves its figures out.

    Exit status: 0 written, 2 wrong use, 4 something is missing or damaged, 130 stopped.
    """
    with expected_errors(), _shown_progress() as progress:
        written = dataset_report(
            dataset, out=out, recogniser=recogniser, people=people, seed=seed, progress=progress
        )
    if written.missing:
        note(f"guise: {written.missing}")
    say(f"{written.path}: {_words(written)}")


def _words(written: DatasetReport) -> str:
    parts = [f"{written.pictures} pictures of {written.identities} people"]
    found = written.similarity
    if found is not None:
        parts += [
            f"EER {percent(found.equal_error)}",
            f"TAR at FAR 1 % {percent(found.tar_at_far_1_percent)}",
            f"d' {number(found.decidability)}",
            f"look-alikes {percent(found.look_alikes)}",
        ]
    return ", ".join(parts)


@contextmanager
def _shown_progress() -> Iterator[Callable[[int, int], None] | None]:
    """A bar on a terminal; nothing elsewhere."""
    if not _console.err.is_terminal:
        yield None
        return
    columns = (TextColumn("comparing"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=_console.err, transient=True) as bar:
        task = bar.add_task("comparing", total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)
