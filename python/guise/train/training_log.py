"""The log of a training run: one JSON object a line, and the curve as a picture (SVG)."""

from __future__ import annotations

import json
import math
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

WIDTH, HEIGHT = 640, 300
LEFT, RIGHT, TOP, BOTTOM = 56, 16, 34, 42
COLOURS = ("#1f5fa8", "#c2571a", "#3a7d44", "#7a4fa3")


class TrainingLog:
    """Appends to `path`; a resumed run cuts off what its checkpoint does not know."""

    def __init__(self, path: Path, step: int) -> None:
        self.path = path
        kept = [row for row in read_log(path) if row["step"] <= step] if path.is_file() else []
        text = "".join(json.dumps(row) + "\n" for row in kept)
        path.write_text(text, encoding="utf-8")

    def write(self, **values: Any) -> None:
        """One line. `step` is one of the values."""
        with self.path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(values) + "\n")


class StepReport:
    """Collects the losses of steps; tells their means and the rate, to the log and to stderr."""

    def __init__(self, log: TrainingLog, *, step: int, end: int, batch: int, what: str) -> None:
        self.log, self.first, self.end = log, step, end
        self.batch, self.what = batch, what
        self.began = time.perf_counter()
        self.losses: dict[str, list[float]] = {}

    def add(self, losses: Mapping[str, float]) -> None:
        """Those of one step."""
        for name, value in losses.items():
            self.losses.setdefault(name, []).append(value)

    def tell(self, step: int) -> None:
        """The means since the last call, and the rate since the start."""
        rate = self.batch * (step - self.first) / (time.perf_counter() - self.began)
        means = {name: sum(values) / len(values) for name, values in self.losses.items()}
        rounded = {name: round(mean, 4) for name, mean in means.items()}
        self.log.write(step=step, **rounded, rate=round(rate, 1))
        words = ", ".join(f"{name} {mean:.3f}" for name, mean in means.items())
        line = f"step {step}/{self.end}, {words}, {rate:.1f} {self.what}/s"
        print(line, file=sys.stderr, flush=True)
        self.losses = {}


def read_log(path: Path) -> list[dict[str, Any]]:
    """The lines of a log; a last line cut short by a crash is left out."""
    rows = []
    for line in path.read_text(encoding="utf-8").splitlines():
        try:
            rows.append(json.loads(line))
        except ValueError:
            break
    return rows


def write_curve(log: Path, picture: Path, names: Sequence[str], title: str) -> None:
    """Draws values of the log over the step: those of `names` that it has, each on one scale."""
    rows = read_log(log)
    series = [(name, [(row["step"], row[name]) for row in rows if name in row]) for name in names]
    series = [(name, points) for name, points in series if len(points) > 1]
    if not series:
        return
    last = max(step for _, points in series for step, _ in points)
    high = max(value for _, points in series for _, value in points)
    tick = 10 ** math.floor(math.log10(high)) if high > 0 else 1.0
    top = math.ceil(high / tick) * tick
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" '
        'font-family="sans-serif" font-size="12">',
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>',
        f'<text x="{LEFT}" y="18" font-weight="bold">{title}</text>',
    ]

    def place(step: float, value: float) -> tuple[float, float]:
        x = LEFT + (WIDTH - LEFT - RIGHT) * step / last
        return x, HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * value / top

    for share in (0, 0.25, 0.5, 0.75, 1):
        y = place(0, top * share)[1]
        parts.append(f'<path d="M{LEFT} {y:.1f}H{WIDTH - RIGHT}" stroke="#ddd"/>')
        parts.append(
            f'<text x="{LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{top * share:g}</text>'
        )
        x = place(last * share, 0)[0]
        label = f"{last * share:.0f}"
        parts.append(
            f'<text x="{x:.1f}" y="{HEIGHT - BOTTOM + 16}" text-anchor="middle">{label}</text>'
        )
    parts.append(f'<text x="{WIDTH - RIGHT}" y="{HEIGHT - 8}" text-anchor="end">step</text>')
    for index, (name, points) in enumerate(series):
        colour = COLOURS[index % len(COLOURS)]
        path = "L".join("{:.1f} {:.1f}".format(*place(*point)) for point in points)
        parts.append(f'<path d="M{path}" fill="none" stroke="{colour}" stroke-width="1.5"/>')
        parts.append(
            f'<text x="{LEFT + 150 * index}" y="{HEIGHT - 8}" fill="{colour}">{name}</text>'
        )
    picture.write_text("\n".join([*parts, "</svg>"]) + "\n", encoding="utf-8")
