"""Precision and wins against workload, and what capacity means for a replay."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from features.array_types import Floats, Ints
from features.schema.source import Capacity, Source
from models.judging.cluster_bootstrap import Interval, Resampling, interval, ratio, resample_totals
from models.judging.handoff.policy_results import Handoffs, sums_of
from models.judging.handoff.replay import WEEK_DAYS, Replay, arrange_replay, top_each_snapshot

_POINTS = 20  # workloads of a curve; it is drawn, and the slider of the thresholds page steps through them
CURVE_DRAWS = 300  # bounds the cost of a curve, whose bands are only drawn


@dataclass(frozen=True)
class CurvePoint:
    """Wins and precision at one workload, with 90% intervals."""

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
    """What sales can work at each snapshot of a replay: so many leads a week of real time, whatever the cohort.

    Parameters
    ----------
    declared : handoffs per week for sources with clocks, a share of the rows for flat ones
    every_days : days from one snapshot of the calendar grid to the next; None where every lead is looked at on days of
        its own (after its creation, at a stage entry), so that a snapshot is a calendar week (docs/adr/0033)
    """

    declared: Capacity
    every_days: int | None = WEEK_DAYS

    @classmethod
    def of(cls, source: Source, declared: Capacity | None = None) -> "SnapshotCapacity":
        """The capacity a source declares (or another one), at the pace of its cohort."""
        grid = source.cohort.policy == "weekly"
        return cls(declared or source.capacity, source.cohort.every_days if grid else None)

    @property
    def per_snapshot(self) -> float:
        """Handoffs per whole snapshot, not rounded."""
        return self.declared.handoffs_per_week * (self.every_days or WEEK_DAYS) / WEEK_DAYS

    def arrange(self, keys: pd.DataFrame, label: Floats) -> Replay:
        """Rows arranged for a replay at the pace of the cohort."""
        return arrange_replay(keys, label, self.every_days)

    def places(self, replay: Replay) -> Ints:
        """Places per snapshot, fractions carried on; where there are no clocks, the declared share of all leads."""
        if not replay.in_time:
            return np.array([max(1, round(self.declared.share * replay.leads))], dtype=np.int64)
        return spread_places(self.declared.handoffs_per_week, replay.weeks)


def spread_places(per_week: float, weeks: Floats) -> Ints:
    """Whole places per snapshot that add up to ``per_week`` in every week; ``weeks`` are those of each snapshot.

    >>> spread_places(0.5, np.ones(4)).tolist()
    [0, 1, 0, 1]
    >>> spread_places(7, np.array([2 / 7, 1, 1, 3 / 7])).tolist()
    [2, 7, 7, 3]
    """
    upto = np.floor(per_week * np.cumsum(weeks) + 1e-9)  # 1e-9: a product that is whole but for rounding
    return np.asarray(np.diff(upto, prepend=0.0), dtype=np.int64)


def curve_of(replay: Replay, score: Floats, resampling: Resampling) -> tuple[CurvePoint, ...]:
    """Wins and precision when the best leads are handed off at growing workloads per week."""
    if not replay.leads:
        return ()
    weeks = float(replay.weeks.sum())
    rates = np.geomspace(max(1.0, 0.01 * replay.leads) / weeks, replay.leads / weeks, _POINTS)
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
    return top_each_snapshot(replay, score, spread_places(rate, replay.weeks))
