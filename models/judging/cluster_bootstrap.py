"""Intervals that respect accounts: whole clusters are resampled, the handoff decisions stay as they were."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from features.array_types import Floats, Ints

CONFIDENCE = 0.90
_CELLS = 4_000_000  # draws x clusters held at once


@dataclass(frozen=True)
class Interval:
    """A 90 % interval; both ends NaN where it cannot be told."""

    low: float
    high: float

    def record(self) -> list[float | None]:
        """JSON-ready pair, None for an end that cannot be told."""
        return [None if np.isnan(end) else float(end) for end in (self.low, self.high)]


def cluster_sums(cluster: Ints, values: Floats, clusters: int) -> Floats:
    """Sum of ``values`` per cluster, shape (clusters,)."""
    return np.asarray(np.bincount(cluster, weights=values, minlength=clusters), dtype=np.float64)


def resample_totals(sums: Mapping[str, Floats], *, draws: int, seed: int) -> dict[str, Floats]:
    """Totals of each quantity over resampled clusters, shape (draws,); one set of draws for all (paired)."""
    names = list(sums)
    table = np.column_stack([sums[name] for name in names])
    clusters = len(table)
    if clusters == 0:
        return {name: np.full(draws, np.nan) for name in names}
    rng = np.random.default_rng(seed)
    step = max(1, _CELLS // clusters)
    totals = np.empty((draws, len(names)))
    for start in range(0, draws, step):
        stop = min(start + step, draws)
        counts = rng.multinomial(clusters, np.full(clusters, 1.0 / clusters), size=stop - start)
        totals[start:stop] = counts @ table
    return {name: totals[:, k] for k, name in enumerate(names)}


def interval(values: Floats, confidence: float = CONFIDENCE) -> Interval:
    """Percentile interval of resampled values; NaN draws (nothing handed off) are left out."""
    known = values[np.isfinite(values)]
    if len(known) < max(20, len(values) // 2):
        return Interval(float("nan"), float("nan"))
    low, high = np.quantile(known, [(1 - confidence) / 2, (1 + confidence) / 2])
    return Interval(float(low), float(high))


def ratio(above: Floats, below: Floats) -> Floats:
    """``above / below``, NaN where below is 0."""
    return np.divide(above, below, out=np.full(len(above), np.nan), where=below > 0)
