"""Writes: each is one transaction with its audit entry, its messages, its new score and its idempotency record."""

import hashlib
import json
import math
from collections.abc import Callable, Mapping
from typing import Any

from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from features.kernel.column_reader import micros_of, number_of, text_of
from features.point_in_time.microseconds import NEVER
from features.schema.source import Question
from features.schema.vocabulary import ColumnType
from serving.auth.api_keys import Caller, digest
from serving.leads.rescoring import lock_name, rescore
from serving.leads.verdicts import add_feedback
from serving.problems import ConflictError, InvalidError
from serving.schemas import AnswerGiven, FeedbackGiven
from serving.state.app_state import AppState
from serving.state.loaded_state import LoadedState
from serving.store.audit_trail import record_action
from serving.store.engine import hold_lock
from serving.store.named_people import hide_as_written
from serving.store.tables import AnswerRow, IdempotencyRecord
from serving.store.wall_clock import wall_now
from serving.webhooks.outbox import announce


class _KeyTakenError(ConflictError):
    """Another request with the same idempotency key is being answered, or just was."""


Work = Callable[[Session], dict[str, Any]]


def run_once(
    app_state: AppState, caller: Caller, key: str | None, asked: Mapping[str, Any], work: Work
) -> dict[str, Any]:
    """Do the work in one transaction; a repeated idempotency key returns the first answer again.

    Raises
    ------
    ConflictError : the key was used for something else, or its first request is still running
    """
    if key is None:
        with app_state.store.writing() as session:
            _keep_forgotten_out(app_state, session, asked)
            return work(session)

    wanted = hashlib.sha256(json.dumps(asked, sort_keys=True, default=str).encode()).hexdigest()
    try:
        with app_state.store.writing() as session:
            _keep_forgotten_out(app_state, session, asked)
            kept = _find_kept(session, caller, key)
            if kept is None:
                kept = IdempotencyRecord(caller=caller.identity, key=digest(key), request_hash=wanted, at=wall_now())
                kept.answer = {}
                session.add(kept)
                _take_key(session)
                kept.answer = work(session)
            return _answer_to(kept, wanted)
    except _KeyTakenError:  # PostgreSQL: another server was answering the same, and has done so by now
        with app_state.store.reading() as session:
            kept = _find_kept(session, caller, key)
            if kept is None:
                raise
            return dict(_answer_to(kept, wanted))


def _keep_forgotten_out(app_state: AppState, session: Session, asked: Mapping[str, Any]) -> None:
    """Nothing that a transaction writes is about somebody who is forgotten, or names them; asked inside it, so that
    nobody comes back meanwhile.
    """
    app_state.people.refuse_forgotten(asked.get("lead"))
    hide_as_written(session, app_state.people.register, app_state.context.source)


def _find_kept(session: Session, caller: Caller, key: str) -> IdempotencyRecord | None:
    """The record of an idempotency key, which is kept hashed: people make keys of addresses. Older ones are plain."""
    hashed = session.get(IdempotencyRecord, (caller.identity, digest(key)))
    return hashed or session.get(IdempotencyRecord, (caller.identity, key))


def _answer_to(kept: IdempotencyRecord, wanted: str) -> dict[str, Any]:
    """The answer that is kept, if it is one to this request."""
    if kept.request_hash != wanted:
        raise ConflictError("This idempotency key was used for another request; choose a new one.")
    return kept.answer


def find_answer(app_state: AppState, caller: Caller, key: str) -> dict[str, Any] | None:
    """What the request with an idempotency key was answered; None where there was none, or too long ago."""
    with app_state.store.reading() as session:
        kept = _find_kept(session, caller, key)
        return None if kept is None else dict(kept.answer)


def _take_key(session: Session) -> None:
    """Write the key's row; whatever the work itself runs into later is told as what it is."""
    try:
        session.flush()
    except IntegrityError as problem:
        raise _KeyTakenError(
            "A request with this idempotency key is still running; try again in a moment."
        ) from problem


def store_answer(
    app_state: AppState, caller: Caller, lead_id: str, body: AnswerGiven, key: str | None = None
) -> dict[str, Any]:
    """Store an answer and rescore its lead at once; see :class:`AnswerGiven` for what may be sent."""
    state = app_state.loaded
    code = state.find_lead(lead_id, caller.owner)
    value, author = _value_to_store(body, _find_question(state, body.question)), caller.sign(body.author)

    def work(session: Session) -> dict[str, Any]:
        hold_lock(session, lock_name(state, code))  # so that known_at follows the order of writing
        now = app_state.clock.next_known_at()
        row = AnswerRow(lead_id=lead_id, question=body.question, value=value, channel=body.channel, author=author)
        row.happened_at = row.known_at = now
        row.corrects = None if body.corrects is None else _find_wrong_answer(session, lead_id, body)
        session.add(row)

        channel = app_state.people.register.hide_in_text(body.channel, numbers=True)
        detail: dict[str, Any] = {"question": body.question, "status": body.status, "channel": channel}
        if row.corrects is not None:
            detail |= {"corrects": row.corrects}
        record_action(session, caller.name, "answer", lead_id, detail)
        session.flush()

        return {"answer": row.id} | rescore(app_state, session, state, code, "answer")

    return run_once(app_state, caller, key, {"lead": lead_id, **body.model_dump()}, work)


def store_feedback(
    app_state: AppState, caller: Caller, lead_id: str, body: FeedbackGiven, key: str | None = None
) -> dict[str, Any]:
    """Store what sales says about a lead, and the stage it enters by that, which is a row of the source."""
    state = app_state.loaded
    code = state.find_lead(lead_id, caller.owner)

    def work(session: Session) -> dict[str, Any]:
        given = add_feedback(app_state, session, state, code, body, caller)
        announce(session, "lead.feedback", {"lead_id": lead_id, "verdict": body.verdict, "reason": body.reason})
        return given

    since = {"undoes"} if body.undoes is None else None  # an older server kept its keys without it
    return run_once(app_state, caller, key, {"lead": lead_id, **body.model_dump(exclude=since)}, work)


def _find_wrong_answer(session: Session, lead_id: str, body: AnswerGiven) -> int:
    """The id of the answer that is corrected: one to this question about this lead."""
    wrong = session.get(AnswerRow, body.corrects)
    if wrong is None or (wrong.lead_id, wrong.question) != (lead_id, body.question):
        raise InvalidError("there is no such answer to correct; GET /v1/leads/{lead_id}/answers lists them.")
    return wrong.id


def _find_question(state: LoadedState, name: str) -> Question:
    known = state.data.source.questions
    if state.data.flat or name not in known:
        raise InvalidError(f"there is no such question; the source declares {', '.join(known) or 'none'}.")
    return known[name]


def _lowest_unmet(question: Question, met_from: float) -> float:
    """The number that stands for ``not_met``: the smallest possible one, or one below what meets the criterion."""
    lowest = min(0.0, met_from - 1) if question.minimum is None else question.minimum
    if lowest >= met_from:
        raise InvalidError("every possible number meets this question; send the number itself.")
    return lowest


def _check_number(given: Any, text: str, question: Question) -> None:
    found = number_of(text)
    if isinstance(given, bool) or not math.isfinite(found) or not question.holds(found):
        possible = question.range_words
        raise InvalidError(f"this question takes a number{f' {possible}' if possible else ''}.")


def _value_to_store(body: AnswerGiven, question: Question) -> str:
    """The value to store. ``met`` and ``not_met`` are stored as the declared value that stands for them."""
    if body.status != "value" and body.value is not None:
        raise InvalidError(f"the status {body.status} and a value contradict each other; send only one of them.")
    if body.status == "dont_know":
        return ""

    number = question.type is ColumnType.NUMBER
    if body.status == "value":
        value = text_of(body.value)
        if value is None:
            raise InvalidError("the answer has no value; send one, or the status met, not_met or dont_know.")
        if question.values and value not in question.values:
            raise InvalidError(f"this question takes {', '.join(question.values)}.")
        if number:
            _check_number(body.value, value, question)
        if question.type is ColumnType.TIMESTAMP and micros_of(value) == NEVER:
            raise InvalidError("this question takes a date; write it as 2026-03-31.")
        return value

    if number and question.met_minimum is not None:
        return f"{question.met_minimum if body.status == 'met' else _lowest_unmet(question, question.met_minimum):g}"
    if body.status == "met" and question.met:
        return question.met[0]
    unmet = [value for value in question.values if value not in question.met]
    if body.status == "not_met" and question.met and unmet:
        return unmet[0]
    raise InvalidError("the source does not say which answer meets this question; send the value itself.")
