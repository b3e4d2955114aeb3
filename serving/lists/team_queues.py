"""What waits for whom: untouched leads, overdue leads, and the queue of every owner."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from sqlalchemy import func, select

from features.array_types import Bools
from serving.json_values import to_json_values
from serving.leads.feedback import (
    find_hidden_leads,
    find_leads_with_feedback,
    find_overrides,
    find_unlisted_leads,
    pins_of,
)
from serving.results.lifecycle_now import lifecycle_now
from serving.state.app_state import AppState
from serving.state.gather_rows import count_posted, drop_withdrawn
from serving.state.lead_data import rows_of
from serving.state.worklist.worklist_query import WorklistQuery
from serving.store.tables import ActivityRow, WithdrawnActivity

_CONSIDERED = 200  # best leads searched for untouched ones, of which the page shows 20
HOT = "hot"


@dataclass(frozen=True)
class OverdueLeads:
    """The first rows, the best lead first, and how many there are in all; ``leads`` counts each lead once."""

    rows: list[dict[str, Any]]
    total: int
    leads: int = 0


@dataclass(frozen=True)
class OwnerQueues:
    """States in use, and a row per owner.

    Rows carry ``owner`` (empty: none), ``open``, one count per state, ``aside`` (put aside), ``overdue`` (broken
    promises) and ``longest_hours``, how long the one that waits longest has waited.
    """

    states: list[str]
    rows: list[dict[str, Any]]


@dataclass(frozen=True)
class HotLeads:
    """Hot leads of an owner: how many, how many of them no rep has touched, and the best of these."""

    total: int
    untouched: int
    rows: list[dict[str, Any]]


def list_overdue(app_state: AppState, owner: str | None, limit: int = 20) -> OverdueLeads:
    """Open leads that wait longer than promised, the best first; those that sales put aside are left out."""
    found = _overdue_rows(app_state, owner)
    worklist, rows = app_state.loaded.worklist, []
    for row in rows_of(found.head(limit).drop(columns=["owner", "score"])):
        line = worklist.current_state_of(str(row["lead_id"]))
        rows.append(to_json_values(row) | (line or {}))
    return OverdueLeads(rows, len(found), int(found["lead_id"].nunique()))


def count_open(app_state: AppState, owner: str | None) -> int:
    """Open leads of an owner (None: of all) without those that sales put aside."""
    state = app_state.loaded
    return state.worklist.count(WorklistQuery(owner=owner, hidden=find_unlisted_leads(app_state.store, state), size=1))


def count_overdue(app_state: AppState, owner: str | None) -> int:
    """Open leads that wait longer than promised, each once; those that sales put aside are left out."""
    return int(_overdue(app_state, owner)["lead_id"].nunique())


def most_overdue(app_state: AppState) -> tuple[str, int]:
    """The owner with most leads that wait longer than promised, and how many; empty and 0 where no owner is named."""
    found = _overdue(app_state, None)
    found = found[(found["owner"] != "").to_numpy(dtype=bool)]
    counts = found.drop_duplicates("lead_id")["owner"].value_counts()
    return (str(counts.index[0]), int(counts.iloc[0])) if len(counts) else ("", 0)


def _overdue_rows(app_state: AppState, owner: str | None) -> pd.DataFrame:
    """The same promises, the best lead first."""
    return _overdue(app_state, owner).sort_values(
        ["score", "waited_hours", "lead_id"], ascending=[False, False, True], kind="stable", ignore_index=True
    )


def _overdue(app_state: AppState, owner: str | None) -> pd.DataFrame:
    """Broken promises of leads on the list, with ``owner`` and ``score``."""
    state = app_state.loaded
    worklist, hidden = state.worklist, find_unlisted_leads(app_state.store, state)
    found = lifecycle_now(app_state).found.overdue
    names = found["lead_id"].astype("str")
    at = worklist.rows.position.get_indexer(pd.Index(names))
    kept = (at >= 0) & ~names.isin(hidden).to_numpy(dtype=bool)
    found, at = found[kept], at[kept]
    found = found.assign(owner=worklist.rows.owner[at], score=worklist.scores[at])
    if owner is not None:
        found = found[(found["owner"] == owner).to_numpy(dtype=bool)]
    return found


def list_untouched(app_state: AppState, owner: str | None, limit: int = 20) -> list[dict[str, Any]]:
    """Best open leads that sales has not touched: no feedback, and no activity by a rep, in the data or posted."""
    state = app_state.loaded
    if state.data.flat:
        return []

    worklist, hidden = state.worklist, find_unlisted_leads(app_state.store, state)
    best = worklist.best_places(WorklistQuery(owner=owner, hidden=hidden, size=_CONSIDERED))
    said = worklist.rows.are_listed(find_leads_with_feedback(app_state.store))
    waiting = ~find_touched(app_state)[best] & ~said[best]
    chosen = np.flatnonzero(waiting)[:limit]
    rows = worklist.rows_at(best[chosen])
    for rank, row in zip(chosen, rows, strict=True):
        row["rank"] = int(rank) + 1
    return rows


def find_hot_leads(app_state: AppState, owner: str | None, limit: int = 8) -> HotLeads:
    """Leads that the policy calls hot, and those of them that nobody called; put aside ones are left out."""
    state = app_state.loaded
    worklist, hidden = state.worklist, find_unlisted_leads(app_state.store, state)
    hot = worklist.texts("temperature") == HOT
    hot &= ~worklist.rows.are_listed(hidden)
    if owner is not None:
        hot &= worklist.rows.owner == owner
    said = find_leads_with_feedback(app_state.store)
    waiting = hot & ~find_touched(app_state) & ~worklist.rows.are_listed(said)
    places = np.flatnonzero(waiting)
    ordered = places[np.argsort(-worklist.scores[places], kind="stable")]
    return HotLeads(int(hot.sum()), len(places), worklist.rows_at(ordered[:limit]))


def find_touched(app_state: AppState) -> Bools:
    """By position of the list: whether a rep acted on the lead, in the data or as posted since."""
    state, posted = app_state.loaded, count_posted(app_state.store)

    def by_data() -> Bools:
        acted = state.data.tables.get("activities", pd.DataFrame(columns=["lead_id", "actor"]))
        with app_state.store.reading() as session:
            acted = drop_withdrawn(session, acted)
        by_rep = acted.loc[(acted["actor"] == "rep").fillna(False).to_numpy(dtype=bool), "lead_id"]
        return np.asarray(state.worklist.rows.position.isin(set(by_rep.astype("str"))), dtype=np.bool_)

    def compute() -> Bools:
        with app_state.store.reading() as session:
            said = set(session.scalars(select(ActivityRow.lead_id).where(ActivityRow.actor == "rep").distinct()))
            taken_back = session.scalar(select(func.max(WithdrawnActivity.id)))
        stamp = (state.number, state.data.stamp, state.data.moved, taken_back)
        before: Bools = app_state.results.get("touched in the data", stamp, by_data)
        return before | state.worklist.rows.are_listed(said)

    return app_state.results.get("touched", (state.number, state.data.stamp, state.data.moved, posted), compute)


def count_queues(app_state: AppState, owner: str | None) -> OwnerQueues:
    """Open leads of every owner by state, how many of them are overdue, and how many were put aside."""
    state, worklist = app_state.loaded, app_state.loaded.worklist
    aside = worklist.rows.are_listed(find_hidden_leads(app_state.store, state.data))
    listed = ~worklist.rows.are_listed(find_unlisted_leads(app_state.store, state))
    overdue = _overdue(app_state, owner) if not state.data.flat else pd.DataFrame()
    late = overdue["owner"].value_counts().to_dict() if len(overdue) else {}
    longest = overdue.groupby("owner")["waited_hours"].max().to_dict() if len(overdue) else {}
    pins = pins_of(find_overrides(app_state.store), state.model)
    by_state = worklist.count_by_owner("state", listed, pins)
    by_list = worklist.count_by_owner("lead_list", listed, pins)
    put_aside = worklist.count_by_owner("state", aside, pins)
    states = [name for name in worklist.states_of(None, pins.states) if name]

    rows = []
    for name in sorted(by_state.keys() | put_aside.keys()):
        if owner is None or name == owner:
            counts, lists = by_state.get(name, {}), by_list.get(name, {})
            row = {"owner": name, "open": sum(counts.values())} | {s: counts.get(s, 0) for s in states}
            row |= {f"list_{one}": lists.get(one, 0) for one in ("to_hand_off", "to_work")}
            row |= {"aside": sum(put_aside.get(name, {}).values())}
            rows.append(row | {"overdue": int(late.get(name, 0)), "longest_hours": longest.get(name)})
    return OwnerQueues(states, rows)
