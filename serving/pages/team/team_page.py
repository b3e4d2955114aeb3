"""``/team``: where promises break, who has what, and what sales sends back."""

from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.responses import HTMLResponse, Response

from serving.auth.dependencies import AppStateDep, Reader
from serving.pages import tables
from serving.pages.language import language_of
from serving.pages.render import render_counting, render_page
from serving.pages.team.team_record import build_team_page, promise_name
from serving.results.run_results import awaits_lifecycle

router = APIRouter(include_in_schema=False, default_response_class=HTMLResponse)


@router.get("/team")
def team_page(
    request: Request, app_state: AppStateDep, caller: Reader, owner: Annotated[str, Query(max_length=200)] = ""
) -> Response:
    """Promises, queues and returns as known at the data cut-off, with what was said here since; queues and who waits
    of one ``owner``, where somebody who sees all asks for that.
    """
    if awaits_lifecycle(app_state):
        return render_counting(request, caller, "Team")
    language = language_of(request)
    chosen = owner if caller.owner is None else ""
    page = build_team_page(app_state, caller.owner or chosen or None, language)
    names = [promise_name(language, promise) for promise in page.kept.promises]
    return render_page(request, "team/team.html", caller, page=page, names=names, tables=tables, owner=chosen)
