"""What happened since a bundle was trained: the base rate, and observed wins against predicted ones."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from features.array_types import Floats
from features.cohort.splits import leads_of
from features.matrix import Matrix
from models.judging.cluster_bootstrap import (
    Interval,
    Resampling,
    group_sums,
    interval,
    mean_interval,
    ratio,
    resample_totals,
)
from models.judging.drift.prior_shift import FEWEST_ROWS, PriorShift, measure_prior_shift
from models.logistic import sigmoid
from models.settings import MonitorSettings


@dataclass(frozen=True, kw_only=True)
class ObservedVsPredicted:
    """Wins predicted and observed on rows of leads the bundle had not learned from.

    Parameters
    ----------
    rows, won : matured rows, distinct leads won among them
    expected, observed : mean probability of the rows, and the share of them that was won
    ratio, low, high : observed over expected, 90% interval over accounts; 1 is as predicted
    """

    rows: int
    won: int
    expected: float
    observed: float
    ratio: float
    low: float
    high: float

    @property
    def kept(self) -> bool:
        """Whether what was observed is within noise of what was predicted."""
        return self.low <= 1.0 <= self.high

    @property
    def sentence(self) -> str:
        """The figures in words."""
        word = "as predicted, within noise" if self.kept else f"{'fewer' if self.ratio < 1 else 'more'} than predicted"
        return (
            f"Of {self.rows:,} rows that matured since training ({self.won:,} won leads), {self.observed:.1%} were won "
            f"and {self.expected:.1%} were predicted: {word} (ratio {self.ratio:.2f}, 90% interval {self.low:.2f} to "
            f"{self.high:.2f})."
        )

    def record(self) -> dict[str, Any]:
        """JSON-ready."""
        plain = {name: getattr(self, name) for name in ("rows", "won", "expected", "observed", "ratio")}
        return plain | {
            "ratio_ci": Interval(self.low, self.high).record(),
            "kept": self.kept,
            "sentence": self.sentence,
        }


def compare_with_predicted(
    judged: Matrix, log_odds: Floats, won: int, settings: MonitorSettings
) -> ObservedVsPredicted | None:
    """Observed against predicted wins on later rows; None where too few leads were won to judge."""
    if won < settings.minimum_won:
        return None
    p = sigmoid(log_odds)
    sums = group_sums(judged.group_codes, {"won": judged.label, "expected": p})
    drawn = resample_totals(sums, Resampling.of(settings))
    span = interval(ratio(drawn["won"], drawn["expected"]))

    return ObservedVsPredicted(
        rows=len(judged),
        won=won,
        expected=float(p.mean()),
        observed=float(judged.label.mean()),
        ratio=float(judged.label.sum() / p.sum()),
        low=span.low,
        high=span.high,
    )


def compare_segments(
    judged: Matrix, log_odds: Floats, segment: npt.NDArray[np.object_], settings: MonitorSettings
) -> dict[str, ObservedVsPredicted]:
    """Observed against predicted wins of every segment in which enough leads were won, by name."""
    found = {}
    for name in np.unique(segment.astype("str")):
        rows = np.flatnonzero(segment == name)
        part = judged.take(rows)
        compared = (
            compare_with_predicted(part, log_odds[rows], leads_of(part, np.arange(len(part)))[0], settings)
            if name
            else None
        )
        if compared is not None:
            found[str(name)] = compared
    return found


def compare_base_rate(
    matrix: Matrix, through: pd.Timestamp | None, trained: float, settings: MonitorSettings
) -> PriorShift | None:
    """The base rate of all rows matured since training against that of the training rows.

    Where those are too few: the newest matured month against the months before it; None where that has too few rows
    too. Unlike :func:`compare_with_predicted` this takes rows of all leads, because a base rate depends on their mix
    of ages.
    """
    matured = np.flatnonzero(matrix.matured)
    rows = matured if through is None else matured[(matrix.label_known_at.iloc[matured] > through).to_numpy()]
    if through is None or len(rows) < FEWEST_ROWS:
        return measure_prior_shift(matrix, matured, Resampling.of(settings))
    won, as_of = matrix.label[rows], matrix.keys["as_of"].iloc[rows]
    span = mean_interval(won, matrix.group_codes[rows], Resampling.of(settings))

    return PriorShift(
        period=f"{as_of.min():%Y-%m} to {as_of.max():%Y-%m}",
        rows=len(rows),
        won=int(won.sum()),
        rate=float(won.mean()),
        low=span.low,
        high=span.high,
        before=trained,
    )
