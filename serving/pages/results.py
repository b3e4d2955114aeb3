"""Pages for managers and data scientists: thresholds, team, model."""

import json
from typing import Annotated, Any

from fastapi import APIRouter, Form, Query, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from markupsafe import Markup

from features.errors import LeadScoreError
from features.kernel.column_reader import number_of
from features.rubric.yaml_format import rubric_yaml
from models.judging.handoff.policy_names import Policy
from serving.auth.api_keys import Caller
from serving.auth.dependencies import Admin, AppStateDep, Reader, check_form_token
from serving.lists import team_queues
from serving.pages import tables
from serving.pages.chart_geometry import build_curve_chart
from serving.pages.language import language_of, translate_reasons
from serving.pages.render import format_count, format_percent, format_signed, render_page
from serving.problems import InvalidError, NotFoundError
from serving.results import rubric_drafts, run_results
from serving.scopes import Scope
from serving.state.app_state import AppState

router = APIRouter(include_in_schema=False, default_response_class=HTMLResponse)
_INPUTS = ("handoffs_per_week", "share", "cost_per_handoff", "value_per_win")
_LARGEST_AMOUNT = 1e12  # as the API's own limit
POLICY_WORDS = {str(policy): policy.label for policy in Policy}


@router.get("/thresholds")
def thresholds_page(
    request: Request,
    app_state: AppStateDep,
    caller: Reader,
    handoffs_per_week: Annotated[int | None, Query(ge=1, le=100_000)] = None,
    share: Annotated[float | None, Query(gt=0, lt=1)] = None,
    cost_per_handoff: Annotated[str, Query(max_length=30)] = "",
    value_per_win: Annotated[str, Query(max_length=30)] = "",
) -> Response:
    """Rubric and model side by side at the same workload; the inputs replay the test weeks at another capacity."""
    values = (handoffs_per_week, share, _parse_amount(cost_per_handoff), _parse_amount(value_per_win))
    asked = dict(zip(_INPUTS, values, strict=True))
    return _thresholds_page(request, app_state, caller, asked, "")


def _parse_amount(text: str) -> float | None:
    """The amount in an input, None where it was left empty."""
    if not text.strip():
        return None
    value = number_of(text)
    if not 0 <= value <= _LARGEST_AMOUNT:
        raise InvalidError(
            "cost and value must be amounts of money of at least 0; leave them empty to use the source's."
        )
    return value


@router.post("/thresholds")
def try_rubric(
    request: Request,
    app_state: AppStateDep,
    caller: Reader,
    token: Annotated[str, Form(max_length=100)],
    rubric: Annotated[str, Form(max_length=rubric_drafts.LONGEST)],
) -> Response:
    """Another rubric replayed on the same past weeks; nothing is saved."""
    check_form_token(request, token)
    return _thresholds_page(request, app_state, caller, dict.fromkeys(_INPUTS), rubric)


@router.post("/rubric/adopt")
def adopt_rubric(
    request: Request,
    app_state: AppStateDep,
    caller: Admin,
    token: Annotated[str, Form(max_length=100)],
    rubric: Annotated[str, Form(max_length=rubric_drafts.LONGEST)],
    reason: Annotated[str, Form(min_length=1, max_length=500)],
) -> Response:
    """The rubric that was just replayed becomes the one in force."""
    check_form_token(request, token)
    rubric_drafts.adopt_draft(app_state, rubric_drafts.parse_draft(app_state, rubric, caller), caller, reason)
    return RedirectResponse("/thresholds#h-own", status_code=303)


def _thresholds_page(
    request: Request, app_state: AppState, caller: Caller, asked: dict[str, Any], text: str
) -> Response:
    try:
        found = run_results.read_thresholds(app_state)
    except NotFoundError as nothing:
        return render_page(request, "empty.html", caller, heading="Thresholds", text=nothing.message)
    changed = any(value is not None for value in asked.values())
    tried = run_results.simulate(app_state, **asked) if changed else None

    own, pair, refused = None, None, ""
    if text.strip():
        try:
            asked_for = rubric_drafts.parse_draft(app_state, text, caller)
            own = run_results.simulate(app_state, None, None, asked_for)
            if app_state.context.rubric is not None:
                pair = rubric_drafts.compare_draft(app_state, asked_for, caller)
        except LeadScoreError as problem:
            refused = problem.message

    rows = build_slider_rows(found)
    capacity = {**app_state.context.source.capacity.model_dump(), **(found.get("capacity") or {})}
    return render_page(
        request,
        "thresholds.html",
        caller,
        found=found,
        tried=tried,
        asked=asked,
        own=own,
        pair=pair,
        versions=rubric_drafts.list_versions(app_state)["versions"],
        admin=caller.may(Scope.ADMIN),
        refused=refused,
        text=text or ("" if app_state.context.rubric is None else rubric_yaml(app_state.context.rubric)),
        capacity=capacity,
        cost=_first_known(asked.get("cost_per_handoff"), capacity["cost_per_handoff"]),
        worth=_first_known(asked.get("value_per_win"), capacity["value_per_win"]),
        currency=capacity["currency"],
        flat=app_state.context.source.kind == "flat",
        chart=build_curve_chart(found["curves"]),
        steps=rows,
        start=_initial_step(found),
        tables=tables,
        steps_json=script_json(rows),
        policy_words=POLICY_WORDS,
        swap=run_results.read_swap_set(app_state, caller.owner),
    )


def _first_known(*values: float | None) -> str:
    """The first value that is known, as an input shows it."""
    return next((f"{value:.2f}".removesuffix(".00") for value in values if value is not None), "")


def _initial_step(found: dict[str, Any]) -> int:
    """The slider's step closest to the rubric's own workload, so that the page opens where the report does."""
    curve = found["curves"].get("model", [])
    own = [row["workload"] for row in found["policies"] if row["policy"] == Policy.RUBRIC_OWN]
    if not own:
        return len(curve) * 2 // 3
    return min(range(len(curve)), key=lambda k: abs(curve[k]["workload"] - own[0]), default=0)


def build_slider_rows(found: dict[str, Any]) -> list[dict[str, str]]:
    """Per workload of the model's curve: wins and precision of both, the rubric's at its nearest workload."""
    model = found["curves"].get("model", [])
    rubric = found["curves"].get("rubric", [])
    rows = []
    for point in model:
        other = min(rubric, key=lambda p: abs(p["workload"] - point["workload"]), default=None)

        rows.append(
            {
                "workload": format_count(point["workload"]),
                "share": format_percent(point["workload"] / found["leads"]) if found["leads"] else "–",
                "model_wins": format_count(point["wins"]),
                "model_precision": format_percent(point["precision"]),
                "model_between": f"{point['wins_ci'][0]:.0f}\u2013{point['wins_ci'][1]:.0f}",
                "rubric_wins": "–" if other is None else format_count(other["wins"]),
                "rubric_precision": "–" if other is None else format_percent(other["precision"]),
                "rubric_workload": "–" if other is None else format_count(other["workload"]),
                "difference": "–" if other is None else format_signed(point["wins"] - other["wins"]),
            }
        )
    return rows


def script_json(value: Any) -> Markup:
    """JSON for a data block of a page: nothing in it can end the block."""
    text = json.dumps(value, ensure_ascii=False)
    for sign, escaped in (("<", "\\u003c"), (">", "\\u003e"), ("&", "\\u0026")):
        text = text.replace(sign, escaped)
    return Markup(text)  # noqa: S704  JSON whose signs of markup are escaped above


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
