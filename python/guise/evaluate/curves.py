"""Curves of errors as SVG files: no script, readable alone and inside a page."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
from markupsafe import Markup
from numpy.typing import NDArray

from guise.dataset_report.charts import percent

Floats = NDArray[np.float64]

_WIDTH, _HEIGHT = 520, 400
_LEFT, _RIGHT, _TOP, _BOTTOM = 58, 26, 30, 52
_SHARES = (1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 0.05, 0.1, 0.2, 0.4, 0.6, 0.8, 0.9, 0.95, 0.99)
# Drawn points of one curve: more than the picture has pixels across.
_MOST_POINTS = 800
_COLOURS = ("#1463c8", "#c2571a", "#2a7d46", "#8a3fb0")

_STYLE = (
    "svg{background:#fff}text{font:12px system-ui,sans-serif;fill:#1c1d1f}"
    ".quiet{fill:#5c6066}.grid{stroke:#dcdcd6}.curve{fill:none;stroke-width:1.8;"
    "stroke-linejoin:round}.chance{stroke:#9a9a94;stroke-dasharray:3 3;fill:none}"
)


@dataclass(frozen=True)
class Axis:
    """A measured axis: where values lie on it, 0 to 1, and its marks."""

    label: str
    ticks: tuple[float, ...]
    words: Callable[[float], str]
    scale: Callable[[float], float]
    low: float
    high: float

    def share(self, value: float) -> float:
        start, end = self.scale(self.low), self.scale(self.high)
        return (self.scale(min(max(value, self.low), self.high)) - start) / (end - start)

    def shown(self) -> list[float]:
        return [tick for tick in self.ticks if self.low <= tick <= self.high]


def share_axis(label: str, low: float = 0) -> Axis:
    """`low` to 100 %, in five steps."""
    ticks = tuple(low + (1 - low) * step / 5 for step in range(6))
    return Axis(label, ticks, percent, float, low, 1)


def log_axis(label: str, low: float) -> Axis:
    """Shares from `low` to 100 % by powers of ten."""
    ticks = tuple(10.0**k for k in range(math.floor(math.log10(low)), 1))
    return Axis(label, ticks, percent, math.log10, low, 1)


def deviate_axis(label: str, low: float, high: float) -> Axis:
    """Shares by normal deviates, as a DET curve wants them."""
    return Axis(label, _SHARES, percent, NormalDist().inv_cdf, low, high)


@dataclass(frozen=True)
class Line:
    """One curve. name: for the legend, or empty."""

    name: str
    across: Floats
    up: Floats


def chart(
    lines: Sequence[Line],
    *,
    title: str,
    across: Axis,
    up: Axis,
    text: str,
    diagonal: bool = False,
    names_below: bool = False,
) -> str:
    """A picture as SVG text.

    text: its figures in a sentence, for who cannot see it. diagonal: where both axes are equal.
    names_below: names of lines stand at the lower right, not the upper.
    """
    parts = [*_frame(across, up, title)]
    if diagonal:
        low, high = max(across.low, up.low), min(across.high, up.high)
        parts.append(_polyline([_at(across, up, v, v) for v in (low, high)], 'class="chance"'))
    for place, line in enumerate(lines):
        colour = _COLOURS[place % len(_COLOURS)]
        points = [_at(across, up, x, y) for x, y in _thinned(line)]
        parts.append(_polyline(points, Markup('class="curve" stroke="{}"').format(colour)))
        if line.name:
            y = _TOP + 16 + 18 * place
            if names_below:
                y = _HEIGHT - _BOTTOM - 10 - 18 * (len(lines) - 1 - place)
            parts.append(
                Markup('<text x="{}" y="{}" text-anchor="end" style="fill:{}">{}</text>').format(
                    _WIDTH - _RIGHT - 8, y, colour, line.name
                )
            )
    return str(
        Markup(
            '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {} {}" role="img" '
            'aria-label="{}"><style>{}</style>{}</svg>\n'
        ).format(_WIDTH, _HEIGHT, f"{title}. {text}", Markup(_STYLE), Markup("").join(parts))
    )


def _at(across: Axis, up: Axis, x: float, y: float) -> tuple[float, float]:
    return (
        _LEFT + across.share(x) * (_WIDTH - _LEFT - _RIGHT),
        _HEIGHT - _BOTTOM - up.share(y) * (_HEIGHT - _TOP - _BOTTOM),
    )


def _polyline(points: Sequence[tuple[float, float]], attributes: str) -> Markup:
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    return Markup('<polyline {} points="{}"/>').format(Markup(attributes), path)


def _thinned(line: Line) -> list[tuple[float, float]]:
    """Few enough points, the first and the last among them."""
    step = max(1, math.ceil(len(line.across) / _MOST_POINTS))
    places = [*range(0, len(line.across), step)]
    if len(line.across) and places[-1] != len(line.across) - 1:
        places.append(len(line.across) - 1)
    return [(float(line.across[i]), float(line.up[i])) for i in places]


def _frame(across: Axis, up: Axis, title: str) -> list[Markup]:
    right, bottom = _WIDTH - _RIGHT, _HEIGHT - _BOTTOM
    parts = [Markup('<text x="{}" y="16">{}</text>').format(_LEFT, title)]
    line = Markup('<line class="grid" x1="{:.1f}" y1="{:.1f}" x2="{:.1f}" y2="{:.1f}"/>')
    word = Markup('<text class="quiet" x="{:.1f}" y="{:.1f}" text-anchor="{}">{}</text>')
    for tick in across.shown():
        x = _LEFT + across.share(tick) * (right - _LEFT)
        parts.append(line.format(x, _TOP, x, bottom))
        parts.append(word.format(x, bottom + 16, "middle", across.words(tick)))
    for tick in up.shown():
        y = bottom - up.share(tick) * (bottom - _TOP)
        parts.append(line.format(_LEFT, y, right, y))
        parts.append(word.format(_LEFT - 6, y + 4, "end", up.words(tick)))
    parts.append(word.format((_LEFT + right) / 2, _HEIGHT - 12, "middle", across.label))
    middle = (_TOP + bottom) / 2
    parts.append(
        Markup(
            '<text class="quiet" text-anchor="middle" '
            'transform="translate(13 {:.1f}) rotate(-90)">{}</text>'
        ).format(middle, up.label)
    )
    return parts


def evenly_on_log(fmr: Floats, tar: Floats, low: float) -> tuple[Floats, Floats]:
    """A ROC curve as far as `low`, its steps thinned evenly on a logarithmic axis."""
    kept = fmr >= low
    x, y = fmr[kept], tar[kept]
    if len(x) <= _MOST_POINTS:
        return x, y
    wanted = np.geomspace(x.max(), x.min(), _MOST_POINTS)
    # fmr falls along the curve; the last place with at least so much.
    places = np.unique(len(x) - 1 - np.searchsorted(x[::-1], wanted, side="left"))
    return x[places], y[places]
