"""Pages for managers: team."""

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, Response

from features.errors import LeadScoreError
from serving.auth.dependencies import AppStateDep, Reader
from serving.lists import team_queues
from serving.pages import tables
from serving.pages.language import language_of, translate_reasons
from serving.pages.render import render_page
from serving.results import run_results

router = APIRouter(include_in_schema=False, default_response_class=HTMLResponse)


@router.get("/team")
def team_page(request: Request, app_state: AppStateDep, caller: Reader) -> Response:
    """Stages, service levels and queues as known at the data cut-off."""
    try:
        found = run_results.read_lifecycle(app_state)
    except LeadScoreError as nothing:
        return render_page(request, "empty.html", caller, heading="Team", text=nothing.message)
    return render_page(
        request,
        "team.html",
        caller,
        found=found,
        queues=team_queues.count_queues(app_state, caller.owner),
        hot=translate_reasons(app_state, team_queues.list_untouched(app_state, caller.owner), language_of(request)),
        late=team_queues.list_overdue(app_state, caller.owner),
        tables=tables,
    )
