"""Accounts as a whole, and anybody found."""

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response

from serving.accounts.account_record import build_account
from serving.accounts.accounts_list import AccountQuery, AccountSort, list_accounts
from serving.accounts.expansion_rows import read_expansion_rows
from serving.accounts.people_search import search_people
from serving.api.etag import respond_with_etag
from serving.auth.dependencies import AppStateDep, Reader
from serving.leads.feedback import find_pinned_states, find_unlisted_leads, read_all_standing
from serving.problems import InvalidError
from serving.schemas import Short

router = APIRouter(prefix="/v1", tags=["accounts"])


@router.get("/accounts", summary="Accounts: best open lead, open leads, people known, last activity; 25 a page")
def get_accounts(
    request: Request,
    app_state: AppStateDep,
    caller: Reader,
    search: Annotated[str, Query(max_length=200, description="words of the company's name or id")] = "",
    sort: Annotated[AccountSort, Query(description="what the order goes by")] = "score",
    reverse: Annotated[bool, Query(description="the order turned round")] = False,
    page: Annotated[int, Query(ge=1, le=1_000_000)] = 1,
) -> Response:
    """A caller who sees only their own leads gets the accounts of these, with scores of these."""
    if app_state.loaded.data.flat:
        raise InvalidError("this source is one flat table: it has no accounts.")
    found = list_accounts(app_state, caller.owner, AccountQuery(search=search, sort=sort, reverse=reverse, page=page))
    body = {"rows": found.rows, "total": found.total, "page": found.page, "pages": found.pages, "size": found.size}
    return respond_with_etag(request, body)


@router.get("/accounts/{account_id}", summary="An account: score, leads, seats of the committee, who is believed")
def get_account(
    account_id: str,
    request: Request,
    app_state: AppStateDep,
    caller: Reader,
    framework: Annotated[Short | None, Query(description="qualification framework; default: the source's")] = None,
) -> Response:
    """As ``leadscore account`` shows it, with everything posted since; contacts of other owners are only counted."""
    found = build_account(
        app_state, account_id, caller.owner, read_all_standing(app_state.store, app_state.loaded.data), framework
    )
    return respond_with_etag(request, found)


@router.get("/expansion", summary="Customers who show interest in a product they do not own, likeliest first")
def get_expansion(
    request: Request,
    app_state: AppStateDep,
    caller: Reader,
    product: Annotated[Short | None, Query(description="only this product")] = None,
    limit: Annotated[int, Query(ge=1, le=1_000)] = 200,
) -> Response:
    """Of the last run; ``score`` is the product's own, by the open lead that gives it most, or the one of the caller's
    that does. It is empty where the product was won too seldom, or none of these leads is open.
    """
    unlisted = find_unlisted_leads(app_state.store, app_state.loaded)
    return respond_with_etag(request, read_expansion_rows(app_state, caller.owner, unlisted, product, limit))


@router.get("/find", summary="Anybody by mail, domain, name or id: open leads, closed ones, customers, companies")
def get_people(
    app_state: AppStateDep,
    caller: Reader,
    q: Annotated[Short, Query(description="mail address, domain, name of a person or company, or id")],
) -> dict[str, Any]:
    """People, open ones first, and companies with what was won and lost there; accents and case do not matter."""
    return search_people(app_state, caller.owner, q, find_pinned_states(app_state.store))
