"""The worklist as a file: as it is now, and what changed since the last export."""

from collections.abc import Mapping
from typing import Annotated, Literal

from fastapi import APIRouter, Path, Query
from fastapi.responses import StreamingResponse
from starlette.background import BackgroundTask

from serving.api.openapi import CSV
from serving.api.routes.worklist_params import Asked, Show
from serving.auth.dependencies import AppStateDep, Reader, ReadingWriter
from serving.leads.feedback import find_unpinned_leads
from serving.lists.closed_leads_page import refuse_open_filters
from serving.lists.export import WEEK, Form, export_lines, fields_of, iterate_marked
from serving.lists.export_history import ExportFields, ExportRows, export_changes
from serving.lists.shown_worklist import demand_past, refuse_other_owners
from serving.lists.whole_list import iterate_quiet, iterate_rows
from serving.results.run_results import find_win_value
from serving.state.app_state import AppState
from serving.state.loaded_state import LoadedState
from serving.store.wall_clock import wall_now

router = APIRouter(prefix="/v1", tags=["worklist"])
Rung = Literal["lead", "iql", "mql", "pql", "sal", "sql"]
_CSV = "text/csv; charset=utf-8"


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
    refuse_other_owners(query.owner, caller)
    refuse_open_filters(query, from_state, changed=changed, show=show)
    state = app_state.loaded
    demand_past(app_state, state, query, changed=changed)
    lines = export_lines(
        iterate_rows(app_state, state, query, caller, show),
        _choose_fields(app_state, state, form),
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
    refuse_other_owners(query.owner, caller)
    refuse_open_filters(query, from_state, show=show)
    state = app_state.loaded
    demand_past(app_state, state, query)
    listed = iterate_rows(app_state, state, query, caller, show)
    rows = ExportRows(listed, lambda leads: iterate_quiet(app_state, state, caller, leads))
    chosen = ExportFields(form, _choose_fields(app_state, state, form))
    handed = export_changes(app_state.store, caller, name, rows, chosen, from_state, again=again)
    headers = _download_headers(form) | {"x-export-rows": str(handed.rows), "x-export-number": str(handed.number)}
    ended = BackgroundTask(handed.file.close)
    return StreamingResponse(handed.file, media_type=_CSV, headers=headers, background=ended)


def _choose_fields(app_state: AppState, state: LoadedState, form: Form) -> Mapping[str, str]:
    """What an export of this list holds."""
    value, _ = find_win_value(app_state)
    columns = [str(name) for name in state.worklist.rows.frame.columns]
    return fields_of(form, state.worklist.rows.display, columns, valued=value is not None)


def _download_headers(form: Form) -> dict[str, str]:
    return {"content-disposition": f'attachment; filename="leadscore-{form}.csv"'}
