"""A form that is sent twice, as by a double click: what it stored the first time, and whether that still counts."""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from sqlalchemy import func, select

from serving.auth.api_keys import Caller
from serving.leads.feedback import MOVING, find_decision
from serving.leads.writes import find_answer
from serving.state.app_state import AppState
from serving.store.engine import Store
from serving.store.tables import AnswerRow, Feedback, FieldRow
from serving.store.wall_clock import wall_now

Answer = Mapping[str, Any]


def find_before(
    app_state: AppState, caller: Caller, once: str, sent: Sequence[object], counts: Callable[[Answer], bool]
) -> tuple[str | None, Answer | None]:
    """The idempotency key to store a form under, and what it stored already, None where nothing that still counts.

    ``once`` marks one showing of the page, '' where the sender knows none: then each form is a new one. ``sent`` is all
    that the form says. A browser keeps pages it goes back to: what was taken back may be sent from there anew.
    """
    if not once:
        return None, None
    key = hashlib.sha256("\x00".join([once, *map(str, sent)]).encode()).hexdigest()
    while (answer := find_answer(app_state, caller, key)) is not None:
        if counts(answer):
            return key, answer
        key = hashlib.sha256(f"{key}\x00again".encode()).hexdigest()
    return key, None


def is_last_answer(store: Store, answer: Answer) -> bool:
    """Whether an answer that was stored is still the last one to its question."""
    return _is_last(store, AnswerRow, answer.get("answer"), "lead_id", "question")


def is_last_field(store: Store, answer: Answer) -> bool:
    """Whether a value that was looked up is still the last one of its company."""
    return _is_last(store, FieldRow, answer.get("field"), "account_id", "field")


def is_last_verdict(app_state: AppState, answer: Answer) -> bool:
    """Whether a verdict is still the last word on its lead, has not run out, and the CRM has not moved the lead on."""
    store, given = app_state.store, answer.get("id")
    if not _is_last(store, Feedback, given, "lead_id"):
        return False
    with store.reading() as session:
        row = session.get(Feedback, given)
        if row is None or row.verdict not in MOVING:
            return row is not None
        holds = find_decision(session, app_state.loaded.data, row.lead_id)
        return holds is not None and holds.id == given


def _is_last(store: Store, table: type[AnswerRow | FieldRow | Feedback], row_id: int | None, *about: str) -> bool:
    with store.reading() as session:
        row = None if row_id is None else session.get(table, row_id)
        if row is None:
            return False
        same = (getattr(table, name) == getattr(row, name) for name in about)
        ends = getattr(row, "expires_at", None)
        return session.scalar(select(func.max(table.id)).where(*same)) == row_id and (ends is None or ends > wall_now())
