"""The command line: `guise anonymize`, `render`, `synthesize`, `report`, `audit` and more.

Exit codes: 0 all well; 2 wrong use; 3 some photos need review, or a line of an audit failed;
4 something is missing or full; 130 stopped by Ctrl-C.
"""

from __future__ import annotations

import os
import sys
from typing import Annotated

import typer

from guise import _core
from guise.cli._console import EXIT_INTERRUPTED, note, say
from guise.cli.anonymize import anonymize
from guise.cli.audit import audit
from guise.cli.doctor import doctor
from guise.cli.evaluate import app as evaluate_app
from guise.cli.models import app as models_app
from guise.cli.render import render
from guise.cli.report import report
from guise.cli.synthesize import synthesize

app = typer.Typer(
    name="guise",
    help="Takes faces out of photos, and makes faces of nobody.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _print_version(wanted: bool) -> None:
    if wanted:
        say(f"guise {_core.__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool,
        typer.Option(
            "--version", help="Print the version.", callback=_print_version, is_eager=True
        ),
    ] = False,
) -> None:
    pass


app.command()(anonymize)
app.command()(render)
app.command()(synthesize)
app.command()(report)
app.command()(audit)
app.add_typer(evaluate_app, name="evaluate")
app.add_typer(models_app, name="models")
app.command()(doctor)


def main() -> None:
    """The entry point of the `guise` command. Does not return."""
    try:
        app(prog_name="guise")
        code: object = 0
    except SystemExit as ended:
        code = 0 if ended.code is None else ended.code
    except KeyboardInterrupt:
        note("guise: stopped")
        code = EXIT_INTERRUPTED
    sys.stdout.flush()
    sys.stderr.flush()
    # All files are closed and all threads joined; taking libtorch apart would cost 0.4 s more.
    os._exit(code if isinstance(code, int) else 1)
