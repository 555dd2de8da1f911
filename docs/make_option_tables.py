"""Writes the tables of options into docs/rendering.md, as the engine knows them.

python docs/make_option_tables.py            # after an option or a default was changed
python docs/make_option_tables.py --check    # exit status 1 where the page is out of date
"""

from __future__ import annotations

import argparse
import sys
from itertools import groupby
from pathlib import Path

import guise
from guise._core import recipe_axes

PAGE = Path(__file__).with_name("rendering.md")
BEGIN, END = "<!-- {}: begin -->\n", "<!-- {}: end -->\n"
PRESETS = ("frontal", "passport", "clean")


def number(value: float) -> str:
    """As in `guise render --help`."""
    return f"{value:.3g}"


def options_text() -> str:
    """A table for each group."""
    defaults = guise.RecipeOptions().as_dict()
    parts = []
    for group, axes in groupby(recipe_axes(), key=lambda axis: axis[1]):
        parts.append(
            f"\n**{group.capitalize()}**\n\n| option | default | range | |\n|---|---:|---|---|\n"
        )
        for name, _, low, high, meaning in axes:
            span = f"{number(low)} to {number(high)}"
            parts.append(f"| `{name}` | {number(defaults[name])} | {span} | {meaning} |\n")
    return "".join(parts)[1:]


def presets_text() -> str:
    """What each preset sets, where it is not the default."""
    defaults = guise.RecipeOptions().as_dict()
    lines = ["| preset | sets |\n|---|---|\n"]
    for name in PRESETS:
        values = guise.RecipeOptions.preset(name).as_dict()
        parts = [f"`{k}` {number(v)}" for k, v in values.items() if v != defaults[k]]
        lines.append(f"| `{name}` | {', '.join(parts)} |\n")
    return "".join(lines)


def with_tables(page: str) -> str:
    """The page with its tables made anew."""
    for name, text in (("options", options_text()), ("presets", presets_text())):
        before, rest = page.split(BEGIN.format(name), 1)
        after = rest.split(END.format(name), 1)[1]
        page = before + BEGIN.format(name) + text + END.format(name) + after
    return page


def main() -> int:
    """Entry point."""
    parser = argparse.ArgumentParser(description="Write the tables of options.")
    parser.add_argument("--check", action="store_true", help="write nothing, only compare")
    check: bool = parser.parse_args().check
    before = PAGE.read_text(encoding="utf-8")
    after = with_tables(before)
    if before == after:
        return 0
    if check:
        print(f"{PAGE} is out of date; run: python docs/make_option_tables.py", file=sys.stderr)
        return 1
    PAGE.write_text(after, encoding="utf-8")
    print(f"{PAGE}: written")
    return 0


if __name__ == "__main__":
    sys.exit(main())
