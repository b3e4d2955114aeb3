"""The lists of leads that are over: customers, and those that were lost or disqualified; the newest close first."""

from typing import Any

import numpy as np
import pandas as pd

from features.array_types import Bools
from features.schema.vocabulary import LeadList, Stage
from models.explaining.qualification_policy import default_qualification
from models.standing.next_steps import step_after_close
from pipelines.scoring.accounts.people_index import fold_name
from serving.state.loaded_state import LoadedState
from serving.state.worklist.worklist_query import Page, WorklistQuery

CLOSED_LISTS = (str(LeadList.CUSTOMERS), str(LeadList.CLOSED))


def count_closed(state: LoadedState, owner: str | None) -> dict[str, int]:
    """Leads of an owner (None: all) on either list."""
    customers, own = _are_customers(state.data.closed_table), _are_of(state.data.closed_table, owner)
    return {CLOSED_LISTS[0]: int((customers & own).sum()), CLOSED_LISTS[1]: int((~customers & own).sum())}


def closed_page(state: LoadedState, query: WorklistQuery) -> Page:
    """One page of a list of closed leads: how each ended, when and with whom, and what is due; without a score, which
    is on the card.
    """
    found = state.data.closed_table
    customers = _are_customers(found)
    kept = _are_of(found, query.owner) & (customers if query.lead_list == CLOSED_LISTS[0] else ~customers)
    if query.stage:
        kept &= (found["outcome"] == query.stage).to_numpy(dtype=bool)
    found = found[kept]
    if query.search.strip():
        words = fold_name(query.search).split()
        found = found[
            [all(word in text for word in words) for text in (_searched(state, row) for row in found.itertuples())]
        ]

    first = (query.page - 1) * query.size
    part = found.iloc[first : first + query.size]
    rows = [
        {"rank": rank, **_row(state, row, query.lead_list)} for rank, row in enumerate(part.itertuples(), first + 1)
    ]
    return Page(rows, len(found), query.page, query.size)


def _are_customers(table: pd.DataFrame) -> Bools:
    return np.asarray(table["outcome"] == str(Stage.WON), dtype=np.bool_)


def _are_of(table: pd.DataFrame, owner: str | None) -> Bools:
    return np.ones(len(table), dtype=np.bool_) if owner is None else np.asarray(table["owner"] == owner, dtype=np.bool_)


def _searched(state: LoadedState, row: Any) -> str:
    return fold_name("\n".join((row.lead_id, *state.data.display(int(row.code)).values())))


def _row(state: LoadedState, row: Any, lead_list: str) -> dict[str, Any]:
    policy, cutoff = state.model.context.policy or default_qualification(), state.data.cutoff
    clocks = cutoff is not None and not pd.isna(row.closed_at)
    passed = (cutoff - row.closed_at) / pd.Timedelta(days=1) if clocks else float("nan")
    return {
        "lead_id": row.lead_id,
        "owner": row.owner,
        "display": state.data.display(int(row.code)),
        "stage": row.outcome,
        "lead_list": lead_list,
        "outcome": row.outcome,
        "closed_at": row.closed_at.isoformat() if clocks else None,
        "next_action": step_after_close(row.outcome, passed, policy),
    }
