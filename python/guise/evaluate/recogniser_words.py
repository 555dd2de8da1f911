"""What was measured of a recogniser, in tables and curves."""

from __future__ import annotations

from guise.dataset_report.charts import number, percent
from guise.evaluate.curves import (
    Floats,
    Line,
    chart,
    deviate_axis,
    evenly_on_log,
    log_axis,
    share_axis,
)
from guise.evaluate.recogniser import FARS, Rate, RecogniserReport
from guise.evaluate.results import Table

_DET_LOW, _DET_HIGH = 1e-6, 0.6


def interval(rate: Rate) -> str:
    """ "98.1 % to 99.2 %", or nothing."""
    if rate.low is None or rate.high is None:
        return ""
    return f"{percent(rate.low)} to {percent(rate.high)}"


def about(report: RecogniserReport) -> list[str]:
    """What was compared, in sentences."""
    pairs = f"{report.genuine:,} pairs of one person and {report.impostor:,} of two"
    lines = [
        f"{report.photos:,} photos of a {report.kind}: {pairs}. "
        f"{'Each with its mirror image' if report.flip else 'Without mirror images'}; "
        f"{_crops(report)}.",
        "Intervals are 95 %, by drawing whole people anew (bootstrap); where no error was seen, "
        "Wilson's, as if each person were one trial. TAR is told at the loosest threshold that "
        "keeps the FAR, without interpolation.",
    ]
    if not report.exact:
        lines.append(
            "So many pairs of two people are kept as a histogram of 65,536 bins: thresholds are "
            "exact to 0.00002, and intervals hold these pairs as they are."
        )
    missing = [far for far in FARS if far not in [each.far for each in report.tar_at_far]]
    if missing:
        lines.append(
            f"TAR at FAR {percent(missing[0])} needs {round(1 / missing[0]):,} pairs of two people."
        )
    left_out = [
        (len(report.unreadable), "photos could not be read"),
        (len(report.without_face), "photos show no face that was found"),
        (report.left_out_pairs, "pairs lack a photo"),
    ]
    told = [f"{count} {what}" for count, what in left_out if count]
    if told:
        lines.append(f"Left out: {', '.join(told)}.")
    return lines


def _crops(report: RecogniserReport) -> str:
    if report.detected == 0:
        return "pictures taken as crops"
    return f"faces of {report.detected:,} pictures detected and aligned"


def tables(report: RecogniserReport) -> list[Table]:
    """Everything that was measured."""
    rows = [
        [
            "EER",
            percent(report.equal_error.value),
            interval(report.equal_error),
            f"at cosine {number(report.equal_error_threshold)}",
        ]
    ]
    rows += [
        [
            f"TAR at FAR {percent(each.far)}",
            percent(each.tar.value),
            interval(each.tar),
            f"at cosine {number(each.threshold)}; pairs alone {interval(each.pairs)}",
        ]
        for each in report.tar_at_far
    ]
    rows.append(["d'", number(report.d_prime), "", ""])
    for rank, share in (report.ranks or {}).items():
        note = "one gallery photo a person, all choices" if rank == 1 else ""
        rows.append([f"rank-{rank}", percent(share), "", note])
    rows += _fold_rows(report) + _separation_rows(report)
    rows.append(["speed", f"{number(report.photos_per_second)} photos/s", "", "the network alone"])
    found = [Table("Figures", ("", "value", "95 % interval", ""), rows)]
    if report.nearest:
        cells = [[pair.first, pair.second, number(pair.cosine)] for pair in report.nearest]
        found.append(Table("Most alike of different people", ("photo", "photo", "cosine"), cells))
    for title, photos in (
        ("Not readable", report.unreadable),
        ("No face found", report.without_face),
    ):
        if photos:
            cells = [[each.name, each.reason] for each in photos]
            found.append(Table(title, ("photo", "why"), cells))
    return found


def _fold_rows(report: RecogniserReport) -> list[list[str]]:
    folds = report.folds
    if folds is None:
        return []
    spread = f"± {number(100 * folds.accuracy_spread)}"
    rows = [["10-fold accuracy", percent(folds.accuracy), spread, "protocol of LFW"]]
    if folds.val == folds.val:
        spread = f"± {number(100 * folds.val_spread)}"
        rows.append(["VAL at FAR 0.1 %", percent(folds.val), spread, "protocol of LFW"])
    return rows


def _separation_rows(report: RecogniserReport) -> list[list[str]]:
    found = report.separation
    if found is None:
        return []
    rows = [
        ["people apart: highest cosine", number(found.inter_class_max), "", "of two centres"],
        ["photos together: mean cosine", number(found.intra_class_mean), "", "of one person"],
        ["unique people", percent(found.unique_share), "", "Vec2Face: cosine of centres ≤ 0.4"],
        ["unique people", percent(found.dcface_uniqueness), "", "DCFace: distance > 0.3"],
        ["consistent photos", percent(found.dcface_consistency), "", "DCFace: distance < 0.3"],
    ]
    return [row for row in rows if row[1] != "nan"]


def charts(report: RecogniserReport) -> dict[str, str]:
    """det.svg and roc.svg."""
    points = report.curve.det_points()
    det = Line(report.model, points.fmr.numpy(), points.fnmr.numpy())
    error = f"EER {percent(report.equal_error.value)}."
    smallest = max(min(1e-4, 1 / report.impostor), _DET_LOW)
    fmr, tar = report.curve.fmr.numpy(), 1 - report.curve.fnmr.numpy()
    roc = Line(report.model, *evenly_on_log(fmr, tar, smallest))
    told = "; ".join(
        f"{percent(each.tar.value)} at FAR {percent(each.far)}" for each in report.tar_at_far
    )
    return {
        "det.svg": chart(
            [det],
            title="Detection error trade-off",
            across=deviate_axis("false match rate", _low(det.across), _DET_HIGH),
            up=deviate_axis("false non-match rate", _low(det.up), _DET_HIGH),
            text=error,
            diagonal=True,
        ),
        "roc.svg": chart(
            [roc],
            title="Receiver operating characteristic",
            across=log_axis("false accept rate", smallest),
            # A good curve would lie on the frame.
            up=share_axis("true accept rate", 0.9 if roc.up.min() >= 0.9 else 0),
            text=f"TAR {told}.",
            names_below=True,
        ),
    }


def _low(shares: Floats) -> float:
    """The end of an axis: a little below the smallest share."""
    if not len(shares):
        return 1e-3
    return min(max(float(shares.min()) / 2, _DET_LOW), 1e-2)
