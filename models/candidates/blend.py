"""A weighted sum of log-odds: non-negative weights, fitted out of fold, shrunk to equal where leads are few."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from features.array_types import Floats, Ints
from features.assembly.frameless_rows import Values
from models.interfaces import Candidate, Contributions
from models.logistic import log_loss, sigmoid

BLENDED = ("rubric", "linear", "scorecard", "booster")
_PRIOR_LEADS = 45  # leads of the rarer outcome that say as much of the weights as the prior (docs/adr/0040)
_NO_SHARE = 0.01  # below it a candidate would only be one more to serve
_FEATURE_LISTS = 64  # lists of features whose union is kept: one a set of components, so a few are in use


@dataclass(frozen=True)
class FoldRows:
    """Predictions of one kind of folds on rows not learned from.

    Parameters
    ----------
    log_odds : per candidate, shape (n,)
    won : shape (n,)
    block : shape (n,), code of the block each row was judged in
    """

    log_odds: Mapping[str, Floats]
    won: Floats
    block: Ints


def fit_weights(kinds: Sequence[FoldRows], rarer_leads: int) -> dict[str, float]:
    """Weights of the candidates' log-odds, none below 0; those that get next to nothing are left out.

    Minimises log loss, every kind of folds counting alike, with an intercept per block (a moving base rate must not
    choose the weights) plus a pull towards equal weights that sum to one. The pull falls with the square of the leads
    judged: few leads leave the weights equal, many decide them (docs/adr/0040).

    Parameters
    ----------
    kinds : rolling blocks, and random folds where there are any
    rarer_leads : distinct leads of the rarer outcome among the rows judged
    """
    from scipy.optimize import minimize  # half a second to load, and a server never fits

    names = [name for name in BLENDED if name in kinds[0].log_odds]
    if len(names) < 2:
        return dict.fromkeys(names, 1.0)

    parts, columns = [], len(names)
    for kind in kinds:
        codes = np.unique(kind.block, return_inverse=True)[1] + columns
        columns = int(codes.max()) + 1
        parts.append((np.column_stack([kind.log_odds[name] for name in names]), kind.won, codes))
    equal = np.full(len(names), 1.0 / len(names))
    pull = min((_PRIOR_LEADS / max(rarer_leads, 1)) ** 2, 1.0)

    def objective(theta: Floats) -> tuple[float, Floats]:
        weights = theta[: len(names)]
        away = weights - equal
        value, gradient = pull * float(away @ away), np.zeros(columns)
        gradient[: len(names)] = 2 * pull * away
        for z, won, codes in parts:
            share = 1.0 / (len(won) * len(parts))
            score = z @ weights + theta[codes]
            error = share * (sigmoid(score) - won)
            value += share * float(log_loss(won, score).sum())
            gradient[: len(names)] += z.T @ error
            gradient += np.bincount(codes, weights=error, minlength=columns)
        return value, gradient

    bounds = [(0.0, None)] * len(names) + [(None, None)] * (columns - len(names))
    start = np.r_[equal, np.zeros(columns - len(names))]
    found = minimize(objective, start, jac=True, bounds=bounds, method="L-BFGS-B", options={"maxiter": 500})
    weights = {name: round(float(w), 6) for name, w in zip(names, found.x[: len(names)], strict=True)}
    return {name: w for name, w in weights.items() if w >= _NO_SHARE} or dict.fromkeys(names, round(equal[0], 6))


def blend_log_odds(log_odds: Mapping[str, Floats], weights: Mapping[str, float]) -> Floats:
    """Weighted sum of log-odds."""
    parts = [weights[name] * log_odds[name] for name in sorted(weights)]  # one order: sums equal bit by bit
    return np.asarray(np.sum(parts, axis=0), dtype=np.float64)


def log_odds_of(components: Mapping[str, Candidate], weights: Mapping[str, float], values: Values) -> Floats:
    """Weighted sum of the components' log-odds, shape (n,)."""
    return blend_log_odds({name: components[name].log_odds(values) for name in weights}, weights)


def explain_by(
    components: Mapping[str, Candidate], weights: Mapping[str, float], values: Values
) -> tuple[Floats, Contributions]:
    """:func:`log_odds_of` and its additive parts at one reading of the values."""
    both = {name: components[name].explain(values) for name in weights}
    parts = blend_contributions([(weights[name], both[name][1]) for name in sorted(weights)])
    return blend_log_odds({name: z for name, (z, _) in both.items()}, weights), parts


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
