"""Writes sha256 and size of the house models into the registry.

    python -m guise.models.pin_bundled            # after a model was built again
    python -m guise.models.pin_bundled --check    # exit status 1 where the registry is out of date

Works on `models/registry.toml` of a source folder and the files `models/NAME/FILE` beside it.
"""

from __future__ import annotations

import argparse
import hashlib
import re
import sys
from pathlib import Path

from guise.models.registry import BundledSource, ModelEntry, parse_registry


def pinned(text: str, folder: Path) -> str:
    """`text` of a registry with the sums and sizes of the bundled files below `folder`.

    Raises FileNotFoundError naming a file that is not there.
    """
    for entry in parse_registry(text).values():
        if isinstance(entry.source, BundledSource):
            text = _with_pin(text, entry, (folder / entry.name / entry.file).read_bytes())
    return text


def _with_pin(text: str, entry: ModelEntry, data: bytes) -> str:
    start = text.index(f"\n[{entry.name}]\n")
    end = text.index(f"\n[{entry.name}.source]\n", start)
    table = text[start:end]
    sha256 = hashlib.sha256(data).hexdigest()
    table = re.sub(r'^sha256 = ".*"$', f'sha256 = "{sha256}"', table, count=1, flags=re.MULTILINE)
    table = re.sub(r"^bytes = .*$", f"bytes = {len(data)}", table, count=1, flags=re.MULTILINE)
    return text[:start] + table + text[end:]


def main() -> int:
    """Entry point."""
    parser = argparse.ArgumentParser(description="Pin the house models in the registry.")
    parser.add_argument("--check", action="store_true", help="write nothing, only compare")
    parser.add_argument("registry", type=Path, nargs="?", default=Path("models/registry.toml"))
    arguments = parser.parse_args()
    path: Path = arguments.registry
    before = path.read_text(encoding="utf-8")
    after = pinned(before, path.parent)
    if before == after:
        return 0
    if arguments.check:
        print(f"{path} is out of date; run: python -m guise.models.pin_bundled", file=sys.stderr)
        return 1
    path.write_text(after, encoding="utf-8")
    print(f"{path}: pinned")
    return 0


if __name__ == "__main__":
    sys.exit(main())
