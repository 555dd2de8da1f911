"""Pictures that occur twice: the same pixels, or nearly."""

from __future__ import annotations

from typing import Any

import torch

from guise import _core
from guise.audit.audited import AuditedDataset
from guise.audit.lines import FAIL, PASS, AuditLine, ShownPair, at_most
from guise.dataset_report.charts import percent

# Nearly: a recogniser finds them alike, and so are small pictures of 16 x 16 px (mirrored or not):
# mean difference in grey levels, 0 to 255, each picture's mean brightness taken away.
NEAR_COSINE = 0.97
NEAR_LEVELS = 8.0  # of 360 different renders no two are nearer than 9
MOST_INSIDE = 0.01  # share of pictures; across identities none may be
_CANDIDATES = 50_000
_LISTED, _SHOWN = 100, 6

Pair = tuple[int, int]


def exact_line(dataset: AuditedDataset) -> AuditLine:
    """Pictures with the pixels of an earlier one."""
    pairs = _repeats(dataset.digests)
    return _line(
        dataset,
        pairs,
        id="exact_duplicates",
        title="No picture occurs twice",
        what="exactly the pixels of an earlier one",
        more={},
    )


def near_line(dataset: AuditedDataset, threads: int) -> AuditLine:
    """Pictures that are nearly an earlier one: compressed anew, shifted a little, mirrored."""
    repeated = {second for _, second in _repeats(dataset.digests)}
    rows = [row for row in range(len(dataset)) if row not in repeated]
    found, all_seen = _near_pairs(dataset, rows, threads)
    pairs = sorted(found, key=lambda pair: (pair[1], pair[0]))
    first_of = {second: first for first, second in reversed(pairs)}
    return _line(
        dataset,
        sorted((first, second) for second, first in first_of.items()),
        id="near_duplicates",
        title="No picture is nearly another",
        what=(
            f"nearly the pixels of an earlier one (cosine at least {NEAR_COSINE}, small pictures "
            f"at most {NEAR_LEVELS:g} grey levels apart, as they are or mirrored)"
        ),
        more={"cosine": NEAR_COSINE, "grey_levels": NEAR_LEVELS, "all_candidates_seen": all_seen},
    )


def _repeats(digests: list[bytes]) -> list[Pair]:
    """(first row with these pixels, later row), by the later row."""
    first: dict[bytes, int] = {}
    return [
        (first[digest], row)
        for row, digest in enumerate(digests)
        if first.setdefault(digest, row) != row
    ]


def _near_pairs(dataset: AuditedDataset, rows: list[int], threads: int) -> tuple[list[Pair], bool]:
    """Pairs of rows, the earlier first, and whether all candidates could be looked at."""
    if len(rows) < 2:
        return [], True
    options = _core.AllPairsOptions(
        thresholds=[NEAR_COSINE],
        nearest=min(_CANDIDATES, len(rows) * (len(rows) - 1) // 2),
        threads=threads,
    )
    found = _core.all_pairs(dataset.vectors[rows].contiguous(), options=options)
    pairs = []
    for near in found.nearest:
        if near.cosine < NEAR_COSINE:
            break
        first, second = rows[near.first], rows[near.second]
        if thumb_distance(dataset.thumbs[first], dataset.thumbs[second]) <= NEAR_LEVELS:
            pairs.append((first, second))
    return pairs, int(found.impostor.above[0]) <= _CANDIDATES


def thumb_distance(a: torch.Tensor, b: torch.Tensor) -> float:
    """Mean difference of two float [16, 16] in grey levels, without that of their means; the
    smaller of b as it is and b mirrored."""
    level = a - a.mean()
    other = b - b.mean()
    return float(
        torch.stack([(level - other).abs(), (level - other.flip(1)).abs()]).mean((1, 2)).min()
    )


def _line(
    dataset: AuditedDataset,
    pairs: list[Pair],
    *,
    id: str,
    title: str,
    what: str,
    more: dict[str, Any],
) -> AuditLine:
    across = [pair for pair in pairs if dataset.people[pair[0]] != dataset.people[pair[1]]]
    inside = len(pairs) - len(across)
    share = len(pairs) / len(dataset)
    verdict = FAIL if across else at_most(inside / len(dataset), 0, MOST_INSIDE)
    has = "has" if len(pairs) < 2 else "have"
    words = f"{len(pairs) or 'None'} of {len(dataset)} pictures {has} {what}"
    if pairs:
        words += f": {inside} of the same identity, {len(across)} of another"
    listed = [*across, *(pair for pair in pairs if pair not in set(across))]
    names = [(dataset.name(first), dataset.name(second)) for first, second in listed[:_LISTED]]
    return AuditLine(
        id,
        title,
        verdict,
        share,
        f"{len(pairs)} of {len(dataset)}",
        f"none (of one identity up to {percent(MOST_INSIDE)}: warn)",
        f"{words}.",
        {
            "pictures": len(pairs),
            "inside_one_identity": inside,
            "across_identities": len(across),
            **more,
            "pairs": [{"first": first, "second": second} for first, second in names],
        },
        () if verdict == PASS else [(f"{a}", f"like {b}") for a, b in names[:20]],
        (),
        [
            ShownPair(
                int(dataset.places[first]),
                int(dataset.places[second]),
                f"{dataset.name(first)} and {dataset.name(second)}",
            )
            for first, second in listed[:_SHOWN]
        ],
    )
