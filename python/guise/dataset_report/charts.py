"""Charts as SVG inside HTML: no script, colours of the page, a text for who cannot see them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from markupsafe import Markup, escape
from numpy.typing import NDArray

Floats = NDArray[np.float64]

# In units of the drawing, about one pixel each on the page.
_WIDTH, _HEIGHT = 360, 214
_LEFT, _RIGHT, _TOP, _BOTTOM = 40, 20, 24, 44
_BINS = 24
_MOST_WORDS = 10
_CURVE_BINS = 160


@dataclass(frozen=True)
class Chart:
    """One drawing. axis: its measured axis with the unit. text: the figures in a sentence."""

    title: str
    axis: str
    svg: Markup
    text: str


def number(value: float) -> str:
    """Three significant digits, or all of a whole number's, with a true minus sign."""
    if value == 0 or not math.isfinite(value):
        return "0" if value == 0 else str(value)
    digits = max(0, 2 - math.floor(math.log10(abs(value))))
    text = f"{value:,.{digits}f}" if digits <= 6 else f"{value:.2g}"
    if "." in text and "e" not in text:
        text = text.rstrip("0").rstrip(".")
    return text.replace("-", "−")


def percent(share: float) -> str:
    """A share as a percentage."""
    return f"{number(100 * share)} %"


def histogram(
    values: Floats,
    *,
    title: str,
    quantity: str,
    unit: str,
    scale: bool = False,
    bounds: tuple[float, float] | None = None,
    whole: bool = False,
    of: str = "pictures",
) -> Chart:
    """Shares of pictures, or of what `of` names, over a measured axis.

    scale: `unit` tells what the ends of a scale mean, and is not said behind each number.
    bounds: the axis; by default what the values span, without the highest 1 % where those lie far
    away: they are then counted in the last bar and the text says so. whole: one bar for each whole
    number.
    """
    low, high, cut = _span(values, bounds)
    behind = "" if scale else f" {unit}"
    if whole:
        edges = np.arange(round(low), round(high) + 2) - 0.5
    else:
        step = _nice_step(max(high - low, 1e-9), _BINS)
        edges = np.arange(math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9) + 1) * step
        if len(edges) < 2:
            edges = np.array([low - step / 2, low + step / 2])
    inside = np.clip(values, edges[0], (edges[-2] + edges[-1]) / 2)
    # Rounded values lie on edges, as near as numbers can: each belongs to the bar on its right.
    slack = 1e-6 * (edges[1] - edges[0])
    shares = np.histogram(inside, edges - slack)[0] / len(values)
    plot = _Plot(float(edges[0]), float(edges[-1]), float(100 * shares.max()), most=100)
    bars = [
        plot.bar(
            float(a), float(b), float(100 * share), _range_text(a, b, share, behind, whole, of)
        )
        for a, b, share in zip(edges, edges[1:], shares, strict=False)
        if share > 0
    ]
    quantiles = [number(float(q)) for q in np.quantile(values, (0.05, 0.5, 0.95))]
    text = (
        f"Median {quantiles[1]}{behind}; 5 % lie below {quantiles[0]}{behind}, 95 % below "
        f"{quantiles[2]}{behind}; {len(values):,} {of}."
    )
    if cut:
        text += f" The last bar holds all above {number(float(edges[-2]))}{behind}."
    axis = f"{quantity}, {unit}"
    svg = plot.drawn(bars, axis, f"{of}, %", f"{title}. {axis}. {text}", whole=whole)
    return Chart(title, axis, svg, text)


def bars(rows: Sequence[tuple[str, float]], *, title: str, axis: str, text: str) -> Chart:
    """Named shares, 0 to 1, as bars from left to right; `axis` names what 100 % is."""
    height = 26
    left = min(150, 14 + 7 * max(len(name) for name, _ in rows))
    room = _WIDTH - left - 62
    parts = []
    for place, (name, share) in enumerate(rows):
        top = 6 + place * height
        parts.append(
            Markup(
                '<text class="name" x="{}" y="{}">{}</text><rect class="track" x="{}" y="{}" '
                'width="{}" height="14" rx="2"/><rect class="bar" x="{}" y="{}" width="{:.1f}" '
                'height="14" rx="2"/><text x="{}" y="{}">{}</text>'
            ).format(
                left - 8,
                top + 12,
                _shortened(name),
                left,
                top,
                room,
                left,
                top,
                room * share,
                left + room + 6,
                top + 12,
                percent(share),
            )
        )
    bottom = 6 + len(rows) * height + 12
    parts.append(
        Markup('<text class="axis" x="{}" y="{}">{}</text>').format(left + room / 2, bottom, axis)
    )
    label = f"{title}. {axis}. " + ", ".join(f"{name} {percent(share)}" for name, share in rows)
    return Chart(title, axis, _svg(parts, bottom + 8, label), text)


def word_bars(words: Sequence[str], *, title: str) -> Chart:
    """How often each word occurs, the most frequent first."""
    names, counts = np.unique(np.array(words), return_counts=True)
    order = sorted(range(len(names)), key=lambda i: (-counts[i], names[i]))
    rows = [(str(names[i]), counts[i] / len(words)) for i in order[:_MOST_WORDS]]
    if len(order) > _MOST_WORDS:
        rest = sum(int(counts[i]) for i in order[_MOST_WORDS:])
        rows.append((f"{len(order) - _MOST_WORDS} others", rest / len(words)))
    text = f"{len(words):,} pictures, {len(names):,} different values."
    return bars(rows, title=title, axis="pictures, %", text=text)


def densities(
    genuine: Floats, impostor: Floats, *, title: str, axis: str, threshold: float
) -> Chart:
    """Two densities over one axis, each with area 1, and a mark at `threshold`."""
    low = min(genuine.min(), impostor.min())
    high = max(genuine.max(), impostor.max())
    step = _nice_step(max(float(high - low), 1e-6), 8)
    first, last = math.floor(low / step) * step, math.ceil(high / step) * step
    edges = np.linspace(first, last, _CURVE_BINS + 1)
    curves = [_smooth(values, edges) for values in (genuine, impostor)]
    plot = _Plot(float(first), float(last), float(max(curve.max() for curve in curves)), tall=True)
    middles = (edges[1:] + edges[:-1]) / 2
    parts = [
        plot.curve(middles, curve, name)
        for curve, name in zip(curves, ("genuine", "impostor"), strict=True)
    ]
    parts.append(plot.mark(threshold, f"EER threshold {number(threshold)}"))
    text = (
        f"Median of one person's pairs {number(float(np.median(genuine)))}, of different people's "
        f"{number(float(np.median(impostor)))}; the areas under both curves are equal."
    )
    label = f"{title}. {axis}. {text} Equal error threshold {number(threshold)}."
    return Chart(title, axis, plot.drawn(parts, axis, "density, per unit of distance", label), text)


class _Plot:
    """Axes: `low` to `high` across, 0 to a little over `top`, but to `most` at most, upwards."""

    def __init__(
        self, low: float, high: float, top: float, *, most: float = math.inf, tall: bool = False
    ) -> None:
        self._low, self._high = low, high
        self._height = _HEIGHT + (40 if tall else 0)
        end = min(top * 1.04 or 1.0, most)
        step = _nice_step(end, 4)
        self._ticks = [step * i for i in range(math.ceil(end / step - 1e-9) + 1)]

    def _x(self, value: float) -> float:
        share = (value - self._low) / (self._high - self._low)
        return _LEFT + share * (_WIDTH - _LEFT - _RIGHT)

    def _y(self, value: float) -> float:
        room = self._height - _TOP - _BOTTOM
        return self._height - _BOTTOM - value / self._ticks[-1] * room

    def bar(self, first: float, last: float, height: float, label: str) -> Markup:
        x, y = self._x(first) + 0.5, self._y(height)
        width = max(self._x(last) - x - 0.5, 0.8)
        return Markup(
            '<rect class="bar" x="{:.1f}" y="{:.1f}" width="{:.1f}" height="{:.1f}">'
            "<title>{}</title></rect>"
        ).format(x, y, width, self._height - _BOTTOM - y, label)

    def curve(self, across: Floats, up: Floats, name: str) -> Markup:
        points = " ".join(
            f"{self._x(float(x)):.1f},{self._y(float(y)):.1f}"
            for x, y in zip(across, up, strict=True)
        )
        base = f"{self._y(0):.1f}"
        ends = self._x(float(across[0])), self._x(float(across[-1]))
        return Markup(
            '<polygon class="area {name}" points="{first:.1f},{base} {points} {last:.1f},{base}"/>'
            '<polyline class="curve {name}" points="{points}"/>'
        ).format(name=name, points=points, base=base, first=ends[0], last=ends[1])

    def mark(self, value: float, label: str) -> Markup:
        x = self._x(value)
        end = x > _WIDTH * 0.6
        return Markup(
            '<line class="mark" x1="{x:.1f}" x2="{x:.1f}" y1="{top}" y2="{bottom}"/>'
            '<text x="{tx:.1f}" y="{ty}" text-anchor="{anchor}">{label}</text>'
        ).format(
            x=x,
            top=_TOP + 4,
            bottom=self._height - _BOTTOM,
            tx=x - 5 if end else x + 5,
            ty=_TOP + 14,
            anchor="end" if end else "start",
            label=label,
        )

    def drawn(
        self, parts: Sequence[Markup], across: str, up: str, label: str, *, whole: bool = False
    ) -> Markup:
        bottom = self._height - _BOTTOM
        lines = [Markup('<text class="up" x="2" y="12">{}</text>').format(up)]
        for tick in self._ticks:
            y = self._y(tick)
            lines.append(
                Markup(
                    '<line class="grid" x1="{}" x2="{}" y1="{y:.1f}" y2="{y:.1f}"/>'
                    '<text class="left" x="{}" y="{:.1f}">{}</text>'
                ).format(_LEFT, _WIDTH - _RIGHT, _LEFT - 6, y + 4, number(tick), y=y)
            )
        for value in self._across(whole):
            x = self._x(value)
            lines.append(
                Markup(
                    '<line class="tick" x1="{x:.1f}" x2="{x:.1f}" y1="{}" y2="{}"/>'
                    '<text class="below" x="{x:.1f}" y="{}">{}</text>'
                ).format(bottom, bottom + 4, bottom + 17, number(value), x=x)
            )
        middle = (_LEFT + _WIDTH - _RIGHT) / 2
        lines.append(
            Markup('<text class="axis" x="{}" y="{}">{}</text>').format(
                middle, self._height - 8, across
            )
        )
        return _svg([*lines, *parts], self._height, label)

    def _across(self, whole: bool) -> list[float]:
        span = self._high - self._low
        step = _nice_step(span, 6)
        if whole:
            step = 1.0 if span <= 12 else max(1.0, step)
        first, last = math.ceil(self._low / step - 1e-9), math.floor(self._high / step + 1e-9)
        ticks = [i * step for i in range(first, last + 1)]
        # A single value has a bar of its own and no round number near.
        return ticks if len(ticks) > 1 or whole else [(self._low + self._high) / 2]


def _svg(parts: Sequence[Markup], height: float, label: str) -> Markup:
    return Markup('<svg viewBox="0 0 {} {:.0f}" role="img" aria-label="{}">{}</svg>').format(
        _WIDTH, height, label, Markup("").join(parts)
    )


def _span(values: Floats, bounds: tuple[float, float] | None) -> tuple[float, float, bool]:
    low, high = float(values.min()), float(values.max())
    if bounds is not None:
        return min(low, bounds[0]), max(high, bounds[1]), False
    almost = float(np.quantile(values, 0.99))
    if almost > low and high - low > 1.5 * (almost - low):
        return low, almost, True
    return low, high, False


def _nice_step(span: float, parts: int) -> float:
    """A step of 1, 2, 2.5 or 5 times a power of ten that makes at most `parts` of `span`."""
    rough = span / parts
    power = float(10.0 ** math.floor(math.log10(rough)))
    steps = (power, 2 * power, 2.5 * power, 5 * power, 10 * power)
    return next(step for step in steps if step >= rough * (1 - 1e-9))


def _range_text(low: float, high: float, share: float, unit: str, whole: bool, of: str) -> str:
    where = number((low + high) / 2) if whole else f"{number(low)} to {number(high)}"
    return f"{where}{unit}: {percent(share)} of the {of}"


def _smooth(values: Floats, edges: Floats) -> Floats:
    """A density: the histogram, smoothed with a Gaussian of Silverman's width."""
    counts = np.histogram(values, edges)[0].astype(np.float64)
    step = float(edges[1] - edges[0])
    spread = float(np.std(values))
    width = max(1.06 * spread * len(values) ** -0.2, step) / step
    reach = math.ceil(4 * width)
    kernel = np.exp(-0.5 * (np.arange(-reach, reach + 1) / width) ** 2)
    # What would spill over the ends of the axis is kept inside it.
    padded = np.pad(counts, reach)
    spread_out = np.convolve(padded, kernel / kernel.sum(), mode="same")[reach:-reach]
    return np.asarray(spread_out / max(spread_out.sum() * step, 1e-12), dtype=np.float64)


def _shortened(name: str) -> Markup:
    return escape(name if len(name) <= 19 else name[:18] + "…")
