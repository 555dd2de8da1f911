"""Are tone, age, sex and pose spread over the dataset?

Evenness is the entropy of the shares of the bins over that of equal shares: 1 where all are alike,
0 where one bin holds everything.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from guise.audit.audited import AuditedDataset
from guise.audit.lines import AuditLine, at_least, not_measured
from guise.dataset_report.charts import bars, percent


@dataclass(frozen=True)
class _Balance:
    """An attribute in bins. bin: the number of the bin of a value, or None where it is no value."""

    id: str
    title: str
    attribute: str
    bins: Sequence[str]
    bin: Callable[[Any], int | None]
    passes: float
    warns: float


def _number(value: Any) -> float | None:
    known = isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)
    return float(value) if known else None


def _between(edges: Sequence[float]) -> Callable[[Any], int | None]:
    """Bins below the first edge, from it to the next, ..., from the last on."""

    def place(value: Any) -> int | None:
        number = _number(value)
        return None if number is None else sum(number >= edge for edge in edges)

    return place


def _tone(value: Any) -> int | None:
    number = _number(value)
    return None if number is None else min(max(round(number), 1), 10) - 1


def _sex(value: Any) -> int | None:
    return int(not value) if isinstance(value, bool) else None


BALANCES = (
    _Balance(
        "balance_tone",
        "Skin tones are balanced",
        "monk_tone",
        [f"Monk {tone}" for tone in range(1, 11)],
        _tone,
        0.85,
        0.6,
    ),
    _Balance(
        "balance_age",
        "Ages are balanced",
        "age_years",
        ["below 20", "20 to 34", "35 to 49", "50 to 64", "65 and more"],
        _between((20, 35, 50, 65)),
        0.8,
        0.5,
    ),
    _Balance("balance_sex", "Sexes are balanced", "female", ["women", "men"], _sex, 0.9, 0.6),
    # Faces look at cameras more than past them: less is asked.
    _Balance(
        "balance_pose",
        "Poses vary",
        "yaw_deg",
        ["below −45°", "−45° to −15°", "−15° to 15°", "15° to 45°", "45° and more"],
        _between((-45, -15, 15, 45)),
        0.6,
        0.3,
    ),
)


def balance_lines(dataset: AuditedDataset) -> list[AuditLine]:
    """A line each for tone, age, sex and pose, from the metadata of the pictures."""
    return [_line(dataset, each) for each in BALANCES]


def evenness(counts: Sequence[int]) -> float:
    """0 (all in one bin) to 1 (as many in each)."""
    total = sum(counts)
    entropy = -sum(n / total * math.log(n / total) for n in counts if n)
    return entropy / math.log(len(counts))


def _line(dataset: AuditedDataset, balance: _Balance) -> AuditLine:
    counts = [0] * len(balance.bins)
    for line in dataset.lines:
        place = balance.bin((line.get("attributes") or {}).get(balance.attribute))
        if place is not None:
            counts[place] += 1
    total = sum(counts)
    if total == 0:
        return not_measured(
            balance.id, balance.title, f"No picture's metadata gives {balance.attribute}."
        )
    number = evenness(counts)
    rows = [(name, count / total) for name, count in zip(balance.bins, counts, strict=True)]
    low, high = min(rows, key=lambda row: row[1]), max(rows, key=lambda row: row[1])
    words = (
        f"Evenness {number:.2f} of 1 over {len(counts)} bins of {balance.attribute}: most pictures "
        f"in '{high[0]}' ({percent(high[1])}), fewest in '{low[0]}' ({percent(low[1])})."
    )
    if total < len(dataset):
        words += f" {len(dataset) - total} of {len(dataset)} pictures do not say."
    return AuditLine(
        balance.id,
        balance.title,
        at_least(number, balance.passes, balance.warns),
        number,
        f"evenness {number:.2f}",
        f"at least {balance.passes:g}",
        words,
        {
            "attribute": balance.attribute,
            "pictures": total,
            "evenness": number,
            "shares": dict(rows),
        },
        (),
        [bars(rows, title=balance.attribute, axis="pictures, %", text=f"{total:,} pictures.")],
    )
