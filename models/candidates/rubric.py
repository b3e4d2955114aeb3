"""Marketing's rubric as a candidate: points are given, only points -> probability is learned."""

from collections.abc import Mapping
from typing import Any, Self

import numpy as np
import pandas as pd

from features.array_types import Floats, Ints
from features.assembly.frameless_rows import Values, frame_of_values
from features.catalog.feature import Catalog
from features.rubric.ledger import Ledger, ledger
from features.rubric.schema import Rubric
from features.rubric.terms import CAP_FEATURE
from models.interfaces import Contributions
from models.logistic import fit_logistic, logit

_RIDGE = (
    1.0  # precision of a prior on the slope of standardised points: keeps it finite where points separate perfectly
)


class RubricCandidate:
    """A rubric with one learned line: ``log-odds = intercept + slope * points``, slope never negative.

    Contributions are additive: one per rule feature (points given before any cap, times the slope) and one for
    what the caps add or take.
    """

    name = "rubric"

    def __init__(self, rubric: Rubric, *, slope: float = 0.0, intercept: float = 0.0) -> None:
        self.rubric = rubric
        self.slope = slope
        self.intercept = intercept

    def ledger(self, values: Values) -> Ledger:
        """What every rule gave and every cap took, per row."""
        return ledger(self.rubric, frame_of_values(values))

    def points(self, values: Values) -> Floats:
        """The rubric's points per row; equal to the sum of its ledger."""
        return self.ledger(values).points

    def fit(
        self,
        values: pd.DataFrame,
        won: Floats,
        weight: Floats,
        *,
        catalog: Catalog,
        seed: int,
        group: Ints | None = None,
    ) -> Self:
        """Candidate with the line fitted on points; the points themselves never change."""
        slope, intercept = fit_line(self.points(values), won, weight)
        return type(self)(self.rubric, slope=slope, intercept=intercept)

    def log_odds(self, values: Values) -> Floats:
        """Log-odds per row."""
        return np.asarray(self.intercept + self.slope * self.points(values), dtype=np.float64)

    def contributions(self, values: Values) -> Contributions:
        """Additive parts of :meth:`log_odds`, in log-odds; names are features of family ``rules``."""
        book = self.ledger(values)
        caps = book.caps.sum(axis=1).to_numpy(dtype=np.float64)
        points = np.column_stack([book.features.to_numpy(dtype=np.float64), caps])
        names = (*book.features.columns, CAP_FEATURE)
        return Contributions(names, self.slope * points, self.intercept + self.slope * self.rubric.start)

    def explain(self, values: Values) -> tuple[Floats, Contributions]:
        """:meth:`log_odds` and :meth:`contributions`."""
        return self.log_odds(values), self.contributions(values)

    def state(self) -> dict[str, Any]:
        """JSON-ready, for a bundle: the rubric as written and the fitted line."""
        return {
            "rubric": self.rubric.model_dump(mode="json", by_alias=True, exclude_defaults=True),
            "slope": self.slope,
            "intercept": self.intercept,
        }

    def files(self) -> Mapping[str, str]:
        """No text files: the state holds everything."""
        return {}

    @classmethod
    def restore(cls, state: Mapping[str, Any], files: Mapping[str, str]) -> Self:
        """The candidate of a :meth:`state`."""
        rubric = Rubric.model_validate(state["rubric"])
        return cls(rubric, slope=float(state["slope"]), intercept=float(state["intercept"]))


def fit_line(points: Floats, won: Floats, weight: Floats) -> tuple[float, float]:
    """Slope (>= 0) and intercept of the logistic line through points, fitted on standardised points.

    Points that order leads the wrong way round get slope 0 and the base rate: a manual score is never turned
    upside down silently.
    """
    center = float(np.average(points, weights=weight))
    spread = float(np.sqrt(np.average((points - center) ** 2, weights=weight)))
    log_odds = logit(float(np.average(won, weights=weight)))
    if spread < 1e-12:
        return 0.0, log_odds

    design = np.column_stack([np.ones_like(points), (points - center) / spread])
    theta = fit_logistic(design, won, weight, np.array([0.0, _RIDGE]))
    if theta[1] <= 0:
        return 0.0, log_odds
    slope = float(theta[1] / spread)
    return slope, float(theta[0] - slope * center)
