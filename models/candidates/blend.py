"""A weighted sum of log-odds: non-negative weights, fitted out of fold, shrunk to equal."""

from collections.abc import Mapping, Sequence
from functools import lru_cache

import numpy as np

from features.array_types import Floats, Ints
from models.interfaces import Contributions
from models.logistic import log_loss, sigmoid

BLENDED = ("linear", "scorecard", "booster")
SHRINKAGE = 0.02  # pull towards equal weights [nats per lead]: what a blend must gain to leave them far behind
_FEATURE_LISTS = 64  # lists of features whose union is kept: one a set of components, so a few are in use


def fit_weights(out_of_fold: Mapping[str, Floats], won: Floats, weight: Floats, block: Ints) -> dict[str, float]:
    """Weights of the candidates' log-odds.

    Minimises weighted log loss with an intercept per block (a moving base rate must not choose the weights)
    plus a pull towards equal weights that sum to one.

    Parameters
    ----------
    out_of_fold : per candidate, shape (n,)
    block : shape (n,), code of the block each row was judged in
    """
    from scipy.optimize import minimize  # half a second to load, and a server never fits

    names = [name for name in BLENDED if name in out_of_fold]
    if len(names) < 2:
        return dict.fromkeys(names, 1.0)

    z = np.column_stack([out_of_fold[name] for name in names])
    codes = np.unique(block, return_inverse=True)[1]
    blocks = int(codes.max()) + 1
    equal = np.full(len(names), 1.0 / len(names))
    scale = weight / weight.sum()

    def objective(theta: Floats) -> tuple[float, Floats]:
        weights, shifts = theta[: len(names)], theta[len(names) :]
        score = z @ weights + shifts[codes]
        error = scale * (sigmoid(score) - won)
        pull = weights - equal
        value = float((scale * log_loss(won, score)).sum() + SHRINKAGE * (pull @ pull))
        gradient = np.r_[z.T @ error + 2 * SHRINKAGE * pull, np.bincount(codes, weights=error, minlength=blocks)]
        return value, gradient

    bounds = [(0.0, None)] * len(names) + [(None, None)] * blocks
    start = np.r_[equal, np.zeros(blocks)]
    found = minimize(objective, start, jac=True, bounds=bounds, method="L-BFGS-B", options={"maxiter": 500})
    return {name: round(float(w), 6) for name, w in zip(names, found.x[: len(names)], strict=True)}


def blend_log_odds(log_odds: Mapping[str, Floats], weights: Mapping[str, float]) -> Floats:
    """Weighted sum of log-odds."""
    parts = [weights[name] * log_odds[name] for name in sorted(weights)]  # one order: sums equal bit by bit
    return np.asarray(np.sum(parts, axis=0), dtype=np.float64)


def blend_contributions(parts: Sequence[tuple[float, Contributions]]) -> Contributions:
    """Weighted sum of contributions over the union of their features."""
    names, places = _union(tuple(part.names for _, part in parts))
    rows = len(parts[0][1].values)
    total = np.zeros((rows, len(names)))
    base = 0.0
    for (weight, part), columns in zip(parts, places, strict=True):
        if len(columns):
            total[:, columns] += weight * part.values
        base += weight * part.base
    return Contributions(names, total, base)


@lru_cache(maxsize=_FEATURE_LISTS)
def _union(lists: tuple[tuple[str, ...], ...]) -> tuple[tuple[str, ...], tuple[Ints, ...]]:
    """All names once, and the positions of each list's names among them."""
    names = tuple(dict.fromkeys(name for listed in lists for name in listed))
    place = {name: k for k, name in enumerate(names)}
    return names, tuple(np.array([place[name] for name in listed], dtype=np.int64) for listed in lists)
