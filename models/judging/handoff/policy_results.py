"""What one handoff policy did on the judged leads: workload, wins, precision, recall, lift, misses, revenue."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from features.array_types import Floats, Ints
from models.judging.cluster_bootstrap import Interval, cluster_sums, interval, ratio
from models.judging.handoff.replay import JudgedRows, Replay


@dataclass(frozen=True)
class Handoffs:
    """A policy and the rows (of the judged matrix) at which it hands leads off, in time order."""

    policy: str
    by: str  # whose score ranks: rubric, model, ...
    rule: str  # the rule in words
    rows: Ints
    threshold: float | None = None


@dataclass(frozen=True, kw_only=True)
class PolicyResult:
    """Figures of one policy on the judged leads; ``intervals`` holds 90% intervals by figure.

    ``revenue`` sums the amounts of wins inside the list (a declared value per win where no amount is on record);
    ``net`` takes the declared cost of the handoffs off it.

    A win counts if it came within the horizon after the handoff. ``missed`` counts leads that another moment
    would have won: never handed off, or handed off longer than the horizon before their win.
    """

    policy: str
    by: str
    rule: str
    threshold: float | None
    workload: int
    wins: int
    precision: float
    recall: float
    lift: float
    missed: int
    revenue: float
    days_to_handoff: float
    confusion: dict[str, int]
    net: float = float("nan")
    intervals: dict[str, Interval] = field(default_factory=dict)

    def record(self) -> dict[str, Any]:
        """JSON-ready, NaN as None, intervals as ``<figure>_ci``."""
        plain = {
            name: _plain(getattr(self, name))
            for name in ("policy", "by", "rule", "threshold", "workload", "wins", "precision", "recall", "lift")
        }
        more = ("missed", "revenue", "net", "days_to_handoff", "confusion")
        plain |= {name: _plain(getattr(self, name)) for name in more}
        return plain | {f"{name}_ci": pair.record() for name, pair in self.intervals.items()}


def _plain(value: Any) -> Any:
    if isinstance(value, str):
        return str(value)  # a policy's name, not the enum member
    return None if isinstance(value, float) and not np.isfinite(value) else value


def sums_of(replay: Replay, handoffs: Handoffs, amount: Floats) -> dict[str, Floats]:
    """Per cluster: handoffs, wins and revenue of a policy; revenue NaN where no amount is known at all."""
    cluster = replay.cluster[replay.lead[handoffs.rows]]
    won = replay.label[handoffs.rows]
    paid = won * np.nan_to_num(amount[handoffs.rows], nan=0.0)
    revenue = cluster_sums(cluster, paid, replay.clusters)
    return {
        "workload": cluster_sums(cluster, np.ones(len(won)), replay.clusters),
        "wins": cluster_sums(cluster, won, replay.clusters),
        "revenue": revenue if _amounts_known(amount) else np.full(len(revenue), np.nan),
    }


def _amounts_known(amount: Floats) -> bool:
    return bool(np.isfinite(amount).any())


def winnable_sums(replay: Replay) -> Floats:
    """Per cluster: leads that some handoff would have won."""
    return cluster_sums(replay.cluster, replay.winnable.astype(np.float64), replay.clusters)


def result_of(replay: Replay, handoffs: Handoffs, judged: JudgedRows, *, cost: float | None = None) -> PolicyResult:
    """Figures of a policy, without intervals; ``cost`` of one handoff."""
    rows, amount, age_days = handoffs.rows, judged.amount, judged.age_days
    won = replay.label[rows]
    wins, winnable = int(won.sum()), int(replay.winnable.sum())
    precision = wins / len(rows) if len(rows) else float("nan")
    base = replay.base_rate()
    known = age_days[rows][np.isfinite(age_days[rows])]

    kept = np.ones(replay.leads, dtype=bool)
    kept[replay.lead[rows]] = False
    revenue = float((won * np.nan_to_num(amount[rows], nan=0.0)).sum()) if _amounts_known(amount) else float("nan")

    return PolicyResult(
        policy=handoffs.policy,
        by=handoffs.by,
        rule=handoffs.rule,
        threshold=handoffs.threshold,
        workload=len(rows),
        wins=wins,
        precision=precision,
        recall=wins / winnable if winnable else float("nan"),
        lift=precision / base if base > 0 else float("nan"),
        missed=winnable - wins,
        revenue=revenue,
        net=float("nan") if cost is None else revenue - cost * len(rows),
        days_to_handoff=float(np.median(known)) if len(known) else float("nan"),
        confusion={
            "handed_off_won": wins,
            "handed_off_not_won": len(rows) - wins,
            "kept_won": int((kept & replay.winnable).sum()),
            "kept_not_won": int((kept & ~replay.winnable).sum()),
        },
    )


def intervals_of(draws: dict[str, Floats], policy: str) -> dict[str, Interval]:
    """Intervals of a policy's figures from resampled totals named ``<policy>.<figure>`` and ``winnable``."""
    workload, wins = draws[f"{policy}.workload"], draws[f"{policy}.wins"]
    return {
        "workload": interval(workload),
        "wins": interval(wins),
        "precision": interval(ratio(wins, workload)),
        "recall": interval(ratio(wins, draws["winnable"])),
        "revenue": interval(draws[f"{policy}.revenue"]),
    }


def by_attribute(replay: Replay, every: list[Handoffs], segments: Mapping[str, pd.Series]) -> pd.DataFrame:
    """:func:`by_slice` for several attributes of the judged rows, one below the other."""
    parts = [
        by_slice(replay, every, values, "segment").assign(attribute=name)
        for name, values in segments.items()
        if values.notna().any()
    ]
    columns = ["policy", "attribute", "segment", "workload", "wins", "precision"]
    return pd.concat(parts, ignore_index=True)[columns] if parts else pd.DataFrame(columns=columns)


def by_slice(replay: Replay, every: list[Handoffs], slices: pd.Series, what: str) -> pd.DataFrame:
    """Handoffs, wins and precision of each policy per slice (month or segment) of the judged rows."""
    rows = []
    for handoffs in every:
        frame = pd.DataFrame({what: slices.iloc[handoffs.rows].to_numpy(), "won": replay.label[handoffs.rows]})
        found = frame.groupby(what, observed=True)["won"].agg(["size", "sum"])
        for name, row in found.iterrows():
            handed, wins = int(row["size"]), int(row["sum"])
            rows.append((str(handoffs.policy), str(name), handed, wins, wins / handed))
    return pd.DataFrame(rows, columns=["policy", what, "workload", "wins", "precision"])
