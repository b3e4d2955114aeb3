"""Log-odds to integer points that add up: 50 + the sum of the bars is the score, exactly."""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from features.array_types import Floats, Ints
from features.catalog.feature import Catalog
from models.explaining.framework import CONTEXT, Framework
from models.explaining.model_bars import SEGMENT_LEVEL, is_segment_contribution
from models.interfaces import Contributions, Scale

BASE, CLIP = "base", "clip"
CENTRE, LOWEST, HIGHEST = 50, 0, 100
CONTEXT_WARNING = (
    0.40  # share of absolute contribution outside all criteria above which a rep's card explains too little
)
_GROUPINGS = 64  # groupings whose columns are kept: one a framework and set of components, so a few are in use


@dataclass(frozen=True)
class Bars:
    """Integer bars per row.

    Parameters
    ----------
    names : base, the framework's criteria, context, the segment's level where the model has segments, clip
    points : shape (n, len(names)), int64; ``50 + points.sum(axis=1) == score``
    score : shape (n,), int64, 0..100
    exact : shape (n,), the score before rounding and clipping
    """

    names: tuple[str, ...]
    points: Ints
    score: Ints
    exact: Floats


def sum_by_group(contributions: Contributions, groups: tuple[str, ...], order: tuple[str, ...]) -> Floats:
    """Contributions summed by group, shape (n, len(order)); ``groups`` names each column's group."""
    columns, starts, places = _runs(groups, order)
    total = np.zeros((len(contributions.values), len(order)))
    if len(columns):
        total[:, places] = np.add.reduceat(contributions.values[:, columns], starts, axis=1)
    return total


@lru_cache(maxsize=_GROUPINGS)
def _runs(groups: tuple[str, ...], order: tuple[str, ...]) -> tuple[Ints, Ints, Ints]:
    """Columns put together by group, where each group's run starts, and which of ``order`` it is."""
    place = {name: k for k, name in enumerate(order)}
    codes = np.array([place[group] for group in groups], dtype=np.int64)
    columns = np.argsort(codes, kind="stable").astype(np.int64)
    places, starts = np.unique(codes[columns], return_index=True)
    return columns, starts.astype(np.int64), places


def sum_by_criterion(contributions: Contributions, catalog: Catalog, framework: Framework) -> Floats:
    """Log-odds per criterion, context last, shape (n, criteria + 1)."""
    groups = framework.groups(catalog, contributions.names)
    return sum_by_group(contributions, groups, (*framework.ids, CONTEXT))


def bar_homes(contributions: Contributions, catalog: Catalog, framework: Framework) -> tuple[str, ...]:
    """The bar of each contribution: its criterion, context, or the segment's level."""
    groups = framework.groups(catalog, contributions.names)
    if not contributions.names or not is_segment_contribution(contributions.names[-1]):
        return groups
    return (*groups[:-1], SEGMENT_LEVEL)


def score_before_rounding(log_odds: Floats, scale: Scale) -> Floats:
    """The score of calibrated log-odds, neither rounded nor clipped to 0..100."""
    return np.asarray(CENTRE + scale.points_per_log_odds * (log_odds - scale.reference_log_odds), dtype=np.float64)


def score_of_log_odds(log_odds: Floats, scale: Scale) -> Ints:
    """The score that is shown for calibrated log-odds, without its bars."""
    return np.rint(np.clip(score_before_rounding(log_odds, scale), LOWEST, HIGHEST)).astype(np.int64)


def compute_bars(contributions: Contributions, catalog: Catalog, framework: Framework, scale: Scale) -> Bars:
    """Bars of calibrated contributions under a framework and a scale."""
    unit = scale.points_per_log_odds
    homes = bar_homes(contributions, catalog, framework)
    names = (*framework.ids, CONTEXT, *((SEGMENT_LEVEL,) if SEGMENT_LEVEL in homes else ()))
    parts = sum_by_group(contributions, homes, names) * unit
    base = unit * (contributions.base - scale.reference_log_odds)
    exact = CENTRE + base + parts.sum(axis=1)
    shown = np.clip(exact, LOWEST, HIGHEST)
    stacked = np.column_stack([np.full(len(parts), base), parts, shown - exact])
    score = np.rint(shown).astype(np.int64)
    return Bars((BASE, *names, CLIP), round_to_totals(stacked, score - CENTRE), score, exact)


def round_to_totals(parts: Floats, totals: Ints) -> Ints:
    """Integers near ``parts`` whose rows sum to ``totals``: the largest remainders are rounded up.

    Totals lie within a point of the sums of ``parts``. Ties go to the earlier bar. A bar that is 0 stays 0 unless
    nothing else can carry the difference.

    >>> round_to_totals(np.array([[1.4, 2.3, -0.7, 0.0]]), np.array([3])).tolist()
    [[2, 2, -1, 0]]
    >>> round_to_totals(np.array([[0.0, 1.0], [0.0, 1.0]]), np.array([0, 2])).tolist()
    [[0, 0], [0, 2]]
    """
    low = np.floor(parts)
    left = (totals - low.sum(axis=1)).astype(np.int64)
    if (left < 0).any():  # whole parts whose total was rounded down by one
        low[left < 0, np.argmax(np.abs(parts[left < 0]), axis=1)] -= 1
        left = (totals - low.sum(axis=1)).astype(np.int64)

    order = np.argsort(np.where(parts == 0.0, 1.0, low - parts), axis=1, kind="stable")
    rank = np.empty_like(order)
    np.put_along_axis(rank, order, np.arange(parts.shape[1])[None, :].repeat(len(parts), axis=0), axis=1)
    return np.asarray(low + (rank < left[:, None]), dtype=np.int64)


def context_share(contributions: Contributions, catalog: Catalog, framework: Framework) -> float:
    """Share of mean absolute contribution that no criterion takes, 0..1."""
    topics = {feature.name: feature.topic for feature in catalog}
    size = np.abs(contributions.values).mean(axis=0) if len(contributions.values) else np.zeros(0)
    total = float(size.sum())
    named = [topics.get(n) for n in contributions.names]
    outside = np.array([t is None or framework.criterion_of(t) == CONTEXT for t in named], dtype=bool)
    outside &= np.array([not is_segment_contribution(name) for name in contributions.names], dtype=bool)
    return float(size[outside].sum()) / total if total > 0 else 0.0
