"""Affine calibration in log-odds, its uncertainty, and what the data say about it."""

from dataclasses import dataclass

import numpy as np

from features.array_types import Floats, Ints
from models.interfaces import Calibration
from models.logistic import fit_logistic, sigmoid

_MINIMUM_SLOPE = 0.05  # a slope must stay positive: contributions keep their signs and ranking never changes
_PRIOR_DEVIATION = 0.5  # of the slope around 1: half to one and a half is what calibration is expected to find


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
            f"The calibration slope is {self.by_time[0]:.2f} on rolling blocks but {self.at_random[0]:.2f} on random "
            f"folds: what was learned early did not last. The slope used, {self.value:.2f}, is shrunk towards 1."
        )


def fit_slope(
    log_odds: Floats,
    won: Floats,
    weight: Floats,
    block: Ints | None = None,
    random: tuple[Floats, Floats] | None = None,
    *,
    draws: float = 1.0,
) -> Slope:
    """Slope on out-of-fold log-odds, shrunk towards 1 the more, the less there is to go by.

    Each block has a slope and a level of its own, so that a moving base rate does not bend the slope; the blocks are
    put together by a random-effects mean (DerSimonian and Laird 1986). Early blocks learned from few rows and speak of
    models that were more overfitted than the final one, so random folds, where there are any, count as much, and
    where the two contradict each other, both count for less (docs/adr/0014).

    Parameters
    ----------
    random : log-odds and outcomes of random folds
    draws : how often each row is among the blocks; seen again in another draw of the folds it tells nothing new
    """
    codes = np.zeros(len(won), dtype=np.int64) if block is None else np.unique(block, return_inverse=True)[1]
    found = [_block_slope(log_odds[codes == k], won[codes == k], weight[codes == k]) for k in range(codes.max() + 1)]
    estimate, error = random_effects(np.array([pair for pair in found if pair is not None]).reshape(-1, 2))
    by_time = estimate, draws * error
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


def random_effects(pairs: Floats) -> tuple[float, float]:
    """Mean of (estimate, variance) pairs and its variance, with what the estimates differ beyond their errors.

    >>> random_effects(np.array([[1.0, 0.1], [1.0, 0.1]]))
    (1.0, 0.05)
    """
    if not len(pairs):
        return 1.0, float("inf")
    estimate, variance = pairs[:, 0], np.maximum(pairs[:, 1], 1e-12)
    mixed = 1.0 / (variance + variance_between(estimate, variance))
    return float((mixed * estimate).sum() / mixed.sum()), float(1.0 / mixed.sum())


def variance_between(estimate: Floats, variance: Floats) -> float:
    """Variance between estimates beyond their own errors (method of moments)."""
    fixed = 1.0 / variance
    mean = float((fixed * estimate).sum() / fixed.sum())
    excess = float((fixed * (estimate - mean) ** 2).sum()) - (len(estimate) - 1)
    scale = float(fixed.sum() - (fixed**2).sum() / fixed.sum())
    return max(excess / scale, 0.0) if scale > 0 else 0.0
