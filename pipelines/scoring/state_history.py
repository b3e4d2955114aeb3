"""States of the open leads over the last weeks: each week under the policy of its time, with memory and without."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from features.array_types import Tables, Texts
from features.assembly.build_matrix import features_at
from models.bundle import Bundle
from models.explaining.qualification import qualify
from models.explaining.qualification_policy import QualificationPolicy, default_qualification, policy_at
from models.judging.lifecycle.service_levels import rows_known_at
from models.scored_leads import Scored
from models.scoring import score
from pipelines.workspace.context import Context

MEMORY = ("state_kept", "state_days")  # columns of the written worklist that only the report's history is about
WEEKS = 8  # replayed: two months show flicker, and each week costs a matrix of the open leads


@dataclass(frozen=True)
class StateHistory:
    """States with hysteresis and minimum dwell as declared.

    Parameters
    ----------
    kept, action, days : of the leads now, aligned with the scored rows
    weeks : per week date, policy, version, leads by state, and how many states changed, with and without memory
    """

    kept: Texts
    action: Texts
    days: npt.NDArray[np.float64]
    weeks: list[dict[str, Any]]

    @property
    def sentence(self) -> str:
        """How often states changed with memory, and how often they would have without."""
        kept, plain = (sum(week[name] for week in self.weeks) for name in ("changed", "changed_without"))
        return (
            f"Over {len(self.weeks)} weeks states changed {kept:,} times; without hysteresis and minimum dwell it "
            f"would have been {plain:,} times."
        )


def replay_states(
    context: Context, bundle: Bundle, tables: Tables, scored: Scored, as_of: pd.Timestamp
) -> StateHistory:
    """Replay the last weeks up to ``scored``, the leads as they are at ``as_of``."""
    ids = scored.columns["lead_id"]
    memory = StateReplay(len(ids))
    weeks = []
    for when, rows, found in _past_weeks(context, bundle, tables, ids, as_of):
        weeks.append(memory.step(when, rows, found, _policy_of_then(context, when)))
    weeks.append(memory.step(as_of, np.arange(len(ids)), scored, scored.policy))
    return StateHistory(memory.state, memory.action, memory.days(as_of), weeks)


def _policy_of_then(context: Context, when: pd.Timestamp) -> QualificationPolicy:
    """The version that was declared for a moment, with the handoff score that was adopted by then."""
    declared = policy_at(context.policies, when.date()) if context.policies else default_qualification()
    if context.thresholds is None:
        return declared
    return context.thresholds.as_of(when.tz_localize("UTC"), declared).policy


def _past_weeks(
    context: Context, bundle: Bundle, tables: Tables, ids: Texts, as_of: pd.Timestamp
) -> Iterator[tuple[pd.Timestamp, npt.NDArray[np.int64], Scored]]:
    """Moment, rows of ``ids`` that were leads by then, and how they scored."""
    for weeks in range(WEEKS, 0, -1):
        when = as_of - pd.Timedelta(weeks=weeks)
        there = set(rows_known_at(tables["leads"], when)["lead_id"])
        rows = np.flatnonzero([lead in there for lead in ids])
        if len(rows):
            matrix = features_at(tables, context.source, bundle.catalog, [str(ids[row]) for row in rows], when)
            yield when, rows, score(bundle, matrix, context.framework, source=context.source, policy=context.policy)


class StateReplay:
    """States as they go from week to week."""

    def __init__(self, leads: int) -> None:
        self.state: Texts = np.full(leads, "", dtype=object)
        self.plain: Texts = np.full(leads, "", dtype=object)
        self.action: Texts = np.full(leads, "", dtype=object)
        self.since = np.full(leads, np.datetime64("NaT"), dtype="datetime64[us]")

    def days(self, when: pd.Timestamp) -> npt.NDArray[np.float64]:
        """Days in the state, NaN for leads that have none."""
        return np.asarray((when - pd.Series(self.since)).dt.total_seconds() / 86_400, dtype=np.float64)

    def step(self, when: pd.Timestamp, rows: npt.NDArray[np.int64], scored: Scored, policy: Any) -> dict[str, Any]:
        """Qualify the rows of one week, remembering the week before."""
        before, plain_before = self.state[rows], self.plain[rows]
        days = self.days(when)[rows]

        standing = replace(scored.inputs, excluded=policy.profile.exclusion_reasons(scored.values))
        found = qualify(replace(standing, state_before=before, days_in_state=days), policy)
        plain = qualify(standing, policy).state

        moved = found.state != before
        self.since[rows[moved]] = when.to_datetime64()
        self.state[rows], self.plain[rows], self.action[rows] = found.state, plain, found.next_action

        names, counts = np.unique(found.state.astype(str), return_counts=True)
        return {
            "date": when.isoformat(),
            "policy": policy.name,
            "version": policy.version,
            "leads": len(rows),
            "states": dict(zip(names.tolist(), counts.tolist(), strict=True)),
            "changed": int((moved & (before != "")).sum()),
            "changed_without": int(((plain != plain_before) & (plain_before != "")).sum()),
        }
