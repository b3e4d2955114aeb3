"""Capacity planner: what one more rep would win at past demand, and how long leads wait."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from features.array_types import Floats, Ints
from models.judging.cluster_bootstrap import Resampling, interval, resample_totals
from models.judging.handoff.policy_results import Handoffs, sums_of
from models.judging.handoff.replay import Replay, top_each_snapshot
from models.judging.handoff.workload_curve import SnapshotCapacity, spread_places

PLAN_DRAWS = 500  # of the interval of what one more rep's share of the list held
HOUR_FASTER = (
    "These data cannot show what a first touch an hour earlier would win: which leads were called sooner was not "
    "decided at random. The lifecycle page shows the association."
)


@dataclass(frozen=True)
class Plan:
    """Wins per number of reps and the queue.

    ``table``: reps, handoffs per week, per rep and working day, handoffs, wins, precision, one_more with interval;
    ``waiting``: per week the leads not yet handed off and the median days they wait.
    """

    table: pd.DataFrame
    waiting: pd.DataFrame
    sentences: tuple[str, ...]

    def record(self) -> dict[str, Any]:
        """JSON-ready."""
        return {
            "table": _plain(self.table),
            "waiting": _plain(self.waiting),
            "sentences": list(self.sentences),
        }


def _plain(frame: pd.DataFrame) -> list[dict[str, Any]]:
    return [{str(k): None if pd.isna(v) else v for k, v in row.items()} for row in frame.to_dict(orient="records")]


def plan_capacity(replay: Replay, score: Floats, capacity: SnapshotCapacity, resampling: Resampling) -> Plan:
    """Replay the judged weeks with one rep fewer to three more; each rep works an equal share of the handoffs.

    Figures are wins already inside the longer list: they say what the list would have held, not what a new rep adds.
    """
    declared = capacity.declared
    per_rep = declared.handoffs_per_week / declared.reps
    crews = list(range(max(1, declared.reps - 1), declared.reps + 4))
    rows = {crew: _rows(replay, score, crew * per_rep) for crew in [*crews, crews[-1] + 1]}

    nothing = np.zeros(len(score))
    sums = {str(c): sums_of(replay, Handoffs(str(c), "", "", r), nothing)["wins"] for c, r in rows.items()}
    drawn = resample_totals(sums, resampling)

    table = []
    for crew in crews:
        won, more = (float(replay.label[rows[c]].sum()) for c in (crew, crew + 1))
        span = interval(drawn[str(crew + 1)] - drawn[str(crew)])
        handed = len(rows[crew])
        rates = (crew * per_rep, per_rep / declared.working_days)
        share = won / handed if handed else np.nan
        table.append((crew, *rates, handed, int(won), share, int(more - won), span.low, span.high))

    names = ("reps", "per_week", "per_rep_and_day", "handoffs", "wins", "precision")
    frame = pd.DataFrame(table, columns=[*names, "one_more", "one_more_low", "one_more_high"])

    now = frame[frame["reps"] == declared.reps].iloc[0]
    text = (
        f"With {declared.reps} reps ({declared.handoffs_per_week} handoffs a week) the list held {now['wins']:.0f} of "
        f"{int(replay.winnable.sum())} wins; one more rep's share of the list held "
        f"{now['one_more']:+.0f} (90% interval {now['one_more_low']:+.0f} to {now['one_more_high']:+.0f})."
    )
    return Plan(frame, _waiting(replay, rows[declared.reps]), (text, HOUR_FASTER))


def _rows(replay: Replay, score: Floats, rate: float) -> Ints:
    return top_each_snapshot(replay, score, spread_places(rate, replay.weeks))


def _waiting(replay: Replay, rows: Ints) -> pd.DataFrame:
    """Per snapshot: leads open and not yet handed off, and the median days since they were first seen here."""
    first = np.full(replay.leads, replay.snapshots, dtype=np.int64)
    np.minimum.at(first, replay.lead, replay.snapshot)
    gone = np.full(replay.leads, replay.snapshots, dtype=np.int64)
    gone[replay.lead[rows]] = replay.snapshot[rows]
    found = []
    for week in range(replay.snapshots):
        leads = replay.lead[(replay.snapshot == week) & replay.latest]
        queue = leads[gone[leads] > week]
        age = (replay.dates[week] - replay.dates[first[queue]]).dt.days
        found.append((week, replay.dates[week], len(queue), float(age.median()) if len(queue) else np.nan))
    return pd.DataFrame(found, columns=["snapshot", "date", "waiting", "median_days"])
