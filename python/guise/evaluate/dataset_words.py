"""What datasets taught the reference recogniser, in tables and curves."""

from __future__ import annotations

import re

from guise.dataset_report.charts import number, percent
from guise.evaluate.curves import Line, chart, deviate_axis
from guise.evaluate.dataset import DatasetReports, DatasetResult
from guise.evaluate.recogniser import Rate, RecogniserReport
from guise.evaluate.recogniser_words import interval
from guise.evaluate.results import Table

_TOLD_FARS = (1e-2, 1e-3)
_NOTHING = "–"


def about(reports: DatasetReports) -> list[str]:
    """What was done, in sentences."""
    recipe, results = reports.recipe, reports.results
    precision = "bfloat16" if any(each.bfloat16 for each in results) else "float32"
    threads = f"{reports.threads} thread{'s' if reports.threads > 1 else ''}"
    lines = [
        f"{recipe.name}: {recipe.steps:,} steps of {recipe.batch} pictures, seed {reports.seed}, "
        f"{precision}, {threads}, whatever the size of the dataset. A small net: its figures "
        "compare datasets and are not what a large one would reach.",
        "Intervals are 95 %, by drawing the measured people anew (bootstrap). They do not hold "
        "the chance of the training: another --seed moves the figures too.",
    ]
    sizes = [each.pictures for each in results]
    if min(sizes) != max(sizes):
        lines.append(
            f"The sets differ in size: {min(sizes):,} to {max(sizes):,} pictures; --images makes "
            "them equal."
        )
    if reports.rendered:
        lines.append(
            "Measured on rendered people: datasets of rendered faces are at home there. What a "
            "dataset is worth for photos, --on a set of photos says."
        )
    lines += [line for each in results for line in _limits(each)]
    for on in reports.sets:
        if on.without_face or on.left_out_pairs:
            lines.append(
                f"{on.name}, left out: {len(on.without_face)} photos without a face that was "
                f"found, {on.left_out_pairs} pairs."
            )
    return lines


def _limits(result: DatasetResult) -> list[str]:
    lines = [
        f"{part.path}: {part.single:,} pictures left out whose person has no other."
        for part in result.parts
        if part.single
    ]
    if result.seen < result.pictures:
        lines.append(
            f"{result.name}: the budget reaches {result.seen:,} of {result.pictures:,} pictures."
        )
    return lines


def tables(reports: DatasetReports) -> list[Table]:
    """What was trained on, and the figures of each set."""
    return [_used(reports), *(_on_set(reports, place) for place in range(len(reports.sets)))]


def _used(reports: DatasetReports) -> Table:
    rows = []
    for result in reports.results:
        held = sum(part.held for part in result.parts)
        passes = reports.recipe.steps * reports.recipe.batch / result.pictures
        rates = [number(passes), number(result.loss), number(result.pictures_per_second)]
        rows.append([result.name, *_size(result.pictures, held, result.people), *rates])
        if len(result.parts) > 1:
            rows += [
                [f"  {part.path}", *_size(part.pictures, part.held, part.people), "", "", ""]
                for part in result.parts
            ]
    columns = ("dataset", "pictures", "people", "of each", "passes", "loss", "pictures/s")
    return Table("Trained on", columns, rows)


def _size(pictures: int, held: int, people: int) -> list[str]:
    return [f"{pictures:,} of {held:,}", f"{people:,}", number(pictures / people)]


def _on_set(reports: DatasetReports, place: int) -> Table:
    on = [result.reports[place] for result in reports.results]
    first = on[0]
    columns = ["trained on", "EER", *(f"TAR at FAR {percent(far)}" for far in _TOLD_FARS)]
    columns += ["rank-1"] if first.ranks is not None else []
    columns += ["10-fold accuracy"] if first.folds is not None else []
    rows = [
        _row(result, report, len(columns))
        for result, report in zip(reports.results, on, strict=True)
    ]
    size = f"{first.photos:,} photos, {first.genuine:,} pairs of one person and "
    return Table(
        f"On {reports.sets[place].name} ({size}{first.impostor:,} of two)", tuple(columns), rows
    )


def _row(result: DatasetResult, report: RecogniserReport, columns: int) -> list[str]:
    tars = {each.far: each.tar for each in report.tar_at_far}
    row = [result.name, _with_interval(report.equal_error)]
    row += [_with_interval(tars[far]) if far in tars else _NOTHING for far in _TOLD_FARS]
    if report.ranks is not None:
        row.append(percent(report.ranks[1]))
    if report.folds is not None:
        spread = number(100 * report.folds.accuracy_spread)
        row.append(f"{percent(report.folds.accuracy)} ± {spread}")
    return row + [_NOTHING] * (columns - len(row))


def _with_interval(rate: Rate) -> str:
    drawn = interval(rate)
    return f"{percent(rate.value)} ({drawn})" if drawn else percent(rate.value)


def charts(reports: DatasetReports) -> dict[str, str]:
    """det-SET.svg: the curves of all datasets on a set."""
    made: dict[str, str] = {}
    for place, on in enumerate(reports.sets):
        lines, told = [], []
        for result in reports.results:
            report = result.reports[place]
            points = report.curve.det_points()
            lines.append(Line(result.name, points.fmr.numpy(), points.fnmr.numpy()))
            told.append(f"{result.name}: EER {percent(report.equal_error.value)}")
        name = re.sub(r"[^a-z0-9]+", "-", on.name.lower()).strip("-") or "set"
        name = name if f"det-{name}.svg" not in made else f"{name}-{place + 1}"
        made[f"det-{name}.svg"] = chart(
            lines,
            title=f"Detection error trade-off, {on.name}",
            across=deviate_axis("false match rate", 1e-4, 0.6),
            up=deviate_axis("false non-match rate", 1e-2, 0.95),
            text="; ".join(told) + ".",
            diagonal=True,
        )
    return made
