"""What a dataset of faces promises, measured, with a verdict a line.

    report = guise.audit_dataset("faces", against=["staff-photos/"], out="audit")
    report.verdict                          # the worst of its lines
    [(line.id, line.verdict, line.shown) for line in report.lines]

`guise audit` prints the same as a table. Limits are constants beside each line's code; the page and
the JSON say each with its figure. Embeddings are never written, photos of a gallery never shown.
"""

from __future__ import annotations

import os
from collections.abc import Sequence

from guise.audit.lines import AuditLine, AuditReport, Progress

__all__ = ["AuditLine", "AuditReport", "audit_dataset"]

DEFAULT_RECOGNISER = "house-recogniser"


def audit_dataset(
    dataset: str | os.PathLike[str],
    *,
    against: str | os.PathLike[str] | Sequence[str | os.PathLike[str]] = (),
    out: str | os.PathLike[str] | None = None,
    recogniser: str = DEFAULT_RECOGNISER,
    population: str | None = None,
    threshold: float | None = None,
    training_people: int | None = None,
    name_gallery: bool = False,
    seed: int = 0,
    threads: int = 0,
    progress: Progress | None = None,
) -> AuditReport:
    """Audits a finished dataset; every figure follows from the dataset and these arguments alone.

    dataset: a folder that `guise.data.open` reads. against: galleries it must not leak: folders of
    photos, datasets, insightface .bin, or .safetensors with "vectors", float [N, D], of the same
    recogniser. out: a folder that is not there yet, for audit.json and index.html.
    recogniser: of `guise models list`. population: whose false match rates decide, by name; by
    default "rendered", and "real" where a gallery holds photos. threshold: a cosine, -1 to 1, that
    replaces them all. training_people: so many of the people the house generator learned from are
    rendered anew to look for memorised ones (0: none); by default 500, but none for a dataset of
    engine "render". name_gallery: name a gallery's photos in the report. seed: of the pictures that
    are looked at where a part is enough. threads: 0 for one per processor.

    Raises ValueError (an argument, no face, a gallery without photos or with other vectors),
    Unavailable (absent, unfinished, a model or calibration missing) and CorruptFile.
    """
    # Late: `import guise` does not need what evaluations need.
    from guise.audit.run import AuditOptions, audit

    galleries = [against] if isinstance(against, (str, os.PathLike)) else list(against)
    options = AuditOptions(
        recogniser=recogniser,
        population=population,
        threshold=threshold,
        training_people=training_people,
        name_gallery=name_gallery,
        seed=seed,
        threads=threads,
    )
    return audit(dataset, galleries, out, options, progress)
