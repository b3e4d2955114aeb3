"""Routes of the thresholds page."""

from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import APIRouter, Form, Query, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from features.errors import LeadScoreError
from features.kernel.column_reader import number_of
from models.judging.handoff.policy_names import Policy
from pipelines.workspace.csv_files import csv_line
from serving.auth.api_keys import Caller
from serving.auth.dependencies import Admin, AppStateDep, Reader, check_form_token
from serving.pages import tables
from serving.pages.language import language_of
from serving.pages.render import render_page
from serving.pages.thresholds.swaps import read_swaps
from serving.pages.thresholds.thresholds_view import build_thresholds_page
from serving.pages.told_sentences import tell
from serving.problems import InvalidError, NotFoundError
from serving.results import run_results
from serving.results.set_threshold import set_threshold
from serving.scopes import Scope
from serving.state.app_state import AppState

router = APIRouter(include_in_schema=False, default_response_class=HTMLResponse)
_INPUTS = ("handoffs_per_week", "share", "cost_per_handoff", "value_per_win")
_HIGHEST = 100  # of scores
_LARGEST_AMOUNT = 1e12  # as the API's own limit
POLICY_WORDS = {str(policy): policy.label for policy in Policy}
_CSV = ("score", "handoffs", "per_week", "share", "wins", "precision", "rubric_wins")


@dataclass(frozen=True)
class Typed:
    """What was entered in a dialog (``set`` or ``back``; empty: in none) and has to come back."""

    dialog: str = ""
    score: str = ""
    reason: str = ""


@router.get("/thresholds")
def thresholds_page(
    request: Request,
    app_state: AppStateDep,
    caller: Reader,
    score: Annotated[int | None, Query(ge=0, le=100)] = None,
    swaps: Annotated[str, Query(pattern="^(|all)$")] = "",
    handoffs_per_week: Annotated[int | None, Query(ge=1, le=100_000)] = None,
    share: Annotated[float | None, Query(gt=0, lt=1)] = None,
    cost_per_handoff: Annotated[str, Query(max_length=30)] = "",
    value_per_win: Annotated[str, Query(max_length=30)] = "",
    done: Annotated[str, Query(pattern="^(|set|later)$")] = "",
) -> Response:
    """Every score to hand off from, the named ones, who changes places, and the test weeks at another capacity."""
    values = (handoffs_per_week, share, _parse_amount(cost_per_handoff), _parse_amount(value_per_win))
    asked: dict[str, Any] = dict(zip(_INPUTS, values, strict=True))
    return _show(request, app_state, caller, asked, score=score, swaps=swaps, done=done)


@router.post("/thresholds/set")
def set_score(
    request: Request,
    app_state: AppStateDep,
    caller: Admin,
    token: Annotated[str, Form(max_length=100)],
    score: Annotated[str, Form(max_length=10)] = "",
    reason: Annotated[str, Form(max_length=500)] = "",
    replaces: Annotated[str, Form(max_length=10)] = "",
) -> Response:
    """Hand off from a score on, or, without one, from the declared one again."""
    check_form_token(request, token)
    language, text = language_of(request), score.strip()
    chosen = int(text) if text.isdecimal() and int(text) <= _HIGHEST else None
    problem = ""
    if text and chosen is None:
        problem = language.text("A threshold is a whole score from 0 to 100.")
    elif not reason.strip():
        problem = language.text("Say in a sentence why; it stays with the score.")
    else:
        try:
            seen = int(replaces) if replaces.isdecimal() else None
            found = set_threshold(app_state, chosen, caller, reason, seen)
        except LeadScoreError as refused:  # a run that is writing here, too: what was typed is kept
            problem = tell(language, refused.message)
    if problem:
        typed = Typed("set" if text else "back", text, reason)
        return _show(request, app_state, caller, dict.fromkeys(_INPUTS), score=chosen, problem=problem, typed=typed)
    at, done = "" if chosen is None else f"&score={chosen}", "set" if found["in_use"] else "later"
    return RedirectResponse(f"/thresholds?done={done}{at}", status_code=303)


def _show(
    request: Request,
    app_state: AppState,
    caller: Caller,
    asked: dict[str, Any],
    *,
    score: int | None = None,
    swaps: str = "",
    done: str = "",
    problem: str = "",
    typed: Typed | None = None,
) -> Response:
    """The page; ``problem`` says why what was ``typed`` was refused, and brings it back."""
    try:
        found = run_results.read_thresholds(app_state)
    except NotFoundError as nothing:
        return render_page(request, "shell/empty.html", caller, heading="Thresholds", text=nothing.message)
    changed = any(value is not None for value in asked.values())
    page = build_thresholds_page(app_state, found, score)
    if done == "later" and page is not None and not app_state.is_outdated():
        decided = page.in_use["declared"] if score is None else score
        done = "set" if page.in_use["score"] == decided else ""  # somebody has set another one meanwhile
    capacity = {**app_state.context.source.capacity.model_dump(), **(found.get("capacity") or {})}
    return render_page(
        request,
        "thresholds/page.html",
        caller,
        found=found,
        page=page,
        other=run_results.find_other_compared(app_state),
        by_points=app_state.loaded.model.bundle.by_points,
        swaps=read_swaps(app_state, caller.owner, language_of(request), everybody=swaps == "all"),
        tried=run_results.simulate(app_state, **asked) if changed else None,
        asked=asked,
        capacity=capacity,
        cost=_first_known(asked["cost_per_handoff"], capacity["cost_per_handoff"]),
        worth=_first_known(asked["value_per_win"], capacity["value_per_win"]),
        currency=capacity["currency"],
        flat=app_state.context.source.kind == "flat",
        policy_words=POLICY_WORDS,
        tables=tables,
        admin=caller.may(Scope.ADMIN) and not app_state.loaded.model.bundle.by_points,
        done=done,
        refused=problem,
        typed=typed or Typed(),
        status=422 if problem else 200,
    )


@router.get("/thresholds.csv")
def thresholds_csv(app_state: AppStateDep, caller: Reader) -> Response:
    """Every whole score as a line of a spreadsheet."""
    scores = run_results.read_thresholds(app_state).get("scores") or {"steps": []}
    heads = (*_CSV, "wins_low", "wins_high", "precision_low", "precision_high")
    lines = [csv_line(heads, "\r\n")]
    for row in scores["steps"]:
        lines.append(csv_line((*(row[name] for name in _CSV), *row["wins_ci"], *row["precision_ci"]), "\r\n"))
    named = {"content-disposition": 'attachment; filename="thresholds.csv"'}
    return Response("".join(lines), media_type="text/csv; charset=utf-8", headers=named)


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


def _first_known(*values: float | None) -> str:
    """The first value that is known, as an input shows it."""
    return next((f"{value:.2f}".removesuffix(".00") for value in values if value is not None), "")
