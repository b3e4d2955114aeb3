"""The 90% interval of the event rate given the score."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from features.array_types import Floats, Ints
from models.interfaces import Calibration
from models.judging.cluster_bootstrap import Resampling, cluster_sums, resample_totals
from models.logistic import sigmoid

REACH = 1.6448536269514722  # normal deviations either side of the mean that hold CONFIDENCE (a test holds it to scipy)


@dataclass(frozen=True)
class IntervalModel:
    """Uncertainty of the event rate given the score: resampled calibrations plus the spread between seeds.

    Parameters
    ----------
    middle : where the line is pinned [log-odds before calibration]
    covariance : of (level at ``middle``, slope), from the clustered bootstrap and, for the level, between blocks
    seed_deviation : typical standard deviation of log-odds between seeds
    """

    middle: float
    covariance: Floats
    seed_deviation: float

    def deviation(self, log_odds: Floats, slope: float) -> Floats:
        """Standard deviation of the calibrated log-odds."""
        x, (of_intercept, shared), (_, of_slope) = log_odds - self.middle, self.covariance[0], self.covariance[1]
        # written out: a matrix product's last bit would depend on how many rows are scored together
        variance = of_intercept + x * (2.0 * shared) + x * x * of_slope + (slope * self.seed_deviation) ** 2
        return np.sqrt(np.maximum(variance, 0.0))

    def bounds(self, log_odds: Floats, calibration: Calibration, more: Floats | None = None) -> tuple[Floats, Floats]:
        """90% interval of the probability; the probability itself always lies inside.

        ``more`` is what else is not known of each row's calibrated log-odds, as a variance.
        """
        deviation = self.deviation(log_odds, calibration.slope)
        reach = REACH * (deviation if more is None else np.sqrt(deviation**2 + more))
        calibrated = calibration.apply(log_odds)
        return sigmoid(calibrated - reach), sigmoid(calibrated + reach)

    def state(self) -> dict[str, Any]:
        """JSON-ready, for a bundle."""
        return {
            "middle": self.middle,
            "covariance": self.covariance.tolist(),
            "seed_deviation": self.seed_deviation,
        }

    @classmethod
    def restore(cls, state: Mapping[str, Any]) -> Self:
        """The model of a :meth:`state`."""
        return cls(float(state["middle"]), np.asarray(state["covariance"]), float(state["seed_deviation"]))


@dataclass(frozen=True)
class CalibrationRows:
    """Out-of-fold rows a calibration was fitted on, all shape (n,).

    Parameters
    ----------
    log_odds : before calibration
    won : 1 or 0
    weight : of each row
    group : codes; rows of one group are resampled together
    level_variance : of the next block's level around the promised one [log-odds squared]
    """

    log_odds: Floats
    won: Floats
    weight: Floats
    group: Ints
    level_variance: float = 0.0


def fit_interval(
    rows: CalibrationRows, calibration: Calibration, *, seed_deviation: float, resampling: Resampling
) -> IntervalModel:
    """Interval model by resampling groups: one Newton step per draw from the fitted calibration.

    The level of the next block is as uncertain as past blocks say: a probability is promised for later leads, not for
    those it was calibrated on (docs/adr/0016).

    Parameters
    ----------
    seed_deviation : typical standard deviation of log-odds between seeds
    resampling : of the groups
    """
    log_odds, won, weight = rows.log_odds, rows.won, rows.weight
    middle = float(np.average(log_odds, weights=weight))
    x = np.column_stack([np.ones(len(won)), log_odds - middle])
    p = sigmoid(calibration.apply(log_odds))
    score = x * (weight * (won - p))[:, None]
    information = (x * (weight * p * (1 - p))[:, None]).T @ x + np.diag([1e-9, 1e-9])  # invertible without any spread

    codes = np.unique(rows.group, return_inverse=True)[1]
    groups = int(codes.max()) + 1
    sums = {str(k): cluster_sums(codes, score[:, k], groups) for k in range(2)}
    drawn = resample_totals(sums, resampling)
    moved = np.column_stack([drawn[name] - total.sum() for name, total in sums.items()])
    steps = np.linalg.solve(information, moved.T).T

    covariance = np.cov(steps.T)
    covariance[0, 0] += rows.level_variance
    return IntervalModel(middle, covariance, seed_deviation)
