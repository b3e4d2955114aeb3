"""Precision and wins against workload, and what capacity means for a replay."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from features.array_types import Floats, Ints
from features.schema.source import Capacity, Source
from models.judging.cluster_bootstrap import Interval, Resampling, interval, ratio, resample_totals
from models.judging.handoff.policy_results import Handoffs, sums_of
from models.judging.handoff.replay import Replay, top_each_snapshot

_POINTS = 20  # workloads of a curve; it is drawn, and the slider of the thresholds page steps through them
CURVE_DRAWS = 300  # bounds the cost of a curve, whose bands are only drawn


@dataclass(frozen=True)
class CurvePoint:
    """Wins and precision at one workload, with 90 % intervals."""

    workload: int
    wins: int
    precision: float
    wins_ci: Interval
    precision_ci: Interval

    def record(self) -> dict[str, Any]:
        """JSON-ready."""
        return {
            "workload": self.workload,
            "wins": self.wins,
            "precision": self.precision,
            "wins_ci": self.wins_ci.record(),
            "precision_ci": self.precision_ci.record(),
        }


@dataclass(frozen=True)
class SnapshotCapacity:
    """What sales can work at each snapshot of a replay.

    Parameters
    ----------
    declared : handoffs per week for sources with clocks, a share of the rows for flat ones
    every_days : days from one snapshot to the next
    """

    declared: Capacity
    every_days: int = 7

    @classmethod
    def of(cls, source: Source) -> "SnapshotCapacity":
        """The capacity a source declares, at the pace of its cohort."""
        return cls(source.capacity, source.cohort.every_days)

    @property
    def per_snapshot(self) -> float:
        """Handoffs per snapshot, not rounded."""
        return self.declared.handoffs_per_week * self.every_days / 7

    def places(self, replay: Replay) -> Ints:
        """Places per snapshot, fractions carried on; where there are no clocks, the declared share of all leads."""
        if replay.dates.isna().all():
            return np.array([max(1, round(self.declared.share * replay.leads))], dtype=np.int64)
        return spread_places(self.per_snapshot, replay.snapshots)


def spread_places(rate: float, snapshots: int) -> Ints:
    """Whole places per snapshot that add up to ``rate`` per snapshot.

    >>> spread_places(0.5, 4).tolist()
    [0, 1, 0, 1]
    """
    upto = np.floor(rate * np.arange(1, snapshots + 1) + 1e-9)  # 1e-9: a product that is whole but for rounding
    return np.asarray(np.diff(upto, prepend=0.0), dtype=np.int64)


def curve_of(replay: Replay, score: Floats, resampling: Resampling) -> tuple[CurvePoint, ...]:
    """Wins and precision when the best leads are handed off at growing workloads per snapshot."""
    if not replay.leads:
        return ()
    rates = np.geomspace(max(1.0, 0.01 * replay.leads) / replay.snapshots, replay.leads / replay.snapshots, _POINTS)
    every = {k: Handoffs(str(k), "", "", _rows(replay, score, rate)) for k, rate in enumerate(rates)}
    nothing = np.zeros(len(replay.lead))
    sums = {f"{k}.{n}": s for k, h in every.items() for n, s in sums_of(replay, h, nothing).items() if n != "revenue"}
    totals = resample_totals(sums, resampling)
    points = {}
    for k, handoffs in every.items():
        won = replay.label[handoffs.rows]
        if len(won):
            share = interval(ratio(totals[f"{k}.wins"], totals[f"{k}.workload"]))
            wins = interval(totals[f"{k}.wins"])
            points[len(won)] = CurvePoint(len(won), int(won.sum()), float(won.mean()), wins, share)
    return tuple(points[size] for size in sorted(points))


def _rows(replay: Replay, score: Floats, rate: float) -> Ints:
    return top_each_snapshot(replay, score, spread_places(rate, replay.snapshots))
