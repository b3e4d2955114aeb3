"""Open leads one answer short of a better state, as they stand now: scored once per model, then lead by lead."""

import threading
from dataclasses import dataclass
from typing import Any
from weakref import WeakKeyDictionary

from models.explaining.qualification import RANK
from models.one_answer_short import shortlist
from serving.json_values import plain
from serving.leads.feedback import find_hidden_leads
from serving.problems import InvalidError
from serving.state.app_state import AppState, LoadedState
from serving.state.lead_data import rows_of

CONSIDERED = 20_000  # best open leads that are looked at
_BLOCK = 2_000


@dataclass
class _Cached:
    """What was found for one state of the server; ``moments`` say of when, for every lead that was looked at."""

    number: int
    found: dict[str, dict[str, Any]]
    moments: dict[str, str]


_lock = threading.Lock()
_kept: "WeakKeyDictionary[AppState, _Cached]" = WeakKeyDictionary()


def shortlist_leads(app_state: AppState, owner: str | None, next_state: str | None, limit: int) -> dict[str, Any]:
    """Leads that a single answer would qualify, nearest to a deal first; sales' rejects and snoozes are left out.

    Raises
    ------
    InvalidError : a source without clocks has no answers; an unknown state
    """
    state = app_state.loaded
    if state.data.flat:
        raise InvalidError("this source has no table of answers, so no question is open.")
    if next_state is not None and next_state not in RANK:
        raise InvalidError(f"there is no such state; choose {', '.join(RANK)}.")
    hidden = find_hidden_leads(app_state.store)
    rows = [
        row
        for row in _shortlist_rows(app_state, state)
        if row["lead_id"] not in hidden
        and (next_state is None or row["next_state"] == next_state)
        and (owner is None or row["owner"] == owner)
    ]
    return {"rows": rows[:limit], "total": len(rows), "bundle_hash": state.model.bundle.hash}


def _shortlist_rows(app_state: AppState, state: LoadedState) -> list[dict[str, Any]]:
    """All rows, in order; leads rescored since are looked at again."""
    with _lock:
        kept = _kept.get(app_state)
        moments = state.worklist.best_leads(CONSIDERED)
        if kept is None or kept.number != state.number:
            kept = _Cached(state.number, {}, {})
        asked = [name for name, moment in moments.items() if kept.moments.get(name) != moment]
        for first in range(0, len(asked), _BLOCK):
            block = asked[first : first + _BLOCK]
            found = {row["lead_id"]: row for row in _score_block(app_state, state, block)}
            for name in block:
                kept.moments[name] = moments[name]
                kept.found.pop(name, None)
                if name in found:
                    kept.found[name] = found[name]
        _kept[app_state] = kept
        place = {name: k for k, name in enumerate(moments)}
        rows = [row for name, row in kept.found.items() if name in place]
    return sorted(rows, key=lambda row: (-RANK[row["next_state"]], -(row["chance"] or 0.0), place[row["lead_id"]]))


def _score_block(app_state: AppState, state: LoadedState, ids: list[str]) -> list[dict[str, Any]]:
    codes = [state.data.code(name) for name in ids]
    with app_state.store.reading() as session:
        scored = app_state.score_leads(session, state, codes, app_state.framework(None))
    rows = []
    for row in rows_of(shortlist(scored)):
        record = plain(row) | {"answers": list(row["answers"])}
        record["owner"] = state.data.owner(state.data.code(record["lead_id"]))
        rows.append(record)
    return rows
