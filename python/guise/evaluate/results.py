"""Files of an evaluation: figures.json, pictures of curves, and a plain page."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jinja2
from markupsafe import Markup

from guise import _core
from guise.models.registry import packaged_text

_TEMPLATE = "evaluation.html.j2"
_FIGURES, _PAGE = "figures.json", "index.html"


@dataclass(frozen=True)
class Table:
    """A heading, names of columns and cells. The first column is text, the others are figures."""

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]


def check_target(out: Path) -> None:
    """Raises ValueError where the folder could not be written at the end."""
    if out.exists() and not out.is_dir():
        raise ValueError(f"--out must be a folder, or a name that is free; {out} is a file")


def write_results(
    out: Path,
    *,
    title: str,
    about: Sequence[str],
    tables: Sequence[Table],
    figures: Mapping[str, Any],
    charts: Mapping[str, str],
) -> list[Path]:
    """Writes all files or none, over those of an earlier evaluation.

    charts: SVG by file name. Raises Unavailable where the folder cannot be written.
    """
    page = _page(title, about, tables, charts)
    files = {
        **charts,
        _PAGE: page,
        _FIGURES: json.dumps(figures, indent=2, allow_nan=False) + "\n",
    }
    return write_files(out, files)


def write_files(out: Path, files: Mapping[str, str]) -> list[Path]:
    """Writes texts by file name into a folder, all or none, over earlier ones of the same name.

    Raises Unavailable where the folder cannot be written.
    """
    temporary = ""
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        temporary = tempfile.mkdtemp(prefix=f".{out.name}.", dir=out.parent)
        for name, text in files.items():
            path = Path(temporary) / name
            path.write_text(text, encoding="utf-8")
            with path.open("rb") as file:
                os.fsync(file.fileno())
        _move(Path(temporary), out, list(files))
    except OSError as error:
        raise _core.Unavailable(f"{out} cannot be written: {error.strerror}") from None
    finally:
        if temporary:
            shutil.rmtree(temporary, ignore_errors=True)
    return [out / name for name in files]


def _move(temporary: Path, out: Path, names: list[str]) -> None:
    mask = os.umask(0)
    os.umask(mask)
    if not out.exists():
        temporary.chmod(0o777 & ~mask)
        temporary.rename(out)
        return
    for name in names:
        (temporary / name).replace(out / name)


def _page(
    title: str, about: Sequence[str], tables: Sequence[Table], charts: Mapping[str, str]
) -> str:
    environment = jinja2.Environment(
        autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    return environment.from_string(packaged_text(_TEMPLATE)).render(
        title=title,
        about=about,
        tables=tables,
        charts=[Markup(svg) for svg in charts.values()],
        version=_core.__version__,
    )
