"""audit.json and a page that needs nothing but itself."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jinja2

from guise import _core
from guise.audit.lines import AuditLine, AuditReport
from guise.dataset_report.facts import Pictures
from guise.dataset_report.pictures import data_uri, tile
from guise.evaluate.results import write_files
from guise.models.registry import packaged_text

PAGE, FIGURES = "index.html", "audit.json"
FORMAT = 1
_TEMPLATE = "audit.html.j2"


def report_figures(report: AuditReport) -> dict[str, Any]:
    """Everything as plain values for JSON; what was not measured is None."""
    return {
        "audit": FORMAT,
        **_rounded(report.about),
        "verdict": report.verdict,
        "lines": [
            {
                "id": line.id,
                "title": line.title,
                "verdict": line.verdict,
                "number": _rounded(line.number),
                "shown": line.shown,
                "limit": line.limit,
                "sentence": line.sentence,
                "figures": _rounded(line.figures),
            }
            for line in report.lines
        ],
    }


def _rounded(value: Any) -> Any:
    """Six decimals: the last bits of a cosine depend on the number of threads."""
    if isinstance(value, float):
        return round(value, 6)
    if isinstance(value, Mapping):
        return {key: _rounded(each) for key, each in value.items()}
    return [_rounded(each) for each in value] if isinstance(value, (list, tuple)) else value


def write_audit(out: Path, report: AuditReport, pictures: Pictures) -> list[Path]:
    """Writes both files or none. Raises Unavailable where the folder cannot be written."""
    text = json.dumps(report_figures(report), indent=2, allow_nan=False) + "\n"
    return write_files(out, {PAGE: page_text(report, pictures), FIGURES: text})


def page_text(report: AuditReport, pictures: Pictures) -> str:
    """The page. Of pictures it shows those of the dataset alone, and none that lies near a gallery
    because it does."""
    environment = jinja2.Environment(
        autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    counts = Counter(line.verdict for line in report.lines)
    return environment.from_string(packaged_text(_TEMPLATE)).render(
        name=report.name,
        verdict=report.verdict,
        counts=[(word, counts[word]) for word in counts],
        about=_about(report.about),
        lines=[(line, _pairs(line, pictures)) for line in report.lines],
        version=_core.__version__,
    )


def _about(about: Any) -> list[tuple[str, str]]:
    dataset, threshold = about["dataset"], about["threshold"]
    rows = [
        ("dataset", f"{dataset['pictures']:,} pictures of {dataset['identities']:,} identities"),
        ("generator", dataset["generator"] or "unknown: the dataset has no plan"),
        ("recogniser", about["recogniser"]["name"]),
        ("recogniser, sha256", about["recogniser"]["sha256"]),
        ("same person from cosine", threshold["words"]),
    ]
    if about["population"]:
        rows.append((f"rates counted over ({threshold['population']})", about["population"]))
    if dataset["without_face"]:
        rows.append(("without a face, left out", f"{dataset['without_face']:,} pictures"))
    if dataset["plan_sha256"]:
        rows.append(("plan, sha256", dataset["plan_sha256"]))
    return rows


def _pairs(line: AuditLine, pictures: Pictures) -> list[dict[str, Any]]:
    return [
        {
            "uris": [data_uri(tile(pictures[place][0])) for place in (pair.first, pair.second)],
            "caption": pair.caption,
        }
        for pair in line.pairs
    ]
