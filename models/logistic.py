"""Penalised logistic regression by Newton's method: one fitter for linear models, calibration and blending."""

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from functools import cache

import numpy as np
from threadpoolctl import ThreadpoolController

from features.array_types import Floats, Ints

_STEPS = 60  # of Newton's method, which converges in far fewer; guards against an endless search only
_TOLERANCE = 1e-9  # largest move of a coefficient at which the search ends
_FLAT = 1e-10  # added to the diagonal, so that a column of zeros can be solved
_LEAST_CURVATURE = 1e-9  # of one row: p * (1 - p) vanishes where a prediction is sure
_SHORTEST_STEP = 1e-6  # of a Newton step: halved so often, rounding decides and the search ends
_ROUNDS = 60  # of the active set; guards against a tie only (see _fit_within_signs)
_PULL = 1e-7  # gradient per unit of weight from which a coefficient at rest is freed; below it rounding decides


def sigmoid(log_odds: Floats) -> Floats:
    """Probability of log-odds, safe at both ends."""
    return np.asarray(1.0 / (1.0 + np.exp(-np.clip(log_odds, -500, 500))), dtype=np.float64)


def logit(probability: float, floor: float = 1e-6) -> float:
    """Log-odds of a probability, kept away from 0 and 1 by ``floor``."""
    p = min(max(probability, floor), 1 - floor)
    return float(np.log(p / (1 - p)))


def log_loss(won: Floats, log_odds: Floats) -> Floats:
    """Negative log-likelihood per row [nats]."""
    return np.asarray(np.logaddexp(0.0, log_odds) - won * log_odds, dtype=np.float64)


def fit_logistic(
    design: Floats,
    won: Floats,
    weight: Floats,
    penalty: Floats,
    *,
    centre: Floats | None = None,
    offset: Floats | None = None,
    sign: Ints | None = None,
) -> Floats:
    """Coefficients that minimise weighted log loss + sum(penalty * (theta - centre)^2) / 2.

    Parameters
    ----------
    design : shape (n, k); include a column of ones for the intercept (penalty 0)
    penalty, centre : shape (k,)
    offset : shape (n,), log-odds added with coefficient 1
    sign : shape (k,), +1 or -1 where a coefficient may not be on the other side of 0, 0 where it is free

    Returns
    -------
    shape (k,)
    """
    with one_blas_thread():
        if sign is None or not sign.any():
            return _newton(design, won, weight, penalty, centre, offset, None)
        return _fit_within_signs(design, won, weight, penalty, offset, sign, None)


def fit_penalties(
    design: Floats, won: Floats, weight: Floats, penalties: Sequence[Floats], sign: Ints | None = None
) -> Iterator[Floats]:
    """:func:`fit_logistic` for one penalty after the other; each search begins where the one before ended."""
    theta = None
    for penalty in penalties:
        with one_blas_thread():
            bound = np.zeros(design.shape[1], dtype=np.int64) if sign is None else sign
            theta = _fit_within_signs(design, won, weight, penalty, None, bound, theta)
        yield theta


def one_blas_thread() -> AbstractContextManager[object]:
    """Matrix products on one thread while it lasts; whoever fits in threads of his own holds it around all of them."""
    limited: AbstractContextManager[object] = _pools().limit(limits=1, user_api="blas")
    return limited


@cache
def _pools() -> ThreadpoolController:
    """The thread pools of this process, looked up once: finding them reads the process' memory map, 4 ms each time."""
    return ThreadpoolController()


def _fit_within_signs(
    design: Floats,
    won: Floats,
    weight: Floats,
    penalty: Floats,
    offset: Floats | None,
    sign: Ints,
    start: Floats | None,
) -> Floats:
    """Active set: coefficients on the wrong side stay at 0, and are freed if the loss then pulls them to the right one.

    The loss is convex, so this ends at its minimum within the bounds; the count of rounds only guards against a tie
    that rounding decides now this way, now that.
    """
    free = np.ones(design.shape[1], dtype=np.bool_)
    theta = np.zeros(design.shape[1]) if start is None else start
    shift = np.zeros(len(won)) if offset is None else offset

    for _ in range(_ROUNDS):
        begun = theta[free]
        theta = np.zeros(design.shape[1])
        theta[free] = _newton(design[:, free], won, weight, penalty[free], None, offset, begun)
        wrong = free & (sign * theta < 0)
        if wrong.any():
            free &= ~wrong
            continue

        pull = -design.T @ (weight * (sigmoid(design @ theta + shift) - won))
        wanted = ~free & (sign * pull > _PULL * float(weight.sum()))
        if not wanted.any():
            break
        free[int(np.argmax(np.where(wanted, np.abs(pull), 0.0)))] = True

    return np.where(sign * theta < 0, 0.0, theta)


def _newton(
    design: Floats,
    won: Floats,
    weight: Floats,
    penalty: Floats,
    centre: Floats | None,
    offset: Floats | None,
    start: Floats | None,
) -> Floats:
    """Newton's method with halved steps; the objective never rises."""
    k = design.shape[1]
    middle = np.zeros(k) if centre is None else centre
    shift = np.zeros(len(won)) if offset is None else offset
    theta = middle.copy() if start is None else start.copy()
    best = _objective(design, won, weight, penalty, middle, shift, theta)

    for _ in range(_STEPS):
        p = sigmoid(design @ theta + shift)
        gradient = design.T @ (weight * (p - won)) + penalty * (theta - middle)
        half = design * np.sqrt(weight * np.maximum(p * (1 - p), _LEAST_CURVATURE))[:, None]
        curvature = half.T @ half  # of one matrix with itself: half the products
        curvature[np.diag_indices(k)] += penalty + _FLAT
        step = np.linalg.solve(curvature, gradient)

        scale = 1.0
        while scale > _SHORTEST_STEP:
            trial = theta - scale * step
            value = _objective(design, won, weight, penalty, middle, shift, trial)
            if value <= best + 1e-12:  # equal but for rounding counts as no worse
                break
            scale /= 2
        else:
            break

        moved = float(np.abs(scale * step).max()) if k else 0.0
        theta, best = trial, value
        if moved < _TOLERANCE:
            break

    return np.asarray(theta, dtype=np.float64)


def _objective(
    design: Floats, won: Floats, weight: Floats, penalty: Floats, centre: Floats, offset: Floats, theta: Floats
) -> float:
    """Weighted log loss plus the penalty."""
    loss = float((weight * log_loss(won, design @ theta + offset)).sum())
    return loss + 0.5 * float((penalty * (theta - centre) ** 2).sum())
