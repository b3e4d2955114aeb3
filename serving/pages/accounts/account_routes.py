"""Routes of the pages of accounts."""

from dataclasses import replace
from typing import Annotated, Literal

import pandas as pd
from fastapi import APIRouter, Query, Request
from fastapi.responses import HTMLResponse, Response

from features.errors import ContractError
from pipelines.scoring.shown_columns import person_name
from serving.accounts.account_record import build_account
from serving.accounts.accounts_list import AccountQuery, AccountSort, list_accounts
from serving.accounts.expansion_rows import list_products, read_expansion_rows
from serving.accounts.people_search import search_people
from serving.auth.dependencies import AppStateDep, Reader
from serving.leads.feedback import find_pinned_states, find_unlisted_leads, read_all_standing
from serving.pages.accounts.account_summary import KINDS, sort_by_kind, summarise_account
from serving.pages.card.card_timeline import build_account_events
from serving.pages.language import language_of
from serving.pages.render import render_page
from serving.pages.worklist.worklist_record import shade_of
from serving.problems import InvalidError
from serving.state.loaded_state import LoadedState

Kind = Literal["all", "open", "closed", "customer", "company"]
router = APIRouter(include_in_schema=False, default_response_class=HTMLResponse)


@router.get("/accounts")
def accounts_page(
    request: Request,
    app_state: AppStateDep,
    caller: Reader,
    search: Annotated[str, Query(max_length=200)] = "",
    sort: Annotated[AccountSort, Query()] = "score",
    reverse: Annotated[bool | Literal[""], Query()] = "",
    page: Annotated[int, Query(ge=1, le=1_000_000)] = 1,
) -> Response:
    """Every account: its best open lead, how many are open, who is known there, and when something happened last."""
    query = AccountQuery(search=search, sort=sort, reverse=bool(reverse), page=page)
    found = None if app_state.loaded.data.flat else list_accounts(app_state, caller.owner, query)
    if found is not None and found.page > found.pages:  # as after the last page's only account has gone
        query = replace(query, page=found.pages)
        found = list_accounts(app_state, caller.owner, query)
    return render_page(
        request,
        "accounts/accounts.html",
        caller,
        found=found,
        query=query,
        shade=shade_of,
        asked={"search": search, "sort": "" if sort == "score" else sort, "reverse": "true" if reverse else ""},
    )


@router.get("/accounts/{account_id}")
def account_page(account_id: str, request: Request, app_state: AppStateDep, caller: Reader) -> Response:
    """Whom do we still need here: next step, seats with gaps, who is believed, what was sold before."""
    found = build_account(
        app_state, account_id, caller.owner, read_all_standing(app_state.store, app_state.loaded.data)
    )
    language = language_of(request)
    return render_page(
        request,
        "accounts/account.html",
        caller,
        found=found,
        page=(page := summarise_account(app_state, found, language)),
        events=build_account_events(app_state, page.names, language),
        shade=shade_of,
        currency=app_state.context.source.capacity.currency,
    )


@router.get("/expansion")
def expansion_page(
    request: Request,
    app_state: AppStateDep,
    caller: Reader,
    product: Annotated[str, Query(max_length=100)] = "",
) -> Response:
    """Customers who show interest in a product they do not own."""
    found, products, refused = None, list[tuple[str, str]](), ""
    try:
        products = list_products(app_state, caller.owner)
        unlisted = find_unlisted_leads(app_state.store, app_state.loaded)
        found = read_expansion_rows(app_state, caller.owner, unlisted, product or None)
    except (ContractError, InvalidError) as problem:
        refused = problem.message
    return render_page(
        request,
        "accounts/expansion.html",
        caller,
        found=found,
        refused=refused,
        products=products,
        product=product,
        shade=shade_of,
        names=_names_of(app_state.loaded, [row["best_lead"] for row in (found or {"rows": []})["rows"]]),
    )


def _names_of(state: LoadedState, leads: list[str | None]) -> dict[str, str]:
    """Names by lead, its id where it has none."""
    ids = [lead for lead in dict.fromkeys(leads) if lead is not None]
    shown = state.data.displays(state.data.codes(pd.Index(ids, dtype="str")).tolist())
    return {lead: person_name(display) or lead for lead, display in zip(ids, shown, strict=True)}


@router.get("/find")
def find_page(
    request: Request,
    app_state: AppStateDep,
    caller: Reader,
    q: Annotated[str, Query(max_length=200)] = "",
    kind: Annotated[Kind, Query()] = "all",
) -> Response:
    """Where is this person: open, closed, customer, company."""
    found, refused = None, ""
    if q.strip():
        try:
            found = search_people(app_state, caller.owner, q, find_pinned_states(app_state.store))
        except InvalidError as problem:
            refused = problem.message
    return render_page(
        request,
        "accounts/find.html",
        caller,
        q=q,
        kind=kind,
        kinds=KINDS,
        found=found,
        parts={} if found is None else sort_by_kind(found),
        refused=refused,
    )
