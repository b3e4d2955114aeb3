"""The worklist: filtered, sorted, paged."""

from dataclasses import asdict
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response

from serving.api.etag import respond_with_etag
from serving.api.routes.worklist_params import Asked, Show
from serving.auth.dependencies import AppStateDep, Reader
from serving.json_values import to_json_values
from serving.leads.feedback import find_pinned_states
from serving.lists.closed_leads_page import refuse_open_filters
from serving.lists.one_answer_short import shortlist_leads
from serving.lists.shown_worklist import count_lists, demand_past, read_page, refuse_other_owners
from serving.schemas import PageOut, Short
from serving.state.worklist.worklist_query import PAGE_LIMIT

router = APIRouter(prefix="/v1", tags=["worklist"])


@router.get("/worklist", response_model=PageOut, summary="Open leads, best first")
def get_worklist(
    request: Request,
    app_state: AppStateDep,
    caller: Reader,
    query: Asked,
    show: Annotated[
        Show,
        Query(description="new: created within a day; snoozed: only those; all: with snoozed and rejected leads"),
    ] = "open",
) -> Response:
    """Equal scores are sorted by lead id, so pages never overlap; carries an ETag."""
    refuse_other_owners(query.owner, caller)
    refuse_open_filters(query, show=show)
    state = app_state.loaded
    demand_past(app_state, state, query)
    page = read_page(app_state, state, query, caller, show)
    body: dict[str, Any] = {
        "rows": [to_json_values(row) for row in page.rows],
        "total": page.total,
        "page": page.page,
        "pages": page.pages,
        "size": page.size,
        "lists": count_lists(app_state, state, caller.owner),
        "stages": state.worklist.counts_of("stage", caller.owner),
        "states": state.worklist.states_of(caller.owner, find_pinned_states(app_state.store)),
        "as_of": None if state.data.cutoff is None else state.data.cutoff.isoformat(),
        "bundle_hash": state.model.bundle.hash,
    }
    return respond_with_etag(request, body)


@router.get("/shortlist", summary="Open leads that a single answer could qualify")
def get_shortlist(
    request: Request,
    app_state: AppStateDep,
    caller: Reader,
    owner: Annotated[str, Query(max_length=200, description="only leads of this owner")] = "",
    next_state: Annotated[Short | None, Query(description="only leads an answer would put into this state")] = None,
    limit: Annotated[int, Query(ge=1, le=PAGE_LIMIT)] = 50,
) -> Response:
    """Which answer, what to ask, and how likely similar leads are to give it; nearest to a deal first. Covers the best
    20,000 leads. Carries an ETag.
    """
    refuse_other_owners(owner, caller)
    found = shortlist_leads(app_state, caller.owner or owner or None, next_state, limit)
    return respond_with_etag(request, asdict(found))
