"""Open leads one answer short of a better state, as they are now: scored once per model, then lead by lead."""

import threading
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from models.explaining.qualification import RANK
from models.one_answer_short import BY_POINTS, shortlist
from serving.json_values import to_json_values
from serving.leads.feedback import find_pinned_states, find_unlisted_leads
from serving.problems import InvalidError
from serving.state.app_state import AppState
from serving.state.lead_data import rows_of
from serving.state.lead_scoring import score_leads
from serving.state.loaded_state import LoadedState

CONSIDERED = 20_000  # best open leads that are looked at; bounds the time this takes after a load
_BLOCK = 2_000  # leads scored at once, which bounds the memory


@dataclass(frozen=True)
class Shortlist:
    """The first rows, how many there are in all, and the bundle that scored them."""

    rows: list[dict[str, Any]]
    total: int
    bundle_hash: str


@dataclass
class _LeadRows:
    """Rows by lead for one load of the server; ``moments`` holds the as_of every considered lead was scored at.

    ``whole``: every considered lead was looked at once.
    """

    rows: dict[str, dict[str, Any]] = field(default_factory=dict)
    moments: dict[str, str] = field(default_factory=dict)
    whole: bool = False
    lock: threading.Lock = field(default_factory=threading.Lock)


def shortlist_leads(app_state: AppState, owner: str | None, next_state: str | None, limit: int) -> Shortlist:
    """Leads that a single answer would qualify, nearest to a deal first, without those that sales put aside or whose
    state is pinned, which no answer moves.

    Raises
    ------
    InvalidError : a source without clocks has no answers; points score alone; an unknown state
    """
    state = app_state.loaded
    if state.data.flat:
        raise InvalidError("this source has no table of answers, so no question is open.")
    if state.model.bundle.by_points:
        raise InvalidError(BY_POINTS)
    if next_state is not None and next_state not in RANK:
        raise InvalidError(f"there is no such state; choose {', '.join(RANK)}.")

    hidden = find_unlisted_leads(app_state.store, state) | find_pinned_states(app_state.store).keys()
    rows = [
        row
        for row in _current_rows(app_state, state)
        if row["lead_id"] not in hidden
        and (next_state is None or row["next_state"] == next_state)
        and (owner is None or row["owner"] == owner)
    ]
    return Shortlist(rows[:limit], len(rows), state.model.bundle.hash)


def awaits_shortlist(app_state: AppState) -> bool:
    """Whether the leads of a long list are still being looked at for the first time; begins that beside the request."""
    state = app_state.loaded
    if state.data.flat or state.model.bundle.by_points or len(state.worklist) <= _BLOCK:
        return False
    if _kept_rows(app_state, state).whole:
        return False
    begun = app_state.results.begin(
        "one answer short beside", state.number, lambda: len(_current_rows(app_state, state))
    )
    return begun.underway


def _kept_rows(app_state: AppState, state: LoadedState) -> _LeadRows:
    return app_state.results.get("one answer short", state.number, _LeadRows)


def _current_rows(app_state: AppState, state: LoadedState) -> list[dict[str, Any]]:
    """All rows, best first; leads scored again since the last request are looked at again."""
    found = _kept_rows(app_state, state)
    with found.lock:
        moments = state.worklist.best_leads(CONSIDERED)
        stale = [name for name, moment in moments.items() if found.moments.get(name) != moment]
        for first in range(0, len(stale), _BLOCK):
            block = stale[first : first + _BLOCK]
            rows_by_lead = {row["lead_id"]: row for row in score_block(app_state, state, block)}
            for name in block:
                found.moments[name] = moments[name]
                found.rows.pop(name, None)
                if name in rows_by_lead:
                    found.rows[name] = rows_by_lead[name]
        found.whole = True
        place = {name: k for k, name in enumerate(moments)}
        rows = [row for name, row in found.rows.items() if name in place]
    return sorted(rows, key=lambda row: (-RANK[row["next_state"]], -(row["chance"] or 0.0), place[row["lead_id"]]))


def score_block(app_state: AppState, state: LoadedState, ids: list[str]) -> list[dict[str, Any]]:
    """Rows of the shortlist for some leads, scored as they stand now; none for whom no single answer does it."""
    codes = state.data.codes(pd.Index(ids, dtype="str")).tolist()
    with app_state.store.reading() as session:
        scored = score_leads(app_state, session, state, codes, app_state.framework(None))

    rows = []
    for row in rows_of(shortlist(scored)):
        record = to_json_values(row) | {"answers": list(row["answers"])}
        record["owner"] = state.data.owner(state.data.code(record["lead_id"]))
        rows.append(record)
    return rows
