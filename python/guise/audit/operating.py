"""Which cosine counts as the same person, and how often that happens by chance."""

from __future__ import annotations

import math
from dataclasses import dataclass

from guise import _core
from guise.calibration import Calibration, Population
from guise.calibration import load as load_calibration
from guise.dataset_report.charts import percent

PAIR_FMR = 1e-3  # of two pictures
# Who is compared with many is allowed so many chance matches in all.
CHANCE = 0.05
_RENDERED, _REAL = "rendered", "real"


@dataclass(frozen=True)
class OperatingPoint:
    """A cosine from which on two pictures count as one person.

    fmr: share of pairs of different people that reach it, as counted over `population`; None where
    nobody counted.
    """

    cosine: float
    fmr: float | None
    population: Population | None

    def expected(self, others: int) -> float:
        """Share of strangers that reach it at least once among so many others; 0 if unknown."""
        return (
            0.0 if self.fmr is None else -math.expm1(others * math.log1p(-min(self.fmr, 1 - 1e-12)))
        )

    def __str__(self) -> str:
        if self.fmr is None or self.population is None:
            return f"{self.cosine:.3f} (as asked)"
        return (
            f"{self.cosine:.3f}, which {percent(self.fmr)} of the pairs of different people reach "
            f"({self.population.name})"
        )

    def figures(self) -> dict[str, object]:
        """Plain values for JSON."""
        name = self.population.name if self.population else None
        return {"cosine": self.cosine, "fmr": self.fmr, "population": name}


class Thresholds:
    """Operating points of a recogniser. Raises ValueError and Unavailable when it is made."""

    def __init__(
        self, model: _core.Embedder, *, population: str | None = None, given: float | None = None
    ) -> None:
        self._given = given
        self._named = population
        self._known = self._calibration(model)
        if self._known is not None:
            self._population()

    def _calibration(self, model: _core.Embedder) -> Calibration | None:
        try:
            return load_calibration(model)
        except _core.Unavailable as error:
            if self._given is None:
                raise _core.Unavailable(f"{error}; or give a threshold (--threshold)") from None
            return None

    def _population(self, *, photos: bool = False) -> Population:
        assert self._known is not None
        names = [each.name for each in self._known.populations]
        wanted = self._named or (_REAL if photos else _RENDERED)
        if self._named is None and wanted not in names:
            wanted = names[0]
        return self._known.population(wanted)

    @property
    def flip(self) -> bool:
        """Whether mirror images take part in embeddings, as in the calibration."""
        return self._known.flip if self._known is not None else True

    def of_pairs(self) -> OperatingPoint:
        """For two pictures."""
        return self._point(PAIR_FMR, photos=False)

    def among(self, others: int, *, photos: bool = False) -> OperatingPoint:
        """For who is compared with so many others: as rare as the calibration can tell."""
        return self._point(min(PAIR_FMR, CHANCE / max(others, 1)), photos=photos)

    def _point(self, fmr: float, *, photos: bool) -> OperatingPoint:
        population = self._population(photos=photos) if self._known is not None else None
        if self._given is not None:
            rate = population.fmr(self._given).value if population else None
            return OperatingPoint(self._given, rate, population)
        assert population is not None
        fmr = max(fmr, population.rows[-1][0])
        return OperatingPoint(population.threshold(fmr), fmr, population)
