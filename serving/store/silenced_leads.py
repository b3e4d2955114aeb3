"""What sales said and nobody took back; first of all which leads must not be contacted."""

from sqlalchemy import ColumnElement, Select, select
from sqlalchemy.orm import Session

from serving.store.engine import Store
from serving.store.tables import Feedback

SILENT, WITHDRAW = "do_not_contact", "withdraw"


def taken_back() -> Select[int | None]:
    """Ids of feedback that was taken back."""
    return select(Feedback.undoes).where(Feedback.undoes.is_not(None))


def still_stands() -> ColumnElement[bool]:
    """Feedback that nobody took back."""
    return (Feedback.verdict != WITHDRAW) & Feedback.id.not_in(taken_back())


def stands(session: Session, feedback_id: int) -> bool:
    """Whether nobody took back a feedback."""
    return session.scalar(select(Feedback.id).where(Feedback.id == feedback_id, still_stands())) is not None


def find_silenced_leads(store: Store) -> frozenset[str]:
    """Leads that must not be contacted; by a row that is damaged otherwise, too."""
    with store.reading(whole=True) as session:
        return frozenset(session.scalars(select(Feedback.lead_id).where(still_stands(), Feedback.verdict == SILENT)))
