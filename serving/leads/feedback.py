"""What sales says about leads: stored, never part of the score; the latest feedback counts until it expires."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from serving.leads.card import feedback_record
from serving.problems import InvalidError
from serving.schemas import FeedbackGiven
from serving.state.clock import wall_now
from serving.state.loaded_state import LoadedState
from serving.store.engine import Store
from serving.store.tables import AuditRow, Feedback

HIDING = ("snooze", "reject", "do_not_contact")
_DAYS = {"override": 90, "snooze": 7}  # until they expire unless the caller says otherwise: a quarter, a week


def _latest_ids() -> Any:
    """The id of the latest feedback of each lead."""
    return select(func.max(Feedback.id)).group_by(Feedback.lead_id)


def _is_valid_at(now: Any) -> Any:
    return or_(Feedback.expires_at.is_(None), Feedback.expires_at > now)


def find_hidden_leads(store: Store) -> frozenset[str]:
    """Leads that sales put aside: snoozed, rejected, or not to be contacted."""
    with store.reading() as session:
        query = select(Feedback.lead_id).where(Feedback.id.in_(_latest_ids()), Feedback.verdict.in_(HIDING))
        return frozenset(session.scalars(query.where(_is_valid_at(wall_now()))))


def find_latest_feedback(store: Store, lead_ids: Sequence[str]) -> dict[str, dict[str, Any]]:
    """The latest feedback on each lead, where it has not expired or been withdrawn."""
    with store.reading() as session:
        query = select(Feedback).where(Feedback.id.in_(_latest_ids().where(Feedback.lead_id.in_(list(lead_ids)))))
        rows = session.scalars(query.where(_is_valid_at(wall_now()), Feedback.verdict != "withdraw"))
        return {row.lead_id: feedback_record(row) for row in rows}


def add_feedback(
    session: Session, state: LoadedState, lead_id: str, body: FeedbackGiven, author: str
) -> dict[str, Any]:
    """Store feedback on a lead the caller may see.

    Raises
    ------
    InvalidError : a rejection without a reason, or an expiry in the past
    """
    if body.verdict in ("reject", "override") and not body.reason:
        raise InvalidError(f"'{body.verdict}' needs a reason, so that the rules can learn from it; see /docs.")

    now = wall_now()
    expires = body.expires_at or (now + timedelta(days=_DAYS[body.verdict]) if body.verdict in _DAYS else None)
    if expires is not None and expires <= now:
        raise InvalidError("expires_at is in the past; leave it out, or send a later time.")

    line = state.worklist.line(lead_id)
    row = Feedback(
        lead_id=lead_id,
        verdict=body.verdict,
        reason=body.reason,
        note=body.note,
        author=author,
        written_at=now,
        expires_at=expires,
        score=None if line is None else int(line["score"]),
        bundle_hash=state.model.bundle.hash,
    )
    session.add(row)
    session.flush()
    detail = {"verdict": body.verdict, "reason": body.reason}
    session.add(AuditRow(at=now, actor=author, action="feedback", subject=lead_id, detail=detail))
    return feedback_record(row)
