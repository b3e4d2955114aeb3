"""What waits for whom: untouched leads, overdue leads, and the queue of every owner."""

from collections import Counter
from dataclasses import dataclass
from typing import Any

import pandas as pd
from sqlalchemy import select

from serving.json_values import to_json_values
from serving.leads.feedback import find_hidden_leads, find_latest_feedback, find_pinned_states
from serving.results.run_results import compute_lifecycle
from serving.state.app_state import AppState
from serving.state.lead_data import rows_of
from serving.state.worklist.worklist_query import WorklistQuery
from serving.store.tables import ActivityRow

_CONSIDERED = 200  # best leads searched for untouched ones, of which the page shows 20


@dataclass(frozen=True)
class OverdueLeads:
    """The first rows, the best lead first, and how many there are in all."""

    rows: list[dict[str, Any]]
    total: int


@dataclass(frozen=True)
class OwnerQueues:
    """States in use, and a row per owner.

    Rows carry ``owner`` (empty: none), ``open``, one count per state, ``aside`` (put aside) and ``overdue``.
    """

    states: list[str]
    rows: list[dict[str, Any]]


def list_overdue(app_state: AppState, owner: str | None, limit: int = 20) -> OverdueLeads:
    """Open leads that wait longer than promised, the best first; those that sales put aside are left out."""
    rows = _overdue_rows(app_state, owner)
    return OverdueLeads(rows[:limit], len(rows))


def _overdue_rows(app_state: AppState, owner: str | None) -> list[dict[str, Any]]:
    state, hidden, rows = app_state.loaded, find_hidden_leads(app_state.store), []
    for row in rows_of(compute_lifecycle(app_state)[0].overdue):
        line = state.worklist.current_state_of(str(row["lead_id"]))
        if line is not None and str(row["lead_id"]) not in hidden and (owner is None or line["owner"] == owner):
            rows.append(to_json_values(row) | line)
    rows.sort(key=lambda row: (-row["score"], -row["waited_hours"], row["lead_id"]))
    return rows


def list_untouched(app_state: AppState, owner: str | None, limit: int = 20) -> list[dict[str, Any]]:
    """Best open leads that sales has not touched: no feedback, and no activity by a rep, in the data or posted."""
    state = app_state.loaded
    if state.data.flat:
        return []

    page = state.worklist.page(WorklistQuery(owner=owner, size=_CONSIDERED))
    feedback = find_latest_feedback(app_state.store, [str(row["lead_id"]) for row in page.rows])
    touched = _touched_leads(app_state)
    rows = [row for row in page.rows if row["lead_id"] not in touched and row["lead_id"] not in feedback]
    return rows[:limit]


def _touched_leads(app_state: AppState) -> set[str]:
    acted = app_state.loaded.data.tables["activities"]
    with app_state.store.reading() as session:
        posted = set(session.scalars(select(ActivityRow.lead_id).where(ActivityRow.actor == "rep")))
    return posted | set(acted["lead_id"][(acted["actor"] == "rep").fillna(False)].astype("str"))


def count_queues(app_state: AppState, owner: str | None) -> OwnerQueues:
    """Open leads of every owner by state, how many of them are overdue, and how many were put aside."""
    worklist = app_state.loaded.worklist
    hidden = find_hidden_leads(app_state.store)
    late = Counter(row["owner"] for row in _overdue_rows(app_state, owner))
    now = worklist.current_states()["state"]
    now = now.mask(now.index.isin(pinned := find_pinned_states(app_state.store)), now.index.map(pinned))
    leads = pd.DataFrame({"state": now.to_numpy(), "owner": worklist.owner})
    aside = pd.Series(worklist.position.isin(hidden))
    states = [name for name in worklist.states_of(None, pinned) if name]

    rows = []
    for name, group in leads[~aside].groupby("owner", sort=True):
        if owner is None or name == owner:
            counts = group["state"].value_counts()
            rows.append({"owner": str(name), "open": len(group)} | {s: int(counts.get(s, 0)) for s in states})

    put_aside = Counter(leads["owner"][aside])
    rows = [row | {"aside": put_aside[row["owner"]], "overdue": late[row["owner"]]} for row in rows]
    return OwnerQueues(states, rows)
