"""Anybody found by mail, domain, name or id, among what the caller may see."""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from features.array_types import Tables
from pipelines.scoring.accounts.people_index import PeopleIndex, people_found
from serving.accounts.account_record import read_merged, without_lead_of_others
from serving.accounts.handoff_scores import find_handoff_scores
from serving.json_values import to_json_values
from serving.problems import InvalidError
from serving.state.app_state import AppState
from serving.store.wall_clock import wall_now


def search_people(app_state: AppState, owner: str | None, text: str, pinned: Mapping[str, str]) -> dict[str, Any]:
    """People, open ones first, with score and state of the list, and companies with their history.

    A caller who sees only their own leads finds these and their companies. ``pinned``: by lead the state that sales
    pinned, which is shown instead.

    Raises
    ------
    InvalidError : nothing was asked for, or the source is flat
    """
    state = app_state.loaded
    if not text.strip():
        raise InvalidError("send ?q= with a mail address, a domain, a name or an id.")
    if state.data.flat:
        raise InvalidError("this source is one flat table: nobody has a history in it; ask for a lead by its id.")

    index: PeopleIndex = app_state.results.get(
        "people", state.data.stamp, lambda: PeopleIndex.of(state.data.tables, state.data.source)
    )
    merged = read_merged(app_state)
    as_of = pd.Timestamp(app_state.clock.now() or wall_now())
    tables: Tables = state.data.tables
    visible = None if owner is None else state.data.shown_to(owner)
    # what is known at the cut-off is all that the tables hold; only a server that looks back asks for less
    over = state.find_over() if state.data.cutoff is None or as_of >= state.data.cutoff else None
    asked = merged.get(text.strip(), text)
    found = people_found(index, tables, state.data.source, asked, as_of, visible=visible, over=over) | {"query": text}
    if visible is not None:
        mine = set(map(str, index.lead_ids[visible]))
        for company in found["companies"]:
            deal = company["last_deal"]
            company["last_deal"] = None if deal is None else without_lead_of_others(deal, mine, merged)
    ended = [person["lead_id"] for person in found["people"] if not person["open"]]
    then, gone = find_handoff_scores(app_state, ended), state.find_gone()
    for person in found["people"]:
        person["score_at_handoff"] = then.get(person["lead_id"])
        shown = person["open"] and person["lead_id"] not in gone
        line = state.worklist.current_state_of(person["lead_id"]) if shown else None
        person["score"] = None if line is None else line["score"]
        person["state"] = None if line is None else pinned.get(person["lead_id"], line["state"])
    return to_json_values(found)
