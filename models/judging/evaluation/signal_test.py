"""The signal test: whether a candidate beats the base rate once each block has its own level."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from scipy.stats import norm

from features.array_types import Floats, Ints
from models.judging.cluster_bootstrap import Resampling, cluster_sums, resample_totals
from models.logistic import fit_logistic, log_loss, logit

_LEVEL_PENALTY = 1e-3  # keeps the level of a block finite in which all or none were won


@dataclass(frozen=True)
class Signal:
    """Result of :func:`signal_test`: per candidate the gain over the rate [nats per lead] and its p-value.

    ``lasting`` is False where the signal was found within periods only and did not carry over to the next.
    """

    found: bool
    alpha: float
    gain: Mapping[str, float]
    p_value: Mapping[str, float]
    lasting: bool = True

    @property
    def best(self) -> str:
        """The candidate with the smallest p-value."""
        return min(self.p_value, key=lambda name: (self.p_value[name], name))

    def corrected(self, name: str) -> float:
        """A candidate's p-value, corrected for how many were tried: what is compared with ``alpha``."""
        return min(self.p_value[name] * len(self.p_value), 1.0)


def recenter_by_block(log_odds: Floats, won: Floats, weight: Floats, block: Ints) -> Floats:
    """Log-odds with the intercept refitted in each block."""
    shifted = log_odds.copy()
    for code in np.unique(block):
        rows = block == code
        ones = np.ones((int(rows.sum()), 1))
        theta = fit_logistic(ones, won[rows], weight[rows], np.array([_LEVEL_PENALTY]), offset=log_odds[rows])
        shifted[rows] += theta[0]
    return shifted


def block_log_odds(won: Floats, weight: Floats, block: Ints) -> Floats:
    """Log-odds of each block's own base rate, per row."""
    found = np.empty(len(won))
    for code in np.unique(block):
        rows = block == code
        found[rows] = logit(float(np.average(won[rows], weights=weight[rows])))
    return found


def signal_test(
    log_odds: Mapping[str, Floats],
    won: Floats,
    weight: Floats,
    group: Ints,
    block: Ints,
    *,
    alpha: float,
    resampling: Resampling,
) -> Signal:
    """One-sided paired test of each candidate against the rate, groups resampled, Bonferroni over candidates.

    The level of each block is refitted for both sides, so a moving base rate is no signal and hides none.
    """
    rate = log_loss(won, block_log_odds(won, weight, block))
    names = [name for name in log_odds if name != "rate"]

    codes = np.unique(group, return_inverse=True)[1]
    groups = int(codes.max()) + 1
    sums = {}
    for name in names:
        better = rate - log_loss(won, recenter_by_block(log_odds[name], won, weight, block))
        sums[name] = cluster_sums(codes, weight * better, groups)
    totals = resample_totals(sums, resampling)

    p_value = {}
    for name in names:
        deviation = float(totals[name].std(ddof=1))
        p_value[name] = float(norm.sf(sums[name].sum() / deviation)) if deviation > 0 else 1.0

    gain = {name: float(sums[name].sum() / weight.sum()) for name in names}
    tested = Signal(False, alpha, gain, p_value)
    return replace(tested, found=any(tested.corrected(name) < alpha for name in names))
