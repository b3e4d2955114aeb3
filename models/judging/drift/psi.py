"""The population stability index, and how large it comes out when nothing changed."""

import numpy as np

from features.array_types import Floats


def psi(before: Floats, after: Floats, rows_before: int, rows_after: int) -> float:
    """Population stability index of two sets of shares over the same bins: sum((a - b) * ln(a / b)).

    An empty bin stands for half a row, so that no logarithm is infinite; a bin empty on both sides adds nothing. The
    index is 0 for equal shares, never negative, and the same both ways (Siddiqi 2006, section 7).

    >>> psi(np.array([0.5, 0.5]), np.array([0.5, 0.5]), 100, 10)
    0.0
    >>> round(psi(np.array([0.5, 0.5]), np.array([0.9, 0.1]), 100, 100), 3)
    0.879
    """
    seen = (before > 0) | (after > 0)
    b = np.maximum(before[seen], 0.5 / max(rows_before, 1))
    a = np.maximum(after[seen], 0.5 / max(rows_after, 1))
    moved = before[seen] != after[seen]
    return float(((a - b) * np.log(a / b))[moved].sum())


def noise_bound(before: Floats, after: Floats, units_before: float, units_after: float, confidence: float) -> float:
    """What the index stays below with this confidence if both samples are drawn from one population.

    Under no change it is about (1/n + 1/m) times a chi-square with one degree of freedom less than there are bins
    (Yurdakul and Naranjo 2020); n and m count independent units, not rows.
    """
    from scipy.stats import chi2

    bins = int(((before > 0) | (after > 0)).sum())
    if bins < 2:
        return 0.0
    return float(chi2.ppf(confidence, bins - 1) * (1 / max(units_before, 1.0) + 1 / max(units_after, 1.0)))


def independent_units(group: Floats) -> float:
    """How many independent rows the rows of some groups are worth at least: all rows of a group count as copies.

    (sum of sizes)^2 / sum of squared sizes (Kish 1965): the number of groups where all are of one size, less else.

    >>> independent_units(np.array(["a", "a", "b", "b"]))
    2.0
    """
    if not len(group):
        return 0.0
    sizes = np.unique(group, return_counts=True)[1].astype(np.float64)
    return float(sizes.sum() ** 2 / (sizes**2).sum())
