"""All rows of a list, for a file: which these are is settled at once, what they hold is read block by block."""

from collections.abc import Collection, Iterator
from dataclasses import replace
from itertools import chain
from typing import Any

import pandas as pd

from serving.auth.api_keys import Caller
from serving.json_values import to_json_values
from serving.leads.feedback import find_overrides, find_returned_leads, pins_of, silence
from serving.lists.closed_leads_page import CLOSED_LISTS, describe_closed_rows, find_closed_of, find_closed_rows
from serving.lists.shown_worklist import complete_rows, limit_query, without_advice
from serving.state.app_state import AppState
from serving.state.loaded_state import LoadedState
from serving.state.worklist.worklist_query import PAGE_LIMIT, WorklistQuery
from serving.store.silenced_leads import find_silenced_leads


def iterate_rows(
    app_state: AppState, state: LoadedState, query: WorklistQuery, caller: Caller, show: str
) -> Iterator[dict[str, Any]]:
    """All rows of a list in the order it has now: which these are is settled at once, what they hold block by block,
    the first before the file begins. So a lead that moves meanwhile is neither left out nor told twice.
    """
    app_state.catch_up()
    limited = limit_query(app_state, query, caller, show)
    if limited.lead_list in CLOSED_LISTS:
        blocks = _closed_blocks(app_state, state, find_closed_rows(state, limited))
    else:
        blocks = _open_blocks(app_state, state, limited)
    first = next(blocks, [])

    def rows() -> Iterator[dict[str, Any]]:
        for block in chain([first], blocks):
            yield from (to_json_values(row) for row in block)

    return rows()


def iterate_quiet(
    app_state: AppState, state: LoadedState, caller: Caller, leads: Collection[str]
) -> Iterator[dict[str, Any]]:
    """Rows of those of some leads that sales returned or that nobody may contact: nothing is advised any more. Those
    that by the data rest or are over are on no open list; their rows are of the lists of these.
    """
    quiet = find_returned_leads(app_state.store, state.data) | find_silenced_leads(app_state.store)
    only = frozenset(name for name in leads if name in quiet)
    limited = replace(limit_query(app_state, WorklistQuery(), caller, "all"), only=only)
    told = set[str]()
    for block in _open_blocks(app_state, state, limited) if only else ():
        told |= {str(row["lead_id"]) for row in block}
        yield from (to_json_values(silence(row)) for row in block)
    gone = only - told
    for block in _closed_blocks(app_state, state, find_closed_of(state, gone, caller.owner)) if gone else ():
        yield from (to_json_values(silence(row) | {"state": ""}) for row in block)


def _open_blocks(app_state: AppState, state: LoadedState, limited: WorklistQuery) -> Iterator[list[dict[str, Any]]]:
    places = state.worklist.all_places(limited)
    for start in range(0, len(places), PAGE_LIMIT):
        rows = state.worklist.rows_at(places[start : start + PAGE_LIMIT])
        for rank, row in enumerate(rows, start + 1):
            row["rank"] = rank
        overrides = find_overrides(app_state.store)
        yield complete_rows(app_state, state, rows, pins_of(overrides, state.model), overrides)


def _closed_blocks(app_state: AppState, state: LoadedState, found: pd.DataFrame) -> Iterator[list[dict[str, Any]]]:
    for start in range(0, len(found), PAGE_LIMIT):
        rows = describe_closed_rows(state, found, start, PAGE_LIMIT)
        silenced = find_silenced_leads(app_state.store)
        yield [without_advice(row, state) if row["lead_id"] in silenced else row for row in rows]
