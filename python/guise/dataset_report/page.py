"""From a dataset to one HTML page that needs nothing but itself."""

from __future__ import annotations

import contextlib
import hashlib
import os
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import jinja2
import numpy as np

from guise import _core
from guise.dataset_report.attributes import attribute_sections, measured_quality, redraw_chart
from guise.dataset_report.charts import Floats, bars, densities, number, percent
from guise.dataset_report.facts import DatasetFacts, Pictures
from guise.dataset_report.pictures import data_uri, sheet_rows, spread, tile
from guise.dataset_report.similarity import Integers, Recogniser, Similarity, compare
from guise.models.registry import packaged_text
from guise.plan_words import PROVENANCE, REASONS, changed_options, plan_options, whose_faces

_TEMPLATE = "dataset.html.j2"
_PICTURES_EACH = 10
# More than these are sampled: a page must not take minutes on a dataset of millions.
_METADATA_READ = 20_000
_PICTURES_MEASURED = 1_000

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Sample:
    """Pictures of some people: their places in the dataset, people in a row, and their classes."""

    places: list[int]
    people: Integers


def choose(labels: Integers, people: int, each: int, seed: int) -> Sample:
    """Up to `each` pictures of up to `people` people, drawn by a hash of seed and number.

    The choice depends on seed and labels alone. People and pictures come in their own order.
    """
    order = np.argsort(labels, kind="stable")
    classes, starts = np.unique(labels[order], return_index=True)
    ends = np.append(starts[1:], len(order))
    drawn = sorted(_drawn(len(classes), people, f"{seed}:person"))
    chosen: list[int] = []
    for index in drawn:
        own = np.sort(order[starts[index] : ends[index]])
        picked = sorted(_drawn(len(own), each, f"{seed}:{classes[index]}"))
        chosen += [int(own[place]) for place in picked]
    return Sample(chosen, labels[chosen])


def _drawn(total: int, wanted: int, key: str) -> list[int]:
    if wanted >= total:
        return list(range(total))

    def rank(index: int) -> bytes:
        return hashlib.sha256(f"{key}:{index}".encode()).digest()

    return sorted(range(total), key=rank)[:wanted]


def embed(
    pictures: Pictures, sample: Sample, recogniser: Recogniser, progress: Progress | None
) -> Floats:
    """[N, D]: the vectors of the sample, cut by the landmarks in the metadata."""
    vectors = []
    for done, place in enumerate(sample.places):
        image, _ = pictures[place]
        vectors.append(recogniser.embed(image, pictures.metadata(place)["landmarks"]))
        if progress is not None:
            progress(done + 1, len(sample.places))
    return np.array(vectors)


def similarity_of(
    pictures: Pictures,
    labels: Integers,
    recogniser: Recogniser,
    *,
    people: int,
    seed: int,
    progress: Progress | None,
) -> tuple[Sample, Similarity]:
    """What the recogniser says of a sample of the people."""
    sample = choose(labels, people, _PICTURES_EACH, seed)
    vectors = embed(pictures, sample, recogniser, progress)
    return sample, compare(vectors, sample.people, recogniser)


def page_text(
    pictures: Pictures,
    facts: DatasetFacts,
    labels: Integers,
    judged: tuple[Recogniser, Sample, Similarity] | None,
    *,
    missing: str,
) -> str:
    """The page. missing: why nobody judged, in a sentence."""
    looked_at = [pictures.metadata(place) for place in spread(len(pictures), _METADATA_READ)]
    measured = _measure(pictures)
    environment = jinja2.Environment(
        autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    redrawn = redraw_chart(looked_at)
    return environment.from_string(packaged_text(_TEMPLATE)).render(
        facts=facts,
        whose=whose_faces(facts.plan),
        figures=_head_figures(facts, labels),
        about=_about(facts),
        sheet=sheet_rows(pictures, labels),
        sections=attribute_sections(looked_at, measured),
        looked_at=f"{len(looked_at):,}",
        total=f"{len(pictures):,}",
        measured=f"{len(spread(len(pictures), _PICTURES_MEASURED)):,}",
        rejections=_rejections(facts, len(pictures)),
        rejection_charts=[chart for chart in (_rejection_chart(facts), redrawn) if chart],
        similarity=_similarity(pictures, *judged) if judged else None,
        missing=missing,
        runs=_runs(facts),
        changed=changed_options(facts.plan),
        options=plan_options(facts.plan),
        models=sorted(facts.plan.get("generator", {}).get("models", {}).items()),
        version=_core.__version__,
    )


def write_whole(path: Path, text: str) -> None:
    """Writes a file whole or not at all. Raises Unavailable where it cannot."""
    temporary = ""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        mask = os.umask(0)
        os.umask(mask)
        os.chmod(temporary, 0o666 & ~mask)
        os.replace(temporary, path)
    except OSError as error:
        if temporary:
            with contextlib.suppress(OSError):
                os.unlink(temporary)
        raise _core.Unavailable(f"{path} cannot be written: {error.strerror}") from None


def _head_figures(facts: DatasetFacts, labels: Integers) -> list[tuple[str, str]]:
    side = facts.plan.get("size_px", 0)
    return [
        ("pictures", f"{len(labels):,}"),
        ("identities", f"{len(np.unique(labels)):,}"),
        ("size", f"{side} x {side} px"),
        ("shards", f"{facts.shards:,}"),
        ("on disk", _size(facts.bytes)),
    ]


def _about(facts: DatasetFacts) -> list[tuple[str, str]]:
    plan = facts.plan
    encoding = plan.get("encoding") or {}
    coded = str(encoding.get("format", "")).upper()
    if encoding.get("quality") and coded == "JPG":
        coded = f"JPEG, quality {encoding['quality']} (0 to 100)"
    gate = plan.get("gate")
    words = "none"
    if gate:
        words = (
            f"{gate.get('detector')}; mean distance of the landmarks at most "
            f"{gate.get('landmark_tolerance')} of the face's size; at most {gate.get('attempts')} "
            "attempts a picture"
        )
    return [
        ("generator", f"{plan.get('generator', {}).get('name', '')}, guise {plan.get('guise')}"),
        ("seed", str(plan.get("seed"))),
        ("format", f"{plan.get('format')}, {coded}, crop {plan.get('crop')}"),
        ("gate", words),
        ("provenance", PROVENANCE.get(str(plan.get("provenance")), str(plan.get("provenance")))),
        ("plan, sha256", facts.plan_sha256),
    ]


def _measure(pictures: Pictures) -> dict[str, Floats]:
    places = spread(len(pictures), _PICTURES_MEASURED)
    values = np.array([measured_quality(pictures[place][0]) for place in places])
    return {"sharpness": values[:, 0], "brightness": values[:, 1]}


def _rejections(facts: DatasetFacts, kept: int) -> list[tuple[str, str, str]]:
    def row(name: str, count: int, of: int) -> tuple[str, str, str]:
        return name, f"{count:,}", percent(count / of) if of else ""

    rows = [row("attempts", facts.attempts, facts.attempts)]
    rows += [row(f"rejected: {_reason(k)}", n, facts.attempts) for k, n in facts.rejected.items()]
    rows.append(row("pictures kept", kept, facts.attempts))
    rows.append(row("given up after the last attempt", facts.given_up, facts.attempts))
    return rows


def _reason(name: str) -> str:
    return REASONS.get(name, name)


def _rejection_chart(facts: DatasetFacts) -> Any:
    rejected = sum(facts.rejected.values())
    if not facts.attempts or not rejected:
        return None
    rows = [(_reason(name), count / facts.attempts) for name, count in facts.rejected.items()]
    text = f"{rejected:,} of {facts.attempts:,} attempts were rejected."
    return bars(rows, title="Rejected", axis="attempts, %", text=text)


def _similarity(
    pictures: Pictures, recogniser: Recogniser, sample: Sample, found: Similarity
) -> dict[str, Any]:
    people = len(np.unique(sample.people))
    axis = "Euclidean distance of two embeddings, no unit"
    chart = densities(
        found.genuine,
        found.impostor,
        title="Distances of pairs",
        axis=axis,
        threshold=found.threshold,
    )
    spread = found.equal_error_spread
    rate = percent(found.equal_error)
    if spread is not None:
        rate = f"{100 * found.equal_error:.1f} ± {100 * spread:.1f} %"
    figures = [
        ("EER", rate),
        ("TAR at FAR 1 %", percent(found.tar_at_far_1_percent)),
        ("d′, spreads apart", number(found.decidability)),
        (f"look-alikes nearer than {recogniser.look_alike}", percent(found.look_alikes)),
        (f"look-alikes nearer than {recogniser.same_person}", percent(found.takes_for_another)),
    ]
    return {
        "recogniser": recogniser.name,
        "people": f"{people:,}",
        "pictures": f"{len(sample.places):,}",
        "genuine": f"{len(found.genuine):,}",
        "impostor": f"{len(found.impostor):,}",
        "look_alike": recogniser.look_alike,
        "same_person": recogniser.same_person,
        "figures": figures,
        "spread": spread is not None,
        "chart": chart,
        "pairs": [
            _pair(pictures, sample.places[near.first], sample.places[near.second], near)
            for near in found.nearest
        ],
    }


def _pair(pictures: Pictures, first: int, second: int, near: Any) -> dict[str, Any]:
    sides = []
    for place in (first, second):
        line = pictures.metadata(place)
        name = f"{line['identity']} / {line['sample']}"
        sides.append({"name": name, "uri": data_uri(tile(pictures[place][0]))})
    return {
        "sides": sides,
        "distance": f"{near.distance:.3f}",
        "cosine": f"{near.cosine:.3f}".replace("-", "−"),
    }


def _runs(facts: DatasetFacts) -> list[dict[str, str]]:
    rows = []
    for run in facts.runs:
        seconds, made = float(run.get("seconds") or 0), int(run.get("pictures") or 0)
        ended = run.get("ended_unix_s")
        when = (
            datetime.fromtimestamp(ended, timezone.utc) if isinstance(ended, (int, float)) else None
        )
        rows.append(
            {
                "ended": f"{when:%Y-%m-%d %H:%M:%S} UTC" if when else str(run.get("started", "")),
                "machine": str(run.get("machine", "")),
                "workers": str(run.get("workers") or "one a processor"),
                "pictures": f"{made:,}",
                "seconds": f"{seconds:,.1f}",
                "rate": f"{made / seconds:,.1f}" if seconds > 0 else "",
            }
        )
    return rows


def _size(count: int) -> str:
    for unit, scale in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if count >= scale:
            return f"{number(count / scale)} {unit}"
    return f"{count} bytes"
