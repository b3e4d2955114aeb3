"""What came true since a bundle was trained: the base rate, and promised against happened."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from features.array_types import Floats
from features.matrix import Matrix
from models.judging.cluster_bootstrap import Interval, Resampling, cluster_sums, interval, ratio, resample_totals
from models.judging.drift.prior_shift import FEWEST_ROWS, PriorShift, measure_prior_shift
from models.judging.evaluation.backtest import group_codes
from models.logistic import sigmoid
from models.settings import MonitorSettings


@dataclass(frozen=True)
class ObservedVsPredicted:
    """Wins promised and happened on rows of leads the bundle had not learned from.

    Parameters
    ----------
    rows, won : matured rows, distinct leads won among them
    expected, observed : mean probability of the rows, and the share of them that was won
    ratio, low, high : observed by expected, 90 % interval over accounts; 1 is as promised
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
        """Whether what happened is within noise of what was promised."""
        return self.low <= 1.0 <= self.high

    @property
    def sentence(self) -> str:
        """The figures in words."""
        word = (
            "as promised within noise"
            if self.kept
            else "less than promised"
            if self.ratio < 1
            else "more than promised"
        )
        return (
            f"Of {self.rows:,} rows matured since the training ({self.won:,} won leads) {self.observed:.1%} were won, "
            f"{self.expected:.1%} were promised: {word} (ratio {self.ratio:.2f}, 90 % interval {self.low:.2f} to "
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
    """Promised against happened on later rows; None where fewer leads were won than can tell anything."""
    if won < settings.minimum_won:
        return None
    p = sigmoid(log_odds)
    sums = _sums(group_codes(judged), {"won": judged.label, "expected": p})
    drawn = resample_totals(sums, Resampling.of(settings))
    span = interval(ratio(drawn["won"], drawn["expected"]))
    figures = (float(p.mean()), float(judged.label.mean()), float(judged.label.sum() / p.sum()))
    return ObservedVsPredicted(len(judged), won, *figures, span.low, span.high)


def compare_base_rate(
    matrix: Matrix, through: pd.Timestamp | None, trained: float, settings: MonitorSettings
) -> PriorShift | None:
    """The base rate of all rows matured since the training against the training's.

    Where those are too few: the newest matured month against the months before it; None where that cannot be told
    either. Unlike :func:`compare_with_predicted` this takes rows of all leads, because a base rate depends on their mix
    of ages.
    """
    matured = np.flatnonzero(matrix.matured)
    rows = matured if through is None else matured[(matrix.label_known_at.iloc[matured] > through).to_numpy()]
    if through is None or len(rows) < FEWEST_ROWS:
        return measure_prior_shift(matrix, matured, Resampling.of(settings))
    won, as_of = matrix.label[rows], matrix.keys["as_of"].iloc[rows]
    sums = _sums(group_codes(matrix)[rows], {"won": won, "rows": np.ones(len(rows))})
    drawn = resample_totals(sums, Resampling.of(settings))
    span = interval(ratio(drawn["won"], drawn["rows"]))
    period = f"{as_of.min():%Y-%m} to {as_of.max():%Y-%m}"
    rate = float(won.mean())
    return PriorShift(period, len(rows), int(won.sum()), rate, span.low, span.high, trained)


def _sums(group: Any, values: dict[str, Floats]) -> dict[str, Floats]:
    codes = np.unique(group, return_inverse=True)[1].astype(np.int64)
    clusters = int(codes.max()) + 1
    return {name: cluster_sums(codes, column, clusters) for name, column in values.items()}
