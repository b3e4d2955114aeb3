"""Replay of handoff policies: snapshots in time order, a lead handed off once, its win counted once."""

import hashlib
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from features.array_types import Bools, Floats, Ints
from features.errors import ContractError
from features.matrix import Matrix

WEEK_DAYS = 7
TIE_RULE = "equal scores are ordered by the BLAKE2b hash of the lead's id, so that neither file order nor age decides"


@dataclass(frozen=True, kw_only=True)
class Replay:
    """Judged rows arranged for replay; all arrays are aligned with the rows given.

    Parameters
    ----------
    snapshot : which snapshot a row belongs to, 0 is the earliest (all 0 in flat sources); on a calendar grid a moment
        of the grid, else a calendar week from Monday on
    lead : which (lead, episode) a row belongs to
    cluster : which group (account) a lead belongs to, per lead
    label : 1 won within the horizon, 0 not
    tie : order among equal scores, lower first
    dates : when each snapshot was taken, or its week began (NaT in flat sources)
    moment : order of the rows in time, also within a snapshot
    latest : whether a row is the lead's latest look within its snapshot: the one a week's list is made from
    weeks : weeks of work each snapshot stands for, shape (snapshots,); the first and the last calendar week count only
        from the first to the last day judged (1 in flat sources)
    """

    snapshot: Ints
    lead: Ints
    cluster: Ints
    label: Floats
    tie: Ints
    dates: pd.Series
    moment: Ints
    latest: Bools
    weeks: Floats

    @property
    def snapshots(self) -> int:
        """How many snapshots there are."""
        return len(self.dates)

    @property
    def in_time(self) -> bool:
        """Whether there are clocks: a flat source is one list, not a row of weeks."""
        return not self.dates.isna().all()

    @property
    def leads(self) -> int:
        """How many (lead, episode) pairs there are."""
        return len(self.cluster)

    @property
    def clusters(self) -> int:
        """How many groups (accounts) there are."""
        return int(self.cluster.max()) + 1 if len(self.cluster) else 0

    @property
    def winnable(self) -> Bools:
        """Per lead: whether a handoff on at least one snapshot would have been followed by a win."""
        won = np.zeros(self.leads, dtype=bool)
        won[self.lead[self.label == 1.0]] = True
        return won

    def base_rate(self) -> float:
        """Share of wins when every lead is handed off on a random one of its snapshots."""
        rows = np.bincount(self.lead, minlength=self.leads)
        wins = np.bincount(self.lead, weights=self.label, minlength=self.leads)
        return float((wins / np.maximum(rows, 1)).mean()) if self.leads else float("nan")


@dataclass(frozen=True)
class JudgedRows:
    """Matured rows on which policies are judged: the keys, labels and amounts of a matrix, row by row.

    Raises
    ------
    ContractError : rows that have not matured; an unknown outcome may not be judged
    """

    keys: pd.DataFrame
    label: Floats
    amount: Floats
    noun: str = "leads"  # whose rows they are, for sentences

    def __post_init__(self) -> None:
        waiting = int(np.isnan(self.label).sum())
        if waiting:
            raise ContractError(f"{waiting} rows have not matured; judge policies on matured rows only.")

    @classmethod
    def of(cls, matrix: Matrix, noun: str = "leads") -> "JudgedRows":
        """All rows of a matrix."""
        return cls(matrix.keys, matrix.label, matrix.amount, noun)

    @property
    def age_days(self) -> Floats:
        """Age of the lead at each row [days], NaN where unknown."""
        return np.asarray(self.keys["age_days"].to_numpy(dtype=np.float64))

    def with_value(self, per_win: float | None) -> "JudgedRows":
        """The rows with a value per win where no amount is on record."""
        if per_win is None:
            return self
        return replace(self, amount=np.where(np.isfinite(self.amount), self.amount, per_win))


def arrange_replay(keys: pd.DataFrame, label: Floats, every_days: int | None = WEEK_DAYS) -> Replay:
    """Rows arranged for replay.

    Parameters
    ----------
    keys : a matrix' key columns
    label : no NaN (matured rows only)
    every_days : days from one snapshot of a calendar grid to the next; None where every lead is looked at on days of
        its own, so that snapshots are calendar weeks
    """
    moment, _ = _places_in_time(keys["as_of"])
    snapshot, dates = _places_in_time(snapshot_starts(keys["as_of"], every_days))

    lead_key = keys["lead_id"].astype("str") + "\x1f" + keys["episode"].astype("str")
    lead, names = pd.factorize(lead_key)
    first = pd.Series(np.arange(len(keys))).groupby(lead).first().to_numpy(dtype=np.int64)
    cluster, _ = pd.factorize(keys["group"].iloc[first])
    place = tie_order(pd.Series(names))
    latest = pd.Series(moment).groupby([snapshot, np.asarray(lead)]).transform("max").to_numpy() == moment

    return Replay(
        snapshot=snapshot,
        lead=np.asarray(lead, dtype=np.int64),
        cluster=np.asarray(cluster, dtype=np.int64),
        label=np.asarray(label, dtype=np.float64),
        tie=place[np.asarray(lead, dtype=np.int64)],
        dates=dates,
        moment=moment,
        latest=np.asarray(latest, dtype=np.bool_),
        weeks=weeks_covered(keys["as_of"], every_days),
    )


def snapshot_starts(as_of: pd.Series, every_days: int | None) -> pd.Series:
    """Per row when its snapshot was taken: as_of itself on a grid, else the Monday its calendar week began."""
    if every_days is not None or as_of.isna().all():
        return as_of
    day = as_of.dt.normalize()
    return day - pd.to_timedelta(day.dt.day_of_week, unit="D")


def weeks_covered(as_of: pd.Series, every_days: int | None) -> Floats:
    """Weeks of work per snapshot, in time order; see :class:`Replay`."""
    starts = pd.Series(pd.unique(snapshot_starts(as_of, every_days))).sort_values()
    if as_of.isna().all():
        return np.ones(len(starts))
    if every_days is not None:
        return np.full(len(starts), every_days / WEEK_DAYS)
    first, after = as_of.min().normalize(), as_of.max().normalize() + pd.Timedelta(days=1)
    covered = (starts + pd.Timedelta(days=WEEK_DAYS)).clip(upper=after) - starts.clip(lower=first)
    return np.asarray(covered.dt.total_seconds() / (WEEK_DAYS * 86_400), dtype=np.float64)


def _places_in_time(when: pd.Series) -> tuple[Ints, pd.Series]:
    """Dense place of every row in time, 0 the earliest, and the moments themselves; all 0 without clocks."""
    dates = pd.Series(pd.unique(when)).sort_values().reset_index(drop=True)
    if when.isna().all():
        return np.zeros(len(when), dtype=np.int64), dates
    return np.asarray(when.rank(method="dense").to_numpy(dtype=np.float64) - 1).astype(np.int64), dates


def tie_order(names: pd.Series) -> Ints:
    """Order among equal scores, lower first: the rank of each name's hash (see :data:`TIE_RULE`)."""
    order = np.argsort(np.array([_hash(str(name)) for name in names], dtype=np.uint64), kind="stable")
    place = np.empty(len(names), dtype=np.int64)
    place[order] = np.arange(len(names))
    return place


def first_crossings(replay: Replay, handed_off: Bools) -> Ints:
    """Rows at which each lead first meets a threshold, in time order."""
    rows = np.flatnonzero(handed_off)
    rows = rows[np.lexsort((replay.tie[rows], replay.moment[rows]))]
    _, first = np.unique(replay.lead[rows], return_index=True)
    return np.asarray(rows[np.sort(first)], dtype=np.int64)


def top_each_snapshot(replay: Replay, score: Floats, places: Ints) -> Ints:
    """Rows handed off when each snapshot takes its best ``places[snapshot]`` leads not yet handed off.

    A lead looked at more than once within a week counts with its latest look, which is what the week's list shows.
    """
    return top_of_order(replay, snapshot_order(replay, score), places)


def snapshot_order(replay: Replay, score: Floats) -> Ints:
    """The latest looks of each snapshot, snapshot after snapshot, each the best lead first."""
    order = np.lexsort((replay.tie, -score, replay.snapshot))
    return np.asarray(order[replay.latest[order]], dtype=np.int64)


def top_of_order(replay: Replay, order: Ints, places: Ints) -> Ints:
    """As :func:`top_each_snapshot`, of rows that are sorted already."""
    starts = np.searchsorted(replay.snapshot[order], np.arange(replay.snapshots + 1))
    gone = np.zeros(replay.leads, dtype=bool)
    taken: list[Ints] = []
    for week in range(replay.snapshots):
        rows = order[starts[week] : starts[week + 1]]
        rows = rows[~gone[replay.lead[rows]]][: int(places[week])]
        gone[replay.lead[rows]] = True
        taken.append(rows)
    return np.asarray(np.concatenate(taken) if taken else [], dtype=np.int64)


def threshold_for(replay: Replay, score: Floats, workload: int) -> float:
    """Score at which first crossings hand off ``workload`` leads (more where scores are equal)."""
    best = np.full(replay.leads, -np.inf)
    np.maximum.at(best, replay.lead, score)
    ordered = np.sort(best)[::-1]
    return float(ordered[min(max(workload, 1), len(ordered)) - 1])


def per_snapshot(replay: Replay, rows: Ints) -> Ints:
    """Handoffs per snapshot."""
    return np.asarray(np.bincount(replay.snapshot[rows], minlength=replay.snapshots), dtype=np.int64)


def _hash(text: str) -> int:
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "big")
