"""How good recognisers and detectors are, on photos of one's own.

    from guise import evaluate
    report = evaluate.evaluate_recogniser("house-recogniser", on="lfw.bin")
    report.equal_error, report.tar_at_far, report.folds

`guise evaluate` prints the same as tables and writes curves.
"""

from __future__ import annotations

from guise.evaluate.detector import DetectorReport, evaluate_detector
from guise.evaluate.recogniser import RecogniserReport, evaluate_recogniser

__all__ = ["DetectorReport", "RecogniserReport", "evaluate_detector", "evaluate_recogniser"]
