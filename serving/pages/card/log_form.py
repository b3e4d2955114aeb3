"""The form on the card by which people log a call, a mail, a meeting or a note, and what it sends."""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Form, Request
from fastapi.responses import HTMLResponse, Response
from pydantic import ValidationError

from models.explaining.language import Language
from models.explaining.wording.labels import capitalise, translate_label
from serving.auth.dependencies import AppStateDep, Writer, check_form_token
from serving.leads.contact_log.activity_writes import store_activity, withdraw_activity
from serving.leads.contact_log.lead_notes import store_note, withdraw_note
from serving.leads.contact_log.log_kinds import NOTE, WORDS, find_log_kinds
from serving.pages.forms import Back, Field, Token, back_to_card
from serving.pages.sent_forms import Answer, find_before
from serving.problems import InvalidError
from serving.schemas import LONGEST_NOTE, ActivityPosted, NoteGiven
from serving.state.app_state import AppState
from serving.store.tables import ActivityRow, NoteRow
from serving.store.wall_clock import wall_now

router = APIRouter(include_in_schema=False, default_response_class=HTMLResponse)
Text = Annotated[str, Form(max_length=2 * LONGEST_NOTE)]  # a browser sends two signs for each line break
RowId = Annotated[int | None, Form(ge=1, le=2**31 - 1)]


@dataclass(frozen=True, kw_only=True)
class LogForm:
    """What the form offers: kinds (value, text), the present to the minute, and the latest it takes: where the data end
    earlier than today, what happened today too.
    """

    kinds: tuple[tuple[str, str], ...]
    now: str
    latest: str
    longest: int


def build_log_form(app_state: AppState, language: Language, *, only_notes: bool) -> LogForm:
    """The form in a language; of a lead that nobody may contact, and without clocks, only notes are taken."""
    kinds = []
    for one in () if only_notes else find_log_kinds(app_state):
        label = translate_label(language, one.label) if one.label else language.text(WORDS[one.name])
        kinds.append((one.name, capitalise(label)))
    return LogForm(
        kinds=(*kinds, (NOTE, language.text("Note"))),
        now=f"{_present(app_state):%Y-%m-%dT%H:%M}",
        latest=f"{_latest(app_state):%Y-%m-%dT%H:%M}",
        longest=LONGEST_NOTE,
    )


def _present(app_state: AppState) -> datetime:
    return app_state.clock.now() or wall_now()


def _latest(app_state: AppState) -> datetime:
    return max(_present(app_state), wall_now())


def undo_of_log(app_state: AppState, lead_id: str, logged: int | None, noted: int | None) -> tuple[str, int] | None:
    """What takes back the activity or the note just given, None where it is gone."""
    with app_state.store.reading() as session:
        act = None if logged is None else session.get(ActivityRow, logged)
        note = None if noted is None else session.get(NoteRow, noted)
    if act is not None and act.lead_id == lead_id:
        return "activity", act.id
    return ("note", note.id) if note is not None and note.lead_id == lead_id else None


@router.post("/leads/{lead_id}/log")
def post_log(
    lead_id: str,
    request: Request,
    app_state: AppStateDep,
    caller: Writer,
    token: Token,
    kind: Field = NOTE,
    when: Field = "",
    shown: Field = "",
    note: Text = "",
    once: Field = "",
    back: Back = "",
) -> Response:
    """What happened, by whoever is signed in; the page comes back with it on top of what happened.

    ``shown`` is the time that the form came with: left as it was, it means the moment of sending. The same form sent
    again stores nothing and says so, unless what it stored was taken back. Features do not count what lies after the
    moment of scoring: of such an activity the page says so.
    """
    check_form_token(request, token)
    app_state.loaded.find_lead(lead_id, caller.owner)
    happened = None if when in ("", shown) else _read_moment(app_state, when)
    stored_as = {one.name: one.kind for one in find_log_kinds(app_state)}
    if kind not in (NOTE, *stored_as):
        raise InvalidError("there is nothing of this kind to log; choose one from the list.")

    def stands(answer: Answer) -> bool:
        return undo_of_log(app_state, lead_id, answer.get("activity"), answer.get("note")) is not None

    key, before = find_before(app_state, caller, once, (lead_id, kind, when, note), stands)
    if before is not None:
        same = {"logged": before.get("activity"), "noted": before.get("note")}
        return back_to_card(lead_id, back, {"saved": "logged_before", **same})
    try:
        if kind == NOTE:
            given = NoteGiven.model_validate({"note": note, "happened_at": happened})
            stored = store_note(app_state, caller, lead_id, given, key)
            return back_to_card(lead_id, back, {"saved": "logged", "noted": stored["note"]})
        sent = {"kind": stored_as[kind], "actor": "rep", "happened_at": happened, "note": note}
        body = ActivityPosted.model_validate(sent)
    except ValidationError as problem:
        if not note.strip():
            raise InvalidError("a note needs a text; write down what is to be remembered.") from problem
        raise InvalidError(f"this note cannot be stored; it takes at most {LONGEST_NOTE} characters.") from problem
    stored = store_activity(app_state, caller, lead_id, body, key)
    request.app.state.metrics.leads.labels("activity").inc()
    was = {} if stored["score_before"] is None else {"was": stored["score_before"]}
    saved = "logged" if happened is None or happened <= _present(app_state) else "logged_later"
    return back_to_card(lead_id, back, {"saved": saved, "logged": stored["activity"], **was})


def _read_moment(app_state: AppState, text: str) -> datetime:
    """A moment as a field of a form has it, in UTC; it must have happened."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        found = datetime.max
    if found.tzinfo is not None or not 1900 <= found.year <= 2200:
        raise InvalidError("this is not a time; choose one from the calendar.")
    if found > _latest(app_state):
        raise InvalidError("this has not happened yet; choose a time that has passed (UTC).")
    return found


@router.post("/leads/{lead_id}/log/undo")
def undo_log(
    lead_id: str,
    request: Request,
    app_state: AppStateDep,
    caller: Writer,
    token: Token,
    activity: RowId = None,
    note: RowId = None,
    once: Field = "",
    back: Back = "",
) -> Response:
    """Take back what was logged, by its id; the same form sent again leads to the same page."""
    check_form_token(request, token)
    app_state.loaded.find_lead(lead_id, caller.owner)
    if activity is None and note is None:
        raise InvalidError("name what is to be taken back.")
    key, before = find_before(app_state, caller, once, ("undo", lead_id, activity, note), _counts)
    if before is None and activity is not None:
        withdraw_activity(app_state, caller, lead_id, activity, key)
    elif before is None and note is not None:
        withdraw_note(app_state, caller, lead_id, note, key)
    return back_to_card(lead_id, back, {"saved": "withdraw"})


def _counts(answer: Answer) -> bool:
    """What was taken back stays so: an id is never given out again."""
    return "withdrawn" in answer
