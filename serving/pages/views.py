"""The pages' routes."""

import json
from collections.abc import Callable
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, FastAPI, Query, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.exceptions import HTTPException
from starlette.staticfiles import StaticFiles

from features.errors import LeadScoreError
from models.explaining.framework import framework_names, load_framework
from models.explaining.language import SOURCE_LANGUAGE, Language
from serving import problems
from serving.access import DeskOf, Reader, caller_of
from serving.cards import card, history, open_questions, timeline
from serving.desk import Desk, State
from serving.judging import value_of_a_win
from serving.keys import Caller, Scope
from serving.movement import movement
from serving.pages import forms, judging, language, signing
from serving.pages.language import language_of
from serving.pages.render import page
from serving.pages.shapes import score_line, waterfall
from serving.problems import InvalidError, SignInError
from serving.routes.worklist import Asked, page_of
from serving.schemas import Short
from serving.shortlist import CONSIDERED, short

_SHORT_ROWS = 50
Handler = Callable[[Request, Exception], JSONResponse]
router = APIRouter(include_in_schema=False, default_response_class=HTMLResponse)


def install(app: FastAPI) -> None:
    """Add the pages, their files, and errors that read as pages in a browser."""
    from importlib.resources import files

    app.mount("/static", StaticFiles(directory=str(files("serving.pages") / "static")), name="static")
    for part in (router, forms.router, judging.router, signing.router, language.router):
        app.include_router(part)
    handlers: tuple[tuple[type[Exception], Handler], ...] = (
        (LeadScoreError, problems.on_error),
        (HTTPException, problems.on_http),
        (RequestValidationError, problems.on_invalid),
        (Exception, problems.on_crash),
    )
    for kind, handler in handlers:
        app.add_exception_handler(kind, _as_page(handler))


def _as_page(handler: Handler) -> Callable[[Request, Exception], Response]:
    """Problem details for programs, the same words as a page for people; without a session, the way to sign in."""

    def answered(request: Request, error: Exception) -> Response:
        answer = handler(request, error)
        if request.url.path.startswith("/v1/") or "text/html" not in request.headers.get("accept", ""):
            return answer
        if isinstance(error, SignInError):
            return RedirectResponse(f"/sign-in{signing.back_to(request)}", status_code=303)
        told = json.loads(bytes(answer.body))
        return page(request, "error.html", None, status=answer.status_code, message=told["detail"], code=told["code"])

    return answered


@router.get("/")
def worklist_page(
    request: Request,
    desk: DeskOf,
    caller: Reader,
    query: Asked,
    show: Annotated[Literal["open", "all"], Query()] = "open",
) -> Response:
    """Ranked leads: who first, and why."""
    state = desk.state
    framework = desk.framework(None)
    value, currency = value_of_a_win(desk)
    found = page_of(desk, state, query, caller, show)
    _told(desk, state, found.rows, language_of(request))
    filters = {
        "owner": query.owner, "state": query.state, "grade": query.grade, "segment": query.segment,
        "minimum": query.minimum, "search": query.search, "sort": query.sort, "show": show,
    }  # fmt: skip
    return page(
        request,
        "worklist.html",
        caller,
        found=found,
        filters=filters,
        framework=framework,
        owners=state.worklist.owners if caller.owner is None else [],
        states=state.worklist.states,
        segments=state.worklist.segments.choices(),
        link=_link_column(desk.settings.record_link, state),
        horizon=state.model.bundle.horizon_days,
        value=value,
        currency=currency,
        fresh=_days_ago(state),
    )


def _told(desk: Desk, state: State, rows: list[dict[str, Any]], language: Language) -> None:
    """Put the first reason of every row into the reader's language: the list itself is kept in English."""
    if language.code == SOURCE_LANGUAGE or not rows:
        return
    codes = [state.data.code(row["lead_id"]) for row in rows]
    with desk.store.reading() as session:
        scored = desk.score_leads(session, state, codes, desk.framework(None), language=language)
    reasons = dict(zip(scored.columns["lead_id"].tolist(), scored.columns["reason_1"].tolist(), strict=True))
    for row in rows:
        row["reason_1"] = reasons[row["lead_id"]]


def _link_column(named: str | None, state: Any) -> str:
    columns = state.worklist.display
    return named or next((name for name in columns if name.endswith("url")), "")


def _days_ago(state: Any) -> str:
    """Leads created from this moment on are new."""
    import pandas as pd

    return "" if state.data.cutoff is None else (state.data.cutoff - pd.Timedelta(days=1)).isoformat()


@router.get("/short")
def short_page(request: Request, desk: DeskOf, caller: Reader) -> Response:
    """Leads that one answer would qualify, and what to ask them."""
    none = ""
    found: dict[str, Any] = {"rows": [], "total": 0}
    try:
        found = short(desk, caller.owner, None, _SHORT_ROWS)
    except InvalidError as problem:
        none = problem.message
    language = language_of(request)
    for row in found["rows"]:
        row["text"] = language.text(row["text"])
    rows, total = found["rows"], found["total"]
    return page(request, "short.html", caller, rows=rows, total=total, none=none, considered=CONSIDERED)


@router.get("/leads/{lead_id}")
def card_page(
    lead_id: str,
    request: Request,
    desk: DeskOf,
    caller: Reader,
    framework: Annotated[Short | None, Query()] = None,
    saved: Annotated[str, Query(max_length=20)] = "",
) -> Response:
    """One lead: what its score is made of, what is unknown, what to ask."""
    chosen = desk.framework(framework)
    found = card(desk, lead_id, caller.owner, framework, language=language_of(request).code)
    asked = open_questions(found, chosen, desk.state)
    past = history(desk, lead_id, caller.owner)
    return page(
        request,
        "card.html",
        caller,
        card=found,
        chart=waterfall(found),
        questions={item["criterion"]: item for item in asked},
        line=score_line(past["weekly"]),
        weekly=past["weekly"],
        events=timeline(desk, lead_id, caller.owner),
        moved=_moved(desk, lead_id, caller.owner, framework),
        frameworks=[load_framework(name) for name in framework_names()],
        saved=saved,
        may_write=caller.may(Scope.FEEDBACK),
        link=_link_column(desk.settings.record_link, desk.state),
        horizon=desk.state.model.bundle.horizon_days,
    )


def _moved(desk: Desk, lead_id: str, owner: str | None, framework: str | None) -> dict[str, Any] | None:
    """What moved the score within a week; None where there are no clocks, or the lead is younger."""
    try:
        return movement(desk, lead_id, owner, None, framework)
    except InvalidError:
        return None


@router.get("/docs")
def docs_page(request: Request, caller: Annotated[Caller, Depends(caller_of)]) -> Response:
    """The API, address by address, from its OpenAPI document."""
    document = request.app.openapi()
    rows = [
        {"method": method.upper(), "path": path, **operation}
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    ]
    return page(request, "docs.html", caller, rows=rows, description=document["info"]["description"])
