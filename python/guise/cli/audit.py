"""`guise audit DATASET`: what a dataset promises, measured, with a verdict a line."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Optional

import typer
from rich.table import Table
from rich.text import Text

from guise.audit import DEFAULT_RECOGNISER, AuditReport, audit_dataset
from guise.audit.lines import FAIL, PASS, WARN
from guise.cli import _console
from guise.cli._console import EXIT_NEEDS_REVIEW, expected_errors, say
from guise.cli._progress import shown_work

_STYLES = {PASS: "green", WARN: "yellow", FAIL: "bold red"}

_Dataset = Annotated[
    Path,
    typer.Argument(metavar="DATASET", help="A dataset of `guise synthesize`, or of others."),
]
_Against = Annotated[
    Optional[list[Path]],
    typer.Option(
        metavar="GALLERY",
        help="Who must not be shown: a folder of photos, a dataset, an insightface .bin, or a "
        ".safetensors with `vectors` [N, D] of the same recogniser; may be given again.",
    ),
]
_Out = Annotated[
    Optional[Path], typer.Option("--out", "-o", help="A new folder for audit.json and index.html.")
]
_Recogniser = Annotated[
    str, typer.Option(help="Who compares: a recogniser of `guise models list`.")
]
_Population = Annotated[
    Optional[str],
    typer.Option(
        help="Whose false match rates decide, by name in the recogniser's calibration. Default: "
        "rendered; for galleries of photos: real."
    ),
]
_Threshold = Annotated[
    Optional[float], typer.Option(help="The cosine of the same person, instead of all rates.")
]
_Training = Annotated[
    Optional[int],
    typer.Option(
        "--training-people",
        help="So many of the people the house generator learned from are rendered anew; 0: none. "
        "Default: 500, but none for datasets of the engine render.",
    ),
]
_Names = Annotated[
    bool, typer.Option("--name-gallery", help="Name the nearest photos of a gallery.")
]
_Seed = Annotated[int, typer.Option(help="Of the swaps that say what chance does.")]
_Threads = Annotated[int, typer.Option(help="0: one per processor.")]


def audit(
    dataset: _Dataset,
    against: _Against = None,
    out: _Out = None,
    recogniser: _Recogniser = DEFAULT_RECOGNISER,
    population: _Population = None,
    threshold: _Threshold = None,
    training_people: _Training = None,
    name_gallery: _Names = False,
    seed: _Seed = 0,
    threads: _Threads = 0,
) -> None:
    """Audit a dataset: identities, duplicates, leaks, memorised people, balance.

    Each line gives its figure, the limit and a verdict: pass, warn, fail, or not measured. Photos
    of a gallery are never shown, embeddings never written. The same dataset gives the same figures.

    Exit status: 0 no line failed, 2 wrong use, 3 a line failed, 4 something is missing or damaged,
    130 stopped.
    """
    with expected_errors(), shown_work() as progress:
        report = audit_dataset(
            dataset,
            against=against or (),
            out=out,
            recogniser=recogniser,
            population=population,
            threshold=threshold,
            training_people=training_people,
            name_gallery=name_gallery,
            seed=seed,
            threads=threads,
            progress=progress,
        )
    _tell(report)
    if report.written:
        say(f"{out}: {', '.join(path.name for path in report.written)}")
    if report.verdict == FAIL:
        raise typer.Exit(EXIT_NEEDS_REVIEW)


def _tell(report: AuditReport) -> None:
    about, dataset = report.about, report.about["dataset"]
    say(f"{report.name}: {dataset['pictures']} pictures of {dataset['identities']} identities")
    say(f"{about['recogniser']['name']}; same person from cosine {about['threshold']['words']}")
    table = Table()
    for column in ("line", "verdict", "figure", "limit"):
        table.add_column(column, overflow="fold")
    for line in report.lines:
        verdict = Text(line.verdict, style=_STYLES.get(line.verdict, ""))
        table.add_row(Text(line.title), verdict, Text(line.shown), Text(line.limit))
    _console.out.print(table, soft_wrap=False)
    for line in report.lines:
        if line.verdict != PASS:
            say(f"{line.verdict}: {line.title}. {line.sentence}")
    say(f"verdict: {report.verdict}")
