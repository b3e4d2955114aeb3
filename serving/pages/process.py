"""The page of the process: stages as agreed and as they run, shared goals, nurture programmes."""

from functools import partial
from typing import TYPE_CHECKING

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, Response
from markupsafe import Markup

from features.errors import ContractError
from models.explaining.language import Language
from pipelines.report.charts.stage_flowchart import flowchart_of
from serving.auth.dependencies import AppStateDep, Reader
from serving.leads.verdicts import read_lifecycle_policy
from serving.pages import tables
from serving.pages.language import language_of
from serving.pages.render import render_counting, render_page
from serving.pages.written_values import write_count, write_hours
from serving.results.goals_and_programmes import read_goals, read_programmes
from serving.results.lifecycle_now import lifecycle_now
from serving.results.run_results import awaits_lifecycle

if TYPE_CHECKING:
    from models.judging.lifecycle.policy import StageDefinition

_QUARTERS = 2  # shown at once; the earlier ones stand behind a fold
router = APIRouter(include_in_schema=False, default_response_class=HTMLResponse)


@router.get("/process")
def process_page(request: Request, app_state: AppStateDep, caller: Reader) -> Response:
    """What each stage means, who promised what, and what came of it."""
    if awaits_lifecycle(app_state):
        return render_counting(request, caller, "Process")
    language = language_of(request)
    try:
        now = lifecycle_now(app_state)
        found, goals = now.record, read_goals(now.found)
        nurture = read_programmes(app_state, caller.owner, now.found)
    except ContractError as nothing:
        return render_page(request, "shell/empty.html", caller, heading="Process", text=nothing.message)
    shown = sorted({str(row["quarter"]) for row in goals})[-_QUARTERS:]
    promised = {str(name): stage for name, stage in read_lifecycle_policy(app_state).stages.items()}
    drawing = flowchart_of(
        found["stages"], found["transitions"], say=language.text, count=partial(write_count, language)
    )
    return render_page(
        request,
        "process/page.html",
        caller,
        stages=[{**row, "sla": _deadlines(promised.get(str(row["stage"])), language)} for row in found["stages"]],
        flowchart=Markup(drawing),  # noqa: S704  drawn here, texts escaped
        goals=[row for row in goals if row["quarter"] in shown],
        older_goals=[row for row in goals if row["quarter"] not in shown],
        nurture=nurture,
        counted_at=now.counted_at,
        tables=tables,
    )


def _deadlines(stage: "StageDefinition | None", language: Language) -> str:
    """What is promised of a stage, in business hours; empty where nothing is."""
    if stage is None:
        return ""
    promised = (
        ("first touch within {hours} h", stage.first_touch_hours),
        ("next step within {hours} h", stage.within_hours),
    )
    parts = [language.text(text, hours=write_hours(language, hours)) for text, hours in promised if hours is not None]
    return ", ".join(parts)
