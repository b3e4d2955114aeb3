"""The worklist as one caller may see it: their leads, without those put aside, with what people said of each."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from features.schema.vocabulary import LeadList
from models.standing.pinned import Pins
from pipelines.scoring.shown_columns import hide_contacts
from serving.auth.api_keys import Caller
from serving.leads.feedback import (
    find_ended_snoozes,
    find_latest_feedback,
    find_overrides,
    find_snoozed_leads,
    find_unlisted_leads,
    pin,
    pins_of,
    silence,
)
from serving.lists.closed_leads_page import CLOSED_LISTS, closed_page, count_closed
from serving.problems import ScopeError
from serving.results.run_results import find_win_value
from serving.results.weekly_comparison import demand_comparison
from serving.state.app_state import AppState
from serving.state.clock import ServingClock
from serving.state.loaded_state import LoadedState
from serving.state.worklist.worklist_query import Page, WorklistQuery
from serving.store.silenced_leads import find_silenced_leads

NEW_WITHIN = timedelta(days=1)  # what the pages call new today


def read_page(
    app_state: AppState, state: LoadedState, query: WorklistQuery, caller: Caller, show: str = "open"
) -> Page:
    """A page as the caller may see it, each row with the latest feedback.

    ``show``: ``open`` leaves out snoozed, rejected and do-not-contact leads, ``new`` also those created more
    than a day before, ``snoozed`` shows those alone that are put aside until a day, ``all`` everything.
    """
    app_state.catch_up()
    overrides = find_overrides(app_state.store)
    limited = limit_query(app_state, query, caller, show, overrides)

    if limited.lead_list in CLOSED_LISTS:
        silenced = find_silenced_leads(app_state.store)
        page = closed_page(state, limited)
        return replace(
            page, rows=[without_advice(row, state) if row["lead_id"] in silenced else row for row in page.rows]
        )
    page = state.worklist.page(limited)
    return replace(page, rows=complete_rows(app_state, state, page.rows, limited.pins, overrides))


def complete_rows(
    app_state: AppState,
    state: LoadedState,
    rows: list[dict[str, Any]],
    pins: Pins,
    overrides: Mapping[str, dict[str, Any]],
) -> list[dict[str, Any]]:
    """Rows of the list with what was said of them; of those nobody may contact without advice."""
    names = [str(row["lead_id"]) for row in rows]
    feedback, ended = (
        find_latest_feedback(app_state.store, state.data, names),
        find_ended_snoozes(app_state.store, names),
    )
    silenced = find_silenced_leads(app_state.store)
    value, _ = find_win_value(app_state)
    found = []
    for row in rows:
        name = str(row["lead_id"])
        row["feedback"], row["snooze_ended"] = feedback.get(name), ended.get(name)
        row["expected_value"] = None if value is None else round(row["probability"] * row["worth"] * value, 2)
        row = pin(row, overrides.get(name), pins)
        found.append(without_advice(row, state) if name in silenced else row)
    return found


def limit_query(
    app_state: AppState,
    query: WorklistQuery,
    caller: Caller,
    show: str,
    overrides: Mapping[str, Mapping[str, Any]] | None = None,
) -> WorklistQuery:
    """The query as the caller may ask it: only their own leads, without those put aside, with what sales pinned."""
    state = app_state.loaded
    pinned = find_overrides(app_state.store) if overrides is None else overrides
    return replace(
        query,
        owner=query.owner if caller.owner is None else caller.owner,
        hidden=frozenset() if show == "all" else find_unlisted_leads(app_state.store, state),
        only=find_snoozed_leads(app_state.store) - state.find_gone() if show == "snoozed" else None,
        since=find_new_since(app_state.clock) if show == "new" else None,
        pins=pins_of(pinned, state.model),
    )


def find_new_since(clock: ServingClock) -> datetime | None:
    """Leads created from this moment on are new; None in sources without clocks."""
    now = clock.now()
    return None if now is None else now - NEW_WITHIN


def without_other_owners(query: WorklistQuery, caller: Caller) -> WorklistQuery:
    """The query of a page without an owner where the caller sees one owner's leads alone: the page is of these anyway,
    and must not name another one above them.
    """
    return query if caller.owner is None else replace(query, owner=None)


def refuse_other_owners(owner: str | None, caller: Caller) -> None:
    """ScopeError for an owner whose leads the caller does not see: their own must not look like that owner's."""
    if owner and caller.owner not in (None, owner):
        raise ScopeError("you see the leads of one owner alone, and asked for another's; leave owner out.")


def demand_past(app_state: AppState, state: LoadedState, query: WorklistQuery, *, changed: bool = False) -> None:
    """Have the scores of a week ago where an open list goes by them; InvalidError where there are none."""
    if query.lead_list not in CLOSED_LISTS and (changed or query.sort == "change"):
        demand_comparison(app_state, state)


def without_advice(row: dict[str, Any], state: LoadedState) -> dict[str, Any]:
    """A row of a lead that must not be contacted: nothing is advised, and nothing says how to reach it."""
    return silence(row) | {"display": hide_contacts(row["display"], state.data.source)}


def count_lists(app_state: AppState, state: LoadedState, owner: str | None) -> dict[str, int]:
    """Leads on each list, every lead on one; nothing where no stage tells lists apart."""
    counts = state.worklist.counts_of("lead_list", owner, pins_of(find_overrides(app_state.store), state.model))
    if "lead_list" not in state.worklist.rows.frame:
        return {}
    return {str(name): counts.get(str(name), 0) for name in LeadList} | count_closed(state, owner)
