"""`guise models list | show | fetch | verify | convert`."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table

from guise import models
from guise.cli import _console
from guise.cli._console import EXIT_MISSING, expected_errors, say, say_json
from guise.models import store
from guise.models.convert import convert_checkpoint
from guise.models.fetch import fetch_model
from guise.models.layouts import ARCHITECTURES
from guise.models.registry import ModelEntry

app = typer.Typer(
    help="Models by name: what there is, where it comes from, what it may be used for.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)

_Name = Annotated[str, typer.Argument(metavar="NAME", help="A name of `guise models list`.")]
_Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def describe(entry: ModelEntry) -> dict[str, Any]:
    """Everything known of a model, and its state on this machine, as plain values."""
    stored = store.inspect(entry)
    values = dataclasses.asdict(entry)
    values["source"] = {"kind": _source_kind(entry), **dataclasses.asdict(entry.source)}
    values["state"] = stored.state
    values["path"] = None if stored.state == "absent" else str(stored.path)
    return values


def _source_kind(entry: ModelEntry) -> str:
    return type(entry.source).__name__.removesuffix("Source").lower()


def _size(entry: ModelEntry) -> str:
    return f"{entry.bytes / 1e6:.1f} MB"


def _crop_in_words(crop: models.CropContract) -> str:
    means, deviations = (" ".join(f"{v:g}" for v in values) for values in (crop.mean, crop.std))
    return (
        f"{crop.template}, {crop.height_px} x {crop.width_px} px, "
        f"(value - [{means}]) / [{deviations}]"
    )


@app.command("list")
def list_command(json: _Json = False) -> None:
    """List every model and whether its file is on this machine and right."""
    with expected_errors():
        entries = models.list()
        if json:
            say_json([describe(entry) for entry in entries])
            return
        columns = ("name", "task", "here", "size", "weights licence", "commercial", "summary")
        rows = [
            (
                entry.name,
                entry.task,
                store.inspect(entry).state,
                _size(entry),
                entry.weights_licence,
                entry.commercial,
                entry.summary,
            )
            for entry in entries
        ]
    if _console.out.is_terminal:
        table = Table(*columns)
        for row in rows:
            table.add_row(*row)
        _console.out.print(table)
    else:
        for row in rows:
            say("\t".join(row))


@app.command()
def show(name: _Name, json: _Json = False) -> None:
    """Show everything known of one model."""
    with expected_errors():
        entry = models.get(name)
        values = describe(entry)
    if json:
        say_json(values)
        return
    contract, pin = entry.input, entry.made_from
    rows = {
        "summary": entry.summary,
        "task": f"{entry.task} ({entry.role})",
        "architecture": f"{entry.architecture}, {entry.preset}, run by {entry.runtime}",
        "input": contract
        and f"{contract.colour}, {contract.low:g} to {contract.high:g}; {contract.size}",
        "crop": contract and contract.crop and _crop_in_words(contract.crop),
        "file": f"{entry.file} {_size(entry)}",
        "sha256": entry.sha256,
        "source": str(entry.source),
        "converted from": f"{pin.file} {pin.sha256}" if pin else "",
        "code licence": entry.code_licence,
        "weights licence": entry.weights_licence,
        "training data": "; ".join(entry.training_data),
        "commercial use": entry.commercial,
        "fetched with it": ", ".join(entry.companions),
        "card": f"models/{entry.card}",
        "here": f"{values['state']} {values['path'] or ''}".strip(),
        "get it": "" if values["state"] == "present" else store.mending_command(entry),
    }
    for label, value in rows.items():
        if value:
            say(f"{label:16} {value}")


@app.command()
def fetch(
    name: _Name,
    from_file: Annotated[
        Path | None,
        typer.Option(
            "--from",
            metavar="FILE",
            help="Take this file instead of downloading: the model, or the archive or checkpoint "
            "it is made from. It must be the registered bytes.",
            show_default=False,
        ),
    ] = None,
    accept_licence: Annotated[
        bool,
        typer.Option(
            "--accept-licence", help="Accept a licence that is not free, as `show` names it."
        ),
    ] = False,
) -> None:
    """Bring a model to this machine: download, verify, store."""
    with expected_errors():
        path = fetch_model(name, accept_licence=accept_licence, from_file=from_file)
    say(str(path))


@app.command()
def verify(
    names: Annotated[
        list[str] | None,
        typer.Argument(metavar="[NAME]...", help="Models to check; all that are here if none."),
    ] = None,
) -> None:
    """Read stored files and compare their sha256.

    Exit status 4 if one is wrong, or a named one is absent.
    """
    good = True
    with expected_errors():
        entries = [models.get(name) for name in names] if names else models.list()
        for entry in entries:
            stored = store.inspect(entry)
            good = good and (stored.state == "present" or (stored.state == "absent" and not names))
            mend = "" if stored.state == "present" else f"; get it: {store.mending_command(entry)}"
            where = "" if stored.state == "absent" else f" {stored.path}"
            say(f"{entry.name}: {stored.state}{where}{mend}")
    if not good:
        raise typer.Exit(EXIT_MISSING)


@app.command()
def convert(
    checkpoint: Annotated[
        Path, typer.Argument(metavar="CHECKPOINT", help="A published .pth or .onnx file.")
    ],
    out: Annotated[
        Path | None,
        typer.Argument(
            metavar="[OUT.safetensors]",
            help="The file to write. Left out: into the store, if the registry knows CHECKPOINT.",
            show_default=False,
        ),
    ] = None,
    architecture: Annotated[
        str | None,
        typer.Option(
            "--architecture",
            help=f"What it must be: {', '.join(ARCHITECTURES)}. Left out: told by the names.",
            show_default=False,
        ),
    ] = None,
) -> None:
    """Turn a published checkpoint into safetensors. Nothing in the file is ever run.

    A .onnx file needs the package onnx: pip install "guise[convert]".
    """
    with expected_errors():
        path = convert_checkpoint(checkpoint, out, architecture=architecture)
    say(str(path))
