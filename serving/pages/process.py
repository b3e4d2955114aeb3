"""The page of the process: stages as agreed and as they run, shared goals, nurture programmes."""

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, Response
from markupsafe import Markup

from features.errors import ContractError
from pipelines.report.charts.stage_flowchart import flowchart_of
from serving.auth.dependencies import AppStateDep, Reader
from serving.pages import tables
from serving.pages.language import language_of
from serving.pages.render import format_count, render_page
from serving.results.goals_and_programmes import read_goals, read_programmes
from serving.results.run_results import read_lifecycle

router = APIRouter(include_in_schema=False, default_response_class=HTMLResponse)


@router.get("/process")
def process_page(request: Request, app_state: AppStateDep, caller: Reader) -> Response:
    """What each stage means, who promised what, and what came of it."""
    say = language_of(request).text
    try:
        found = read_lifecycle(app_state)
        goals, nurture = read_goals(app_state), read_programmes(app_state, caller.owner)
    except ContractError as nothing:
        return render_page(request, "empty.html", caller, heading="Process", text=nothing.message)
    drawing = flowchart_of(found["stages"], found["transitions"], say=say, count=format_count)
    return render_page(
        request,
        "process.html",
        caller,
        found=found,
        flowchart=Markup(drawing),  # noqa: S704  drawn here, texts escaped
        goals=goals,
        nurture=nurture,
        tables=tables,
    )
