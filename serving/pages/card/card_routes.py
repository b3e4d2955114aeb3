"""The card's route."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import date, timedelta
from typing import Annotated, Any, get_args

from fastapi import APIRouter, Query, Request
from fastapi.responses import HTMLResponse, Response
from sqlalchemy import func, select

from features.errors import LeadScoreError
from features.schema.vocabulary import LeadList, Role
from models.explaining.framework import framework_names, load_framework
from models.explaining.language import Language
from models.explaining.qualification_policy import Action
from pipelines.scoring.shown_columns import NAMING
from serving.accounts.account_record import build_account
from serving.api.routes.worklist_params import Asked, Show
from serving.auth.api_keys import Caller
from serving.auth.dependencies import AppStateDep, Reader
from serving.leads.answer_history import group_answers, list_answers
from serving.leads.card import build_card, read_weekly_scores
from serving.leads.feedback import gave_back_a_stage, read_all_standing
from serving.leads.score_change import explain_score_change
from serving.lists.shown_worklist import limit_query, without_other_owners
from serving.pages.card import card_record
from serving.pages.card.card_charts import build_fall, build_history
from serving.pages.card.card_timeline import build_events
from serving.pages.card.log_form import build_log_form, undo_of_log
from serving.pages.language import language_of
from serving.pages.render import render_page
from serving.pages.worklist.worklist_addresses import WorklistAddress
from serving.pages.worklist.worklist_record import LIST_TITLES, REFERENCE, extra_columns, filters_on
from serving.pages.worklist.worklist_routes import VERDICTS, link_column
from serving.pages.written_values import write_in_hundred
from serving.problems import InvalidError
from serving.results.run_results import find_win_value, read_caution, why_points
from serving.schemas import Short
from serving.scopes import Scope
from serving.state.app_state import AppState
from serving.state.kept_views import KeptView
from serving.state.lead_scoring import version_of
from serving.store.silenced_leads import WITHDRAW
from serving.store.tables import ScoreRow
from serving.store.wall_clock import wall_now

router = APIRouter(include_in_schema=False, default_response_class=HTMLResponse)
_SAVED = (*VERDICTS, "answer", "field", "undone", "logged", "logged_before", "logged_later")  # what the page says


@router.get("/leads/{lead_id}")
def card_page(
    lead_id: str,
    request: Request,
    app_state: AppStateDep,
    caller: Reader,
    query: Asked,
    show: Annotated[Show, Query()] = "open",
    framework: Annotated[Short | None, Query()] = None,
    saved: Annotated[str, Query(max_length=20)] = "",
    was: Annotated[int | None, Query(ge=0, le=100)] = None,
    answer: Annotated[int | None, Query(ge=1)] = None,
    given: Annotated[int | None, Query(ge=1)] = None,
    logged: Annotated[int | None, Query(ge=1)] = None,
    noted: Annotated[int | None, Query(ge=1)] = None,
) -> Response:
    """One lead: what to do now and why; then what its score is made of, what is on record, and what happened.

    The filters of the list it was opened from stay in its address, so that back and next lead to the same list.
    ``answer``, ``given``, ``logged`` and ``noted`` are ids of what was just given, which can be undone: an answer, a
    verdict, an activity, a note.
    """
    state, language, chosen = app_state.loaded, language_of(request), app_state.framework(framework)
    card = build_card(app_state, lead_id, caller.owner, framework, language=language.code)
    source, cutoff = state.data.source, state.data.cutoff
    year = None if cutoff is None else cutoff.year
    answers = list_answers(app_state, lead_id, caller.owner)
    answered = group_answers(answers, source.questions, chosen)
    boxes = card_record.answer_boxes(card, chosen, state, language)
    criteria = card_record.describe_criteria(card, answered, source.questions, language, year)
    reasons, mind = card_record.describe_reasons(card, criteria, language)
    weekly, moved = _past_of(app_state, lead_id, caller.owner, framework, card["score"])
    account_id = state.data.account_id_of(lead_id)
    account = _account(app_state, account_id, caller) if account_id else None

    query = without_other_owners(query, caller)
    address = WorklistAddress.of(replace(query, page=1, size=50), show)
    place = None if card["closed"] else state.worklist.place_of(limit_query(app_state, query, caller, show), lead_id)
    link = link_column(app_state.settings.record_link, state)
    value, currency = find_win_value(app_state)

    return render_page(
        request,
        "card/card.html",
        caller,
        card=card,
        head=card_record.describe_head(card, language, str(card["question"])),
        stands=card["standing"],
        account_id=account_id,
        account=account,
        seats=card_record.describe_seats(account, lead_id, language),
        fall=build_fall(card, language) if card["mode"] != "points" else None,
        criteria=criteria,
        boxes=boxes,
        asked=next((box for box in boxes.values() if box.text and box.question), None),
        best=reasons,
        mind=mind,
        actions=list(get_args(Action)),
        history=build_history(weekly, language, _reference(card, language)),
        weekly=weekly,
        events=build_events(app_state, lead_id, caller.owner, card["said"], answers, language),
        log=build_log_form(app_state, language, only_notes=bool(card["silenced"])),
        undo_log=undo_of_log(app_state, lead_id, logged, noted),
        moved=moved,
        learned=[]
        if moved is None
        else card_record.describe_learned(moved, lead_id, source.questions, source.activity_kinds, language),
        frameworks=[load_framework(name) for name in framework_names()],
        change=None if moved is None or card["closed"] else moved["score_after"] - moved["score_before"],
        saved=saved if saved in _SAVED else "",
        listed_later=_is_listed_later(app_state, card, given),
        was=was,
        given=next((row["id"] for row in card["said"] if row["id"] == given and _can_undo(row)), None),
        undo=None if answer is None else card_record.undo_of_answer(answered, answer),
        address=address,
        list_title=language.text(LIST_TITLES.get(query.lead_list, "All open")),
        on=filters_on(state, address, app_state.framework(None), language),
        place=place,
        may_write=caller.may(Scope.FEEDBACK),
        link=link,
        snooze=_snooze_days(),
        extra=extra_columns(app_state, Role.DISPLAY, Role.PERSONAL, without=(*NAMING, link)),
        caution=read_caution(app_state),
        by_points=why_points(app_state),
        value=None if value is None or card["closed"] else _expected_value(app_state, lead_id, value),
        currency=currency,
    )


def _snooze_days() -> dict[str, date]:
    """The first day until which a lead may be put aside, and the usual one: a week, as without a day."""
    today = wall_now().date()
    return {"first": today + timedelta(days=1), "usual": today + timedelta(days=7)}


def _is_listed_later(app_state: AppState, card: Mapping[str, Any], given: int | None) -> bool:
    """Whether a return that was just taken back still keeps the lead off its list: the next load has it there."""
    lead_id, off = str(card["lead_id"]), card["closed"] or card["silenced"]
    if off or card["standing"]["lead_list"] == LeadList.RESTING:
        return False
    state = app_state.loaded
    missing = state.worklist.current_state_of(lead_id) is None and state.data.is_chosen(state.data.code(lead_id))
    return missing and gave_back_a_stage(app_state.store, state.data, lead_id, given)


def _can_undo(said: Mapping[str, Any]) -> bool:
    return said["verdict"] != WITHDRAW and not said["undone"]


def _expected_value(app_state: AppState, lead_id: str, value: float) -> float | None:
    line = app_state.loaded.worklist.line(lead_id)
    return None if line is None else float(line["probability"]) * float(line["worth"]) * value


def _reference(card: Mapping[str, Any], language: Language) -> tuple[int, str] | None:
    """The score that stands for a fixed chance, and that chance; None where points score, which stand for none."""
    if card["mode"] == "points" or card["reference_probability"] is None:
        return None
    return REFERENCE, write_in_hundred(language, card["reference_probability"])


def _past_of(
    app_state: AppState, lead_id: str, owner: str | None, framework: str | None, score: int
) -> tuple[list[dict[str, Any]], dict[str, Any] | None]:
    """Weekly scores, and what changed the score within a week; None without clocks, or for a lead created since.

    Both end with the score shown beside them: where time alone has moved that, they are worked out anew.
    """
    state = app_state.loaded
    code = state.find_lead(lead_id, owner)
    with app_state.store.reading() as session:
        version = version_of(app_state, session, state.data, code)
        of_lead = select(func.max(ScoreRow.id), func.count()).where(ScoreRow.lead_id == lead_id)
        served = tuple(session.execute(of_lead).one())  # the model that served the lead then is where the change begins

    def compute() -> tuple[list[dict[str, Any]], dict[str, Any] | None]:
        weekly = read_weekly_scores(app_state, state, code)
        try:
            return weekly, explain_score_change(app_state, lead_id, owner, None, framework)
        except InvalidError:
            return weekly, None

    found: tuple[list[dict[str, Any]], dict[str, Any] | None] = state.keep(
        KeptView(("past", lead_id, owner, framework, score, version, served), compute)
    )
    return found


def _account(app_state: AppState, account_id: str, caller: Caller) -> dict[str, Any] | None:
    """The account as the caller may see it, None where there is none to show."""
    try:
        return build_account(
            app_state, account_id, caller.owner, read_all_standing(app_state.store, app_state.loaded.data), brief=True
        )
    except LeadScoreError:
        return None
