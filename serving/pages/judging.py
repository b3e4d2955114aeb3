"""Pages for managers and data scientists: thresholds, team, model."""

import json
from collections.abc import Mapping
from typing import Annotated, Any

import yaml
from fastapi import APIRouter, Form, Query, Request
from fastapi.responses import HTMLResponse, Response
from markupsafe import Markup

from features.errors import LeadScoreError
from features.rubric import Rubric, parse_rubric
from serving import judging, promotion
from serving.access import DeskOf, Reader, check_form_token
from serving.desk import Desk
from serving.keys import Caller, Scope
from serving.pages.render import grouped, page, percent, signed
from serving.pages.shapes import curve_chart
from serving.problems import InvalidError, UnknownThingError

router = APIRouter(include_in_schema=False, default_response_class=HTMLResponse)
_LONGEST_RUBRIC = 50_000
POLICY_WORDS = {
    "rubric_own_threshold": "rubric, at its own threshold",
    "model_equal_workload": "model, at the rubric's workload",
    "model_equal_precision": "model, at the rubric's precision",
    "rubric_at_capacity": "rubric, at capacity",
    "model_at_capacity": "model, at capacity",
    "model_best_value": "model, at best value",
}


@router.get("/thresholds")
def thresholds_page(
    request: Request,
    desk: DeskOf,
    caller: Reader,
    handoffs_per_week: Annotated[int | None, Query(ge=1, le=100_000)] = None,
) -> Response:
    """Rubric and model side by side at the same workload."""
    return _thresholds_page(request, desk, caller, handoffs_per_week, "")


@router.post("/thresholds")
def try_rubric(
    request: Request,
    desk: DeskOf,
    caller: Reader,
    token: Annotated[str, Form(max_length=100)],
    rubric: Annotated[str, Form(max_length=_LONGEST_RUBRIC)],
) -> Response:
    """Another rubric replayed on the same past weeks; nothing of it is kept."""
    check_form_token(request, token)
    return _thresholds_page(request, desk, caller, None, rubric)


def _thresholds_page(request: Request, desk: Desk, caller: Caller, asked: int | None, text: str) -> Response:
    try:
        found = judging.thresholds(desk)
    except UnknownThingError as nothing:
        return page(request, "empty.html", caller, heading="Thresholds", text=nothing.message)
    tried = None if asked is None else judging.simulate(desk, asked, None)
    own, refused = None, ""
    if text.strip():
        try:
            asked_for = parse_rubric(text, source=desk.context.source)
            _check_patterns(asked_for, desk.context.rubric, caller)
            own = judging.simulate(desk, None, None, asked_for)
        except LeadScoreError as problem:
            refused = problem.message
    rows = slider_rows(found)
    return page(
        request,
        "thresholds.html",
        caller,
        found=found,
        tried=tried,
        asked=asked,
        own=own,
        refused=refused,
        text=text or _yaml_of(desk.context.rubric),
        capacity=desk.context.source.capacity,
        flat=desk.context.source.kind == "flat",
        chart=curve_chart(found["curves"]),
        steps=rows,
        steps_json=script_json(rows),
        policy_words=POLICY_WORDS,
        swap=judging.swap_set(desk),
    )


def _check_patterns(asked: Rubric, used: Rubric | None, caller: Caller) -> None:
    """Regular expressions may run without end: new ones are for administrators to try."""
    new = _expressions(asked.model_dump()) - (set() if used is None else _expressions(used.model_dump()))
    if new and not caller.may(Scope.ADMIN):
        raise InvalidError(
            f"{min(new)} is a regular expression the rubric in use does not have; such patterns can take for ever, so "
            "an administrator has to try it. A glob such as *manager* needs nobody's leave."
        )


def _expressions(value: Any) -> set[str]:
    if isinstance(value, Mapping):
        return set().union(*(_expressions(part) for pair in value.items() for part in pair))
    if isinstance(value, list | tuple | set | frozenset):
        return set().union(*(_expressions(part) for part in value))
    is_expression = isinstance(value, str) and len(value) > 2 and value.startswith("/") and value.endswith("/")
    return {value} if is_expression else set()


def _yaml_of(rubric: Rubric | None) -> str:
    """The rubric in use, to start from."""
    if rubric is None:
        return ""
    record = rubric.model_dump(mode="json", by_alias=True, exclude_defaults=True)
    return yaml.safe_dump(record, sort_keys=False, allow_unicode=True, width=110)


def slider_rows(found: dict[str, Any]) -> list[dict[str, str]]:
    """Per workload of the model's curve: wins and precision of both, the rubric's at its nearest workload."""
    model = found["curves"].get("model", [])
    rubric = found["curves"].get("rubric", [])
    rows = []
    for point in model:
        other = min(rubric, key=lambda p: abs(p["workload"] - point["workload"]), default=None)
        rows.append(
            {
                "workload": grouped(point["workload"]),
                "share": percent(point["workload"] / found["leads"]) if found["leads"] else "–",
                "model_wins": grouped(point["wins"]),
                "model_precision": percent(point["precision"]),
                "model_between": f"{point['wins_ci'][0]:.0f} to {point['wins_ci'][1]:.0f}",
                "rubric_wins": "–" if other is None else grouped(other["wins"]),
                "rubric_precision": "–" if other is None else percent(other["precision"]),
                "rubric_workload": "–" if other is None else grouped(other["workload"]),
                "difference": "–" if other is None else signed(point["wins"] - other["wins"]),
            }
        )
    return rows


def script_json(value: Any) -> Markup:
    """JSON for a data block of a page: nothing in it can end the block."""
    text = json.dumps(value, ensure_ascii=False)
    for sign, escaped in (("<", "\\u003c"), (">", "\\u003e"), ("&", "\\u0026")):
        text = text.replace(sign, escaped)
    return Markup(text)


@router.get("/team")
def team_page(request: Request, desk: DeskOf, caller: Reader) -> Response:
    """Stages, service levels and queues as known at the data cut-off."""
    try:
        found = judging.lifecycle(desk)
    except LeadScoreError as nothing:
        return page(request, "empty.html", caller, heading="Team", text=nothing.message)
    return page(
        request,
        "team.html",
        caller,
        found=found,
        hot=judging.untouched(desk, caller.owner),
        late=judging.overdue(desk, caller.owner),
        titles=TITLES,
    )


TITLES = {
    "sla": "Service levels, in business hours",
    "funnel": "Funnel: leads per stage",
    "volumes": "Promised, sent, accepted and qualified per quarter",
    "recycled": "Recycled leads and what became of them",
}


@router.get("/model")
def model_page(
    request: Request,
    desk: DeskOf,
    caller: Reader,
    asked: Annotated[str | None, Query(pattern=r"^[0-9a-f]{8,64}$")] = None,
) -> Response:
    """Verdict, candidates, test figures, audit, features and versions; for administrators what the gate says."""
    found, admin = judging.model(desk), caller.may(Scope.ADMIN)
    answer = promotion.asked(desk, asked) if admin and asked is not None else None
    try:
        drift: dict[str, Any] = judging.drift(desk)
    except LeadScoreError as problem:
        drift = {"headline": problem.message, "findings": [], "features": []}
    return page(request, "model.html", caller, found=found, admin=admin, gate=answer, drift=drift)
