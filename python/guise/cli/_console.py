"""What every command shares: where text goes, exit codes, and errors as one line."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager

import typer
from rich.console import Console

from guise import _core

EXIT_OK = 0
EXIT_WRONG_USE = 2
EXIT_NEEDS_REVIEW = 3
EXIT_MISSING = 4
EXIT_INTERRUPTED = 130

# Results go to stdout, so that they can be piped; progress and errors go to stderr.
# highlight off: paths and numbers keep the terminal's colour.
out = Console(highlight=False, soft_wrap=True)
err = Console(stderr=True, highlight=False, soft_wrap=True)


def say(text: str = "") -> None:
    """Prints one line to stdout just as it is: rich would turn tabs into blanks."""
    typer.echo(text)


def note(text: str) -> None:
    """Prints one line to stderr."""
    err.print(text, markup=False)


def say_json(value: object) -> None:
    """Prints a value as JSON, in ASCII so that every terminal and pipe takes it."""
    print(json.dumps(value, indent=2))


def fail(text: object, code: int) -> typer.Exit:
    """Prints `guise: error: ...` on one line and returns what to raise."""
    note("guise: error: " + " ".join(str(text).split()))
    return typer.Exit(code)


@contextmanager
def expected_errors() -> Iterator[None]:
    """Turns the errors a user can mend into one line and an exit code; a bug still shows itself."""
    try:
        yield
    except ValueError as error:
        raise fail(error, EXIT_WRONG_USE) from None
    except (_core.Unavailable, _core.CorruptFile) as error:
        raise fail(error, EXIT_MISSING) from None
    except (_core.Cancelled, KeyboardInterrupt):
        note("guise: stopped")
        raise typer.Exit(EXIT_INTERRUPTED) from None
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        raise fail(f"{where}{error.strerror or error}", EXIT_MISSING) from None
