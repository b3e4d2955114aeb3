"""The worklist: filtered, sorted, paged."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import asdict, replace
from datetime import timedelta
from itertools import chain
from typing import Annotated, Any, Literal

import pandas as pd
from fastapi import APIRouter, Depends, Path, Query, Request, Response
from fastapi.responses import StreamingResponse
from starlette.background import BackgroundTask

from features.schema.vocabulary import LeadList
from models.standing.pinned import Pins
from pipelines.scoring.shown_columns import hide_contacts
from serving.api.etag import respond_with_etag
from serving.api.openapi import CSV
from serving.auth.api_keys import Caller
from serving.auth.dependencies import AppStateDep, Reader, ReadingWriter
from serving.json_values import to_json_values
from serving.leads.feedback import (
    find_ended_snoozes,
    find_latest_feedback,
    find_overrides,
    find_pinned_states,
    find_returned_leads,
    find_snoozed_leads,
    find_unlisted_leads,
    find_unpinned_leads,
    pin,
    pins_of,
    silence,
)
from serving.lists.closed_leads_page import (
    CLOSED_LISTS,
    closed_page,
    count_closed,
    describe_closed_rows,
    find_closed_of,
    find_closed_rows,
    refuse_open_filters,
)
from serving.lists.export import WEEK, Form, export_lines, fields_of, iterate_marked
from serving.lists.export_history import ExportFields, ExportRows, export_changes
from serving.lists.one_answer_short import shortlist_leads
from serving.problems import ScopeError
from serving.results.run_results import find_win_value
from serving.results.weekly_comparison import demand_comparison
from serving.schemas import PageOut, Short
from serving.state.app_state import AppState
from serving.state.loaded_state import LoadedState
from serving.state.worklist.worklist_query import PAGE_LIMIT, Page, Sort, WorklistQuery
from serving.store.silenced_leads import find_silenced_leads
from serving.store.wall_clock import wall_now

router = APIRouter(prefix="/v1", tags=["worklist"])
Show = Literal["open", "new", "snoozed", "all"]
Rung = Literal["lead", "iql", "mql", "pql", "sal", "sql"]
_CSV = "text/csv; charset=utf-8"
NEW_WITHIN = timedelta(days=1)  # what the pages call new today


def parse_worklist_query(
    owner: Annotated[str, Query(max_length=200, description="only leads of this owner")] = "",
    state: Annotated[str, Query(max_length=40, description="only leads in this state: lead, iql, mql, sql, pql")] = "",
    lead_list: Annotated[
        LeadList | Literal[""],
        Query(
            alias="list",
            description="to_hand_off (marketing), to_work (sales), watching, resting (recycled), customers, closed; "
            "the last three have no score",
        ),
    ] = "",
    stage: Annotated[str, Query(max_length=40, description="only leads in this stage of the CRM")] = "",
    grade: Annotated[
        str, Query(pattern=r"^([A-D][1-4]?)?$", description="only this fit letter, or letter and number")
    ] = "",
    segment: Annotated[
        str, Query(max_length=300, description="only this part: 'industry:retail', or a value of the declared segment")
    ] = "",
    unknown: Annotated[
        str, Query(max_length=40, description="only leads of whom nothing is known about this criterion")
    ] = "",
    minimum: Annotated[int, Query(ge=0, le=100, description="lowest score")] = 0,
    search: Annotated[
        str, Query(max_length=200, description="words to find in ids and display columns; accents and case aside")
    ] = "",
    sort: Annotated[
        Sort,
        Query(description="score, points (of the rubric), change, newest, value, waiting (in its stage), name or lead"),
    ] = "score",
    reverse: Annotated[bool | Literal[""], Query(description="the order turned round")] = "",
    disagree: Annotated[
        bool | Literal[""], Query(description="only leads that only one of rubric and model would hand off")
    ] = "",
    page: Annotated[int, Query(ge=1, le=1_000_000)] = 1,
    size: Annotated[int, Query(ge=1, le=PAGE_LIMIT)] = 50,
) -> WorklistQuery:
    """The query of a request; an empty text, as forms send it, is not a filter."""
    return WorklistQuery(
        owner=owner or None, state=state, lead_list=str(lead_list), stage=stage, grade=grade,
        segment=segment, unknown=unknown, minimum=minimum, search=search, sort=sort, reverse=bool(reverse),
        disagree=bool(disagree), page=page, size=size,
    )  # fmt: skip


Asked = Annotated[WorklistQuery, Depends(parse_worklist_query)]


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
            page, rows=[_without_advice(row, state) if row["lead_id"] in silenced else row for row in page.rows]
        )
    page = state.worklist.page(limited)
    return replace(page, rows=_complete_rows(app_state, state, page.rows, limited.pins, overrides))


def _complete_rows(
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
        found.append(_without_advice(row, state) if name in silenced else row)
    return found


def limit_query(
    app_state: AppState,
    query: WorklistQuery,
    caller: Caller,
    show: str,
    overrides: Mapping[str, Mapping[str, Any]] | None = None,
) -> WorklistQuery:
    """The query as the caller may ask it: only their own leads, without those put aside, with what sales pinned."""
    state, now = app_state.loaded, app_state.clock.now()
    pinned = find_overrides(app_state.store) if overrides is None else overrides
    return replace(
        query,
        owner=query.owner if caller.owner is None else caller.owner,
        hidden=frozenset() if show == "all" else find_unlisted_leads(app_state.store, state),
        only=find_snoozed_leads(app_state.store) - state.find_gone() if show == "snoozed" else None,
        since=now - NEW_WITHIN if show == "new" and now is not None else None,
        pins=pins_of(pinned, state.model),
    )


def without_other_owners(query: WorklistQuery, caller: Caller) -> WorklistQuery:
    """The query of a page without an owner where the caller sees one owner's leads alone: the page is of these anyway,
    and must not name another one above them.
    """
    return query if caller.owner is None else replace(query, owner=None)


def _refuse_other_owners(owner: str | None, caller: Caller) -> None:
    """ScopeError for an owner whose leads the caller does not see: their own must not look like that owner's."""
    if owner and caller.owner not in (None, owner):
        raise ScopeError("you see the leads of one owner alone, and asked for another's; leave owner out.")


def _demand_past(app_state: AppState, state: LoadedState, query: WorklistQuery, *, changed: bool = False) -> None:
    """Have the scores of a week ago where an open list goes by them; InvalidError where there are none."""
    if query.lead_list not in CLOSED_LISTS and (changed or query.sort == "change"):
        demand_comparison(app_state, state)


def _without_advice(row: dict[str, Any], state: LoadedState) -> dict[str, Any]:
    """A row of a lead that must not be contacted: nothing is advised, and nothing says how to reach it."""
    return silence(row) | {"display": hide_contacts(row["display"], state.data.source)}


def count_lists(app_state: AppState, state: LoadedState, owner: str | None) -> dict[str, int]:
    """Leads on each list, every lead on one; nothing where no stage tells lists apart."""
    counts = state.worklist.counts_of("lead_list", owner, pins_of(find_overrides(app_state.store), state.model))
    if "lead_list" not in state.worklist.rows.frame:
        return {}
    return {str(name): counts.get(str(name), 0) for name in LeadList} | count_closed(state, owner)


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
    _refuse_other_owners(query.owner, caller)
    refuse_open_filters(query, show=show)
    state = app_state.loaded
    _demand_past(app_state, state, query)
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
    _refuse_other_owners(owner, caller)
    found = shortlist_leads(app_state, caller.owner or owner or None, next_state, limit)
    return respond_with_etag(request, asdict(found))


@router.get(
    "/worklist/export",
    summary="The worklist as CSV for a spreadsheet, Salesforce or HubSpot",
    response_class=StreamingResponse,
    responses=CSV,
)
def get_export(
    app_state: AppStateDep,
    caller: Reader,
    query: Asked,
    form: Annotated[
        Form,
        Query(description="csv; spreadsheet: with a byte order mark where needed; salesforce or hubspot fields"),
    ] = "csv",
    from_state: Annotated[Rung | None, Query(description="lowest state exported")] = None,
    changed: Annotated[
        bool, Query(description="only leads whose score or state moved in a week, and new ones")
    ] = False,
    show: Annotated[Show, Query()] = "open",
) -> StreamingResponse:
    """Rows in the list's order, the upsert key first; no cell can run as a formula."""
    _refuse_other_owners(query.owner, caller)
    refuse_open_filters(query, from_state, changed=changed, show=show)
    state = app_state.loaded
    _demand_past(app_state, state, query, changed=changed)
    lines = export_lines(
        iterate_rows(app_state, state, query, caller, show),
        choose_fields(app_state, state, form),
        from_state,
        state.worklist.last_week_of if changed else None,
        find_unpinned_leads(app_state.store, wall_now() - WEEK) if changed else (),
    )
    content = iterate_marked(lines) if form == "spreadsheet" else lines
    return StreamingResponse(content, media_type=_CSV, headers=_download_headers(form))


@router.post(
    "/exports/{name}",
    summary="What changed since the last export of this name, as CSV for a CRM",
    response_class=StreamingResponse,
    responses=CSV,
)
def post_export(
    app_state: AppStateDep,
    caller: ReadingWriter,
    query: Asked,
    name: Annotated[
        str, Path(pattern=r"^[a-z0-9][a-z0-9_-]{0,59}$", description="name of the export, for example 'crm'")
    ],
    form: Annotated[
        Form,
        Query(description="csv; spreadsheet: with a byte order mark where needed; salesforce or hubspot fields"),
    ] = "csv",
    from_state: Annotated[Rung | None, Query(description="lowest state exported")] = None,
    show: Annotated[Show, Query()] = "open",
    again: Annotated[bool, Query(description="include what the last export held: its file was lost")] = False,
) -> StreamingResponse:
    """Leads that are new under this name, or whose score, state, grade, next action or question moved since their last
    export; one that fell below ``from_state`` is reported once, and so is one that sales returned or that nobody may
    contact any more, without advice. The server remembers what each name and owner received.
    """
    _refuse_other_owners(query.owner, caller)
    refuse_open_filters(query, from_state, show=show)
    state = app_state.loaded
    _demand_past(app_state, state, query)
    listed = iterate_rows(app_state, state, query, caller, show)
    rows = ExportRows(listed, lambda leads: _iterate_quiet(app_state, state, caller, leads))
    chosen = ExportFields(form, choose_fields(app_state, state, form))
    handed = export_changes(app_state.store, caller, name, rows, chosen, from_state, again=again)
    headers = _download_headers(form) | {"x-export-rows": str(handed.rows), "x-export-number": str(handed.number)}
    ended = BackgroundTask(handed.file.close)
    return StreamingResponse(handed.file, media_type=_CSV, headers=headers, background=ended)


def choose_fields(app_state: AppState, state: LoadedState, form: Form) -> Mapping[str, str]:
    """What an export of this list holds."""
    value, _ = find_win_value(app_state)
    columns = [str(name) for name in state.worklist.rows.frame.columns]
    return fields_of(form, state.worklist.rows.display, columns, valued=value is not None)


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


def _open_blocks(app_state: AppState, state: LoadedState, limited: WorklistQuery) -> Iterator[list[dict[str, Any]]]:
    places = state.worklist.all_places(limited)
    for start in range(0, len(places), PAGE_LIMIT):
        rows = state.worklist.rows_at(places[start : start + PAGE_LIMIT])
        for rank, row in enumerate(rows, start + 1):
            row["rank"] = rank
        overrides = find_overrides(app_state.store)
        yield _complete_rows(app_state, state, rows, pins_of(overrides, state.model), overrides)


def _closed_blocks(app_state: AppState, state: LoadedState, found: pd.DataFrame) -> Iterator[list[dict[str, Any]]]:
    for start in range(0, len(found), PAGE_LIMIT):
        rows = describe_closed_rows(state, found, start, PAGE_LIMIT)
        silenced = find_silenced_leads(app_state.store)
        yield [_without_advice(row, state) if row["lead_id"] in silenced else row for row in rows]


def _iterate_quiet(
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


def _download_headers(form: Form) -> dict[str, str]:
    return {"content-disposition": f'attachment; filename="leadscore-{form}.csv"'}
