"""Affine calibration in log-odds, its uncertainty, and what the data say about it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from models.judging.resample import CONFIDENCE
from models.logistic import fit_logistic, sigmoid
from models.scorer import Calibration, Floats, Ints

_MINIMUM_SLOPE = 0.05
_PULL = 4.0  # pseudo-observations that hold the slope at 1


def fit_calibration(log_odds: Floats, won: Floats, weight: Floats, block: Ints | None = None) -> Calibration:
    """Slope and intercept on out-of-fold log-odds.

    With ``block`` the slope is fitted under an intercept of its own per block, so that a moving base rate does
    not bend it; the intercept is then fitted on all rows together.
    """
    middle = float(np.average(log_odds, weights=weight))
    spread = max(float(np.sqrt(np.average((log_odds - middle) ** 2, weights=weight))), 1e-9)
    x = (log_odds - middle) / spread
    codes = np.zeros(len(won), dtype=np.int64) if block is None else np.unique(block, return_inverse=True)[1]
    dummies = np.eye(int(codes.max()) + 1)[codes]
    design = np.column_stack([x, dummies])
    penalty = np.r_[_PULL, np.zeros(dummies.shape[1])]
    centre = np.r_[spread, np.zeros(dummies.shape[1])]
    slope = max(float(fit_logistic(design, won, weight, penalty, centre=centre)[0]) / spread, _MINIMUM_SLOPE)
    ones = np.ones((len(won), 1))
    intercept = float(fit_logistic(ones, won, weight, np.zeros(1), offset=slope * log_odds)[0])
    return Calibration(slope, intercept)


@dataclass(frozen=True)
class IntervalModel:
    """Uncertainty of the event rate given the score: resampled calibrations plus the spread between seeds.

    Parameters
    ----------
    middle : where the line is pinned [log-odds before calibration]
    covariance : of (level at ``middle``, slope), from the clustered bootstrap
    seed_deviation : typical standard deviation of log-odds between seeds
    """

    middle: float
    covariance: Floats
    seed_deviation: float

    def deviation(self, log_odds: Floats, slope: float) -> Floats:
        """Standard deviation of the calibrated log-odds."""
        x = np.column_stack([np.ones(len(log_odds)), log_odds - self.middle])
        variance = np.einsum("ij,jk,ik->i", x, self.covariance, x) + (slope * self.seed_deviation) ** 2
        return np.sqrt(np.maximum(variance, 0.0))

    def bounds(self, log_odds: Floats, calibration: Calibration) -> tuple[Floats, Floats]:
        """90 % interval of the probability; the probability itself always lies inside."""
        from scipy.stats import norm

        reach = float(norm.ppf((1 + CONFIDENCE) / 2)) * self.deviation(log_odds, calibration.slope)
        calibrated = calibration.apply(log_odds)
        return sigmoid(calibrated - reach), sigmoid(calibrated + reach)

    def state(self) -> dict[str, Any]:
        return {
            "middle": self.middle,
            "covariance": self.covariance.tolist(),
            "seed_deviation": self.seed_deviation,
        }

    @classmethod
    def restore(cls, state: Mapping[str, Any]) -> Self:
        return cls(float(state["middle"]), np.asarray(state["covariance"]), float(state["seed_deviation"]))


def fit_interval(
    log_odds: Floats,
    won: Floats,
    weight: Floats,
    group: Ints,
    calibration: Calibration,
    *,
    seed_deviation: float,
    draws: int,
    seed: int,
) -> IntervalModel:
    """Interval model by resampling groups: one Newton step per draw from the fitted calibration."""
    middle = float(np.average(log_odds, weights=weight))
    x = np.column_stack([np.ones(len(won)), log_odds - middle])
    p = sigmoid(calibration.apply(log_odds))
    score = x * (weight * (won - p))[:, None]
    information = (x * (weight * p * (1 - p))[:, None]).T @ x + np.diag([1e-9, 1e-9])
    codes = np.unique(group, return_inverse=True)[1]
    groups = int(codes.max()) + 1
    sums = np.column_stack([np.bincount(codes, weights=score[:, k], minlength=groups) for k in range(2)])
    rng = np.random.default_rng(seed)
    steps = np.empty((draws, 2))
    for draw in range(draws):
        counts = rng.multinomial(groups, np.full(groups, 1.0 / groups))
        steps[draw] = np.linalg.solve(information, counts @ sums - sums.sum(axis=0))
    return IntervalModel(middle, np.cov(steps.T), seed_deviation)
