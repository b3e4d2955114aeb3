"""The ladder: best out-of-fold log loss, one standard error towards the simpler, never to the rate."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from models.judging.resample import cluster_sums, resampled
from models.logistic import log_loss
from models.scorer import Floats, Ints

SIMPLEST_FIRST = ("rubric", "scorecard", "linear", "booster", "blend")


@dataclass(frozen=True)
class Choice:
    """The chosen candidate, why, and each candidate's loss above the best with the error of that difference."""

    winner: str
    best: str
    why: str
    above_best: Mapping[str, tuple[float, float]]


def climb(log_odds: Mapping[str, Floats], won: Floats, weight: Floats, group: Ints, *, draws: int, seed: int) -> Choice:
    """Pick a candidate; ``log_odds`` are out of fold, shape (n,) each."""
    names = [name for name in SIMPLEST_FIRST if name in log_odds]
    losses = {name: weight * log_loss(won, log_odds[name]) for name in names}
    total = float(weight.sum())
    best = min(names, key=lambda name: (float(losses[name].sum()), names.index(name)))
    codes = np.unique(group, return_inverse=True)[1]
    groups = int(codes.max()) + 1
    sums = {name: cluster_sums(codes, losses[name] - losses[best], groups) for name in names}
    draws_of = resampled(sums, draws=draws, seed=seed)
    above = {name: (float(sums[name].sum()) / total, float(draws_of[name].std(ddof=1)) / total) for name in names}
    winner = next(name for name in names if name == best or above[name][0] <= above[name][1])
    return Choice(winner, best, _why(winner, best, above, losses, total), above)


def _why(
    winner: str, best: str, above: Mapping[str, tuple[float, float]], losses: Mapping[str, Floats], total: float
) -> str:
    loss = float(losses[best].sum()) / total
    if winner == best:
        worse = [name for name in above if name != best]
        if not worse:
            return f"{best} is the only candidate beside the base rate (out-of-fold log loss {loss:.4f})."
        near = min(worse, key=lambda name: above[name][0])
        return (
            f"{best} has the lowest out-of-fold log loss ({loss:.4f}); the next, {near}, is {above[near][0]:.4f} above "
            f"(standard error of the difference {above[near][1]:.4f}), and no simpler candidate is within one "
            "standard error."
        )
    gap, error = above[winner]
    return (
        f"{best} has the lowest out-of-fold log loss ({loss:.4f}), but {winner} is simpler and only {gap:.4f} above "
        f"it, within one standard error of the difference ({error:.4f})."
    )
