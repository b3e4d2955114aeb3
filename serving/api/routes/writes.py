"""Answers, activities, notes and feedback: written once, and the lead rescored at once."""

from typing import Annotated, Any

from fastapi import APIRouter, Header, Path, Request

from serving.auth.dependencies import AppStateDep, Writer
from serving.leads.contact_log.activity_writes import store_activity, withdraw_activity
from serving.leads.contact_log.lead_notes import store_note, withdraw_note
from serving.leads.looked_up import store_field
from serving.leads.writes import store_answer, store_feedback
from serving.schemas import ActivityPosted, AnswerGiven, FeedbackGiven, FieldGiven, NoteGiven, Short

router = APIRouter(prefix="/v1/leads/{lead_id}", tags=["writes"])
Key = Annotated[Short | None, Header(alias="Idempotency-Key", description="repeats with the same key count once")]
RowId = Annotated[int, Path(ge=1, le=2**31 - 1)]


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
    """The new card, and score and state before; a repeated ``activity_id`` is refused. The ``note`` is for people to
    read: no feature, and part of no file of activities. ``untrained`` names a kind that features count though the model
    in use never saw one by such an actor in its training.
    """
    answered = store_activity(app_state, caller, lead_id, body, key)
    request.app.state.metrics.leads.labels("activity").inc()
    return {name: value for name, value in answered.items() if name != "line"}


@router.delete("/activities/{activity}", summary="Take back an activity that was posted here; rescores the lead")
def delete_activity(
    lead_id: str, activity: RowId, app_state: AppStateDep, caller: Writer, key: Key = None
) -> dict[str, Any]:
    """The new card, and score and state before. The activity and its note are gone, as if they had never been said."""
    answered = withdraw_activity(app_state, caller, lead_id, activity, key)
    return {name: value for name, value in answered.items() if name != "line"}


@router.post("/notes", status_code=201, summary="A note about a lead; no activity, so nothing is scored again")
def post_note(lead_id: str, body: NoteGiven, app_state: AppStateDep, caller: Writer, key: Key = None) -> dict[str, Any]:
    """The note's id; its author is the caller."""
    return store_note(app_state, caller, lead_id, body, key)


@router.delete("/notes/{note}", summary="Take back a note")
def delete_note(lead_id: str, note: RowId, app_state: AppStateDep, caller: Writer, key: Key = None) -> dict[str, Any]:
    """The text is gone; the audit trail keeps who wrote and who removed it."""
    return withdraw_note(app_state, caller, lead_id, note, key)


@router.post("/feedback", status_code=201, summary="What sales says about a lead")
def post_feedback(
    lead_id: str, body: FeedbackGiven, app_state: AppStateDep, caller: Writer, key: Key = None
) -> dict[str, Any]:
    """Accept and reject are stages the lead enters: it becomes a SAL, or is recycled or disqualified by the lifecycle
    policy. ``override`` pins state and next action; it and ``reject`` need a reason. ``snooze`` puts aside,
    ``do_not_contact`` silences the lead everywhere until it is undone; ``withdraw`` undoes what ``undoes`` names, else
    the last one.
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
