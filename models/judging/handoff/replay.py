"""Replay of handoff policies: snapshots in time order, a lead handed off once, its win counted once."""

import hashlib
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from features.array_types import Bools, Floats, Ints
from features.errors import ContractError
from features.matrix import Matrix

TIE_RULE = "equal scores are ordered by the BLAKE2b hash of the lead's id, so that neither file order nor age decides"


@dataclass(frozen=True, kw_only=True)
class Replay:
    """Judged rows arranged for replay; all arrays are aligned with the rows given.

    Parameters
    ----------
    snapshot : which snapshot a row belongs to, 0 is the earliest (all 0 in flat sources)
    lead : which (lead, episode) a row belongs to
    cluster : which group (account) a lead belongs to, per lead
    label : 1 won within the horizon, 0 not
    tie : order among equal scores, lower first
    dates : when each snapshot was taken (NaT in flat sources)
    """

    snapshot: Ints
    lead: Ints
    cluster: Ints
    label: Floats
    tie: Ints
    dates: pd.Series

    @property
    def snapshots(self) -> int:
        """How many snapshots there are."""
        return len(self.dates)

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

    def __post_init__(self) -> None:
        waiting = int(np.isnan(self.label).sum())
        if waiting:
            raise ContractError(f"{waiting} rows have not matured; judge policies on matured rows only.")

    @classmethod
    def of(cls, matrix: Matrix) -> "JudgedRows":
        """All rows of a matrix."""
        return cls(matrix.keys, matrix.label, matrix.amount)

    @property
    def age_days(self) -> Floats:
        """Age of the lead at each row [days], NaN where unknown."""
        return np.asarray(self.keys["age_days"].to_numpy(dtype=np.float64))

    def with_value(self, per_win: float | None) -> "JudgedRows":
        """The rows with a value per win where no amount is on record."""
        if per_win is None:
            return self
        return replace(self, amount=np.where(np.isfinite(self.amount), self.amount, per_win))


def arrange_replay(keys: pd.DataFrame, label: Floats) -> Replay:
    """Rows arranged for replay; ``keys`` holds a matrix' key columns, ``label`` no NaN (matured rows only)."""
    dates = pd.Series(pd.unique(keys["as_of"])).sort_values().reset_index(drop=True)
    if keys["as_of"].isna().all():
        snapshot = np.zeros(len(keys), dtype=np.int64)
    else:
        snapshot = np.asarray(keys["as_of"].rank(method="dense").to_numpy(dtype=np.float64) - 1).astype(np.int64)

    lead_key = keys["lead_id"].astype("str") + "\x1f" + keys["episode"].astype("str")
    lead, names = pd.factorize(lead_key)
    first = pd.Series(np.arange(len(keys))).groupby(lead).first().to_numpy(dtype=np.int64)
    cluster, _ = pd.factorize(keys["group"].iloc[first])
    place = tie_order(pd.Series(names))

    return Replay(
        snapshot=snapshot,
        lead=np.asarray(lead, dtype=np.int64),
        cluster=np.asarray(cluster, dtype=np.int64),
        label=np.asarray(label, dtype=np.float64),
        tie=place[np.asarray(lead, dtype=np.int64)],
        dates=dates,
    )


def tie_order(names: pd.Series) -> Ints:
    """Order among equal scores, lower first: the rank of each name's hash (see :data:`TIE_RULE`)."""
    order = np.argsort(np.array([_hash(str(name)) for name in names], dtype=np.uint64), kind="stable")
    place = np.empty(len(names), dtype=np.int64)
    place[order] = np.arange(len(names))
    return place


def first_crossings(replay: Replay, handed_off: Bools) -> Ints:
    """Rows at which each lead first meets a threshold, in time order."""
    rows = np.flatnonzero(handed_off)
    rows = rows[np.lexsort((replay.tie[rows], replay.snapshot[rows]))]
    _, first = np.unique(replay.lead[rows], return_index=True)
    return np.asarray(rows[np.sort(first)], dtype=np.int64)


def top_each_snapshot(replay: Replay, score: Floats, places: Ints) -> Ints:
    """Rows handed off when each snapshot takes its best ``places[snapshot]`` leads not yet handed off."""
    order = np.lexsort((replay.tie, -score, replay.snapshot))
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
