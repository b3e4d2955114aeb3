"""The pages of accounts: one account as a whole, and the search for anybody."""

from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.responses import HTMLResponse, Response

from features.errors import ContractError
from serving.accounts.account_record import build_account
from serving.accounts.expansion_rows import read_expansion_rows
from serving.accounts.people_search import search_people
from serving.auth.dependencies import AppStateDep, Reader
from serving.leads.feedback import find_pinned_states, read_all_standing
from serving.pages.chart_geometry import build_score_line
from serving.pages.render import render_page
from serving.problems import InvalidError

router = APIRouter(include_in_schema=False, default_response_class=HTMLResponse)


@router.get("/accounts/{account_id}")
def account_page(account_id: str, request: Request, app_state: AppStateDep, caller: Reader) -> Response:
    """Whom do we still need here: next step, seats with gaps, who is believed, what was sold before."""
    found = build_account(app_state, account_id, caller.owner, read_all_standing(app_state.store))
    names = {lead["lead_id"]: lead["name"] or lead["lead_id"] for lead in found["leads"]}
    weekly = [{"as_of": row["as_of"], "score": row["best"]} for row in found["history"]]
    return render_page(
        request,
        "account.html",
        caller,
        found=found,
        names=names,
        line=build_score_line(weekly),
        weekly=weekly,
        currency=app_state.context.source.capacity.currency,
    )


@router.get("/expansion")
def expansion_page(request: Request, app_state: AppStateDep, caller: Reader) -> Response:
    """Customers who show interest in a product they do not own."""
    found, refused = None, ""
    try:
        found = read_expansion_rows(app_state, caller.owner)
    except (ContractError, InvalidError) as problem:
        refused = problem.message
    return render_page(request, "expansion.html", caller, found=found, refused=refused)


@router.get("/find")
def find_page(
    request: Request, app_state: AppStateDep, caller: Reader, q: Annotated[str, Query(max_length=200)] = ""
) -> Response:
    """Where is this person: open, closed, customer, company."""
    found, refused = None, ""
    if q.strip():
        try:
            found = search_people(app_state, caller.owner, q, find_pinned_states(app_state.store))
        except InvalidError as problem:
            refused = problem.message
    return render_page(request, "find.html", caller, q=q, found=found, refused=refused)
