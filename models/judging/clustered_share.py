"""The interval of a share whose units come in clusters: leads of one account share a fate."""

import numpy as np

from features.array_types import Floats, Ints
from models.judging.cluster_bootstrap import CONFIDENCE, cluster_sums
from models.judging.leakage.audit_rows import wilson

_Z90 = 1.645  # standard errors of a 90% interval
_LEVEL = (1 - CONFIDENCE) / 2  # of each end


def effective_size(won: Floats, cluster: Ints, level: float) -> float:
    """How many independent units a share is worth, never more than it has; 0 where there are not two clusters.

    The variance between clusters sets it (Korn and Graubard 1998), with the t quantile's correction for few clusters
    at ``level``, the chance left beyond one end.
    """
    n = len(won)
    _, cluster = np.unique(cluster, return_inverse=True)
    clusters = int(cluster.max(initial=-1)) + 1
    if clusters < 2:
        return 0.0

    share = float(won.mean())
    if share in (0.0, 1.0):
        effective = float(clusters)
    else:
        size = cluster_sums(cluster, np.ones(n), clusters)
        residual = cluster_sums(cluster, won, clusters) - share * size
        variance = clusters / (clusters - 1) * float((residual**2).sum()) / n**2
        effective = min(float(n), share * (1 - share) / variance) if variance > 0 else float(n)
    return effective * few_clusters(n, clusters, level)


def few_clusters(n: int, clusters: int, level: float = _LEVEL) -> float:
    """By how much ``n`` units are worth less as their variance is known from so few clusters, 0 to 1."""
    from scipy.special import stdtrit  # felt in the start of a server, which needs no interval to be ready

    return float((stdtrit(n - 1, level) / stdtrit(clusters - 1, level)) ** 2)


def share_interval(won: Floats, cluster: Ints) -> tuple[float, float]:
    """90% interval of a share: Wilson's, at the number of independent units.

    >>> won = np.array([1.0] * 30 + [0.0] * 70)
    >>> [round(end, 2) for end in share_interval(won, np.arange(100))]
    [0.23, 0.38]
    >>> [round(end, 2) for end in share_interval(won, np.arange(100) // 10)]
    [0.11, 0.6]
    """
    n = len(won)
    if len(np.unique(cluster)) == n:
        return wilson(float(won.sum()), n, _Z90)
    effective = effective_size(won, cluster, _LEVEL)
    return wilson(float(won.mean()) * effective, effective, _Z90)


def weighted_interval(won: Floats, rate: Floats, weight: Floats, cluster: Ints) -> tuple[float, float]:
    """90% interval of a share that is a weighted mean of the shares of strata, as :func:`share_interval`.

    Parameters
    ----------
    rate : of each unit's stratum
    weight : of each unit, adding up to 1
    """
    _, code = np.unique(cluster, return_inverse=True)
    clusters, share = int(code.max(initial=-1)) + 1, float(weight @ won)
    if clusters < 2:
        return 0.0, 1.0
    effective = 1.0 / float((weight**2).sum())
    variance = clusters / (clusters - 1) * float((cluster_sums(code, weight * (won - rate), clusters) ** 2).sum())
    if won.min() == won.max():  # asked of the units: weights may add up to a little less than 1
        effective = min(effective, 1.0 / float((cluster_sums(code, weight, clusters) ** 2).sum()))
    elif variance > 0:
        effective = min(effective, share * (1 - share) / variance)
    effective *= few_clusters(len(won), clusters)
    return wilson(share * effective, effective, _Z90)


def compare_shares(won: Floats, cluster: Ints, others: Floats, others_cluster: Ints) -> int:
    """1 where a share is higher than another beyond noise, -1 where it is lower, 0 where neither is clear.

    By the 90% interval of the difference (Newcombe 1998, method 10), made from both intervals. That clusters stand on
    both sides is not used; it would make the interval narrower.
    """
    if not len(won) or not len(others):
        return 0
    low, high = share_interval(won, cluster)
    other_low, other_high = share_interval(others, others_cluster)
    share, other = float(won.mean()), float(others.mean())
    least = share - other - np.hypot(share - low, other_high - other)
    most = share - other + np.hypot(high - share, other - other_low)
    return 1 if least > 0 else -1 if most < 0 else 0
