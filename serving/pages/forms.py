"""What the pages' forms send: stored like the API's bodies, then back to the page."""

from collections.abc import Mapping
from datetime import date, datetime, time, timedelta
from functools import partial
from typing import Annotated, Any
from urllib.parse import quote, urlencode

from fastapi import APIRouter, Form, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from pydantic import ValidationError

from features.errors import PromotionError
from serving.auth.dependencies import Admin, AppStateDep, Writer, check_form_token
from serving.auth.oidc_claims import local_path
from serving.leads.looked_up import store_field
from serving.leads.writes import store_answer, store_feedback
from serving.pages.sent_forms import find_before, is_last_answer, is_last_field, is_last_verdict
from serving.problems import InvalidError
from serving.results.promotion import promote, roll_back
from serving.schemas import AnswerGiven, FeedbackGiven, FieldGiven
from serving.store.wall_clock import wall_now

router = APIRouter(include_in_schema=False, default_response_class=HTMLResponse)
Token = Annotated[str, Form(max_length=100)]
Field = Annotated[str, Form(max_length=500)]
Back = Annotated[str, Form(max_length=2000)]
_YEARS = range(1900, 2201)  # as of every timestamp that is sent


@router.post("/leads/{lead_id}/answers")
def post_answer(
    lead_id: str,
    request: Request,
    app_state: AppStateDep,
    caller: Writer,
    token: Token,
    question: Field,
    value: Field = "",
    status: Field = "value",
    channel: Field = "call",
    framework: Field = "",
    corrects: Field = "",
    undo: Field = "",
    once: Field = "",
    back: Back = "",
) -> Response:
    """An answer given on the card, or one that ``corrects`` another; the page comes back with the new score.

    ``undo`` is set where the correction takes back what was just said, so that the page says so. The same form sent
    again stores nothing, unless something else was said since; so do the forms below.
    """
    check_form_token(request, token)
    try:
        given = {"question": question, "status": status, "channel": channel, "corrects": corrects or None}
        body = AnswerGiven.model_validate(given | ({"value": value} if status == "value" else {}))
    except ValidationError as problem:
        raise InvalidError("this answer cannot be stored; choose one from the list.") from problem
    sent = ("answer", lead_id, question, value, status, channel, corrects, undo)
    key, before = find_before(app_state, caller, once, sent, partial(is_last_answer, app_state.store))
    stored = before or store_answer(app_state, caller, lead_id, body, key)
    done = {"saved": "undone"} if undo else {"saved": "answer", "answer": stored["answer"]}
    said = {**done, "framework": framework}
    said |= {} if stored["score_before"] is None else {"was": stored["score_before"]}
    return back_to_card(lead_id, back, said)


@router.post("/leads/{lead_id}/fields")
def post_field(
    lead_id: str,
    request: Request,
    app_state: AppStateDep,
    caller: Writer,
    token: Token,
    field: Field,
    value: Field = "",
    framework: Field = "",
    once: Field = "",
    back: Back = "",
) -> Response:
    """A field of the company that was looked up; the page comes back with the new score."""
    check_form_token(request, token)
    try:
        body = FieldGiven.model_validate({"field": field, "value": value, "channel": "card"})
    except ValidationError as problem:
        raise InvalidError("this value cannot be stored; it is too long.") from problem
    sent = ("field", lead_id, field, value)
    key, before = find_before(app_state, caller, once, sent, partial(is_last_field, app_state.store))
    if before is None:
        store_field(app_state, caller, lead_id, body, key)
    return back_to_card(lead_id, back, {"saved": "field", "framework": framework})


def back_to_card(lead_id: str, back: str, said: Mapping[str, Any]) -> Response:
    """The card again, with the list it was opened from, and what has just been done."""
    there = local_path(back) if back else f"/leads/{quote(lead_id, safe='')}"
    joined = "&" if "?" in there else "?"
    asked = urlencode({name: value for name, value in said.items() if value not in ("", None)})
    return RedirectResponse(f"{there}{joined}{asked}", status_code=303)


@router.post("/leads/{lead_id}/feedback")
def post_feedback(
    lead_id: str,
    request: Request,
    app_state: AppStateDep,
    caller: Writer,
    token: Token,
    verdict: Field = "",
    reason: Field = "",
    note: Field = "",
    state: Field = "",
    next_action: Field = "",
    undoes: Field = "",
    until: Field = "",
    once: Field = "",
    back: Back = "",
) -> Response:
    """Accept, reject, snooze and the like; back to the list as it was (``back``), else to the card.

    ``undoes`` alone takes back the feedback of that id; a snooze ends when the day ``until`` begins. The address
    carries the id of what was ``given``, so that *Undo* takes back that and nothing else.
    """
    check_form_token(request, token)
    try:
        verdict = verdict or ("withdraw" if undoes else "")
        said = {"verdict": verdict, "reason": reason, "note": note, "undoes": undoes or None}
        ends = {"expires_at": _start_of(until)} if until else {}
        pinned = {"state": state or None, "next_action": next_action or None} if verdict == "override" else {}
        body = FeedbackGiven.model_validate({**said, **pinned, **ends})
    except ValidationError as problem:
        raise InvalidError("this feedback cannot be stored; choose verdict and reason from the lists.") from problem
    if until and body.expires_at is not None and body.expires_at <= wall_now():
        first = wall_now().date() + timedelta(days=1)
        raise InvalidError(f"that day has begun already (UTC); choose {first} or a later day.")
    sent = ("feedback", lead_id, verdict, reason, note, state, next_action, undoes, until)
    key, before = find_before(app_state, caller, once, sent, partial(is_last_verdict, app_state))
    stored = before or store_feedback(app_state, caller, lead_id, body, key)
    return back_to_card(lead_id, back, {"saved": body.verdict, "lead": lead_id, "given": stored["id"]})


def _start_of(day: str) -> datetime:
    """The first moment of a day (UTC), as a field of a form has it."""
    try:
        found = date.fromisoformat(day)
    except ValueError:
        found = date.min
    if found.year not in _YEARS:
        raise InvalidError("this is not a day; choose one from the calendar.")
    return datetime.combine(found, time())


@router.post("/model/champion")
def post_champion(
    request: Request,
    app_state: AppStateDep,
    caller: Admin,
    token: Token,
    hash: Field = "",
    leaving: Field = "",
    reason: Field = "",
) -> Response:
    """Promote a kept bundle (with a reason, even if the gate refuses), or roll back where none is named.

    A form names the champion it was shown with (``leaving``): where another has become it, nothing moves. If the gate
    refuses, the page comes back with its answer.
    """
    check_form_token(request, token)
    why = reason.strip()
    try:
        if hash:
            promote(app_state, caller.name, hash, bool(why), why, leaving=leaving or None)
        else:
            roll_back(app_state, caller.name, leaving or None, why)
    except PromotionError:
        return RedirectResponse(f"/model?asked={quote(hash, safe='')}#gate", status_code=303)
    return RedirectResponse("/model", status_code=303)
