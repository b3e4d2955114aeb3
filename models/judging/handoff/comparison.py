"""The result of comparing policies: a value with its records, months and notes."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from features.errors import ContractError
from models.judging.cluster_bootstrap import Interval
from models.judging.handoff.policy_names import Policy, policy_label
from models.judging.handoff.policy_results import (
    Handoffs,
    PolicyResult,
)
from models.judging.handoff.replay import Replay
from models.judging.handoff.workload_curve import CurvePoint

NEARLY_ALL = 0.9  # share of the leads from which on a policy no longer selects: it leaves out one lead in ten


@dataclass(frozen=True, kw_only=True)
class Difference:
    """Model minus rubric on the same leads, with a paired interval."""

    first: str
    second: str
    wins: int
    precision: float
    wins_ci: Interval
    precision_ci: Interval

    def record(self) -> dict[str, Any]:
        """JSON-ready."""
        precision = None if np.isnan(self.precision) else self.precision
        return {
            "first": self.first,
            "second": self.second,
            "wins": self.wins,
            "wins_ci": self.wins_ci.record(),
            "precision": precision,
            "precision_ci": self.precision_ci.record(),
        }


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """Result of :func:`~models.judging.handoff.compare_policies.compare_policies`.

    ``sentences`` open with the answer at equal workload; ``swap`` lists leads only one of the two policies hands
    off (``row`` is the position in the rows judged); ``by_month`` is per policy and month, ``by_segment`` per policy,
    attribute and value; ``noun`` says whose figures they are.
    """

    policies: tuple[PolicyResult, ...]
    differences: tuple[Difference, ...]
    curves: dict[str, tuple[CurvePoint, ...]]
    swap: pd.DataFrame
    by_month: pd.DataFrame
    by_segment: pd.DataFrame
    leads: int
    winnable: int
    base_rate: float
    weeks: int
    tie_rule: str
    sentences: tuple[str, ...]
    notes: tuple[str, ...] = field(default=())
    noun: str = "leads"

    def __getitem__(self, policy: str) -> PolicyResult:
        for result in self.policies:
            if result.policy == policy:
                return result
        raise ContractError(f"no policy '{policy}'; compared: {', '.join(r.policy for r in self.policies)}.")

    def record(self) -> dict[str, Any]:
        """JSON-ready, the swap set left out (it names leads)."""
        return {
            "policies": [result.record() for result in self.policies],
            "differences": [difference.record() for difference in self.differences],
            "curves": {name: [point.record() for point in points] for name, points in self.curves.items()},
            "by_month": self.by_month.to_dict(orient="records"),
            "by_segment": self.by_segment.to_dict(orient="records"),
            "leads": self.leads,
            "winnable": self.winnable,
            "base_rate": self.base_rate,
            "weeks": self.weeks,
            "tie_rule": self.tie_rule,
            "sentences": list(self.sentences),
            "notes": list(self.notes),
            "noun": self.noun,
        }


def months_of(keys: pd.DataFrame) -> pd.Series:
    """Calendar month of a row, or the tenth of the order in flat sources."""
    if keys["as_of"].notna().any():
        return pd.Series(keys["as_of"].dt.strftime("%Y-%m"))
    tenth = (keys["order"].rank(method="min", pct=True) * 10).clip(upper=9.999).astype("int64") + 1
    return pd.Series("tenth " + tenth.astype("str").str.zfill(2), index=keys.index)


def leave_out_unselective(every: list[Handoffs], replay: Replay) -> tuple[list[Handoffs], tuple[str, ...]]:
    """The policies without one by cost and value that hands off nearly everybody, and what is said instead."""
    kept, notes = [], []
    for handoffs in every:
        if handoffs.policy == Policy.MODEL_VALUE and len(handoffs.rows) > NEARLY_ALL * replay.leads:
            notes.append(
                f"At this cost and value {'every lead' if len(handoffs.rows) == replay.leads else 'nearly every lead'} "
                f"pays ({len(handoffs.rows):,} of {replay.leads:,}), so cost and value set no threshold; the limit is "
                "capacity."
            )
        else:
            kept.append(handoffs)
    return kept, tuple(notes)


def notes_of(every: list[Handoffs], replay: Replay) -> tuple[str, ...]:
    """How the figures are to be read, and policies that select no leads or all of them."""
    notes = [
        "Outcomes reflect how leads were handled at the time: wins are wins already inside a list, never added wins.",
        "Intervals are 90%; whole accounts are resampled while the handoff decisions stay as they were.",
    ]
    won = "No lead was won within the horizon in these weeks" if replay.in_time else "None of these leads was won"
    nobody = "no leads in these weeks" if replay.in_time else "none of these leads"
    if replay.winnable.sum() == 0:
        notes.append(f"{won}, so recall and lift cannot be computed.")
    for handoffs in every:
        if not len(handoffs.rows):
            notes.append(f"Policy '{policy_label(handoffs.policy)}' hands off {nobody}.")
        elif len(handoffs.rows) == replay.leads:
            notes.append(f"Policy '{policy_label(handoffs.policy)}' hands off every lead; it does not select.")
    return tuple(notes)
