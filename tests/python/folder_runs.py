"""The command line in a process of its own, and the report it leaves."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

COMMAND = [sys.executable, "-c", "from guise.cli import main; main()"]


def run_guise(*arguments: object, timeout_s: float = 600) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*COMMAND, *map(str, arguments)], capture_output=True, text=True, timeout=timeout_s
    )


def report_lines(folder: Path) -> list[dict[str, Any]]:
    text = (folder / "guise-report.jsonl").read_text()
    return [json.loads(line) for line in text.splitlines()]


def photo_lines(folder: Path) -> dict[str, dict[str, Any]]:
    """The line of each photo; two lines of one photo are an error."""
    lines = [line for line in report_lines(folder) if "photo" in line]
    photos = {line["photo"]: line for line in lines}
    assert len(photos) == len(lines)
    return photos


def outputs(folder: Path) -> dict[str, bytes]:
    """The bytes of every file below `folder`, hidden ones too, but the report and its journal."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and not path.name.startswith("guise-report.jsonl")
    }


def is_temporary(name: str) -> bool:
    return Path(name).name.startswith(".guise-") and name.endswith(".part")
