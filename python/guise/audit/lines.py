"""A line of an audit: a question, a figure, its limit and a verdict."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from guise.dataset_report.charts import Chart, Floats, histogram

PASS, WARN, FAIL = "pass", "warn", "fail"
NOT_MEASURED, NOT_APPLICABLE = "not measured", "not applicable"
_RANKS = {PASS: 0, WARN: 1, FAIL: 2}

#: What is being done, how much of it is done, how much there is.
Progress = Callable[[str, int, int], Any]


@dataclass(frozen=True)
class ShownPair:
    """Two pictures of the dataset, by number, that the page puts side by side."""

    first: int
    second: int
    caption: str


@dataclass(frozen=True)
class AuditLine:
    """One line. number: what was compared with the limit; None where nothing was measured.

    shown, limit: number and limit in words. figures: everything measured, plain values for JSON.
    details: the figures a reader of the page wants, in words.
    """

    id: str
    title: str
    verdict: str
    number: float | None
    shown: str
    limit: str
    sentence: str
    figures: Mapping[str, Any] = field(default_factory=dict)
    details: Sequence[tuple[str, str]] = ()
    charts: Sequence[Chart] = ()
    pairs: Sequence[ShownPair] = ()


@dataclass(frozen=True)
class AuditReport:
    """All lines of one dataset. about: what was audited and how, plain values for JSON.

    written: the files, where a folder was asked for.
    """

    name: str
    about: Mapping[str, Any]
    lines: tuple[AuditLine, ...]
    written: tuple[Path, ...] = ()

    @property
    def verdict(self) -> str:
        """The worst verdict of the lines that were measured."""
        return worst(line.verdict for line in self.lines)

    def line(self, id: str) -> AuditLine:
        """The line called `id`. Raises KeyError."""
        for each in self.lines:
            if each.id == id:
                return each
        raise KeyError(id)


def worst(verdicts: Any) -> str:
    """The worst of those that say something; "not measured" where none does."""
    measured = [each for each in verdicts if each in _RANKS]
    return max(measured, key=_RANKS.__getitem__) if measured else NOT_MEASURED


def at_most(number: float, passes: float, warns: float) -> str:
    """pass up to `passes`, warn up to `warns`, both included; then fail."""
    return PASS if number <= passes else WARN if number <= warns else FAIL


def at_least(number: float, passes: float, warns: float) -> str:
    """pass down to `passes`, warn down to `warns`, both included; then fail."""
    return at_most(-number, -passes, -warns)


def not_measured(id: str, title: str, reason: str, *, verdict: str = NOT_MEASURED) -> AuditLine:
    """A line without a figure. reason: a sentence."""
    return AuditLine(id, title, verdict, None, "", "", reason)


def cosine_chart(cosines: Floats, title: str, quantity: str, *, of: str = "pictures") -> Chart:
    """How cosines are spread."""
    return histogram(cosines, title=title, quantity=quantity, unit="no unit", scale=True, of=of)
