"""Affine calibration in log-odds, its uncertainty, and what the data say about it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from models.interfaces import Calibration, Floats, Ints
from models.logistic import fit_logistic, sigmoid

_MINIMUM_SLOPE = 0.05
_PRIOR_DEVIATION = 0.5  # of the slope around 1
REACH = 1.6448536269514722  # normal deviations either side of the mean that hold CONFIDENCE (a test holds it to scipy)


@dataclass(frozen=True)
class Slope:
    """The calibration slope and what rolling blocks and random folds say of it, each (estimate, variance)."""

    value: float
    by_time: tuple[float, float]
    at_random: tuple[float, float] | None

    @property
    def disagreement(self) -> str:
        """A sentence where the two kinds of folds contradict each other, else empty."""
        if self.at_random is None or abs(self.by_time[0] - self.at_random[0]) < _PRIOR_DEVIATION:
            return ""
        return (
            f"The calibration slope is {self.by_time[0]:.2f} by rolling blocks but {self.at_random[0]:.2f} by random "
            f"folds: what was learned early did not last. The slope used, {self.value:.2f}, is shrunk towards 1."
        )


def fit_slope(
    log_odds: Floats,
    won: Floats,
    weight: Floats,
    block: Ints | None = None,
    random: tuple[Floats, Floats] | None = None,
) -> Slope:
    """Slope on out-of-fold log-odds, shrunk towards 1 the more, the less there is to go by.

    Each block has a slope and a level of its own, so that a moving base rate does not bend the slope; the blocks are
    put together by a random-effects mean (DerSimonian and Laird 1986). Early blocks learned from few rows and speak of
    models that were more overfitted than the final one, so random folds, where there are any, count as much, and
    where the two contradict each other, both count for less (docs/adr/0014).

    Parameters
    ----------
    random : log-odds and outcomes of random folds
    """
    codes = np.zeros(len(won), dtype=np.int64) if block is None else np.unique(block, return_inverse=True)[1]
    found = [_block_slope(log_odds[codes == k], won[codes == k], weight[codes == k]) for k in range(codes.max() + 1)]
    by_time = _random_effects(np.array([pair for pair in found if pair is not None]).reshape(-1, 2))
    at_random = None if random is None else _block_slope(random[0], random[1], np.ones(len(random[1])))
    mean, variance, prior = *by_time, _PRIOR_DEVIATION
    if at_random is not None and np.isfinite(by_time[1]):
        mean = (by_time[0] + at_random[0]) / 2
        variance = (by_time[1] + at_random[1]) / 4 + (by_time[0] - at_random[0]) ** 2 / 2
        prior = _PRIOR_DEVIATION / 2
    trust = prior**2 / (prior**2 + variance)
    return Slope(max(1.0 + trust * (mean - 1.0), _MINIMUM_SLOPE), by_time, at_random)


def fit_level(slope: float, log_odds: Floats, won: Floats, weight: Floats) -> Calibration:
    """The calibration of a slope, its intercept fitted on all rows together."""
    ones = np.ones((len(won), 1))
    return Calibration(slope, float(fit_logistic(ones, won, weight, np.zeros(1), offset=slope * log_odds)[0]))


def _block_slope(log_odds: Floats, won: Floats, weight: Floats) -> tuple[float, float] | None:
    """Slope of one block and its variance; None where nothing varies."""
    middle = float(np.average(log_odds, weights=weight))
    spread = float(np.sqrt(np.average((log_odds - middle) ** 2, weights=weight)))
    if spread < 1e-9 or won.min() == won.max():
        return None
    design = np.column_stack([np.ones(len(won)), (log_odds - middle) / spread])
    theta = fit_logistic(design, won, weight, np.array([0.0, 1e-3]))
    p = sigmoid(design @ theta)
    information = (design * (weight * p * (1 - p))[:, None]).T @ design
    variance = float(np.linalg.inv(information + 1e-9 * np.eye(2))[1, 1])
    return float(theta[1]) / spread, variance / spread**2


def _random_effects(pairs: Floats) -> tuple[float, float]:
    """Mean of (estimate, variance) pairs and its variance, with what the estimates differ beyond their errors.

    >>> _random_effects(np.array([[1.0, 0.1], [1.0, 0.1]]))
    (1.0, 0.05)
    """
    if not len(pairs):
        return 1.0, float("inf")
    estimate, variance = pairs[:, 0], np.maximum(pairs[:, 1], 1e-12)
    mixed = 1.0 / (variance + _between(estimate, variance))
    return float((mixed * estimate).sum() / mixed.sum()), float(1.0 / mixed.sum())


def _between(estimate: Floats, variance: Floats) -> float:
    """Variance between estimates beyond their own errors (method of moments)."""
    fixed = 1.0 / variance
    mean = float((fixed * estimate).sum() / fixed.sum())
    excess = float((fixed * (estimate - mean) ** 2).sum()) - (len(estimate) - 1)
    scale = float(fixed.sum() - (fixed**2).sum() / fixed.sum())
    return max(excess / scale, 0.0) if scale > 0 else 0.0


def _level_variance(calibrated: Floats, won: Floats, weight: Floats, group: Ints, block: Ints) -> float:
    """How much the level differs from block to block beyond what resampled groups would show [log-odds squared]."""
    levels, errors = [], []
    for code in np.unique(block):
        rows = block == code
        z, y, w = calibrated[rows], won[rows], weight[rows]
        level = float(fit_logistic(np.ones((len(y), 1)), y, w, np.array([1e-3]), offset=z)[0])
        p = sigmoid(z + level)
        score = np.bincount(np.unique(group[rows], return_inverse=True)[1], weights=w * (y - p))
        levels.append(level)
        errors.append(float((score**2).sum()) / max(float((w * p * (1 - p)).sum()), 1e-9) ** 2)
    return _between(np.array(levels), np.maximum(np.array(errors), 1e-9))


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

    def bounds(self, log_odds: Floats, calibration: Calibration) -> tuple[Floats, Floats]:
        """90 % interval of the probability; the probability itself always lies inside."""
        reach = REACH * self.deviation(log_odds, calibration.slope)
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
    block: Ints | None = None,
) -> IntervalModel:
    """Interval model by resampling groups: one Newton step per draw from the fitted calibration.

    With blocks, the level of the next block is as uncertain as the levels of past blocks differ: a probability is
    promised for later leads, not for those it was calibrated on.
    """
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
    covariance = np.cov(steps.T)
    if block is not None:
        covariance[0, 0] += _level_variance(calibration.apply(log_odds), won, weight, group, block)
    return IntervalModel(middle, covariance, seed_deviation)
