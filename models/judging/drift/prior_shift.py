"""The prior-shift watch: the base rate of the newest matured rows against that of the rows before them."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from features.array_types import Floats, Ints
from features.matrix import Matrix
from models.judging.cluster_bootstrap import Resampling, mean_interval
from models.logistic import logit

FEWEST_ROWS = 100  # of the newest period: a share of 10% then has a standard error of 3 points
_PERIODS = 4  # times FEWEST_ROWS there must be in all, so that "before" is longer than the newest period
_SHARE = 0.05  # of the rows, where there are no months


@dataclass(frozen=True, kw_only=True)
class PriorShift:
    """Base rates of the newest period and of all before it; ``low`` and ``high`` are the newest one's 90% interval.

    ``in_blocks`` : whether development blocks follow time, so that there is a newest one to correct the level by
    """

    period: str
    rows: int
    won: int
    rate: float
    low: float
    high: float
    before: float
    in_blocks: bool = True

    @property
    def moved(self) -> bool:
        """Whether the base rate before lies outside the interval."""
        return not self.low <= self.before <= self.high

    @property
    def log_odds(self) -> float:
        """How far the base rate moved [log-odds]."""
        return logit(self.rate) - logit(self.before)

    @property
    def sentence(self) -> str:
        """For the report."""
        figures = (
            f"{self.rate:.1%} of the {self.rows:,} rows of {self.period} were won (90% interval {self.low:.1%} to "
            f"{self.high:.1%}), {self.before:.1%} before"
        )
        if not self.moved:
            return f"The base rate did not move beyond noise: {figures}."
        return (  # kept in the bundle's meta: another wording is another bundle hash
            f"The base rate moved: {figures}, {self.log_odds:+.2f} in log-odds. Ranking is not touched by that, but "
            "probabilities follow it only as far as the features explain it"
            + (
                "; declare 'prior_correction: newest' to let their level follow the newest matured rows alone."
                if self.in_blocks
                else "."
            )
        )

    def record(self) -> dict[str, Any]:
        """JSON-ready."""
        return {
            "period": self.period,
            "rows": self.rows,
            "won": self.won,
            "rate": self.rate,
            "rate_ci": [self.low, self.high],
            "before": self.before,
            "moved": self.moved,
            "log_odds": self.log_odds,
            "sentence": self.sentence,
        }


def measure_prior_shift(
    matrix: Matrix, rows: Ints, resampling: Resampling, *, in_blocks: bool = True
) -> PriorShift | None:
    """The watch on matured rows; None where they have no order, or too few.

    The newest period is the last calendar month with at least :data:`FEWEST_ROWS` matured rows (later, thinner months
    are added to it), or the last twentieth of the rows where there are no clocks.
    """
    if not matrix.ordered or len(rows) < _PERIODS * FEWEST_ROWS:
        return None
    newest, period = _newest(matrix, rows)
    if newest.sum() < FEWEST_ROWS or newest.all():
        return None

    won = matrix.label[rows]
    inside = rows[newest]
    span = mean_interval(won[newest], matrix.group_codes[inside], resampling)

    return PriorShift(
        period=period,
        rows=len(inside),
        won=int(won[newest].sum()),
        rate=float(won[newest].mean()),
        low=span.low,
        high=span.high,
        before=float(won[~newest].mean()),
        in_blocks=in_blocks,
    )


def _newest(matrix: Matrix, rows: Ints) -> tuple[np.ndarray[Any, np.dtype[np.bool_]], str]:
    as_of = matrix.keys["as_of"].iloc[rows]
    if as_of.notna().all():
        months = as_of.dt.to_period("M")
        counts: Floats = months.value_counts().sort_index(ascending=False).cumsum().to_numpy(dtype=np.float64)
        order = months.drop_duplicates().sort_values(ascending=False).reset_index(drop=True)
        first = order[min(int(np.searchsorted(counts, FEWEST_ROWS)), len(order) - 1)]
        name = str(first) if first == order[0] else f"{first} to {order[0]}"
        return (months >= first).to_numpy(dtype=np.bool_), name
    order_of = matrix.keys["order"].to_numpy()[rows]
    edge = np.quantile(order_of, 1 - _SHARE)
    return order_of > edge, "the newest twentieth"
