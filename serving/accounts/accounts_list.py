"""All accounts on pages: the best open lead of each, how many are open, who is known there, what happened last."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd
from sqlalchemy import func, select

from features.array_types import Ints
from pipelines.scoring.accounts.people_index import PeopleIndex, fold_name
from pipelines.scoring.shown_columns import person_name
from serving.state.app_state import AppState
from serving.state.gather_rows import drop_withdrawn
from serving.state.lead_data import LeadData
from serving.state.loaded_state import LoadedState
from serving.state.worklist.worklist_query import Page
from serving.store.silenced_leads import find_silenced_leads
from serving.store.tables import WithdrawnActivity

AccountSort = Literal["score", "open", "people", "activity", "name"]
PAGE_SIZE = 25
_NOBODY = -1
_NEVER = np.iinfo(np.int64).min  # as NumPy writes a time that is none


@dataclass(frozen=True)
class AccountQuery:
    """What is asked of the list."""

    search: str = ""
    sort: AccountSort = "score"
    reverse: bool = False
    page: int = 1


@dataclass(frozen=True)
class _Known:
    """What does not change while the data are in use: names by account, and by lead its last activity."""

    company: list[str]
    folded: pd.Series
    last_of_lead: Ints  # microseconds, _NEVER where nothing is on record


def list_accounts(app_state: AppState, owner: str | None, query: AccountQuery) -> Page:
    """One page of the accounts that have a lead of the caller's; scores and open leads are those of the worklist.

    Where only some leads of an account are the caller's, all figures are of these. A best lead that nobody may contact
    says so: silence changes no score.
    """
    state = app_state.loaded
    known = _find_known(app_state, state.data)
    best, score, count = _best_open(state, owner)
    people, last = _leads_of(state, known, owner)
    shown = people > 0
    for word in fold_name(query.search).split():
        shown &= known.folded.str.contains(word, regex=False).to_numpy(dtype=bool)
    order = _order(query, known, {"score": score, "open": count, "people": people, "activity": last})
    rows = order[shown[order]]
    first = (query.page - 1) * PAGE_SIZE
    listed = rows[first : first + PAGE_SIZE]
    displays = state.data.displays(best[listed].tolist())
    silenced = find_silenced_leads(app_state.store)
    found = [
        _row(state, int(at), int(best[at]), display, silenced)
        | {"company": known.company[at], "open": int(count[at]), "people": int(people[at])}
        | {"score": None if best[at] < 0 else int(score[at]), "last": _moment(last[at])}
        for at, display in zip(listed, displays, strict=True)
    ]
    return Page(found, len(rows), query.page, PAGE_SIZE)


def _find_known(app_state: AppState, data: LeadData) -> _Known:
    """Worked out once for the data, and anew where an activity was taken back."""
    with app_state.store.reading() as session:
        taken_back = session.scalar(select(func.max(WithdrawnActivity.id)))
    stamp = (data.stamp, data.moved, taken_back)
    found: _Known = app_state.results.get("accounts list", stamp, lambda: _read_known(app_state, data))
    return found


def _read_known(app_state: AppState, data: LeadData) -> _Known:
    index: PeopleIndex = app_state.results.get("people", data.stamp, lambda: PeopleIndex.of(data.tables, data.source))
    ids = [str(name) for name in data.account_ids]
    company = [index.companies[name][0] if name in index.companies else "" for name in ids]
    folded = pd.Series([fold_name(f"{name} {own}") for name, own in zip(company, ids, strict=True)], dtype="str")
    last = np.full(len(data), _NEVER, dtype=np.int64)
    activities = data.tables.get("activities")
    if activities is not None and len(activities):
        with app_state.store.reading() as session:
            activities = drop_withdrawn(session, activities)
        code = data.codes(activities["lead_id"])
        at = activities["happened_at"].to_numpy(dtype="datetime64[us]")
        kept = (code >= 0) & ~np.isnat(at)
        if data.cutoff is not None:
            kept &= at <= np.datetime64(data.cutoff, "us")
        np.maximum.at(last, code[kept], at[kept].astype(np.int64))
    return _Known(company, folded, last)


def _leads_of(state: LoadedState, known: _Known, owner: str | None) -> tuple[Ints, Ints]:
    """By account how many leads are known that the owner may see, and the last activity of these."""
    data = state.data
    seen = np.flatnonzero(data.shown_to(owner) & (data.account_of >= 0))
    account = data.account_of[seen]
    last = np.full(len(data.account_ids), _NEVER, dtype=np.int64)
    np.maximum.at(last, account, known.last_of_lead[seen])
    return np.bincount(account, minlength=len(last)).astype(np.int64), last


def _best_open(state: LoadedState, owner: str | None) -> tuple[Ints, Ints, Ints]:
    """By account the row of its best open lead, that lead's score, and how many are open; -1 and 0 where none is."""
    data, worklist = state.data, state.worklist
    accounts = len(data.account_ids)
    code, score = data.codes(worklist.rows.position), worklist.current_states()["score"].to_numpy(dtype=np.int64)
    account = np.where(code >= 0, data.account_of[code], _NOBODY)
    kept = (account >= 0) & ~worklist.rows.are_listed(state.find_gone())
    if owner is not None:
        kept &= np.asarray(worklist.rows.owner == owner, dtype=np.bool_)
    account, code, score = account[kept], code[kept], score[kept]
    order = np.lexsort((-code, score, account))  # the last of each account is its best, the first of equal ones
    best, highest = np.full(accounts, _NOBODY, dtype=np.int64), np.full(accounts, _NOBODY, dtype=np.int64)
    best[account[order]], highest[account[order]] = code[order], score[order]
    return best, highest, np.bincount(account, minlength=accounts).astype(np.int64)


def _order(query: AccountQuery, known: _Known, by: Mapping[str, Ints]) -> Ints:
    """Accounts in the order asked for, equal ones by their id."""
    if query.sort == "name":
        keys = np.asarray(known.folded.rank(method="dense").fillna(0), dtype=np.int64)
    else:
        keys = -np.maximum(by[query.sort], -np.iinfo(np.int64).max)  # the lowest number has no opposite
    return np.argsort(-keys if query.reverse else keys, kind="stable").astype(np.int64)


def _row(
    state: LoadedState, at: int, best: int, display: Mapping[str, str], silenced: Collection[str]
) -> dict[str, Any]:
    name = "" if best < 0 else person_name(display) or str(state.data.lead_ids[best])
    return {
        "account_id": str(state.data.account_ids[at]),
        "best_lead": None if best < 0 else str(state.data.lead_ids[best]),
        "best_name": name,
        "best_silenced": best >= 0 and str(state.data.lead_ids[best]) in silenced,
    }


def _moment(at: np.int64) -> str | None:
    return None if at == _NEVER else pd.Timestamp(int(at), unit="us").isoformat()
