"""The worklist's routes: the page, what is done to several leads at once, saved views, and the file."""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from functools import partial
from typing import Annotated, Any, Literal, get_args
from urllib.parse import urlencode

from fastapi import APIRouter, Form, Query, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response, StreamingResponse
from pydantic import Field

from features.errors import LeadScoreError
from features.schema.vocabulary import LeadList
from models.explaining.language import Language
from models.explaining.wording.labels import capitalise
from pipelines.scoring.shown_columns import person_name
from serving.api.routes.worklist_params import Asked, Show
from serving.auth.api_keys import Caller, read_note, sign_note
from serving.auth.dependencies import AppStateDep, Reader, ReadingWriter, check_form_token
from serving.auth.oidc_claims import local_path
from serving.http.shown_leads import note_shown
from serving.leads.writes import store_feedback
from serving.lists.closed_leads_page import CLOSED_LISTS, closed_page, without_open_filters
from serving.lists.shown_worklist import find_new_since, limit_query, read_page, without_other_owners
from serving.lists.whole_list import iterate_rows
from serving.pages.language import language_of
from serving.pages.render import render_page
from serving.pages.sent_forms import find_before, is_last_verdict
from serving.pages.told_sentences import tell
from serving.pages.worklist import worklist_file
from serving.pages.worklist.saved_views import keep_view, read_views, write_views
from serving.pages.worklist.worklist_addresses import PAGE_SIZE, WorklistAddress
from serving.pages.worklist.worklist_record import (
    SORTS,
    describe_closed,
    describe_rows,
    filter_menus,
    filters_on,
    list_tabs,
)
from serving.pages.written_values import write_horizon
from serving.problems import InvalidError
from serving.results.run_results import find_win_value, read_caution, why_points
from serving.results.weekly_comparison import demand_comparison, is_comparable
from serving.schemas import FeedbackGiven
from serving.scopes import Scope
from serving.state.app_state import AppState
from serving.state.loaded_state import LoadedState
from serving.state.worklist.worklist_query import WorklistQuery

VERDICTS = get_args(FeedbackGiven.model_fields["verdict"].annotation)
_MOST_AT_ONCE = 100  # leads of one bulk action
_LEFT, _LEFT_SECONDS = "leadscore_left", 60  # why a lead was left out: read by the page that the answer leads to
_LONGEST_REASON = 500  # characters; a browser refuses a longer cookie than 4096
_ALSO_FOUND = 5  # closed leads named below a search
router = APIRouter(include_in_schema=False, default_response_class=HTMLResponse)
Token = Annotated[str, Form(max_length=100)]
Leads = Annotated[list[str], Form(max_length=_MOST_AT_ONCE)]
FeedbackId = Annotated[int, Field(ge=1, le=2**31 - 1)]
Back = Annotated[str, Form(max_length=2000)]


@router.get("/worklist")
def worklist_page(
    request: Request,
    app_state: AppStateDep,
    caller: Reader,
    query: Asked,
    show: Annotated[Show, Query()] = "open",
    saved: Annotated[str, Query(max_length=20)] = "",
    lead: Annotated[list[str] | None, Query(max_length=_MOST_AT_ONCE)] = None,
    given: Annotated[list[int] | None, Query(max_length=_MOST_AT_ONCE)] = None,
    left: Annotated[int, Query(ge=0, le=_MOST_AT_ONCE)] = 0,
) -> Response:
    """Whom to call first, what to ask, and why; ``saved`` is the verdict just ``given`` on the leads named, whose ids
    stand in the same order; ``left`` is how many others it could not be given on.
    """
    state, language, framework = app_state.loaded, language_of(request), app_state.framework(None)
    if "size" not in request.query_params:
        query = replace(query, size=PAGE_SIZE)
    query = _in_known_order(app_state, state, without_other_owners(without_open_filters(query), caller))
    show = "open" if query.lead_list in CLOSED_LISTS else show  # a choice among open leads, which must not look made
    limited = limit_query(app_state, query, caller, show)
    found = read_page(app_state, state, query, caller, show)
    if found.page > found.pages:  # as after the last page's only lead was put aside
        query = replace(query, page=found.pages)
        found = read_page(app_state, state, query, caller, show)
    address = WorklistAddress.of(query, show)
    over = query.lead_list in CLOSED_LISTS
    value, currency = find_win_value(app_state)
    sorts = _sorts(state, address, query, language, valued=value is not None)
    ids = dict(zip(lead or (), given or (), strict=False))
    done = {name: ids[name] for name in _seen_leads(state, ids, caller)}

    return render_page(
        request,
        "worklist/worklist.html",
        caller,
        found=found,
        rows=[describe_closed(row, address, language) for row in found.rows]
        if over
        else describe_rows(app_state, found.rows, address, framework, language),
        over=over,
        address=address,
        query=query,
        show=show,
        framework=framework,
        tabs=list_tabs(app_state, limited, address, language),
        menus=filter_menus(state, limited, address, framework, language),
        on=filters_on(state, address, framework, language),
        sorts=sorts,
        owners=[] if caller.owner is not None else state.worklist.owners,
        also=_also_closed(state, limited, address, language) if query.search and not over else None,
        horizon=write_horizon(language, state.model.bundle.horizons),
        caution=read_caution(app_state),
        value=value,
        currency=currency,
        by=app_state.context.source.capacity.value_by if state.worklist.rows.win_values is not None else None,
        fresh=new_since(app_state),
        points=state.worklist.rows.has_points,
        by_points=why_points(app_state),
        views=read_views(request),
        may_write=caller.may(Scope.FEEDBACK),
        saved=saved if saved in VERDICTS and done else "",
        saved_text=" ".join(
            (_saved_text(language, saved, list(done), state), _left_text(request, app_state, language, left))
        ).strip(),
        sorted_items=sorts,
        page_link=lambda page: address.link(page=page),
        done=done,
    )


def _seen_leads(state: LoadedState, names: Iterable[str], caller: Caller) -> list[str]:
    """Those of some leads that are known and shown to the caller, each once."""
    codes = {name: state.data.code(name) for name in names}
    return [name for name, code in codes.items() if code >= 0 and state.data.is_shown_to(code, caller.owner)]


_SAVED = {
    "accept": "{name}: accepted",
    "snooze": "{name}: put aside for a week",
    "reject": "{name}: returned",
    "do_not_contact": "{name}: do not contact",
    "withdraw": "{name}: taken back",
    "override": "{name}: pinned",
}


def _saved_text(language: Language, saved: str, done: list[str], state: LoadedState) -> str:
    """What was just done, and to whom."""
    if not done:
        return ""
    if len(done) > 1:
        who = language.plural("{n} lead", "{n} leads", len(done), n=len(done))
    else:
        who = person_name(state.data.display(state.data.code(done[0]))) or done[0]
    return language.text(_SAVED.get(saved, "{name}: saved"), name=who)


def _left_text(request: Request, app_state: AppState, language: Language, left: int) -> str:
    """How many leads were left out, and why the first was: a signed cookie says it, as anybody may write an address."""
    if not left:
        return ""
    said = language.plural("{n} lead was left as it is.", "{n} leads were left as they are.", left, n=left)
    why = read_note(request.cookies.get(_LEFT, ""), app_state.secret)
    return f"{said} {capitalise(tell(language, why))}".strip()


def _sorts(
    state: LoadedState, address: WorklistAddress, query: WorklistQuery, language: Language, *, valued: bool
) -> list[tuple[str, None, str, bool]]:
    hidden = {"value"} if not valued else set()
    hidden |= set() if state.worklist.rows.has_points else {"points"}
    hidden |= set() if "stage_days" in state.worklist.rows.frame else {"waiting"}
    hidden |= set() if is_comparable(state) else {"change"}
    return [
        (language.text(title), None, address.link(sort=name, reverse=""), query.sort == name and not query.reverse)
        for name, title in SORTS.items()
        if name not in hidden
    ]


def _also_closed(
    state: LoadedState, query: WorklistQuery, address: WorklistAddress, language: Language
) -> dict[str, Any] | None:
    """Leads that are over and match the search; without a word, a search would seem to know nobody."""
    found, total = [], 0
    for name in CLOSED_LISTS:
        page = closed_page(state, replace(query, lead_list=name, stage="", page=1, size=_ALSO_FOUND))
        found += [describe_closed(row, address, language) for row in page.rows]
        total += page.total
    return {"rows": found[:_ALSO_FOUND], "total": total} if found else None


def _in_known_order(app_state: AppState, state: LoadedState, query: WorklistQuery) -> WorklistQuery:
    """The query, by score where it asks for what rose within a week and no scores of a week ago are known."""
    if query.sort != "change":
        return query
    if not is_comparable(state):
        return replace(query, sort="score")
    demand_comparison(app_state, state)
    return query


def link_column(named: str | None, state: LoadedState) -> str:
    """The display column that holds the link to the CRM record, empty without one."""
    columns = state.worklist.rows.display
    return named or next((name for name in columns if name.endswith("url")), "")


def new_since(app_state: AppState) -> str:
    """Leads created from this time on are new; empty in sources without clocks."""
    since = find_new_since(app_state.clock)
    return "" if since is None else since.isoformat()


@router.get("/worklist/file")
def worklist_as_file(
    request: Request, app_state: AppStateDep, caller: Reader, query: Asked, show: Annotated[Show, Query()] = "open"
) -> StreamingResponse:
    """What the page shows, all pages of it, as CSV that people read."""
    language = language_of(request)
    state = app_state.loaded
    query = _in_known_order(app_state, state, without_open_filters(query))
    rows = iterate_rows(app_state, state, query, caller, show)
    return _as_file(app_state, rows, language, query.lead_list)


def _as_file(
    app_state: AppState, rows: Iterator[dict[str, Any]], language: Language, lead_list: str = ""
) -> StreamingResponse:
    rows = _noted(rows)
    if lead_list in CLOSED_LISTS:
        lines = worklist_file.write_closed(rows, language, resting=lead_list == LeadList.RESTING)
    else:
        _, currency = find_win_value(app_state)
        lines = worklist_file.write_open(app_state, rows, app_state.framework(None), language, currency)
    headers = {"content-disposition": 'attachment; filename="worklist.csv"'}
    return StreamingResponse(lines, media_type="text/csv; charset=utf-8", headers=headers)


def _noted(rows: Iterator[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    for row in rows:
        note_shown(row["lead_id"])
        yield row


@router.post("/worklist/chosen")
def act_on_chosen(
    request: Request,
    app_state: AppStateDep,
    caller: ReadingWriter,
    token: Token,
    do: Annotated[Literal["accept", "snooze", "withdraw", "csv"], Form()],
    lead: Leads,
    undoes: Annotated[list[FeedbackId] | None, Form(max_length=_MOST_AT_ONCE)] = None,
    once: Annotated[str, Form(max_length=500)] = "",
    back: Back = "/worklist",
) -> Response:
    """Accept or put aside several leads, or take that back; those it cannot be done to are left as they are.

    ``undoes`` names what is taken back, one feedback of each lead in the same order. The same
    form sent again stores nothing of leads of which nothing else was said since.
    """
    check_form_token(request, token)
    if do == "csv":
        chosen = _seen_leads(app_state.loaded, lead, caller)
        rows = iterate_rows(app_state, app_state.loaded, WorklistQuery(), caller, "all")
        return _as_file(app_state, (row for row in rows if row["lead_id"] in chosen), language_of(request))

    ids = undoes or []
    if do == "withdraw" and len(ids) != len(lead):
        raise InvalidError("name what is to be taken back: one feedback of each lead.")
    done, refused, counts = [], "", partial(is_last_verdict, app_state)
    each: dict[str, int | None] = dict.fromkeys(lead) if do != "withdraw" else dict(zip(lead, ids, strict=True))
    for name, undone in each.items():
        try:
            body = FeedbackGiven(verdict=do, undoes=undone)
            key, before = find_before(app_state, caller, once, ("chosen", name, do, undone), counts)
            done.append((name, (before or store_feedback(app_state, caller, name, body, key))["id"]))
        except LeadScoreError as problem:
            refused = refused or problem.message
    if not done:
        raise InvalidError(refused or "choose at least one lead.")
    there = local_path(back)
    joined = "&" if "?" in there else "?"
    said = [("saved", do), *(("lead", name) for name, _ in done), *(("given", str(id)) for _, id in done)]
    left = len(each) - len(done)
    said += [("left", str(left))] if left else []
    answer = RedirectResponse(f"{there}{joined}{urlencode(said)}", status_code=303)
    if left:
        why, https = sign_note(refused[:_LONGEST_REASON], app_state.secret), app_state.settings.only_https
        answer.set_cookie(_LEFT, why, max_age=_LEFT_SECONDS, httponly=True, samesite="strict", secure=https)
    return answer


@router.post("/worklist/views")
def change_views(
    request: Request,
    app_state: AppStateDep,
    caller: Reader,
    token: Token,
    name: Annotated[str, Form(max_length=100)] = "",
    query: Annotated[str, Form(max_length=500)] = "",
    forget: Annotated[str, Form(max_length=100)] = "",
) -> Response:
    """Keep the list as it is under a name, or forget one that was kept."""
    check_form_token(request, token)
    views = read_views(request)
    views = [view for view in views if view.name != forget] if forget else keep_view(views, name, query)
    answer = RedirectResponse(
        local_path(f"/worklist{query}" if query.startswith("?") else "/worklist"), status_code=303
    )
    write_views(answer, views, secure=app_state.settings.only_https)
    return answer
