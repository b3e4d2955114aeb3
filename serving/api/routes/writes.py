"""Answers, activities and feedback: written once, and the lead rescored at once."""

from typing import Annotated, Any

from fastapi import APIRouter, Header, Request

from serving.auth.dependencies import AppStateDep, Writer
from serving.leads.looked_up import store_field
from serving.leads.writes import store_activity, store_answer, store_feedback
from serving.schemas import ActivityPosted, AnswerGiven, FeedbackGiven, FieldGiven, Short

router = APIRouter(prefix="/v1/leads/{lead_id}", tags=["writes"])
Key = Annotated[Short | None, Header(alias="Idempotency-Key", description="repeats with the same key count once")]


@router.post("/answers", status_code=201, summary="An answer to a qualification question; rescores the lead")
def post_answer(
    lead_id: str, body: AnswerGiven, request: Request, app_state: AppStateDep, caller: Writer, key: Key = None
) -> dict[str, Any]:
    """The new card, and score and state before. ``met`` and ``not_met`` are stored as the declared answer that stands
    for them; ``dont_know`` withdraws the previous answer.
    """
    answered = store_answer(app_state, caller, lead_id, body, key)
    request.app.state.metrics.leads.labels("answer").inc()
    return {name: value for name, value in answered.items() if name != "line"}


@router.post("/activities", status_code=201, summary="An activity as it happens; rescores the lead")
def post_activity(
    lead_id: str, body: ActivityPosted, request: Request, app_state: AppStateDep, caller: Writer, key: Key = None
) -> dict[str, Any]:
    """The new card, and score and state before; a repeated ``activity_id`` is refused."""
    answered = store_activity(app_state, caller, lead_id, body, key)
    request.app.state.metrics.leads.labels("activity").inc()
    return {name: value for name, value in answered.items() if name != "line"}


@router.post("/feedback", status_code=201, summary="What sales says about a lead")
def post_feedback(
    lead_id: str, body: FeedbackGiven, app_state: AppStateDep, caller: Writer, key: Key = None
) -> dict[str, Any]:
    """Accept and reject (with a reason) are stages the lead enters: it becomes a SAL, or is recycled or disqualified by
    the lifecycle policy. ``override`` pins state and next action, ``snooze`` puts aside, ``do_not_contact`` silences
    the lead everywhere until it is undone; ``withdraw`` undoes what ``undoes`` names, else the last one.
    """
    given = store_feedback(app_state, caller, lead_id, body, key)
    return {name: value for name, value in given.items() if name != "line"}


@router.post("/fields", status_code=201, summary="A value of the lead's company that was looked up; rescores the lead")
def post_field(
    lead_id: str, body: FieldGiven, request: Request, app_state: AppStateDep, caller: Writer, key: Key = None
) -> dict[str, Any]:
    """The new card, and score and state before. From now on the value is part of the company's history, for all of its
    leads; an empty value withdraws it.
    """
    filled = store_field(app_state, caller, lead_id, body, key)
    request.app.state.metrics.leads.labels("field").inc()
    return {name: value for name, value in filled.items() if name != "line"}
