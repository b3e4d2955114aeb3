"""Intervals that respect accounts: whole clusters are resampled, the handoff decisions stay as they were."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Protocol

import numpy as np

from features.array_types import Floats, Ints

CONFIDENCE = 0.90  # of every interval the product shows, unless it says otherwise
MANY_CLUSTERS = 50_000  # from here on clusters are merged at random before they are resampled
_MERGED = 20_000  # into so many: the variance of a total is then off by 1% at most (docs/adr/0040)
_CELLS = 4_000_000  # draws x clusters held at once: bounds memory at 32 MB of counts
_KEPT_FROM, _KEPT_CELLS = 1_000_000, 12_500_000  # draws x clusters: fewer are quickly drawn, more take over 100 MB
_FEWEST_FINITE = 20  # resampled values; below that the 5% ends of an interval are single draws


class _Budget(Protocol):
    """Settings of a stage that resamples."""

    @property
    def draws(self) -> int: ...
    @property
    def seed(self) -> int: ...


@dataclass(frozen=True)
class Resampling:
    """How many times clusters are resampled, and the seed of the draws; the same value gives the same draws."""

    draws: int
    seed: int = 0

    @classmethod
    def of(cls, settings: _Budget) -> "Resampling":
        """The resampling that a stage's settings ask for."""
        return cls(settings.draws, settings.seed)

    def at_most(self, draws: int) -> "Resampling":
        """The same seed with no more than ``draws`` draws, for figures that cost much per draw."""
        return Resampling(min(self.draws, draws), self.seed)


@dataclass(frozen=True)
class Interval:
    """A 90% interval; both ends NaN where it cannot be computed."""

    low: float
    high: float

    def record(self) -> list[float | None]:
        """JSON-ready pair, None for an end that could not be computed."""
        return [None if np.isnan(end) else float(end) for end in (self.low, self.high)]


def cluster_sums(cluster: Ints, values: Floats, clusters: int) -> Floats:
    """Sum of ``values`` per cluster, shape (clusters,)."""
    return np.asarray(np.bincount(cluster, weights=values, minlength=clusters), dtype=np.float64)


def group_sums(group: Ints, values: Mapping[str, Floats]) -> dict[str, Floats]:
    """Sums of each quantity per group, whatever the groups' codes, each shape (groups,)."""
    codes = np.unique(group, return_inverse=True)[1].astype(np.int64)
    clusters = int(codes.max()) + 1
    return {name: cluster_sums(codes, column, clusters) for name, column in values.items()}


def merge_clusters(clusters: int, seed: int) -> Ints:
    """For each of very many clusters, which of some :data:`_MERGED` random bundles of equal size it belongs to.

    Whole bundles are resampled in place of clusters. Clusters are independent of each other, so sums over bundles vary
    as much as sums over clusters do; only how exactly that is measured falls, with the number of bundles.
    """
    size = -(-clusters // _MERGED)  # unequal bundles would spread more than their clusters do
    return np.random.default_rng(seed).permutation(clusters) // size


def merge_many(cluster: Ints, seed: int) -> Ints:
    """Codes of clusters from 0, merged as :func:`resample_totals` merges very many; as they are where they are fewer.

    Whoever sums many quantities merges first: sums per cluster of a million of them would take gigabytes.
    """
    clusters = int(cluster.max(initial=-1)) + 1
    return merge_clusters(clusters, seed)[cluster] if clusters > MANY_CLUSTERS else cluster


def resample_totals(sums: Mapping[str, Floats], resampling: Resampling) -> dict[str, Floats]:
    """Totals of each quantity over resampled clusters, shape (draws,); one set of draws for all (paired)."""
    names, draws = list(sums), resampling.draws
    table = np.column_stack([sums[name] for name in names])
    clusters = len(table)
    if clusters == 0:
        return {name: np.full(draws, np.nan) for name in names}
    if clusters > MANY_CLUSTERS:
        bundle = merge_clusters(clusters, resampling.seed)
        clusters = int(bundle.max()) + 1
        table = np.column_stack([cluster_sums(bundle, column, clusters) for column in table.T])

    kept = _KEPT_FROM <= clusters * draws <= _KEPT_CELLS
    parts = _kept_counts(clusters, resampling) if kept else _draw_counts(clusters, resampling)
    totals = np.concatenate([counts @ table for counts in parts])
    return {name: totals[:, k] for k, name in enumerate(names)}


def _draw_counts(clusters: int, resampling: Resampling) -> Iterator[Floats]:
    """How often each cluster is drawn, some draws at a time, each shape (draws, clusters)."""
    rng = np.random.default_rng(resampling.seed)
    step = max(1, _CELLS // clusters)
    for start in range(0, resampling.draws, step):
        size = min(step, resampling.draws - start)
        yield rng.multinomial(clusters, np.full(clusters, 1.0 / clusters), size=size).astype(np.float64)


@lru_cache(maxsize=1)  # figures of one block ask for the same draws dozens of times
def _kept_counts(clusters: int, resampling: Resampling) -> tuple[Floats, ...]:
    return tuple(_draw_counts(clusters, resampling))


def interval(values: Floats, confidence: float = CONFIDENCE) -> Interval:
    """Percentile interval of resampled values; NaN draws (nothing handed off) are left out."""
    known = values[np.isfinite(values)]
    if len(known) < max(_FEWEST_FINITE, len(values) // 2):
        return Interval(float("nan"), float("nan"))
    low, high = np.quantile(known, [(1 - confidence) / 2, (1 + confidence) / 2])
    return Interval(float(low), float(high))


def ratio(above: Floats, below: Floats) -> Floats:
    """``above / below``, NaN where below is 0."""
    return np.divide(above, below, out=np.full(len(above), np.nan), where=below > 0)


def mean_interval(values: Floats, group: Ints, resampling: Resampling) -> Interval:
    """90% interval of the mean of rows, whole groups resampled."""
    drawn = resample_totals(group_sums(group, {"sum": values, "rows": np.ones(len(values))}), resampling)
    return interval(ratio(drawn["sum"], drawn["rows"]))
