"""Pages of the lists without scores: customers, leads that were lost or disqualified, and recycled ones that rest."""

from collections.abc import Collection
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from features.array_types import Bools
from models.standing.unscored_lists import COLUMNS, UNSCORED, in_order
from pipelines.scoring.accounts.people_index import fold_name
from serving.problems import InvalidError
from serving.state.loaded_state import LoadedState
from serving.state.worklist.worklist_query import Page, WorklistQuery

CLOSED_LISTS = UNSCORED


def without_open_filters(query: WorklistQuery) -> WorklistQuery:
    """The query without what these lists do not know: they have no score, no state and no criteria."""
    if query.lead_list not in CLOSED_LISTS:
        return query
    return replace(query, state="", grade=None, unknown="", minimum=0, disagree=False)


def refuse_open_filters(
    query: WorklistQuery, from_state: str | None = None, *, changed: bool = False, show: str = "open"
) -> None:
    """InvalidError for a filter that such a list cannot apply, ``show`` and those of exports (``from_state``,
    ``changed``) too: what it does not leave out must not look filtered.
    """
    if query.lead_list in CLOSED_LISTS and show in ("new", "snoozed"):
        raise InvalidError(
            "show=new and show=snoozed choose among open leads, which this list has none of; leave show out."
        )
    asked = (query.state, query.grade, query.unknown, query.minimum, query.disagree, from_state, changed)
    if query.lead_list in CLOSED_LISTS and any(asked):
        raise InvalidError(
            "leads on this list have no score, so state, grade, unknown, minimum, disagree, from_state and changed "
            "cannot filter them; leave those out."
        )


def count_closed(state: LoadedState, owner: str | None, segment: str = "") -> dict[str, int]:
    """Leads of an owner (None: all) and of a segment ('': all) on each of these lists."""
    found = closed_rows(state)
    own = _are_of(found, owner) & _are_in(state, found, segment)
    return {name: int(((found["lead_list"] == name).to_numpy() & own).sum()) for name in CLOSED_LISTS}


def closed_rows(state: LoadedState) -> pd.DataFrame:
    """All rows of these lists: those of the data, but as they are now of leads of which something was posted since."""
    again = state.worklist.scored_again()
    if not again:
        return state.unscored
    told = {str(line["lead_id"]) for line in again}
    kept = state.unscored[~state.unscored["lead_id"].isin(told).to_numpy(dtype=bool)]
    lines = [line for line in again if line.get("lead_list") in CLOSED_LISTS]
    posted = pd.DataFrame([{name: line.get(name) for name in COLUMNS} for line in lines], columns=list(COLUMNS))
    posted = posted.assign(owner=[state.data.owners.get(str(lead), "") for lead in posted["lead_id"]])
    dates = {name: pd.to_datetime(posted[name]).astype("datetime64[us]") for name in ("closed_at", "back_at")}
    parts = [part for part in (kept, posted.assign(**dates)) if len(part)]
    return in_order(pd.concat(parts, ignore_index=True)) if parts else kept


def closed_page(state: LoadedState, query: WorklistQuery) -> Page:
    """One page of such a list: how each lead ended or until when it rests, with whom, and what is due; without a score,
    which is on the card.
    """
    found = find_closed_rows(state, query)
    rows = describe_closed_rows(state, found, (query.page - 1) * query.size, query.size)
    return Page(rows, len(found), query.page, query.size)


def find_closed_of(state: LoadedState, leads: Collection[str], owner: str | None) -> pd.DataFrame:
    """Rows of these lists of some leads, as far as an owner (None: any) has them."""
    found = closed_rows(state)
    return found[_are_of(found, owner) & found["lead_id"].isin(list(leads)).to_numpy(dtype=bool)]


def find_closed_rows(state: LoadedState, query: WorklistQuery) -> pd.DataFrame:
    """All rows of such a list that the query asks for."""
    found = closed_rows(state)
    kept = _are_of(found, query.owner) & (found["lead_list"] == query.lead_list).to_numpy(dtype=bool)
    kept &= _are_in(state, found, query.segment)
    if query.stage:
        kept &= (found["stage"] == query.stage).to_numpy(dtype=bool)
    found = found[kept]
    if query.search.strip():
        words = fold_name(query.search).split()
        texts = state.searched_texts[state.data.codes(found["lead_id"])]
        found = found[[all(word in text for word in words) for text in texts]]
    return found


def describe_closed_rows(state: LoadedState, found: pd.DataFrame, first: int, count: int) -> list[dict[str, Any]]:
    """Some of these rows with what is shown of each lead, ranked from 1 on."""
    part = found.iloc[first : first + count].to_dict(orient="records")
    return [{"rank": rank, **_row(state, row)} for rank, row in enumerate(part, first + 1)]


def _are_of(table: pd.DataFrame, owner: str | None) -> Bools:
    return np.ones(len(table), dtype=np.bool_) if owner is None else np.asarray(table["owner"] == owner, dtype=np.bool_)


def _are_in(state: LoadedState, table: pd.DataFrame, segment: str) -> Bools:
    if not segment:
        return np.ones(len(table), dtype=np.bool_)
    return state.segments.mask(segment)[state.data.codes(table["lead_id"])]


def _row(state: LoadedState, row: dict[Any, Any]) -> dict[str, Any]:
    display = state.data.display(state.data.code(str(row["lead_id"])))
    dates = {name: None if pd.isna(row[name]) else row[name].isoformat() for name in ("closed_at", "back_at")}
    return {str(name): value for name, value in row.items()} | dates | {"display": display}
