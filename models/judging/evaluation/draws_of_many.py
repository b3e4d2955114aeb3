"""Metrics over resampled groups where groups are very many: from sums over fine bins of the score, not from rows.

Sorting a quarter of a million rows a thousand times told no more than sums do: groups are merged at random
(:func:`models.judging.cluster_bootstrap.merge_clusters`), loss and Brier score are totals, and the order of rows enters
by so many bins that what happens inside one of them does not show (docs/adr/0040).
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from features.array_types import Floats, Ints
from models.judging.cluster_bootstrap import Resampling, cluster_sums, merge_clusters
from models.logistic import log_loss, sigmoid

_BINS = 5_000  # of equal mass; AUC and average precision are then off by less than 1e-5
_RELIABILITY_BINS = 10  # as in the reliability table


@dataclass(frozen=True)
class _Binned:
    """One candidate: which bin a row lies in, its probability, and its losses summed by bundle."""

    code: Ints
    bins: int
    probability: Floats
    loss: Floats
    brier: Floats


def draw_many(
    won: Floats, log_odds: Mapping[str, Floats], weight: Floats, codes: Ints, resampling: Resampling
) -> dict[str, dict[str, Floats]]:
    """Metrics over resampled groups, per candidate and metric shape (draws,).

    Parameters
    ----------
    codes : shape (n,), codes of the groups from 0
    """
    bundle = merge_clusters(int(codes.max()) + 1, resampling.seed)[codes]
    bundles = int(bundle.max()) + 1
    mass = cluster_sums(bundle, weight, bundles)
    binned = {name: _bin(won, z, weight, bundle, bundles) for name, z in log_odds.items()}
    found = {
        name: {m: np.empty(resampling.draws) for m in ("auc", "ap", "log_loss", "brier", "ece")} for name in binned
    }

    rng = np.random.default_rng(resampling.seed)
    for draw in range(resampling.draws):
        counts = rng.multinomial(bundles, np.full(bundles, 1.0 / bundles))
        share = weight * counts[bundle]
        total = float(counts @ mass)
        for name, of in binned.items():
            wins = cluster_sums(of.code, share * won, of.bins)
            rows = cluster_sums(of.code, share, of.bins)
            promised = cluster_sums(of.code, share * of.probability, of.bins)
            found[name]["auc"][draw] = _auc(wins, rows - wins)
            found[name]["ap"][draw] = _average_precision(wins, rows)
            found[name]["log_loss"][draw] = counts @ of.loss / total
            found[name]["brier"][draw] = counts @ of.brier / total
            found[name]["ece"][draw] = _calibration_error(wins, rows, promised)
    return found


def _bin(won: Floats, log_odds: Floats, weight: Floats, bundle: Ints, bundles: int) -> _Binned:
    cuts = np.unique(np.quantile(log_odds, np.arange(1, _BINS) / _BINS))
    code = np.searchsorted(cuts, log_odds, side="right")
    p = sigmoid(log_odds)
    return _Binned(
        code,
        len(cuts) + 1,
        p,
        cluster_sums(bundle, weight * log_loss(won, log_odds), bundles),
        cluster_sums(bundle, weight * (p - won) ** 2, bundles),
    )


def _auc(wins: Floats, lost: Floats) -> float:
    """Area under the curve, pairs within a bin counted half; NaN with one class."""
    total = wins.sum() * lost.sum()
    below = np.cumsum(lost) - lost
    return float((wins * (below + lost / 2)).sum() / total) if total > 0 else float("nan")


def _average_precision(wins: Floats, rows: Floats) -> float:
    seen, hits = np.cumsum(rows[::-1]), np.cumsum(wins[::-1])
    if hits[-1] == 0:
        return float("nan")
    # within a bin precision moves evenly from that before it to that after it
    precision = np.divide(hits, seen, out=np.zeros_like(hits), where=seen > 0)
    before = np.r_[precision[:1], precision[:-1]]
    return float((np.diff(np.r_[0.0, hits]) * (precision + before) / 2).sum() / hits[-1])


def _calibration_error(wins: Floats, rows: Floats, promised: Floats) -> float:
    """Mean absolute gap over tenths of the mass."""
    place = (np.cumsum(rows) - rows / 2) / rows.sum()
    tenth = np.minimum((place * _RELIABILITY_BINS).astype(np.int64), _RELIABILITY_BINS - 1)
    gap = np.bincount(tenth, weights=promised - wins, minlength=_RELIABILITY_BINS)
    return float(np.abs(gap).sum() / rows.sum())
