"""How good recognisers, detectors and datasets are, on photos of one's own.

    from guise import evaluate
    report = evaluate.evaluate_recogniser("house-recogniser", on="lfw.bin")
    report.equal_error, report.tar_at_far, report.folds
    evaluate.evaluate_dataset(["mine", "theirs"], on=["lfw.bin"], images=50_000)

`guise evaluate` prints the same as tables and writes curves.
"""

from __future__ import annotations

from guise.evaluate.dataset import DatasetReports, DatasetResult, evaluate_dataset
from guise.evaluate.detector import DetectorReport, evaluate_detector
from guise.evaluate.recogniser import RecogniserReport, evaluate_recogniser

__all__ = [
    "DatasetReports",
    "DatasetResult",
    "DetectorReport",
    "RecogniserReport",
    "evaluate_dataset",
    "evaluate_detector",
    "evaluate_recogniser",
]
