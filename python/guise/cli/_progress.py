"""Progress of commands that make pictures, and a Ctrl-C that leaves nothing half-written."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Protocol

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from typing_extensions import Self

from guise.cli import _console
from guise.cli._console import EXIT_INTERRUPTED, note

_PLAIN_EVERY_S = 5.0


class PictureProgress(Protocol):
    """Shown while it is entered."""

    def __enter__(self) -> Self: ...

    def __exit__(self, *_: object) -> None: ...

    def update(self, done: int, made: int, seconds: float) -> None:
        """done: pictures that are there. made: of these, by this run in so many seconds."""


def picture_progress(total: int) -> PictureProgress:
    """A bar on a terminal, lines elsewhere."""
    return _TerminalProgress(total) if _console.err.is_terminal else _PlainProgress(total)


@contextmanager
def ctrl_c_sets_a_flag(what: str) -> Iterator[threading.Event]:
    """Ctrl-C and SIGTERM set the flag; the second leaves at once. what: what is finished first.

    No KeyboardInterrupt: it could come between a picture and its line of ground truth.
    """
    stopped = threading.Event()

    def stop(*_: object) -> None:
        if stopped.is_set():
            # Pictures appear by rename only, so leaving at once harms none.
            os._exit(EXIT_INTERRUPTED)
        stopped.set()
        note(f"guise: stopping after {what}; Ctrl-C again to leave at once")

    if threading.current_thread() is not threading.main_thread():
        yield stopped
        return
    # What the caller had ignored (nohup, a job in the background) stays ignored.
    heeded = (s for s in (signal.SIGINT, signal.SIGTERM) if signal.getsignal(s) != signal.SIG_IGN)
    before = {each: signal.signal(each, stop) for each in heeded}
    try:
        yield stopped
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)


@contextmanager
def shown_work() -> Iterator[Callable[[str, int, int], None] | None]:
    """A bar on a terminal for each piece of work; elsewhere a line as it begins."""
    if not _console.err.is_terminal:
        told: set[str] = set()

        def tell(what: str, done: int, total: int) -> None:
            if what not in told:
                told.add(what)
                note(f"guise: {what}")

        yield tell
        return
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=_console.err, transient=True) as bar:
        task = bar.add_task("", total=None)
        current = ""

        def show(what: str, done: int, total: int) -> None:
            nonlocal current
            if what != current:
                bar.reset(task, description=what, total=total)
                current = what
            bar.update(task, completed=done, total=total)

        yield show


class _TerminalProgress:
    """A bar on a terminal."""

    def __init__(self, total: int) -> None:
        self._bar = Progress(
            TextColumn("pictures"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[rate]}"),
            TimeRemainingColumn(),
            console=_console.err,
            transient=True,
        )
        self._task = self._bar.add_task("pictures", total=total, rate="")

    def __enter__(self) -> Self:
        self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.stop()

    def update(self, done: int, made: int, seconds: float) -> None:
        self._bar.update(self._task, completed=done, rate=f"{made / seconds:.1f} pictures/s")


class _PlainProgress:
    """A line every few seconds, for logs."""

    def __init__(self, total: int) -> None:
        self._total = total
        self._last = time.monotonic()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def update(self, done: int, made: int, seconds: float) -> None:
        now = time.monotonic()
        if now - self._last >= _PLAIN_EVERY_S:
            self._last = now
            note(f"guise: {done}/{self._total} pictures, {made / seconds:.1f} pictures/s")
