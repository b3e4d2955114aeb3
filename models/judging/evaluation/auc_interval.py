"""How well an order is, with an interval at the cost of one sort: for many small groups of rows."""

import numpy as np
from scipy.stats import norm

from features.array_types import Floats, Ints
from models.judging.cluster_bootstrap import CONFIDENCE, Interval, cluster_sums


def clustered_auc(won: Floats, score: Floats, group: Ints) -> tuple[float, Interval]:
    """Area under the ROC curve and its 90% interval, rows of one group being no independent ones.

    The interval is the normal one of the structural components summed per group (Obuchowski 1997; DeLong et al. 1988
    where every row is a group of its own), cut off at 0 and 1. NaN where all or none won; the ends are NaN with fewer
    than two groups of either kind.

    Parameters
    ----------
    won : 0 or 1, shape (n,)
    score : any scale, shape (n,); ties count half
    group : codes of what is sampled as a whole, shape (n,)
    """
    wins, losses = np.flatnonzero(won == 1), np.flatnonzero(won == 0)
    unknown = Interval(float("nan"), float("nan"))
    if not len(wins) or not len(losses):
        return float("nan"), unknown

    of_won, of_lost = _shares_below(score[wins], score[losses]), 1 - _shares_below(score[losses], score[wins])
    area = float(of_won.mean())
    if min(len(np.unique(group[wins])), len(np.unique(group[losses]))) < 2:
        return area, unknown

    part = np.zeros(len(won))
    part[wins], part[losses] = (of_won - area) / len(wins), (of_lost - area) / len(losses)
    codes = np.unique(group, return_inverse=True)[1].reshape(-1).astype(np.int64)
    groups = int(codes.max()) + 1
    variance = float((cluster_sums(codes, part, groups) ** 2).sum()) * groups / (groups - 1)
    half = float(norm.ppf((1 + CONFIDENCE) / 2)) * variance**0.5
    return area, Interval(max(0.0, area - half), min(1.0, area + half))


def _shares_below(values: Floats, others: Floats) -> Floats:
    """For each value the share of the others below it, those equal to it counted half, shape (len(values),)."""
    ordered = np.sort(others)
    below, not_above = np.searchsorted(ordered, values, "left"), np.searchsorted(ordered, values, "right")
    return np.asarray((below + not_above) / 2 / len(ordered), dtype=np.float64)
