"""One page about a dataset: its pictures, what is in them, and how well people differ.

    guise.dataset_report("faces", out="report.html")

The page holds pictures and charts itself: it opens anywhere, without network and without script.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from guise import _core
from guise.data import open as open_dataset
from guise.dataset_report.facts import Pictures, read_facts
from guise.dataset_report.page import (
    Progress,
    Sample,
    page_text,
    similarity_of,
    write_whole,
)
from guise.dataset_report.pictures import as_labels
from guise.dataset_report.similarity import (
    RECOGNISERS,
    DlibRecogniser,
    Recogniser,
    Similarity,
    open_recogniser,
)

__all__ = ["RECOGNISERS", "DatasetReport", "DlibRecogniser", "Similarity", "dataset_report"]

MOST_PEOPLE = 1000


@dataclass(frozen=True)
class DatasetReport:
    """A page that was written. similarity: None where nobody judged, and `missing` says why."""

    path: Path
    pictures: int
    identities: int
    similarity: Similarity | None
    missing: str


def dataset_report(
    dataset: str | os.PathLike[str],
    *,
    out: str | os.PathLike[str] = "report.html",
    recogniser: str = "dlib",
    people: int = 200,
    seed: int = 0,
    progress: Progress | None = None,
) -> DatasetReport:
    """Writes one self-contained HTML page about a finished dataset.

    recogniser: who compares the faces: "dlib" (extra `guise[audit]`, model `dlib-resnet`; the page
    says what to install where it is absent) or "none". people: it compares up to 10 pictures of
    each of this many. seed: which of them. progress: is told pictures compared, and of how many.
    Raises ValueError (another recogniser, people out of range), Unavailable (no such dataset, page
    cannot be written), CorruptFile (a damaged dataset or model).
    """
    _check(recogniser, people, seed)
    folder = Path(dataset)
    return report_pictures(
        open_dataset(folder),
        folder,
        out=Path(out),
        recogniser=recogniser,
        people=people,
        seed=seed,
        progress=progress,
    )


def report_pictures(
    pictures: Pictures,
    folder: Path,
    *,
    out: Path,
    recogniser: str | Recogniser,
    people: int,
    seed: int,
    progress: Progress | None = None,
) -> DatasetReport:
    """`dataset_report` of a dataset that is open; also with a recogniser of the caller's."""
    if not len(pictures):
        raise ValueError(
            f"a dataset must hold at least one picture to report on; {folder} has none"
        )
    facts = read_facts(folder)
    labels = as_labels(pictures.labels)
    judged: tuple[Recogniser, Sample, Similarity] | None = None
    judge, missing = _judge(recogniser)
    if judge is not None:
        try:
            sample, similarity = similarity_of(
                pictures, labels, judge, people=people, seed=seed, progress=progress
            )
            judged = (judge, sample, similarity)
        except ValueError as error:  # one person only, or one picture each
            missing = f"Nothing to compare: {error}."
    write_whole(out, page_text(pictures, facts, labels, judged, missing=missing))
    return DatasetReport(
        path=out,
        pictures=len(pictures),
        identities=len(set(labels.tolist())),
        similarity=judged[2] if judged else None,
        missing=missing,
    )


def _judge(recogniser: str | Recogniser) -> tuple[Recogniser | None, str]:
    if not isinstance(recogniser, str):
        return recogniser, ""
    if recogniser == "none":
        return None, "No recogniser was asked (recogniser: none)."
    try:
        return open_recogniser(recogniser), ""
    except _core.Unavailable as error:
        return None, f"No recogniser is here: {error}"


def _check(recogniser: str, people: int, seed: int) -> None:
    if recogniser not in RECOGNISERS:
        raise ValueError(f"recogniser must be {' or '.join(RECOGNISERS)}; got {recogniser!r}")
    if not 2 <= people <= MOST_PEOPLE:
        raise ValueError(
            f"people must lie from 2 to {MOST_PEOPLE}: all pairs of their pictures are compared; "
            f"got {people}"
        )
    if not 0 <= seed < 2**64:
        raise ValueError(f"seed must lie from 0 to 2^64 - 1; got {seed}")
